import { describe, expect, it } from 'vitest';
import { eventSchema, permissionSchema } from '#driver/opencode/api.ts';
import { Translator } from '#driver/opencode/translate.ts';

/** As OpenCode 1.18.33 tells them, without what is not read. */
const SESSION = 'ses_1';
const event = (type: string, properties: object) =>
  eventSchema.parse({ type, properties: { sessionID: SESSION, ...properties } });
const busy = event('session.status', { status: { type: 'busy' } });
const idle = event('session.idle', {});
const assistant = (id: string, more: object = {}) =>
  event('message.updated', { info: { id, role: 'assistant', modelID: 'stub-model', ...more } });
const part = (id: string, messageID: string, more: object) =>
  event('message.part.updated', { part: { id, messageID, ...more } });
const delta = (partID: string, text: string) => event('message.part.delta', { partID, field: 'text', delta: text });

const started = (): Translator => {
  const translator = new Translator({ session: SESSION, cwd: '/project' });
  translator.begin();
  return translator;
};
const told = (translator: Translator, events: ReturnType<typeof event>[]) => events.map((one) => translator.read(one));

describe('the events of an OpenCode session', () => {
  it('are the text, the calls and the tokens of a turn, up to its end', () => {
    const translator = started();
    const all = told(translator, [
      event('message.updated', { info: { id: 'm0', role: 'user' } }),
      part('p0', 'm0', { type: 'text', text: 'Work.' }),
      busy,
      assistant('m1'),
      part('p1', 'm1', { type: 'text', text: '' }),
      delta('p1', 'let '),
      delta('p1', 'me'),
      part('p2', 'm1', { type: 'tool', tool: 'bash', callID: 'c1', state: { status: 'pending', input: {} } }),
      part('p2', 'm1', {
        type: 'tool',
        tool: 'bash',
        callID: 'c1',
        state: { status: 'running', input: { command: 'ls' } },
      }),
      part('p2', 'm1', {
        type: 'tool',
        tool: 'bash',
        callID: 'c1',
        state: { status: 'running', input: { command: 'ls' } },
      }),
      part('p1', 'm1', { type: 'text', text: 'let me' }),
      part('p2', 'm1', {
        type: 'tool',
        tool: 'bash',
        callID: 'c1',
        state: { status: 'completed', input: { command: 'ls' }, output: 'a file\n' },
      }),
      part('p3', 'm1', {
        type: 'step-finish',
        tokens: { input: 1200, output: 34, reasoning: 6, cache: { read: 100, write: 0 } },
        cost: 0.001268,
      }),
      assistant('m2'),
      part('p5', 'm2', { type: 'reasoning', text: '' }),
      delta('p5', 'Which file?'),
      part('p5', 'm2', { type: 'reasoning', text: 'Which file?' }),
      part('p4', 'm2', { type: 'text', text: '' }),
      delta('p4', 'done it'),
      idle,
    ]);
    expect(all.flatMap((one) => one.events)).toMatchObject([
      { kind: 'state', state: 'running', exact: true },
      { kind: 'delta', text: 'let ' },
      { kind: 'delta', text: 'me' },
      { kind: 'tool', id: 'c1', name: 'bash', title: 'bash: ls', state: 'running', input: { text: 'ls', chars: 2 } },
      { kind: 'tool', id: 'c1', state: 'completed', output: { text: 'a file\n', chars: 7 } },
      {
        kind: 'usage',
        id: 'p3',
        usage: {
          model: 'stub-model',
          inputTokens: 1200,
          cachedTokens: 100,
          outputTokens: 40,
          reasoningTokens: 6,
          costUsd: 0.001268,
        },
      },
      { kind: 'context', tokens: 1340, max: null },
      { kind: 'delta', stream: 'thought', text: 'Which file?' },
      { kind: 'delta', stream: 'stdout', text: 'done it' },
    ]);
    expect(all.at(-1)?.follows).toBe('idle');
    expect(translator.end()).toEqual({ outcome: 'completed', text: 'done it' });
  });

  it('of other sessions of the server are passed over', () => {
    const translator = started();
    const other = eventSchema.parse({
      type: 'session.status',
      properties: { sessionID: 'ses_2', status: { type: 'busy' } },
    });
    expect(translator.read(other)).toEqual({ events: [] });
    expect(
      translator.permission(permissionSchema.parse({ id: 'per_1', sessionID: 'ses_2', permission: 'bash' })),
    ).toEqual([]);
  });

  it('that an abort still tells of the turn before are none of the next', () => {
    const translator = started();
    const aborted = { error: { name: 'MessageAbortedError', data: { message: 'Aborted' } } };
    told(translator, [busy, assistant('m1'), event('session.error', aborted), assistant('m1', aborted), idle]);
    expect(translator.end().outcome).toBe('interrupted');
    translator.begin();
    const rest = told(translator, [event('session.error', aborted), assistant('m1', aborted), idle]);
    expect(rest.map((one) => one.follows)).toEqual([undefined, undefined, undefined]);
    told(translator, [busy, assistant('m2')]);
    expect(translator.end().outcome).toBe('completed');
  });

  it('tell why a turn failed', () => {
    const failed = (error: object) => {
      const translator = started();
      told(translator, [busy, event('session.error', { error })]);
      return translator.end();
    };
    expect(failed({ name: 'APIError', data: { message: 'stub error 401', statusCode: 401 } })).toEqual({
      outcome: 'failed',
      text: 'APIError: stub error 401',
      failure: 'login',
    });
    expect(failed({ name: 'APIError', data: { message: 'x', statusCode: 429 } }).failure).toBe('rate_limited');
    expect(failed({ name: 'APIError', data: { message: 'x', statusCode: 400 } }).failure).toBe('model');
    expect(failed({ name: 'UnknownError', data: { message: 'x' } })).toEqual({
      outcome: 'failed',
      text: 'UnknownError: x',
    });
  });

  it('are given up when a limit lasts, and say so whatever the abort says', () => {
    const translator = started();
    const retry = (attempt: number) =>
      translator.read(
        event('session.status', {
          status: { type: 'retry', attempt, message: 'stub error 429', next: 1_795_165_837_039 },
        }),
      );
    expect(retry(1)).toMatchObject({ events: [{ state: 'rate_limited', untilMs: 1_795_165_837_039 }] });
    expect(retry(8).follows).toBeUndefined();
    expect(retry(9).follows).toBe('giveUp');
    told(translator, [event('session.error', { error: { name: 'MessageAbortedError', data: {} } })]);
    expect(translator.end()).toMatchObject({ outcome: 'failed', failure: 'rate_limited' });
  });

  it('are caught up with from the messages, each told once', () => {
    const translator = started();
    told(translator, [busy, assistant('m1'), part('p1', 'm1', { type: 'text', text: '' }), delta('p1', 'half ')]);
    const messages = [
      {
        info: { id: 'm1', role: 'assistant', modelID: 'stub-model' },
        parts: [{ id: 'p1', messageID: 'm1', type: 'text', text: 'half and half' }],
      },
    ];
    expect(translator.catchUp(messages)).toMatchObject([{ kind: 'delta', text: 'and half' }]);
    expect(translator.catchUp(messages)).toEqual([]);
    expect(translator.end().text).toBe('half and half');
  });
});

describe('what OpenCode asks', () => {
  const ask = (more: object) => {
    const asked = permissionSchema.parse({
      id: 'per_1',
      sessionID: SESSION,
      patterns: ['git add -A', 'git commit -qm x'],
      ...more,
    });
    const [event_] = started().permission(asked);
    return event_?.kind === 'permission' ? event_.request : undefined;
  };

  it('is the exact command, or the diff, or all that it says', () => {
    expect(ask({ permission: 'bash', metadata: { command: 'git add -A; git commit -qm x' } })).toMatchObject({
      request: 'per_1',
      kind: 'command',
      tool: 'bash',
      title: 'git add -A; git commit -qm x',
      detail: 'git add -A; git commit -qm x',
    });
    expect(
      ask({ permission: 'edit', patterns: ['f'], metadata: { filepath: '/project/f', diff: '--- f\n+++ f' } }),
    ).toMatchObject({
      kind: 'edit',
      detail: '--- f\n+++ f',
      paths: ['/project/f'],
    });
    expect(ask({ permission: 'webfetch', patterns: ['https://a'], metadata: { url: 'https://a' } })).toMatchObject({
      kind: 'tool',
      title: 'webfetch: https://a',
      detail: expect.stringContaining('"url": "https://a"'),
    });
  });
});
