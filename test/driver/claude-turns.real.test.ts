// Needs: npm, 1.2 GB of disk for the agent CLIs
/** What a turn of the real Claude Code may meet. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClaudeDriver } from '#driver/claude/driver.ts';
import { killed, permission, ProtocolRig, said, script, state, WORDS } from './protocol-rig.ts';

const INSTALL_MS = 300_000;
const COMMIT = { preText: 'let me', bash: 'echo x >> f && git add -A && git commit -qm "By the agent"' };

let rig: ProtocolRig;
beforeAll(async () => {
  rig = await ProtocolRig.start(({ directory }) => new ClaudeDriver({ directory, nowMs: Date.now }));
}, INSTALL_MS);
afterAll(() => rig.close());

const inProject = (name: string): string => join(rig.home.project, name);

describe('a turn of the real claude', () => {
  it('edits and commits with leave, in a dirty repository, and a second one goes on with the conversation', async () => {
    writeFileSync(inProject('README.md'), '# Changed by somebody\n');
    const { session, events } = await rig.open({ instructions: 'You work for a test.' });
    await session.prompt(`Commit. ${script(COMMIT, { text: 'committed\nit' })}`);
    const asked = await permission(events);
    expect(asked).toMatchObject({ kind: 'command', tool: 'Bash', detail: COMMIT.bash, cwd: rig.home.project });
    expect(await waiting(events.seen)).toContain('permission: echo x >> f');
    await session.answer(asked.request, { behavior: 'allow', message: '' });
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'committed\nit', exit: undefined });
    expect(rig.home.git('log', '-1', '--format=%s').trim()).toBe('By the agent');
    expect(rig.home.git('show', '--format=', '--name-only', 'HEAD').trim().split('\n')).toEqual(['README.md', 'f']);
    expect(said(events)).toBe('let me\ncommitted\nit\n');
    expect(events.of('tool')).toMatchObject([
      { name: 'Bash', state: 'running', title: expect.stringContaining('echo x >> f') },
      { name: 'Bash', state: 'completed' },
    ]);
    expect(events.of('usage')).toMatchObject([{ usage: { inputTokens: 2_400, outputTokens: 68 } }]);
    await session.prompt(`Again. ${script({ text: 'and more' })}`);
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'and more' });
    expect(events.of('session')).toHaveLength(1);
    expect(events.of('usage')).toHaveLength(2);
    await session.close(1_000);
  });

  it('is denied an edit, is told why, and asks its questions', async () => {
    const { session, events } = await rig.open();
    const edit = { tool: 'Write', input: { file_path: inProject('new.txt'), content: 'one\ntwo\n' } };
    const options = [
      { label: 'Red', description: 'warm' },
      { label: 'Blue', description: 'cold' },
    ];
    const question = { questions: [{ question: 'Which colour?', header: 'Colour', options, multiSelect: false }] };
    await session.prompt(`Deny. ${script(edit, { tool: 'AskUserQuestion', input: question }, { text: 'so be it' })}`);
    const asked = await permission(events);
    expect(asked).toMatchObject({ kind: 'edit', tool: 'Write', paths: [inProject('new.txt')] });
    expect(asked.detail).toBe(`${inProject('new.txt')}\n+one\n+two`);
    await session.answer(asked.request, { behavior: 'deny', message: 'not there, please' });
    const next = await permission(events);
    expect(next).toMatchObject({
      kind: 'question',
      title: 'Which colour?',
      detail: 'Which colour?\n- Red: warm\n- Blue: cold',
    });
    await session.answer(next.request, { behavior: 'allow', message: 'Blue' });
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'so be it' });
    expect(existsSync(inProject('new.txt'))).toBe(false);
    expect(events.of('tool').filter((one) => one.kind === 'tool' && one.state === 'denied')).toHaveLength(1);
    expect(transcripts()).toContain('not there, please');
    expect(transcripts()).toContain('\\"Which colour?\\"=\\"Blue\\"');
    await session.close(1_000);
  });

  it('waits at a rate limit, goes on, and tells a storm, a login and a broken connection apart', async () => {
    const { session, events } = await rig.open();
    const limited = { status: 429, headers: { 'retry-after': '1' }, times: 1 };
    await session.prompt(`Limited. ${script(limited)}`);
    expect(await state(events, 'rate_limited')).toMatchObject({ exact: true, untilMs: expect.any(Number) });
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'recovered' });
    await session.prompt(`Storm. ${script({ status: 529 })}`);
    expect(await state(events, 'retrying')).toMatchObject({ evidence: 'attempt 1 of 2 after 529 (overloaded)' });
    expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'model' });
    await session.prompt(`Login. ${script({ status: 401 })}`);
    expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'login' });
    expect(events.of('state').at(-1)).toMatchObject({
      kind: 'state',
      state: 'waiting',
      evidence: expect.stringContaining('login: '),
    });
    await session.prompt(`Limit. ${script({ status: 429, headers: { 'retry-after': '0' } })}`);
    expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'rate_limited' });
    expect(events.of('state').at(-1)).toMatchObject({ kind: 'state', state: 'rate_limited' });
    await session.prompt(`Drop. ${script({ text: 'some words that are cut', drop: true, times: 1 })}`);
    expect(await state(events, 'retrying')).toMatchObject({ evidence: expect.stringContaining('a broken connection') });
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: expect.stringContaining('recovered') });
    await session.close(1_000);
  });

  it('is interrupted while the model is silent, while it asks, and before it has begun', async () => {
    const { session, events } = await rig.open();
    await session.prompt(`Silent. ${script({ hang: 60_000 })}`);
    await session.interrupt();
    expect(await events.ended()).toMatchObject({ outcome: 'interrupted' });
    await session.prompt(`Asks. ${script(COMMIT)}`);
    const asked = await permission(events);
    await session.interrupt();
    expect(await events.ended()).toMatchObject({ outcome: 'interrupted' });
    expect(events.of('permission_closed')).toEqual([{ kind: 'permission_closed', request: asked.request }]);
    await session.prompt(`After. ${script({ text: 'still here' })}`);
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'still here' });
    await session.close(1_000);
  });

  it('takes words while it works, and calls the tools that skep offers unasked', async () => {
    const { session, events } = await rig.open({ servers: [WORDS] });
    const word = { tool: 'mcp__words__word', input: {} };
    await session.prompt(`Steer. ${script(word, COMMIT, { text: 'done' })}`);
    const asked = await permission(events);
    await session.steer('and hurry');
    await session.answer(asked.request, { behavior: 'allow', message: '' });
    expect(await events.ended()).toMatchObject({ outcome: 'completed' });
    expect(events.of('turn_started')).toHaveLength(1);
    expect(transcripts()).toContain('and hurry');
    expect(transcripts()).toContain('the word is bee');
    expect(events.of('permission')).toHaveLength(1);
    await session.close(1_000);
  });

  it('goes on with the conversation in a new process when the old one was killed', async () => {
    const { session, events, spec } = await rig.open();
    // What Claude Code had not written down when it died, it cannot go on with.
    await session.prompt(`Killed. ${script({ text: 'kept in mind' })}`);
    await events.ended();
    await session.prompt(`Killed again. ${script(COMMIT)}`);
    await permission(events);
    killed(spec.procId);
    expect(await events.ended()).toMatchObject({
      outcome: 'failed',
      failure: 'agent_gone',
      exit: { signal: 'SIGKILL' },
    });
    await session.prompt(`Resumed. ${script({ text: 'resumed' })}`);
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'resumed' });
    expect(events.of('session')).toHaveLength(1);
    await session.close(1_000);
  });

  it('begins a new conversation where nothing was kept of the old one', async () => {
    const { session, events, spec } = await rig.open();
    await session.prompt(`Lost. ${script({ hang: 60_000 })}`);
    await events.until('the conversation', (one) => one.kind === 'session');
    killed(spec.procId);
    await events.ended();
    // Whether Claude Code has kept it is a race: where not, it says so once.
    const ends = [];
    for (let tries = 1; tries <= 2 && ends.at(-1)?.outcome !== 'completed'; tries += 1) {
      await session.prompt(`Found ${tries}. ${script({ text: 'found' })}`);
      ends.push(await events.ended());
    }
    expect(ends.at(-1)).toMatchObject({ outcome: 'completed', text: 'found' });
    expect([[], ['agent_gone']]).toContainEqual(ends.slice(0, -1).map(({ failure }) => failure));
    await session.close(1_000);
  });

  it('still asks after a restart of the node, and is not asked again for what was answered', async () => {
    const gate = join(rig.home.dir, 'gate');
    const first = await rig.open();
    const slow = { bash: `while [ ! -e ${gate} ]; do sleep 0.02; done; touch two` };
    await first.session.prompt(`Restart. ${script({ bash: 'touch one' }, slow, { text: 'both' })}`);
    const one = await permission(first.events);
    const second = await rig.restart(first);
    expect((await permission(second.events)).request).toBe(one.request);
    await second.session.answer(one.request, { behavior: 'allow', message: '' });
    const two = await permission(second.events);
    await second.session.answer(two.request, { behavior: 'allow', message: '' });
    const third = await rig.restart(second);
    await state(third.events, 'running');
    writeFileSync(gate, '');
    expect(await third.events.ended()).toMatchObject({ outcome: 'completed', text: 'both' });
    expect(third.events.of('permission')).toEqual([]);
    expect(third.events.of('turn_started')).toHaveLength(1);
    const again = await rig.restart(third);
    expect(await again.events.ended()).toMatchObject({ outcome: 'completed' });
    expect(again.events.of('usage')).toEqual(third.events.of('usage'));
    await again.session.close(1_000);
  });

  it('prints ten megabytes in a line', async () => {
    const { session, events } = await rig.open();
    await session.prompt(`Long. ${script({ text: 'x', repeat: 10_000_000, chunks: 1 })}`);
    const ended = await events.ended();
    expect(ended.outcome).toBe('completed');
    expect(ended.text).toHaveLength(10_000_000);
    await session.close(1_000);
  });
});

it('claude that is not installed, or does not know its conversation, is told of plainly', async () => {
  const missing = await rig.open({ env: { ...rig.home.env, PATH: '/usr/bin:/bin' } });
  await expect(missing.session.prompt('anything')).rejects.toMatchObject({
    code: 'not_started',
    message: expect.stringContaining('claude'),
  });
  await missing.session.close(1_000);
  const { session, events } = await rig.open({ resume: '11111111-1111-4111-8111-111111111111' });
  await session.prompt('anything');
  const ended = await events.ended();
  expect(ended).toMatchObject({ outcome: 'failed' });
  expect(ended.text).toContain('No conversation found');
  await session.close(1_000);
});

const waiting = async (seen: readonly object[]): Promise<string> =>
  JSON.stringify(seen.filter((one) => 'state' in one));

const transcripts = (): string =>
  execFileSync('sh', ['-c', 'cat projects/*/*.jsonl'], {
    cwd: rig.home.env['CLAUDE_CONFIG_DIR'],
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
