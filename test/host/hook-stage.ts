/** Agents in terminals that tell of themselves by hooks: two nodes, one that has them and one that only looks and answers. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import { AgentStage } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { tmux } from './terminal-rig.ts';

/** What an agent is told to run, which its tool asks leave for. */
export const COMMIT = 'echo two > two.txt && git add -A && git commit -qm two';
const KEY_EVERY_MS = 1_000;
const KEY_MAX = 60;

export class HookStage {
  readonly stage: AgentStage;
  readonly emperor: Member;
  /** The agents are its. */
  readonly worker: Member;

  private constructor(stage: AgentStage, emperor: Member, worker: Member) {
    this.stage = stage;
    this.emperor = emperor;
    this.worker = worker;
  }

  static async open(): Promise<HookStage> {
    const stage = await AgentStage.open();
    const opened = new HookStage(stage, await stage.swarm.add(), await stage.swarm.add());
    await stage.swarm.linked();
    return opened;
  }

  explained(agent: Json): Promise<Json> {
    return this.emperor.get(`/api/swarm/agents/${String(agent['id'])}/explain`);
  }

  /** Resolves with how it stands when that is so. */
  untilStands(agent: Json, how: Json): Promise<Json> {
    return this.emperor.until(async () => {
      const one = await this.explained(agent);
      return Object.entries(how).every(([name, value]) => one[name] === value) ? one : undefined;
    });
  }

  /** A task whose one command the tool asks leave for. */
  asking(o: Json = {}): Promise<Json> {
    return this.stage.task(this.emperor, [{ preText: 'let me', bash: COMMIT }], { attempts_max: 1, ...o });
  }

  asked(): Promise<Json> {
    return this.emperor.until(async () => (await this.emperor.list('/api/approvals?state=open'))[0]);
  }

  /** A dialog that has just been drawn takes no key yet: presses again until it is so. The key does nothing where there is no dialog. */
  async pressUntil(agent: Json, key: string, isSo: () => Promise<boolean>): Promise<void> {
    const pane = `=${String(agent['tmux_session_id'])}:`;
    for (let tries = 0; tries < KEY_MAX && !(await isSo()); tries += 1) {
      tmux(this.worker, ['send-keys', '-t', pane, key]);
      await sleep(KEY_EVERY_MS);
    }
  }

  async isClosed(approval: Json): Promise<boolean> {
    return (await this.emperor.get(`/api/approvals/${String(approval['id'])}`))['state'] !== 'open';
  }
}

/**
 * The secret is in its own file, for this user alone, and neither in arguments and variables of the program nor in the log. `told`: where the
 * program is told of the folder.
 */
export function keepsItsSecret({ stage, worker }: HookStage, agent: Json, told: 'cmdline' | 'environ'): void {
  const { options } = worker;
  const folder = join(stateDirOf(options.dataDir, options.p2pPort), 'hooks');
  const path = join(folder, `${String(agent['id'])}.json`);
  const { token }: { token: string } = JSON.parse(readFileSync(path, 'utf8'));
  expect(token).toMatch(/^skep_hook_/);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  const session = `=${String(agent['tmux_session_id'])}:`;
  const pid = tmux(worker, ['display-message', '-p', '-t', session, '#{pane_pid}']);
  for (const what of ['cmdline', 'environ']) expect(readFileSync(`/proc/${pid}/${what}`, 'utf8')).not.toContain(token);
  expect(readFileSync(`/proc/${pid}/${told}`, 'utf8')).toContain(folder);
  expect(readFileSync(join(folder, '..', 'skep.db')).includes(token)).toBe(false);
  expect(stage.swarm.log.join('\n')).not.toContain(token);
}
