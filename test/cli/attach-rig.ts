/** `skep agent attach` in a terminal of its own: a pane of a tmux server that the test started, as it were a person's. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import type { NodeOptions } from '#host-options.ts';
import type { Json, Member } from '../host/swarm.ts';
import { TestSwarm } from '../host/swarm.ts';
import { addAgent, untilStatus } from '../host/terminal-rig.ts';

/** Programs start in terminals in terminals, on a machine that others use, too. */
export const TEST_MS = 300_000;
const LOOK = { timeout: 120_000, interval: 100 };
/** Says how the command ended, and keeps its pane. */
const SAYING = ['sh', '-c', '"$@"; echo "ended with $?"; exec cat', 'sh'];
const SKEP = fileURLToPath(new URL('../../bin/skep.mjs', import.meta.url));
/** Another machine, as far as the command can tell. */
export const ELSEWHERE = [
  'unshare',
  '--uts',
  '--map-root-user',
  '--',
  'sh',
  '-c',
  'hostname elsewhere && exec "$@"',
  'sh',
];

/** Two nodes, an agent of the second one that has printed `inner 42`, and a person's terminal. */
export class AttachStage {
  readonly swarm: TestSwarm;
  readonly emperor: Member;
  readonly worker: Member;
  readonly agent: Json;
  readonly #bin: string;

  /** `of`: options of the agent's node. */
  static async open(of: Partial<NodeOptions> = {}): Promise<AttachStage> {
    const swarm = new TestSwarm();
    const [emperor, worker] = [await swarm.add(), await swarm.add(of)];
    await swarm.linked();
    const agent = await addAgent(worker, { project_path: swarm.repository('place') });
    await untilStatus(emperor, agent, 'idle');
    await emperor.post(`/api/swarm/agents/${String(agent['id'])}/send`, { text: 'echo "inner $((6 * 7))"' });
    return new AttachStage({ swarm, emperor, worker, agent });
  }

  private constructor(o: { swarm: TestSwarm; emperor: Member; worker: Member; agent: Json }) {
    this.swarm = o.swarm;
    this.emperor = o.emperor;
    this.worker = o.worker;
    this.agent = o.agent;
    this.#bin = join(o.swarm.dir, 'bin');
    mkdirSync(this.#bin);
  }

  /** A program that stands before those of the machine, for the command. */
  program(name: string, lines: string): void {
    const path = join(this.#bin, name);
    writeFileSync(path, `#!/bin/sh\n${lines}\n`);
    chmodSync(path, 0o755);
  }

  /** Runs the command in the person's terminal, asking this member's node. */
  attach(asked: Member, o: { before?: readonly string[]; after?: readonly string[] } = {}): void {
    const where = ['--data-dir', asked.options.dataDir, '--p2p-port', String(asked.options.p2pPort)];
    const words = [process.execPath, SKEP, 'agent', 'attach', 'one', ...where, ...(o.after ?? [])];
    this.#tmux('new-session', '-d', '-x', '130', '-y', '45', '--', ...SAYING, ...(o.before ?? []), ...words);
  }

  /** Keys of the person, as tmux names them. */
  press(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  screen(): string {
    return this.#tmux('capture-pane', '-p', '-J', '-S', '-');
  }

  async shows(text: string): Promise<void> {
    await vi.waitFor(() => {
      const screen = this.screen();
      if (!screen.includes(text)) throw new Error(`no ${JSON.stringify(text)} on the screen:\n${screen}`);
    }, LOOK);
  }

  async close(): Promise<void> {
    try {
      this.#tmux('kill-server');
    } catch {
      // It ended with its last pane, or none was made.
    }
    await this.swarm.close();
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-S', join(this.swarm.dir, 'outer'), '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${this.#bin}:${process.env['PATH'] ?? ''}` },
    }).trimEnd();
  }
}
