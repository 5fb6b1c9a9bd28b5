/** Agents of tests that live in terminals: the program in them is a shell, whose prompt is what an agent's prompt is. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeOptions } from '#host-options.ts';
import { socketPath, stateDirOf } from '#socket-path.ts';
import type { Json, Member } from './swarm.ts';

export const TOOL = 'bash --norc --noprofile';

/** Where the tmux server of a node's agents is found. */
export const socketOf = ({ options }: { options: Pick<NodeOptions, 'dataDir' | 'p2pPort'> }): string =>
  socketPath(join(stateDirOf(options.dataDir, options.p2pPort), 'tmux'), 'tmux');

/** What tmux printed; empty when it refused or its server does not run. */
export function tmux(member: Parameters<typeof socketOf>[0], args: readonly string[]): string {
  try {
    return execFileSync('tmux', ['-S', socketOf(member), ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return '';
  }
}

export async function addAgent(member: Member, o: Json = {}): Promise<Json> {
  return member.post('/api/swarm/agents', { name: 'one', tool: TOOL, capabilities: ['words'], ...o });
}

const agentOf = async (member: Member, id: unknown): Promise<Json | undefined> =>
  (await member.list('/api/swarm/agents')).find((one) => one['id'] === id);

export const untilStatus = (member: Member, agent: Json, status: string): Promise<Json> =>
  member.until(async () => {
    const one = await agentOf(member, agent['id']);
    return one?.['status'] === status ? one : undefined;
  });

export const addTask = (member: Member, description: string, o: Json = {}): Promise<Json> =>
  member.post('/api/swarm/tasks', { title: 'work', description, required_capabilities: ['words'], ...o });

export const stateOf = async (member: Member, agent: Json): Promise<unknown> =>
  (await member.get(`/api/swarm/agents/${String(agent['id'])}/explain`))['state'];

export const outputOf = async (member: Member, agent: Json): Promise<string> =>
  String((await member.get(`/api/swarm/agents/${String(agent['id'])}/output`))['output']);

const SHOWN_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 200;

/** Resolves when the terminal shows this: a key that is pressed before its question is drawn is lost. A screen that changes is no event. */
export async function untilOnScreen(member: Member, agent: Json, what: RegExp): Promise<void> {
  for (const untilMs = Date.now() + SHOWN_WITHIN_MS; ; await sleep(LOOK_EVERY_MS)) {
    const output = await outputOf(member, agent);
    if (what.test(output)) return;
    if (Date.now() > untilMs) throw new Error(`it never showed ${String(what)}:\n${output}`);
  }
}

export const untilProgress = (member: Member, task: Json, word: string): Promise<Json> =>
  member.until(async () => {
    const one = await member.task(String(task['id']));
    return String(one['progress']).includes(word) ? one : undefined;
  });

/** Prints `begun`, then waits until the file is there. */
export const waitingFor = (file: string): string =>
  `while [ ! -e ${file} ]; do echo begun; sleep 0.2; done; echo "TASK_RESULT: went on"`;

/** Resolves when the file is there. Its folder must be. */
export async function untilThere(file: string): Promise<void> {
  const watcher = watch(dirname(file));
  try {
    while (!existsSync(file)) await once(watcher, 'change');
  } finally {
    watcher.close();
  }
}
