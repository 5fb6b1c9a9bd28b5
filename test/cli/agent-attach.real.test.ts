// Needs: tmux, unshare (util-linux)
/** `skep agent attach` in a terminal of its own, which is a pane of a tmux server that the test started. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Json, Member } from '../host/swarm.ts';
import { TestSwarm } from '../host/swarm.ts';
import { addAgent, outputOf, untilStatus } from '../host/terminal-rig.ts';

const TEST_MS = 60_000;
const LOOK = { timeout: 30_000, interval: 100 };
/** Says how the command ended, and keeps its pane. */
const SAYING = ['sh', '-c', '"$@"; echo "ended with $?"; exec cat', 'sh'];
const SKEP = fileURLToPath(new URL('../../bin/skep.mjs', import.meta.url));
/** Another machine, as far as the command can tell. */
const ELSEWHERE = ['unshare', '--uts', '--map-root-user', '--', 'sh', '-c', 'hostname elsewhere && exec "$@"', 'sh'];

let swarm: TestSwarm;
let emperor: Member;
let worker: Member;
let agent: Json;
let bin: string;

beforeEach(async () => {
  swarm = new TestSwarm();
  emperor = await swarm.add();
  worker = await swarm.add();
  await swarm.linked();
  agent = await addAgent(worker, { project_path: swarm.repository('place') });
  await untilStatus(emperor, agent, 'idle');
  await emperor.post(`/api/swarm/agents/${String(agent['id'])}/send`, { text: 'echo "inner $((6 * 7))"' });
  bin = join(swarm.dir, 'bin');
  mkdirSync(bin);
}, TEST_MS);

afterEach(async () => {
  try {
    outer('kill-server');
  } catch {
    // It ended with its last pane, or none was made.
  }
  await swarm.close();
}, TEST_MS);

/** The user's own tmux, in which the command runs as in any terminal. */
const outer = (...args: string[]): string =>
  execFileSync('tmux', ['-S', join(swarm.dir, 'outer'), '-f', '/dev/null', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
  }).trimEnd();

/** Runs it in the outer tmux, asking this member's node. */
function type(asked: Member, o: { before?: readonly string[]; after?: readonly string[] } = {}): void {
  const where = ['--data-dir', asked.options.dataDir, '--p2p-port', String(asked.options.p2pPort)];
  const words = [...(o.before ?? []), process.execPath, SKEP, 'agent', 'attach', 'one', ...where, ...(o.after ?? [])];
  outer('new-session', '-d', '-x', '130', '-y', '45', '--', ...SAYING, ...words);
}

const screen = (): string => outer('capture-pane', '-p', '-J', '-S', '-');
const untilShows = (text: string): Promise<unknown> => vi.waitFor(() => expect(screen()).toContain(text), LOOK);
const untilEnded = (): Promise<unknown> => untilShows('ended with 0');

describe('skep agent attach', () => {
  it.each(['its own node', 'another node of the machine'])(
    'makes this terminal the agent’s, asked of %s; C-b d leaves it at work',
    { timeout: TEST_MS },
    async (whose) => {
      type(whose === 'its own node' ? worker : emperor);
      await untilShows('inner 42');
      outer('send-keys', 'echo "typed $((6 * 8))"', 'Enter');
      await untilShows('typed 48');
      expect(await outputOf(emperor, agent)).toContain('typed 48');
      outer('send-keys', 'C-b', 'd');
      await untilEnded();
      await untilStatus(emperor, agent, 'idle');
    },
  );

  it(
    'prints the command to copy on a machine from which nobody said how to get there',
    { timeout: TEST_MS },
    async () => {
      type(emperor, { before: ELSEWHERE });
      await untilEnded();
      expect(screen()).toContain('It runs on node-1; nobody said how to get there by ssh. On that machine:');
      expect(screen().replaceAll('\n', '')).toContain(`attach-session -t '=${String(agent['tmux_session_id'])}'`);
    },
  );

  it('goes through ssh where that was said, and sits at the same terminal', { timeout: TEST_MS }, async () => {
    const said = join(swarm.dir, 'said');
    const ssh = join(bin, 'ssh');
    // It writes down what it is asked for, and does on this machine what the other one would.
    writeFileSync(ssh, `#!/bin/sh\nprintf '%s\\n' "$@" > '${said}'\nunset TMUX\neval "$4"\n`);
    chmodSync(ssh, 0o755);
    type(emperor, { before: ELSEWHERE, after: ['--ssh-to', 'me@there'] });
    await untilShows('inner 42');
    expect(existsSync(said)).toBe(true);
    const [tty, dashes, target, command] = readFileSync(said, 'utf8').split('\n');
    expect([tty, dashes, target]).toEqual(['-t', '--', 'me@there']);
    const { command: words } = await emperor.get(`/api/swarm/agents/${String(agent['id'])}/attach`);
    expect(command?.replaceAll("'", '').split(' ')).toEqual(words);
    outer('send-keys', 'C-b', 'd');
    await untilEnded();
  });
});
