/**
 * codeswarm's first router, as a program: `ssh ls` and then `ssh cat` of every outbox each 0.2 s, over one shared connection. Its argument:
 * `{"config":…,"control":…,"base":…}`. Told by lines: `{"poll":true}`, `{"poll":false}`, `{"mailbox":"12_00","say":"hello"}`. It prints what the deltas
 * say, a line each, and `ready` when the connection stands.
 */
import { execFile } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const POLL_MS = 200;
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;
const run = promisify(execFile);

const { config, control, base }: { config: string; control: string; base: string } = JSON.parse(process.argv[2] ?? '');
const options = ['ControlMaster=auto', `ControlPath=${control}`, 'ControlPersist=600'].flatMap((one) => ['-o', one]);
const ssh = async (command: string): Promise<string> =>
  (await run('ssh', ['-F', config, ...options, 'there', '--', command], { maxBuffer: OUTPUT_MAX_BYTES })).stdout;

let isPolling = false;
let isOver = false;
let told = 0;

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const asked: { poll?: boolean; mailbox?: string; say?: string } = JSON.parse(line);
    isPolling = asked.poll ?? isPolling;
    if (asked.say === undefined) return;
    const record = JSON.stringify({ type: 'user', content: `say ${asked.say}` });
    void ssh(`printf '%s\\n' '${record}' >> ${base}/mailbox/inbox/${asked.mailbox}.jsonl`);
  })
  .on('close', () => (isOver = true));

await ssh('true');
process.stdout.write('ready\n');
while (!isOver) {
  await sleep(POLL_MS);
  if (!isPolling) continue;
  const box = `${base}/mailbox/outbox`;
  const names = (await ssh(`ls ${box}`)).split('\n').filter((name) => name !== '');
  const texts: string[] = [];
  for (const name of names) texts.push(await ssh(`cat ${box}/${name}`));
  const deltas = texts.flatMap((text) => text.split('\n').filter((line) => line.includes('assistant_delta')));
  for (const line of deltas.slice(told)) process.stdout.write(`${JSON.parse(line).payload.content}\n`);
  told = deltas.length;
}
await run('ssh', ['-F', config, '-o', `ControlPath=${control}`, '-O', 'exit', 'there']).catch(() => {});
