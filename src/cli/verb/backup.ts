/** `skep backup`: all that a node holds, copied while it goes on. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { read } from '../answers.ts';
import type { Client, NodeEvent } from '../client.ts';
import { NodeRefused } from '../client.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import type { Given } from '../given.ts';
import { ProgressLine } from '../progress.ts';
import { showJson } from '../show.ts';
import { quoted } from '../start/welcome.ts';
import { counted, size } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

export const backup: Leaf = {
  name: 'backup',
  summary: 'copy all that a node holds, while it goes on',
  about:
    'The copy is of one moment: the log with all its views, blobs, work that was salvaged and never delivered, the secret\n' +
    'of the swarm and the tokens. Not in it: the node’s key (skep restore makes a new node), clones and worktrees (they are\n' +
    'made again), and what agents are at just now. Keep it as secret as the data directory. Blobs are hard links where the\n' +
    'file system allows: take the directory to another disk.',
  args: [['<target>', 'directory on the node’s machine that is not there yet, or empty']],
  examples: [
    ['skep backup /mnt/backups/monday', 'this machine’s node'],
    ['skep backup ./monday --data-dir ./data --p2p-port 7102', 'another one of this machine'],
  ],
  asksNode: true,
  run: (given, world) => withNode(given, world, (node) => follow(given, node, world)),
};

const progressSchema = z.object({ step: z.string(), done: z.number(), total: z.number() });
const doneSchema = z.object({
  target: z.string(),
  node_id: z.string(),
  heads: z.record(z.string(), z.number()),
  files: z.number(),
  size_bytes: z.number(),
});
const failedSchema = z.object({ code: z.string() });

const STEPS: Readonly<Record<string, string>> = {
  database: 'Log and views',
  blobs: 'Blobs',
  work: 'Salvaged work',
  checksums: 'Checksums',
};

/** Ctrl-C ends the backup: the node sees this client leave, and takes back what it wrote. */
async function follow(given: Given, node: Client, world: World): Promise<ExitCode> {
  const target = resolve(world.cwd, given.arg(0));
  const ending = new AbortController();
  const off = world.onInterrupt(() => ending.abort());
  const line = new ProgressLine(world);
  try {
    const request = { method: 'POST' as const, path: '/api/swarm/backup', body: { target } };
    for await (const event of node.stream(request, ending.signal)) {
      const code = tell(event, { given, line, world });
      if (code !== undefined) return code;
    }
    line.close();
    world.err.write('Stopped: the node takes back what it wrote.\n');
    return EXIT.interrupted;
  } finally {
    off();
  }
}

/** The exit code once the last event is there. Events of newer nodes say nothing here. */
function tell({ event, data }: NodeEvent, o: { given: Given; line: ProgressLine; world: World }): ExitCode | undefined {
  if (event === 'backup.progress') {
    const { step, ...pages } = read(progressSchema, data);
    o.line.show(STEPS[step] ?? step, pages);
  }
  if (event === 'backup.failed') {
    o.line.close();
    const internal = read(failedSchema, data).code === 'internal';
    throw new NodeRefused({ status: internal ? 500 : 409, body: data });
  }
  if (event !== 'backup.done') return undefined;
  const made = read(doneSchema, data);
  if (o.given.json) return showJson(data, o.world);
  const ops = Object.values(made.heads).reduce((sum, head) => sum + head, 0);
  const logs = counted(Object.keys(made.heads).length, 'node');
  o.world.out.write(
    `${made.target}: ${counted(ops, 'op')} of ${logs}, ${counted(made.files, 'file')}, ${size(made.size_bytes)}\n`,
  );
  o.world.err.write(`Bring it back with: skep restore ${quoted(made.target)} --data-dir DIR\n`);
  return EXIT.ok;
}
