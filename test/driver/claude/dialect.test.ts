import { describe, expect, it } from 'vitest';
import { ClaudeDialect } from '#driver/claude/dialect.ts';
import { Reading, recorded, type Traffic } from '../recorded.ts';

/** The name of the turn in all recordings. */
const TURN = '01a1b2c3-0000-7000-8000-000000000001';
const LATER = '01a1b2c3-0000-7000-8000-000000000002';

const traffic = (name: string): Traffic => recorded(new URL('./recorded/', import.meta.url), name);
const dialect = (): ClaudeDialect => new ClaudeDialect({ cwd: '/home/dev/project' });

function reading(name: string, upTo?: string): { reading: Reading; claude: ClaudeDialect } {
  const claude = dialect();
  claude.prompt(TURN, 'anything');
  return { claude, reading: new Reading(claude).read(traffic(name), upTo) };
}

/** What a node reads that attaches when all this has been printed and written. */
function attached(name: string): Reading {
  const claude = dialect();
  for (const { from, line } of traffic(name)) if (from === '>') claude.wrote(line);
  return new Reading(claude).read(traffic(name));
}

describe('a turn with a command', () => {
  it('is told with its words, its permission, its tool, its usage and its end', () => {
    const told = reading('allow').reading;
    expect(told.states()).toEqual(['running', 'waiting', 'running', 'idle']);
    expect(told.of('session')).toEqual([{ kind: 'session', session: expect.stringMatching(/^c4bcb5a7-/) }]);
    expect(told.text()).toBe('let me\ndone now\nreally\n');
    expect(told.of('permission')).toEqual([
      {
        kind: 'permission',
        request: {
          request: 'e6b36f87-0a67-4243-b56f-1fc9b2f2f00c',
          kind: 'command',
          tool: 'Bash',
          title: 'echo x >> f && git add -A && git commit -qm m',
          detail: 'echo x >> f && git add -A && git commit -qm m',
          cwd: '/home/dev/project',
          paths: [],
        },
      },
    ]);
    expect(told.of('tool')).toMatchObject([
      { state: 'running', input: { text: expect.stringContaining('echo x >> f && git add -A') } },
      { state: 'completed', output: { text: '(Bash completed with no output)', chars: 31 } },
    ]);
    // After each message; how much fits is told with the result.
    expect(told.of('context')).toEqual([
      { kind: 'context', tokens: 1_234, max: null },
      { kind: 'context', tokens: 1_234, max: null },
      { kind: 'context', tokens: 1_234, max: 1_000_000 },
    ]);
    expect(told.of('usage').map(({ usage }) => usage)).toEqual([
      {
        model: 'claude-opus-5-5',
        inputTokens: 2_400,
        cachedTokens: 0,
        outputTokens: 68,
        reasoningTokens: 0,
        costUsd: 0.01096,
      },
    ]);
    expect(told.of('turn_ended')).toEqual([
      { kind: 'turn_ended', turn: TURN, outcome: 'completed', text: 'done now\nreally', exit: undefined },
    ]);
    expect(told.lines).toEqual([]);
  });

  it('gets its answer once, in the words of the tool', () => {
    const { claude, reading: told } = reading('allow', 'can_use_tool');
    expect(claude.isWaiting).toBe(true);
    const request = 'e6b36f87-0a67-4243-b56f-1fc9b2f2f00c';
    told.take(claude.answer(request, { behavior: 'allow', message: '' }));
    const updatedInput = { command: 'echo x >> f && git add -A && git commit -qm m', description: 'Stub command' };
    const response = { subtype: 'success', request_id: request, response: { behavior: 'allow', updatedInput } };
    expect(told.lines).toEqual([{ type: 'control_response', response }]);
    expect(claude.isWaiting).toBe(false);
    expect(claude.answer(request, { behavior: 'deny', message: '' }).lines).toEqual([]);
    expect(claude.answer('unknown', { behavior: 'allow', message: '' }).lines).toEqual([]);
  });
});

it('tells an edit as what goes and what comes, and a denial', () => {
  const edit = reading('edit').reading.of('permission')[0]?.request;
  expect(edit).toMatchObject({ kind: 'edit', title: 'Edit: /home/dev/project/README.md' });
  expect(edit).toMatchObject({ detail: '/home/dev/project/README.md\n-# A project\n+# The project' });
  expect(edit?.paths).toEqual(['/home/dev/project/README.md']);
  const denied = reading('deny').reading;
  expect(denied.of('tool').map(({ state }) => state)).toEqual(['running', 'denied']);
  expect(denied.of('turn_ended')).toMatchObject([{ outcome: 'completed', text: 'so be it' }]);
});

it('hands a question on, and its answer back', () => {
  const { claude, reading: told } = reading('question', 'can_use_tool');
  const [asked] = told.of('permission');
  expect(asked?.request).toMatchObject({ kind: 'question', detail: 'Which color?\n- Red: r\n- Blue: b' });
  told.take(claude.answer(asked?.request.request ?? '', { behavior: 'allow', message: 'Blue' }));
  expect(told.lines).toMatchObject([
    { response: { response: { behavior: 'allow', updatedInput: { answers: { 'Which color?': 'Blue' } } } } },
  ]);
});

it('tells an interrupt, also of a question, which is then void', () => {
  expect(reading('interrupt', '"result"').reading.of('turn_ended')).toMatchObject([{ outcome: 'interrupted' }]);
  const told = reading('interrupt-question').reading;
  const [asked] = told.of('permission');
  expect(told.of('permission_closed')).toEqual([{ kind: 'permission_closed', request: asked?.request.request }]);
  expect(told.of('turn_ended')).toMatchObject([{ outcome: 'interrupted' }]);
});

it('holds an interrupt until the turn has begun, where it would be heard by nobody', () => {
  const claude = dialect();
  claude.prompt(TURN, 'anything');
  expect(claude.interrupt('i1').lines).toEqual([]);
  const told = new Reading(claude).read(traffic('interrupt'), 'message_start');
  expect(told.lines).toEqual([{ type: 'control_request', request_id: 'i1', request: { subtype: 'interrupt' } }]);
});

it('tells a rate limit that passes, and a login that is missing', () => {
  const limited = reading('rate-limit').reading;
  expect(limited.states()).toEqual(['running', 'rate_limited', 'running', 'idle']);
  expect(limited.of('state')[1]).toMatchObject({ untilMs: 2_138, evidence: 'attempt 1 of 2 after 429 (rate_limit)' });
  const login = reading('login').reading;
  expect(login.states()).toEqual(['running', 'retrying', 'retrying', 'waiting']);
  expect(login.of('turn_ended')).toMatchObject([{ outcome: 'failed', failure: 'login' }]);
  expect(login.of('usage')).toEqual([]);
});

it('parks an agent until the reset that the service named', () => {
  const claude = dialect();
  claude.prompt(TURN, 'anything');
  const reset = { type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: 1_795_700_000 } };
  const end = { type: 'result', is_error: true, subtype: 'success', result: 'limit reached', api_error_status: 429 };
  const told = new Reading(claude)
    .take(claude.read(JSON.stringify(reset), 0))
    .take(claude.read(JSON.stringify(end), 0));
  expect(told.events).toMatchObject([
    { kind: 'state', state: 'rate_limited', untilMs: 1_795_700_000_000, evidence: 'limit reached' },
    { kind: 'turn_ended', outcome: 'failed', failure: 'rate_limited' },
  ]);
});

it('takes words during a turn as part of it, and those that come too late as a turn', () => {
  const { claude } = reading('steer', 'can_use_tool');
  expect(claude.steer(LATER, 'hurry')?.lines).toHaveLength(1);
  const all = reading('steer').reading;
  expect(all.of('turn_started')).toEqual([]);
  expect(all.of('turn_ended')).toHaveLength(1);
  const late = { type: 'command_lifecycle', command_uuid: LATER, state: 'started' };
  const after = dialect();
  expect(after.steer(LATER, 'hurry')).toBeUndefined();
  expect(after.read(JSON.stringify(late), 0).events[0]).toEqual({ kind: 'turn_started', turn: LATER });
});

describe('a node that attaches', () => {
  it('is told the last turn only, and the usage of all', () => {
    const told = attached('interrupt');
    expect(told.text()).toBe('OK (stub): again\n');
    expect(told.of('turn_ended')).toMatchObject([{ turn: LATER, outcome: 'completed' }]);
    expect(told.of('usage')).toHaveLength(2);
    expect(told.of('usage')).toEqual(reading('interrupt').reading.of('usage'));
    expect(told.of('session')).toHaveLength(1);
    expect(told.lines).toEqual([]);
  });

  it('is not asked what was answered, although the tool has not said so yet', () => {
    const claude = dialect();
    for (const { from, line } of traffic('allow')) if (from === '>') claude.wrote(line);
    const told = new Reading(claude).read(traffic('allow'), 'can_use_tool');
    expect(told.of('permission')).toEqual([]);
    expect(told.states()).toEqual(['running']);
  });

  it('is asked what was not', () => {
    const claude = dialect();
    for (const { from, line } of traffic('allow')) if (from === '>' && line.includes('"user"')) claude.wrote(line);
    expect(new Reading(claude).read(traffic('allow'), 'can_use_tool').of('permission')).toHaveLength(1);
  });

  it('knows of no turn where none was asked for', () => {
    expect(dialect().lastTurn).toBeUndefined();
  });
});

it('answers what it does not know with an error, and leaves alone what is no message', () => {
  const claude = dialect();
  claude.prompt(TURN, 'anything');
  const hook = { type: 'control_request', request_id: 'r1', request: { subtype: 'hook_callback' } };
  const told = new Reading(claude).take(claude.read(JSON.stringify(hook), 0));
  const response = { subtype: 'error', request_id: 'r1', error: 'skep does not answer hook_callback' };
  expect(told.lines).toEqual([{ type: 'control_response', response }]);
  for (const line of ['', 'no JSON', '[]', 'null', '{"type":"news"}', '{"type":"result"}'])
    expect(claude.read(line, 0)).toEqual({ events: [], lines: [] });
});

it('tells thoughts apart from words', () => {
  const claude = dialect();
  claude.prompt(TURN, 'anything');
  const streamed = (event: object): string => JSON.stringify({ type: 'stream_event', event });
  const block = (type: string) => streamed({ type: 'content_block_start', content_block: { type } });
  const piece = (delta: object) => streamed({ type: 'content_block_delta', delta });
  const told = new Reading(claude);
  for (const line of [
    block('thinking'),
    piece({ type: 'thinking_delta', thinking: 'Which file?' }),
    piece({ type: 'signature_delta', signature: 'xyz' }),
    streamed({ type: 'content_block_stop' }),
    block('text'),
    piece({ type: 'text_delta', text: 'This one.' }),
    streamed({ type: 'content_block_stop' }),
  ])
    told.take(claude.read(line, 0));
  expect(told.of('delta').map(({ stream, text }) => [stream, text])).toEqual([
    ['thought', 'Which file?'],
    ['stdout', 'This one.'],
    ['stdout', '\n'],
  ]);
});
