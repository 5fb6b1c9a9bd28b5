/** A worker that writes as fast as a busy agent does, by `srun` one a node: `writer.ts BASE LINES_A_SECOND SECONDS`. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const TICK_MS = 100;

const [base = '', rate = '', seconds = ''] = process.argv.slice(2);
const job = process.env['SLURM_JOB_ID'] ?? '';
const node = Number(process.env['SLURM_NODEID']);
const box = join(base, 'mailbox/outbox');
mkdirSync(box, { recursive: true });
const path = join(box, `${job}_${String(node).padStart(2, '0')}.jsonl`);
const lines = Number(rate) * Number(seconds);
const each = (Number(rate) * TICK_MS) / 1_000;
const began = performance.now();
for (let at = 0; at < lines; at += each) {
  const records = Array.from({ length: Math.min(each, lines - at) }, (_, n) => ({
    type: 'worker_event',
    job_id: job,
    node_id: node,
    event: 'assistant_delta',
    payload: { content: `${node} ${at + n}` },
  }));
  appendFileSync(path, records.map((one) => `${JSON.stringify(one)}\n`).join(''));
  await sleep(Math.max(0, began + (at / each + 1) * TICK_MS - performance.now()));
}
