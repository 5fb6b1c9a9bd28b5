/** Containers whose client was killed while it started them: the engine keeps them as created or initialized for good. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { BoxSpec } from '#box-ports.ts';
import type { NodeId } from '#core/brand.ts';
import { tryOut } from './trial.ts';

const LABEL = 'skep.node';

/** Containers taken away by one call: what is left goes with the next. */
const SWEPT_MAX = 200;

/** Whose container it is, and a name that no other has, by which its client is found among the processes. */
export const nameOf = ({ name, node }: Pick<BoxSpec, 'name' | 'node'>): string[] => {
  const unique = `skep-${node.slice(0, 8)}-${name}-${randomBytes(6).toString('hex')}`;
  return ['--label', `${LABEL}=${node}`, '--name', unique];
};

/** Takes away this node's containers that have no client: whoever lists one after it was made and finds no client can be sure that none will come. */
export async function sweepContainers(o: {
  program: string;
  remove: readonly string[];
  node: NodeId;
}): Promise<number> {
  const { program, remove, node } = o;
  const list = ['ps', '--all', '--filter', `label=${LABEL}=${node}`, '--format', '{{.Names}}'];
  const found = await tryOut([program, ...list]);
  // Where the engine is missing or does not run, that is said by its probe; nothing is to be swept.
  if (found.code !== 0 || found.said === '') return 0;
  const held = namesOfClients();
  const left = found.said.split('\n').filter((name) => name.startsWith('skep-') && !held.has(name));
  if (left.length === 0) return 0;
  const gone = left.slice(0, SWEPT_MAX);
  const removed = await tryOut([program, ...remove, ...gone]);
  return removed.code === 0 ? gone.length : 0;
}

/** Names that living processes gave to the containers they run. */
function namesOfClients(): Set<string> {
  const names = new Set<string>();
  for (const pid of readdirSync('/proc').filter((one) => /^[0-9]+$/.test(one))) {
    const argv = commandOf(pid);
    const at = argv.indexOf('--name');
    const name = argv[at + 1];
    if (at !== -1 && name !== undefined) names.add(name);
  }
  return names;
}

/** Empty for a process that has ended meanwhile, or is hidden from this user. */
function commandOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
