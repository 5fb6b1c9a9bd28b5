// Needs: npm, 1.2 GB of disk for the agent CLIs
/** What a turn of the real Codex may meet. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentEvent } from '#agent-ports.ts';
import { CodexDriver } from '#driver/codex/driver.ts';
import { killed, permission, ProtocolRig, said, script, signalled, state, WORDS } from './protocol-rig.ts';

const INSTALL_MS = 300_000;
const COMMIT = { preText: 'let me', bash: 'echo x >> f && git add -A && git commit -qm "By the agent"' };
const ALLOW = { behavior: 'allow', message: '' } as const;

let rig: ProtocolRig;
beforeAll(async () => {
  rig = await ProtocolRig.start(() => new CodexDriver({ version: '0.0.0', nowMs: Date.now }));
}, INSTALL_MS);
afterAll(() => rig.close());

const inProject = (name: string): string => join(rig.home.project, name);
const repository = (): { writable: string[] } => ({ writable: [inProject('.git')] });

describe('a real codex that hangs', () => {
  it('is told as an error, ended, and started again with its conversation', { timeout: 300_000 }, async () => {
    const limits = { startMs: 60_000, requestMs: 20_000 };
    const hanging = new CodexDriver({ version: '0.0.0', nowMs: Date.now, limits });
    const { session, events, spec } = await rig.open({}, hanging);
    await session.prompt(script({ text: 'one' }));
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'one' });
    signalled(spec.procId, 'SIGSTOP');
    await session.prompt(script({ text: 'two' }));
    expect(await events.ended()).toMatchObject({
      outcome: 'failed',
      failure: 'agent_gone',
      exit: { error: 'request_timeout: turn/start' },
      text: expect.stringContaining('it has not answered turn/start within 20 s'),
    });
    expect(events.of('state').at(-1)).toMatchObject({ state: 'error' });
    await session.prompt(script({ text: 'three' }));
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'three' });
    expect(events.of('session')).toHaveLength(1);
    await session.close(1_000);
  });
});

describe('a turn of the real codex', () => {
  it('edits and commits with leave, in a dirty repository, and a second one goes on with the conversation', async () => {
    writeFileSync(inProject('README.md'), '# Changed by somebody\n');
    const { session, events } = await rig.open({ ...repository(), instructions: 'You work for a test.' });
    await session.prompt(`Commit. ${script(COMMIT, { text: 'committed\nit' })}`);
    const asked = await permission(events);
    expect(asked).toMatchObject({ kind: 'command', tool: 'exec_command', detail: COMMIT.bash, cwd: rig.home.project });
    await session.answer(asked.request, ALLOW);
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'committed\nit', exit: undefined });
    expect(rig.home.git('log', '-1', '--format=%s').trim()).toBe('By the agent');
    expect(rig.home.git('show', '--format=', '--name-only', 'HEAD').trim().split('\n')).toEqual(['README.md', 'f']);
    expect(said(events)).toBe('let me\ncommitted\nit\n');
    expect(events.of('tool')).toMatchObject([
      { name: 'exec_command', state: 'running', title: expect.stringContaining('exec_command: echo x >> f') },
      { name: 'exec_command', state: 'completed' },
    ]);
    const request = {
      inputTokens: 1_200,
      cachedTokens: 0,
      outputTokens: 34,
      model: 'stub-model',
    };
    expect(events.of('usage')).toMatchObject([{ usage: request }, { usage: request }]);
    await session.prompt(`Again. ${script({ text: 'and more' })}`);
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'and more' });
    expect(events.of('session')).toHaveLength(1);
    expect(events.of('usage')).toHaveLength(3);
    await session.close(1_000);
  });

  it('is denied an edit, and goes on; what it asks is answered with its tool servers unasked', async () => {
    const { session, events } = await rig.open({ servers: [WORDS] });
    const patch = ['*** Begin Patch', '*** Add File: new.txt', '+one', '*** End Patch'].join('\n');
    const word = { tool: 'word', namespace: 'mcp__words', input: {} };
    await session.prompt(`Deny. ${script({ bash: `apply_patch <<'EOF'\n${patch}\nEOF` }, word, { text: 'so be it' })}`);
    const asked = await permission(events);
    expect(asked).toMatchObject({ kind: 'edit', tool: 'apply_patch', paths: [inProject('new.txt')] });
    expect(asked.detail).toBe(`add ${inProject('new.txt')}\none\n`);
    await session.answer(asked.request, { behavior: 'deny', message: 'not there' });
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'so be it' });
    expect(existsSync(inProject('new.txt'))).toBe(false);
    const ends = events.of('tool').flatMap((one) => (one.kind === 'tool' && one.state !== 'running' ? [one] : []));
    expect(ends.map((one) => [one.name, one.state])).toEqual([
      ['apply_patch', 'denied'],
      ['mcp__words__word', 'completed'],
    ]);
    await session.close(1_000);
  });

  it('waits at a rate limit, goes on, and tells a storm, a login and a broken connection apart', async () => {
    const { session, events } = await rig.open();
    await session.prompt(`Limited. ${script({ status: 429, headers: { 'retry-after': '1' }, times: 1 })}`);
    expect(await state(events, 'rate_limited')).toMatchObject({ exact: true });
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'recovered' });
    await session.prompt(`Storm. ${script({ status: 529 })}`);
    expect((await state(events, 'retrying')).evidence).toContain('529');
    expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'model' });
    await session.prompt(`Login. ${script({ status: 401 })}`);
    expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'login' });
    expect(lastStateOf(events.seen)).toBe('waiting');
    await session.prompt(`Limit. ${script({ status: 429 })}`);
    expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'rate_limited' });
    expect(lastStateOf(events.seen)).toBe('rate_limited');
    await session.prompt(`Drop. ${script({ text: 'some words that are cut', drop: true, times: 1 })}`);
    await state(events, 'retrying');
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'recovered' });
    await session.close(1_000);
  });

  it('is interrupted while the model is silent, while it asks, and before it has begun; and takes words', async () => {
    const { session, events } = await rig.open();
    await session.prompt(`Silent. ${script({ hang: 60_000 })}`);
    await session.interrupt();
    expect(await events.ended()).toMatchObject({ outcome: 'interrupted' });
    await session.prompt(`Asks. ${script(COMMIT)}`);
    const asked = await permission(events);
    await session.interrupt();
    expect(await events.ended()).toMatchObject({ outcome: 'interrupted' });
    expect(events.of('permission_closed')).toEqual([{ kind: 'permission_closed', request: asked.request }]);
    await session.prompt(`Steer. ${script({ text: 'a long answer', chunks: 13, delayMs: 200 })}`);
    await events.until('a word', (one) => one.kind === 'delta');
    await session.steer('and hurry');
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'OK (stub): and hurry' });
    await session.close(1_000);
  });

  it('goes on with the conversation in a new process when the old one was killed', async () => {
    const { session, events, spec } = await rig.open();
    await session.prompt(`Killed. ${script({ text: 'kept in mind' })}`);
    await events.ended();
    await session.prompt(`Killed again. ${script(COMMIT)}`);
    await permission(events);
    killed(spec.procId);
    expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'agent_gone' });
    await session.prompt(`Resumed. ${script({ text: 'resumed' })}`);
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'resumed' });
    expect(events.of('session')).toHaveLength(1);
    // What the model used in the turn that was cut off, Codex had not said yet.
    const ids = events.of('usage').map((one) => (one.kind === 'usage' ? one.id : ''));
    expect([ids.length, new Set(ids).size]).toEqual([2, 2]);
    await session.close(1_000);
  });

  it('still asks after a restart of the node, and is not asked again for what was answered', async () => {
    const gate = inProject('gate');
    const first = await rig.open();
    const slow = { bash: `while [ ! -e ${gate} ]; do sleep 0.02; done; touch two` };
    await first.session.prompt(`Restart. ${script({ bash: 'touch one' }, slow, { text: 'both' })}`);
    const one = await permission(first.events);
    const second = await rig.restart(first);
    expect((await permission(second.events)).request).toBe(one.request);
    await second.session.answer(one.request, ALLOW);
    const two = await permission(second.events);
    expect(two.request).not.toBe(one.request);
    await second.session.answer(two.request, ALLOW);
    const third = await rig.restart(second);
    await state(third.events, 'running');
    writeFileSync(gate, '');
    expect(await third.events.ended()).toMatchObject({ outcome: 'completed', text: 'both' });
    expect(third.events.of('permission')).toEqual([]);
    const again = await rig.restart(third);
    expect(await again.events.ended()).toMatchObject({ outcome: 'completed' });
    expect(again.events.of('usage')).toEqual(third.events.of('usage'));
    await again.session.close(1_000);
  });
});

it('codex that is not installed, or does not know its conversation, is told of plainly', async () => {
  const missing = await rig.open({ env: { ...rig.home.env, PATH: '/usr/bin:/bin' } });
  await expect(missing.session.prompt('anything')).rejects.toMatchObject({ code: 'not_started' });
  await missing.session.close(1_000);
  const { session, events } = await rig.open({ resume: '01a21863-90ca-78a1-a9d1-6b9d2a885f1d' });
  await session.prompt('anything');
  const ended = await events.ended();
  expect(ended).toMatchObject({ outcome: 'failed' });
  expect(ended.text).toContain('01a21863');
  await session.close(1_000);
});

it('the pinned codex still has the methods and fields that the driver uses', async () => {
  const out = join(rig.home.dir, 'schema');
  const command = ['codex', 'app-server', 'generate-json-schema', '--out', out] as const;
  const { exit } = await rig.runtime().exec(command, { cwd: rig.home.project, env: rig.home.env, timeoutMs: 60_000 });
  expect(exit.code).toBe(0);
  const schema = (name: string): string => readFileSync(join(out, name), 'utf8');
  for (const [file, words] of Object.entries(USED)) {
    const text = schema(file);
    expect(words.split(' ').filter((word) => !text.includes(`"${word}"`))).toEqual([]);
  }
});

/** Where each method and field stands in the schema of the pinned version. */
const USED: Readonly<Record<string, string>> = {
  'ClientRequest.json': 'initialize thread/start thread/resume thread/fork turn/start turn/steer turn/interrupt',
  'ClientNotification.json': 'initialized',
  'ServerRequest.json':
    'item/commandExecution/requestApproval item/fileChange/requestApproval item/tool/requestUserInput ' +
    'mcpServer/elicitation/request item/permissions/requestApproval commandActions grantRoot serverName',
  'ServerNotification.json':
    'thread/status/changed turn/started turn/completed item/started item/completed item/agentMessage/delta ' +
    'serverRequest/resolved error willRetry codexErrorInfo httpStatusCode thread/tokenUsage/updated cachedInputTokens ' +
    'reasoningOutputTokens modelContextWindow account/rateLimits/updated usedPercent resetsAt commandExecution ' +
    'fileChange mcpToolCall',
  'v2/ThreadStartParams.json': 'cwd approvalPolicy untrusted sandbox workspace-write developerInstructions config',
  'v2/ThreadResumeParams.json': 'threadId excludeTurns',
  'v2/TurnStartParams.json': 'threadId input text_elements',
  'v2/TurnSteerParams.json': 'expectedTurnId',
  'CommandExecutionRequestApprovalResponse.json': 'accept decline',
  'FileChangeRequestApprovalResponse.json': 'accept decline',
};

const lastStateOf = (seen: readonly AgentEvent[]): string | undefined =>
  seen.flatMap((one) => (one.kind === 'state' ? [one.state] : [])).at(-1);
