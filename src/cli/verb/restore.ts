/** `skep restore`: a new node made of a backup. No node is asked: none runs yet. */
import { resolve } from 'node:path';
import type { Restored } from '#host/restore.ts';
import type { ExitCode } from '../exit.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { findSettings } from '../find-settings.ts';
import { stateDir } from '../places.ts';
import { ProgressLine } from '../progress.ts';
import { SETTINGS } from '../settings.ts';
import { quoted } from '../start/welcome.ts';
import { shortNode } from '../short-id.ts';
import { showJson } from '../show.ts';
import { ago, counted, printableLine, size } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

const { dataDir, p2pPort } = SETTINGS;

export const restore: Leaf = {
  name: 'restore',
  summary: 'make a new node of a backup',
  about:
    'The new node has a key and an id of its own and all that the backup held; the rest it gets from the nodes it links\n' +
    'with. At its first start it says that it replaces the old one, whose directory must never be started again.\n' +
    'Nothing is taken over by itself: agents are registered anew, also projects whose repository lay on the old machine.\n' +
    'A task that only the old node could decide waits for ever: create another in its place with --supersedes.',
  args: [['<source>', 'directory that skep backup made']],
  options: [
    { flags: dataDir.flags, about: `${dataDir.about} ($XDG_STATE_HOME/skep, that is ~/.local/state/skep)` },
    { flags: p2pPort.flags, about: `${p2pPort.about} (${p2pPort.fallback})` },
    { flags: '--config <file>', about: 'another configuration file' },
  ],
  examples: [
    ['skep restore /mnt/backups/monday', 'then start it: skep up'],
    ['skep restore ./monday --data-dir ./new --p2p-port 7104', 'elsewhere'],
  ],
  run: async (given, world) => {
    const question = { usesFile: true, only: ['dataDir', 'p2pPort'] as const, fallbacks: { dataDir: stateDir(world) } };
    const { values } = await findSettings(given, world, question);
    const restored = await run(resolve(world.cwd, given.arg(0)), values, world);
    if (given.json) return showJson(json(restored), world);
    return tell(restored, values, world);
  },
};

type Where = { dataDir: string; p2pPort: number };

async function run(source: string, where: Where, world: World): Promise<Restored> {
  const { restoreBackup } = await import('#host/restore.ts');
  const line = new ProgressLine(world);
  const onProgress = (bytes: { done: number; total: number }): void => line.show('Copying and checking', bytes);
  const answer = await restoreBackup({ source, ...where, onProgress }).catch((cause: unknown) => {
    line.close();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(EXIT.negative, `cannot restore: ${why}`, { cause, detail: { code: 'failed' } });
  });
  if (!('refused' in answer)) return answer;
  line.close();
  const { message, code, expected, got } = answer;
  const hints = [
    ...(expected === undefined ? [] : [`expected: ${expected}`]),
    ...(got === undefined ? [] : [`got: ${got}`]),
  ];
  throw new CommandFailure(EXIT.negative, message, {
    hints,
    detail: { code, expected: expected ?? null, got: got ?? null },
  });
}

const json = (restored: Restored) => ({
  node_id: restored.node,
  state_dir: restored.stateDir,
  replaces: restored.old,
  name: restored.name,
  created_at: restored.createdAt,
  heads: restored.heads,
  size_bytes: restored.sizeBytes,
  has_secret: restored.hasSecret,
});

function tell(restored: Restored, where: Where, world: World): ExitCode {
  const { node, old, name, stateDir: dir, createdAt, heads, sizeBytes, hasSecret } = restored;
  const ops = Object.values(heads).reduce((sum, head) => sum + head, 0);
  const made = `${counted(ops, 'op')}, ${size(sizeBytes)}, backed up ${ago(createdAt, world.now())}`;
  world.out.write(`${dir}: node ${shortNode(node)}, in place of ${shortNode(old)} (${printableLine(name)}); ${made}\n`);
  if (!hasSecret)
    world.err.write('The backup holds no secret of the swarm: start the node with the SKEP_SECRET of the old one.\n');
  world.err.write(`Start it with: skep up --data-dir ${quoted(where.dataDir)} --p2p-port ${where.p2pPort}\n`);
  world.err.write('Never start the old directory again.\n');
  return EXIT.ok;
}
