import type { ToolServer } from '#agent-ports.ts';
import { describe, expect, it } from 'vitest';
import { AcpDialect } from '#driver/acp/dialect.ts';

/** Lines of Gemini CLI 0.61.0, without what is not read. */
const line = (message: object): string => JSON.stringify({ jsonrpc: '2.0', ...message });
const INITIALIZED = line({
  id: 'initialize',
  result: { protocolVersion: 1, agentCapabilities: { loadSession: true } },
});
const SESSION = line({ id: 'session', result: { sessionId: 's1', modes: { currentModeId: 'default' } } });
const update = (body: object): string => line({ method: 'session/update', params: { sessionId: 's1', update: body } });
const says = (text: string): string =>
  update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
const COMMANDS = update({ sessionUpdate: 'available_commands_update', availableCommands: [] });
const ASKS = line({
  id: 0,
  method: 'session/request_permission',
  params: {
    sessionId: 's1',
    options: [
      { optionId: 'proceed_always', name: 'Allow for this session', kind: 'allow_always' },
      { optionId: 'proceed_once', name: 'Allow', kind: 'allow_once' },
      { optionId: 'cancel', name: 'Reject', kind: 'reject_once' },
    ],
    toolCall: {
      toolCallId: 'run_0',
      status: 'pending',
      title: 'echo x >> f',
      content: [{ type: 'content', content: { type: 'text', text: '[current working directory /p]' } }],
      locations: [],
      kind: 'execute',
    },
  },
});
const RAN = update({
  sessionUpdate: 'tool_call_update',
  toolCallId: 'run_0',
  status: 'completed',
  title: 'echo x >> f',
  content: [],
  kind: 'execute',
});
const ended = (id: string, stopReason = 'end_turn'): string =>
  line({
    id,
    result: {
      stopReason,
      _meta: {
        quota: { model_usage: [{ model: 'stub-model', token_count: { input_tokens: 2400, output_tokens: 68 } }] },
      },
    },
  });

const make = (o: { resume?: string; instructions?: string; servers?: readonly ToolServer[] } = {}): AcpDialect =>
  new AcpDialect({
    cwd: '/p',
    version: '0.0.0',
    servers: o.servers ?? [],
    resume: o.resume ?? null,
    instructions: o.instructions ?? '',
  });
const sent = (told: { lines: string[] }) => told.lines.map((one): unknown => JSON.parse(one));
const ready = (dialect: AcpDialect): AcpDialect => {
  dialect.begin();
  dialect.read(INITIALIZED);
  dialect.read(SESSION);
  return dialect;
};

describe('a turn by ACP', () => {
  it('is asked for when there is a conversation, with the instructions before the first one', () => {
    const dialect = make({ instructions: 'Be brief.' });
    expect(sent(dialect.begin())).toMatchObject([{ jsonrpc: '2.0', id: 'initialize', method: 'initialize' }]);
    expect(dialect.prompt('t1', 'Work.').lines).toEqual([]);
    expect(sent(dialect.read(INITIALIZED))).toMatchObject([
      { id: 'session', method: 'session/new', params: { cwd: '/p' } },
    ]);
    const begun = dialect.read(SESSION);
    expect(begun.events).toEqual([{ kind: 'session', session: 's1' }]);
    const texts = [
      { type: 'text', text: 'Be brief.' },
      { type: 'text', text: 'Work.' },
    ];
    expect(sent(begun)).toMatchObject([
      { id: 't1', method: 'session/prompt', params: { sessionId: 's1', prompt: texts } },
    ]);
    dialect.read(ended('t1'));
    expect(sent(dialect.prompt('t2', 'More.'))).toMatchObject([{ params: { prompt: [{ text: 'More.' }] } }]);
  });

  it('is what was said after its last call, with what it used', () => {
    const dialect = ready(make());
    dialect.prompt('t1', 'Work.');
    const all = [COMMANDS, says('let me'), ASKS, RAN, says('done'), says(' it'), ended('t1')].map((one) =>
      dialect.read(one),
    );
    expect(all.flatMap((one) => one.events)).toMatchObject([
      { kind: 'state', state: 'running' },
      { kind: 'delta', text: 'let me' },
      { kind: 'state', state: 'waiting' },
      { kind: 'permission', request: { request: 'run_0 0', kind: 'tool', tool: 'execute', title: 'echo x >> f' } },
      { kind: 'delta', text: '\n' },
      { kind: 'tool', id: 'run_0', title: 'echo x >> f', state: 'completed' },
      { kind: 'state', state: 'running' },
      { kind: 'delta', text: 'done' },
      { kind: 'delta', text: ' it' },
      { kind: 'usage', id: 't1 stub-model', usage: { inputTokens: 2400, outputTokens: 68 } },
      { kind: 'delta', text: '\n' },
      { kind: 'permission_closed' },
      { kind: 'turn_ended', turn: 't1', outcome: 'completed', text: 'done it' },
      { kind: 'state', state: 'idle' },
    ]);
  });

  it('that is interrupted before it was asked for is cancelled right after', () => {
    const dialect = make();
    dialect.begin();
    dialect.prompt('t1', 'Work.');
    expect(dialect.interrupt().lines).toEqual([]);
    dialect.read(INITIALIZED);
    expect(sent(dialect.read(SESSION))).toMatchObject([{ method: 'session/prompt' }, { method: 'session/cancel' }]);
    expect(dialect.read(ended('t1', 'cancelled')).events.at(-2)).toMatchObject({ outcome: 'interrupted' });
  });

  it('fails with the reason, in whichever way the agent says it', () => {
    const failed = (error: object) => {
      const dialect = ready(make());
      dialect.prompt('t1', 'Work.');
      return dialect.read(line({ id: 't1', error })).events.find(({ kind }) => kind === 'turn_ended');
    };
    expect(failed({ code: 429, message: 'Quota exceeded' })).toMatchObject({
      outcome: 'failed',
      failure: 'rate_limited',
    });
    expect(failed({ code: 401, message: 'no' })).toMatchObject({ failure: 'login' });
    expect(failed({ code: -32_603, message: 'Internal error', data: { errorKind: 'invalid_request' } })).toMatchObject({
      failure: 'model',
      text: 'Internal error',
    });
  });
});

describe('what an agent asks by ACP', () => {
  const answered = (behavior: 'allow' | 'deny', asks = ASKS) => {
    const dialect = ready(make());
    dialect.prompt('t1', 'Work.');
    dialect.read(asks);
    return sent(dialect.answer('run_0 0', { behavior, message: '' }));
  };

  it('is answered by the kind of an option, whatever its id', () => {
    expect(answered('allow')).toEqual([
      { jsonrpc: '2.0', id: 0, result: { outcome: { outcome: 'selected', optionId: 'proceed_once' } } },
    ]);
    expect(answered('deny')).toMatchObject([{ result: { outcome: { optionId: 'cancel' } } }]);
    const without = ASKS.replaceAll('allow_once', 'allow_always');
    expect(answered('allow', without)).toMatchObject([{ result: { outcome: { outcome: 'cancelled' } } }]);
  });

  it('is a command only where it says exactly what it would run', () => {
    const kindOf = (rawInput: unknown) => {
      const dialect = ready(make());
      dialect.prompt('t1', 'Work.');
      const toolCall = { toolCallId: 'c', title: 'ls', kind: 'execute', rawInput };
      const asks = line({ id: 1, method: 'session/request_permission', params: { options: [], toolCall } });
      return dialect.read(asks).events.flatMap((one) => (one.kind === 'permission' ? [one.request] : []))[0];
    };
    expect(kindOf({ command: 'rm x' })).toMatchObject({ kind: 'command', detail: 'rm x' });
    expect(kindOf({ command: ['bash', '-lc', 'rm "a b"'] })).toMatchObject({ kind: 'command', detail: 'rm "a b"' });
    expect(kindOf({ command: ['rm', 'a b'] })).toMatchObject({
      kind: 'tool',
      detail: expect.stringContaining('"a b"'),
    });
    expect(kindOf(undefined)).toMatchObject({ kind: 'tool', title: 'ls' });
  });

  it('is answered unasked where it is about a tool of a server of skep, and about nothing else', () => {
    const servers = [{ name: 'skep', command: ['x'] as const, env: {} }];
    const options = [
      { optionId: 'all', name: 'All', kind: 'allow_always' },
      { optionId: 'once', name: 'Once', kind: 'allow_once' },
    ];
    const told = (toolCall: object) => {
      const dialect = ready(make({ servers }));
      dialect.prompt('t1', 'Work.');
      const params = { sessionId: 's1', options, toolCall: { toolCallId: 'c', status: 'pending', ...toolCall } };
      return dialect.read(line({ id: 1, method: 'session/request_permission', params }));
    };
    const allowed = told({ kind: 'other', title: 'task_complete (skep MCP Server)' });
    expect(allowed.events).toEqual([]);
    expect(sent(allowed)).toMatchObject([{ id: 1, result: { outcome: { outcome: 'selected', optionId: 'once' } } }]);
    for (const other of [
      { kind: 'other', title: 'task_complete (files MCP Server)' },
      { kind: 'other', title: 'x (skep MCP Server) (files MCP Server)' },
      { kind: 'other', title: 'rm -rf / (skep MCP Server)' },
      { kind: 'other', title: 'x\n (skep MCP Server)' },
      { kind: 'execute', title: 'task_complete (skep MCP Server)' },
      { kind: 'edit', title: 'task_complete (skep MCP Server)' },
      { title: 'task_complete (skep MCP Server)' },
    ]) {
      expect(told(other).lines).toEqual([]);
      expect(told(other).events.some(({ kind }) => kind === 'permission')).toBe(true);
    }
  });

  it('gets an error where nobody here knows it, once', () => {
    const dialect = ready(make());
    const asks = line({ id: 7, method: 'fs/read_text_file', params: { path: '/etc/passwd' } });
    expect(sent(dialect.read(asks))).toMatchObject([{ id: 7, error: { code: -32_601 } }]);
    expect(dialect.read(asks).lines).toEqual([]);
  });
});

describe('a node that attaches to an agent by ACP', () => {
  const written = (dialect: AcpDialect, ...more: object[]): void => {
    for (const message of [
      { id: 'initialize', method: 'initialize' },
      { id: 'session', method: 'session/new' },
      ...more,
    ])
      dialect.wrote(line(message));
  };
  const prompt = (id: string) => ({ id, method: 'session/prompt', params: {} });

  it('tells the last turn only, from its beginning, and writes nothing twice', () => {
    const dialect = make();
    written(dialect, prompt('t1'), prompt('t2'));
    expect(dialect.lastTurn).toBe('t2');
    const all = [INITIALIZED, SESSION, says('one'), ended('t1'), says('two')].map((one) => dialect.read(one));
    expect(all.flatMap((one) => one.lines)).toEqual([]);
    expect(all.flatMap((one) => one.events)).toMatchObject([
      { kind: 'session' },
      { kind: 'state', state: 'running' },
      { kind: 'delta', text: 'two' },
    ]);
    expect(dialect.read(ended('t2')).events).toContainEqual(
      expect.objectContaining({ kind: 'turn_ended', turn: 't2', outcome: 'completed', text: 'two' }),
    );
  });

  it('asks again what was not answered, and nothing that was', () => {
    const open = make();
    written(open, prompt('t1'));
    const told = [INITIALIZED, SESSION, ASKS].flatMap((one) => open.read(one).events);
    expect(told).toContainEqual(expect.objectContaining({ kind: 'permission' }));
    const done = make();
    written(done, prompt('t1'), { id: 0, result: {} });
    const quiet = [INITIALIZED, SESSION, ASKS].flatMap((one) => done.read(one).events);
    expect(quiet.map(({ kind }) => kind)).not.toContain('permission');
  });

  it('goes on with a conversation in a new process, where the agent can', () => {
    const dialect = make({ resume: 's1' });
    dialect.begin();
    dialect.prompt('t9', 'On.');
    expect(sent(dialect.read(INITIALIZED))).toMatchObject([{ method: 'session/load', params: { sessionId: 's1' } }]);
  });
});

it('tells thoughts, what a call was given and answered, and how full the conversation is', () => {
  const dialect = ready(make());
  dialect.prompt('t1', 'Work.');
  const call = { toolCallId: 'c', title: 'Edit a.ts', kind: 'edit' };
  const all = [
    update({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: 'Which file?' } }),
    update({ sessionUpdate: 'tool_call', ...call, status: 'in_progress', rawInput: { path: 'a.ts' } }),
    update({ sessionUpdate: 'tool_call_update', toolCallId: 'c', content: [] }),
    update({
      sessionUpdate: 'tool_call_update',
      toolCallId: 'c',
      status: 'completed',
      content: [
        { type: 'content', content: { type: 'text', text: 'Edited.' } },
        { type: 'diff', path: 'a.ts', oldText: 'a\n', newText: 'b\n' },
      ],
    }),
    update({ sessionUpdate: 'tool_call', toolCallId: 'd', kind: 'read', status: 'completed', rawOutput: { lines: 3 } }),
    update({ sessionUpdate: 'usage_update', used: 5_300, size: 200_000 }),
  ].flatMap((one) => dialect.read(one).events);
  expect(all).toMatchObject([
    { kind: 'state', state: 'running' },
    { kind: 'delta', stream: 'thought', text: 'Which file?' },
    { kind: 'tool', id: 'c', name: 'edit', title: 'Edit a.ts', state: 'running', input: { text: 'path: a.ts' } },
    { kind: 'tool', id: 'c', state: 'completed', output: { text: 'Edited.\na.ts\n-a\n+b' } },
    { kind: 'tool', id: 'd', name: 'read', state: 'completed', output: { text: '{\n  "lines": 3\n}' } },
    { kind: 'context', tokens: 5_300, max: 200_000 },
  ]);
});
