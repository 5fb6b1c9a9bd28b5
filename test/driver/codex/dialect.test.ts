import { describe, expect, it } from 'vitest';
import { CodexDialect } from '#driver/codex/dialect.ts';
import type { CodexDialectOptions } from '#driver/codex/thread.ts';
import { Reading, recorded, type Traffic } from '../recorded.ts';

/** The name of the turn in all recordings. */
const TURN = 'turn-1';
const LATER = 'turn-2';
const THREAD = { cwd: '/home/dev/project', approvalPolicy: 'untrusted', sandbox: 'workspace-write' };

const traffic = (name: string): Traffic => recorded(new URL('./recorded/', import.meta.url), name);
const dialect = (o: Partial<CodexDialectOptions> = {}): CodexDialect =>
  new CodexDialect({ cwd: '/home/dev/project', version: '0.1.0', thread: THREAD, servers: [], resume: null, ...o });

function reading(name: string, upTo?: string): { reading: Reading; codex: CodexDialect } {
  const codex = dialect();
  const told = new Reading(codex).take(codex.begin()).take(codex.prompt(TURN, 'anything'));
  return { codex, reading: told.read(traffic(name), upTo) };
}

/** What a node reads that attaches when all this has been printed and written. */
function attached(name: string): { codex: CodexDialect; reading: Reading } {
  const codex = dialect();
  for (const { from, line } of traffic(name)) if (from === '>') codex.wrote(line);
  return { codex, reading: new Reading(codex).read(traffic(name)) };
}

describe('a turn with a command', () => {
  it('is asked for when there is a thread, and told with its words, its approval, its usage and its end', () => {
    const told = reading('accept').reading;
    expect(told.lines).toMatchObject([
      { id: 'init', method: 'initialize', params: { clientInfo: { name: 'skep', version: '0.1.0' } } },
      { method: 'initialized' },
      { id: 'thread', method: 'thread/start', params: THREAD },
      { id: TURN, method: 'turn/start', params: { input: [{ type: 'text', text: 'anything', text_elements: [] }] } },
    ]);
    expect(told.states()).toEqual(['running', 'waiting', 'running', 'idle']);
    expect(told.of('session')).toEqual([{ kind: 'session', session: '01a21863-90ca-78a1-a9d1-6b9d2a885f1d' }]);
    expect(told.text()).toBe('let me\ndone now\nreally\n');
    expect(told.of('permission')).toEqual([
      {
        kind: 'permission',
        request: {
          request: 'call_cb59d63a8a1d0f5f86 0',
          kind: 'command',
          tool: 'exec_command',
          title: 'echo x >> f && git add -A && git commit -qm m',
          detail: 'echo x >> f && git add -A && git commit -qm m',
          cwd: '/home/dev/project',
          paths: [],
        },
      },
    ]);
    expect(told.of('tool').map(({ state, title }) => [state, title])).toEqual([
      ['running', 'exec_command: echo x >> f && git add -A && git commit -qm m'],
      ['completed', 'exec_command: echo x >> f && git add -A && git commit -qm m'],
    ]);
    expect(told.of('tool').map(({ input, output }) => [input?.text, output])).toEqual([
      ['echo x >> f && git add -A && git commit -qm m', undefined],
      ['echo x >> f && git add -A && git commit -qm m', undefined],
    ]);
    expect(told.of('context').at(-1)).toEqual({ kind: 'context', tokens: 1_234, max: 258_400 });
    const thread = '01a21863-90ca-78a1-a9d1-6b9d2a885f1d';
    expect(told.of('usage').map(({ id }) => id)).toEqual([`${thread} 1234`, `${thread} 2468`]);
    expect(told.of('usage')[1]?.usage).toEqual({
      model: 'stub-model',
      inputTokens: 1_200,
      cachedTokens: 0,
      outputTokens: 34,
      reasoningTokens: 0,
      costUsd: null,
    });
    expect(told.of('turn_ended')).toEqual([
      { kind: 'turn_ended', turn: TURN, outcome: 'completed', text: 'done now\nreally', exit: undefined },
    ]);
  });

  it('gets its answer once, to the request of number 0', () => {
    const { codex, reading: told } = reading('accept', 'requestApproval');
    expect(codex.isWaiting).toBe(true);
    const request = told.of('permission')[0]?.request.request ?? '';
    const answer = codex.answer(request, { behavior: 'allow', message: '' });
    expect(answer.lines).toEqual([JSON.stringify({ id: 0, result: { decision: 'accept' } })]);
    expect(codex.answer(request, { behavior: 'deny', message: '' }).lines).toEqual([]);
  });
});

it('tells a change as its diff, and that it was declined', () => {
  const told = reading('decline').reading;
  expect(told.of('permission')[0]?.request).toMatchObject({
    kind: 'edit',
    tool: 'apply_patch',
    title: 'apply_patch: /home/dev/project/new.txt',
    detail: 'add /home/dev/project/new.txt\none\n',
    paths: ['/home/dev/project/new.txt'],
  });
  expect(told.of('tool').map(({ state }) => state)).toEqual(['running', 'denied']);
});

it('tells an interrupt, after which nothing is asked any more', () => {
  const told = reading('interrupt', 'turn/completed').reading;
  expect(told.of('permission_closed')).toHaveLength(1);
  expect(told.of('turn_ended')).toMatchObject([{ turn: TURN, outcome: 'interrupted' }]);
});

it('holds an interrupt until the turn has begun', () => {
  const codex = dialect();
  const told = new Reading(codex).take(codex.begin()).take(codex.prompt(TURN, 'anything')).take(codex.interrupt('i1'));
  told.read(traffic('interrupt'), 'turn/started');
  const params = { threadId: '01a21865-8209-7493-be82-159e500a20c5', turnId: '01a21865-8256-7bc2-8485-dc5fbdd8bd75' };
  expect(told.lines.at(-1)).toEqual({ id: 'i1', method: 'turn/interrupt', params });
  expect(told.lines).toHaveLength(5);
});

it('takes words during a turn', () => {
  const { codex } = reading('steer', 'agentMessage/delta');
  const [line = '{}'] = codex.steer('s1', 'hurry')?.lines ?? [];
  const params = { expectedTurnId: '01a21865-8e86-7e11-83c4-ea72df3eaff0' };
  expect(JSON.parse(line)).toMatchObject({ id: 's1', method: 'turn/steer', params });
  expect(reading('steer').reading.of('turn_ended')).toMatchObject([{ text: 'OK (stub): hurry' }]);
  expect(dialect().steer('s1', 'hurry')).toBeUndefined();
});

it('tells a rate limit that passes, and a login that is missing', () => {
  const limited = reading('rate-limit').reading;
  expect(limited.states()).toEqual(['running', 'rate_limited', 'running', 'idle']);
  expect(limited.of('state')[1]?.evidence).toContain('429 Too Many Requests');
  const login = reading('login').reading;
  expect(login.states()).toEqual(['running', 'retrying', 'waiting']);
  expect(login.of('turn_ended')).toMatchObject([{ outcome: 'failed', failure: 'login' }]);
});

it('parks an agent until the reset of the limit that is reached', () => {
  const { codex, reading: told } = reading('login', 'turn/started');
  const send = (method: string, params: object): Reading => told.take(codex.read(JSON.stringify({ method, params })));
  const primary = { usedPercent: 100, resetsAt: 1_795_700_000 };
  send('account/rateLimits/updated', {
    rateLimits: { primary, secondary: { usedPercent: 40, resetsAt: 1_796_000_000 } },
  });
  const error = { message: 'limit reached', codexErrorInfo: 'usageLimitExceeded' };
  send('turn/completed', { turn: { id: 'x', status: 'failed', error } });
  expect(told.events.slice(-2)).toMatchObject([
    { kind: 'state', state: 'rate_limited', untilMs: 1_795_700_000_000, evidence: 'limit reached' },
    { kind: 'turn_ended', outcome: 'failed', failure: 'rate_limited' },
  ]);
});

it('lets tools of skep be called unasked, and asks for those of others', () => {
  const asked = reading('tool-server').reading.of('permission')[0]?.request;
  expect(asked).toMatchObject({ kind: 'tool', tool: 'mcp__words__word' });
  expect(asked?.title).toBe('Allow the words MCP server to run tool "word"?');
  const codex = dialect({ servers: ['words'] });
  const told = new Reading(codex).take(codex.begin()).take(codex.prompt(TURN, 'anything')).read(traffic('tool-server'));
  expect(told.of('permission')).toEqual([]);
  expect(told.lines.at(-1)).toEqual({ id: 0, result: { action: 'accept', content: {} } });
});

it('reads what 0.104.0 says, which says everything twice, once', () => {
  const told = reading('older').reading;
  expect(told.states()).toEqual(['running', 'waiting', 'running', 'idle']);
  expect(told.text()).toBe('let me\ndone now\nreally\n');
  expect(told.of('permission')).toHaveLength(1);
  expect(told.of('usage')).toHaveLength(2);
  expect(told.of('tool').map(({ state }) => state)).toEqual(['running', 'completed']);
  expect(told.of('turn_ended')).toMatchObject([{ outcome: 'completed', text: 'done now\nreally' }]);
});

describe('a node that attaches', () => {
  it('is told the last turn only, and the usage of all, and writes nothing', () => {
    const { codex, reading: told } = attached('interrupt');
    expect(told.text()).toBe('OK (stub): again\n');
    expect(told.of('turn_ended')).toMatchObject([{ turn: LATER, outcome: 'completed' }]);
    expect(told.of('session')).toHaveLength(1);
    expect(told.of('usage')).toHaveLength(1);
    expect(told.of('permission')).toEqual([]);
    expect(told.lines).toEqual([]);
    expect(codex.lastTurn).toBeUndefined();
  });

  it('is not asked what was answered, and is asked what was not', () => {
    const told = (isAnswered: boolean): Reading => {
      const codex = dialect();
      const written = traffic('accept').filter(
        ({ from, line }) => from === '>' && (isAnswered || !line.includes('decision')),
      );
      for (const { line } of written) codex.wrote(line);
      return new Reading(codex).read(traffic('accept'), 'requestApproval');
    };
    expect(told(true).of('permission')).toEqual([]);
    expect(told(false).of('permission')).toHaveLength(1);
  });

  it('goes on with what a node that died had begun: the thread is asked for once', () => {
    const codex = dialect();
    codex.wrote(JSON.stringify({ id: 'init', method: 'initialize' }));
    const told = new Reading(codex).read(traffic('accept'), '"id":"init"');
    expect(told.lines).toMatchObject([{ method: 'initialized' }, { method: 'thread/start' }]);
    expect(codex.lastTurn).toBeUndefined();
  });
});

it('goes on with a conversation, and tells why it cannot', () => {
  const codex = dialect({ resume: 'old' });
  const told = new Reading(codex).take(codex.begin()).take(codex.prompt(TURN, 'anything'));
  told.take(codex.read('{"id":"init","result":{}}'));
  expect(told.lines.at(-1)).toMatchObject({ method: 'thread/resume', params: { threadId: 'old', excludeTurns: true } });
  told.take(codex.read('{"id":"thread","error":{"code":-32600,"message":"no rollout found for old"}}'));
  expect(told.of('turn_ended')).toMatchObject([{ turn: TURN, outcome: 'failed', text: 'no rollout found for old' }]);
});

it('goes on with a copy of a conversation, and names the copy', () => {
  const codex = dialect({ resume: 'old', isFork: true });
  const told = new Reading(codex).take(codex.begin()).take(codex.prompt(TURN, 'anything'));
  told.take(codex.read('{"id":"init","result":{}}'));
  expect(told.lines.at(-1)).toMatchObject({ method: 'thread/fork', params: { threadId: 'old', excludeTurns: true } });
  told.take(codex.read('{"id":"thread","result":{"thread":{"id":"new"}}}'));
  expect(told.of('session')).toEqual([{ kind: 'session', session: 'new' }]);
});

it('answers what it does not know with an error, and leaves alone what is no message', () => {
  const codex = dialect();
  codex.prompt(TURN, 'anything');
  const told = new Reading(codex).take(codex.read('{"id":7,"method":"attestation/generate","params":{}}'));
  expect(told.lines).toEqual([
    { id: 7, error: { code: -32_601, message: 'skep does not answer attestation/generate' } },
  ]);
  for (const line of [
    '',
    'no JSON',
    '[]',
    'null',
    '{}',
    '{"method":"news","params":{}}',
    '{"method":"turn/completed"}',
  ])
    expect(codex.read(line)).toEqual({ events: [], lines: [] });
});

it('tells what a call answered, with its exit code, and thoughts apart from words', () => {
  const codex = dialect();
  codex.prompt(TURN, 'anything');
  const told = new Reading(codex);
  const notice = (method: string, params: object): void => {
    told.take(codex.read(JSON.stringify({ method, params })));
  };
  notice('item/reasoning/summaryPartAdded', { itemId: 'r', summaryIndex: 0 });
  notice('item/reasoning/summaryTextDelta', { itemId: 'r', summaryIndex: 0, delta: 'Which file?' });
  const failed = { status: 'failed', aggregatedOutput: 'no such file\n', exitCode: 2 };
  notice('item/completed', { item: { type: 'commandExecution', id: 'c', command: "bash -lc 'cat x'", ...failed } });
  const changes = [{ path: '/p/a.ts', kind: { type: 'update' }, diff: '@@ -1 +1 @@\n-a\n+b\n' }];
  notice('item/started', { item: { type: 'fileChange', id: 'f', status: 'inProgress', changes } });
  const result = { content: [{ type: 'text', text: 'a word' }] };
  const call = { type: 'mcpToolCall', server: 'words', tool: 'word', arguments: { long: true } };
  notice('item/completed', { item: { ...call, id: 'm', status: 'completed', result } });
  expect(told.of('delta')).toEqual([{ kind: 'delta', stream: 'thought', text: 'Which file?' }]);
  expect(told.of('tool')).toMatchObject([
    { id: 'c', state: 'failed', input: { text: 'cat x' }, output: { text: 'no such file\n\n[exit code 2]' } },
    { id: 'f', state: 'running', input: { text: '/p/a.ts\n@@ -1 +1 @@\n-a\n+b\n' } },
    { id: 'm', state: 'completed', input: { text: 'long: true' }, output: { text: 'a word' } },
  ]);
});
