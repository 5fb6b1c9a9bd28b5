// Needs: tmux, npm, 1.2 GB of disk for the agent CLIs
/** Real Claude Code, Codex and OpenCode in terminals say by the tools of skep how their task stands, for the attempt that they are in. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import type { Cli } from './agent-stage.ts';
import { AgentStage, subjects, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { addTask, untilStatus } from './terminal-rig.ts';

let stage: AgentStage;
let emperor: Member;
let worker: Member;
beforeEach(async () => {
  stage = await AgentStage.open();
  [emperor, worker] = [await stage.swarm.add(), await stage.swarm.add()];
  await stage.swarm.linked();
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

const hire = (cli: Cli): Promise<Json> => stage.agent(worker, { cli, place: stage.home.project, seenBy: emperor });

const call = (cli: Cli, tool: string, input: Json): Json =>
  cli === 'codex'
    ? { namespace: 'mcp__skep', tool, input }
    : { tool: cli === 'claude' ? `mcp__skep__${tool}` : `skep_${tool}`, input };

const COMMIT = { preText: 'let me', bash: 'echo two > two.txt && git add -A && git commit -qm two' };
const BYE = { text: 'Bye.', chunks: 8, delayMs: 100 };

const give = (steps: readonly Json[]): Promise<Json> =>
  addTask(emperor, `Do it. <<stub ${JSON.stringify(steps)}>>`, { attempts_max: 1 });

const done = async (steps: readonly Json[]): Promise<Json> => emperor.ended(String((await give(steps))['id']));

const secretOf = (agent: Json): string =>
  join(stateDirOf(worker.options.dataDir, worker.options.p2pPort), 'tools', `${String(agent['id'])}.json`);

describe.each(['claude', 'codex'] as const)('the real %s in a terminal', (cli) => {
  it('ends one task by task_complete and the next by task_failed', { timeout: TEST_MS }, async () => {
    const agent = await hire(cli);
    const completed = await done([COMMIT, call(cli, 'task_complete', { summary: 'Two is there; seen.' }), BYE]);
    expect(completed).toMatchObject({ status: 'completed', result: 'Two is there; seen.', attempt: 1 });
    expect(completed['work']).toMatchObject({ commits: 1 });
    expect(subjects(stage.home.project)).toEqual(['two', 'Begin']);
    await untilStatus(emperor, agent, 'idle');
    const failed = await done([call(cli, 'task_failed', { reason: 'There is nothing here.' }), BYE]);
    expect(failed).toMatchObject({ status: 'failed', reason: 'script_failed', error: 'There is nothing here.' });
    expect(statSync(secretOf(agent)).mode & 0o777).toBe(0o600);
    expect(stage.served.filter(({ status }) => status === 404)).toEqual([]);
  });

  it('asks people by task_needs_input, and has their answer as its next prompt', { timeout: TEST_MS }, async () => {
    await hire(cli);
    const task = await give([call(cli, 'task_needs_input', { question: 'Which colour?' }), BYE]);
    const asked = await emperor.until(async () => (await emperor.list('/api/approvals?state=open'))[0]);
    expect(asked).toMatchObject({ title: 'Which colour?' });
    const then = `Blue. <<stub ${JSON.stringify([call(cli, 'task_complete', { summary: 'It is blue.' }), BYE])}>>`;
    await emperor.post(`/api/approvals/${String(asked['id'])}`, { decision: 'allow', note: then });
    expect(await emperor.ended(String(task['id']))).toMatchObject({ status: 'completed', result: 'It is blue.' });
  });

  it('is told that nothing was noted of another attempt, and without its secret', { timeout: TEST_MS }, async () => {
    const agent = await hire(cli);
    const late = call(cli, 'task_failed', { reason: 'Late.', attempt: 'another.1' });
    expect(await done([late, BYE])).toMatchObject({ status: 'completed', result: 'Bye.' });
    await untilStatus(emperor, agent, 'idle');
    rmSync(secretOf(agent));
    expect(await done([call(cli, 'task_failed', { reason: 'Nobody.' }), BYE])).toMatchObject({ status: 'completed' });
  });
});

it.each(['claude', 'codex', 'opencode'] as const)(
  'the real %s in a terminal commits, writes to its people and completes, by tools that its program was started with',
  { timeout: TEST_MS },
  async (cli) => {
    await hire(cli);
    const says = call(cli, 'message_send', { to: 'operator', body: `Hello from ${cli}.` });
    const completed = await done([COMMIT, says, call(cli, 'task_complete', { summary: 'Two is there; seen.' }), BYE]);
    expect(completed).toMatchObject({ status: 'completed', result: 'Two is there; seen.', attempt: 1 });
    expect(subjects(stage.home.project)).toEqual(['two', 'Begin']);
    const heard = async (): Promise<true | undefined> =>
      JSON.stringify(await emperor.list('/api/messages')).includes(`Hello from ${cli}.`) ? true : undefined;
    expect(await emperor.until(heard)).toBe(true);
  },
);
