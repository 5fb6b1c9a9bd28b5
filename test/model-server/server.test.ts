import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelServer, Served } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';

const KEY = 'stub-key';
const BASH = {
  name: 'Bash',
  input_schema: { properties: { command: { type: 'string' }, description: { type: 'string' } } },
};
const EXEC = { type: 'function', name: 'exec_command', parameters: { properties: { cmd: { type: 'string' } } } };

let server: ModelServer;
const served: Served[] = [];
beforeAll(async () => {
  server = await startModelServer({ port: 0, key: KEY, onServed: (one) => served.push(one) });
});
afterAll(() => server.close());

const post = (path: string, body: unknown, headers: Record<string, string> = { authorization: `Bearer ${KEY}` }) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const claude = (content: unknown, more: object = {}) =>
  post('/v1/messages?beta=true', {
    model: 'm',
    stream: true,
    tools: [BASH],
    messages: [{ role: 'user', content }],
    ...more,
  });
const codex = (input: unknown, more: object = {}) =>
  post('/v1/responses', { model: 'm', stream: true, tools: [EXEC], input, ...more });

const eventSchema = z.looseObject({ type: z.string() });
/** Data of the events of a stream, in order. */
const events = (text: string) =>
  text
    .split('\n\n')
    .filter((one) => one !== '')
    .map((one) => eventSchema.parse(JSON.parse(one.split('\ndata: ')[1] ?? '')));
const types = (text: string): string[] => events(text).map(({ type }) => type);

describe('Anthropic Messages', () => {
  it('streams a text in pieces', async () => {
    const text = await (
      await claude('Hi <<stub [{"text":"abcdef","chunks":3,"delayMs":0,"usage":{"in":7,"out":9}}]>>')
    ).text();
    expect(types(text)).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(text.match(/"text":"(ab|cd|ef)"/g)).toHaveLength(3);
    expect(events(text).at(-2)).toMatchObject({
      delta: { stop_reason: 'end_turn' },
      usage: { input_tokens: 7, output_tokens: 9 },
    });
  });

  it('calls the shell tool that is offered, then says what follows its answer', async () => {
    const prompt = { type: 'text', text: 'Do <<stub [{"preText":"now","bash":"ls"},{"text":"done"}]>>' };
    const call = await (await claude([prompt])).text();
    expect(call).toContain('"type":"tool_use"');
    expect(call).toContain(JSON.stringify(JSON.stringify({ command: 'ls', description: 'Stub command' })));
    expect(call).toContain('"stop_reason":"tool_use"');
    const reminder = { type: 'text', text: '<system-reminder>mind this</system-reminder>' };
    const after = await claude([prompt, { type: 'tool_result', tool_use_id: 't', content: 'x' }, reminder], {
      stream: false,
    });
    expect(await after.json()).toMatchObject({ content: [{ type: 'text', text: 'done' }], stop_reason: 'end_turn' });
  });

  it('fails in its own words, with the headers of the script', async () => {
    const answer = await claude('<<stub [{"status":429,"headers":{"retry-after":"3"}}]>>');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '3']);
    expect(await answer.json()).toMatchObject({
      type: 'error',
      error: { type: 'rate_limit_error', message: 'stub error 429' },
    });
  });
});

/** Data of a stream whose events have no names. */
const plain = (text: string) =>
  text
    .split('\n\n')
    .filter((one) => one !== '')
    .map((one) => one.replace(/^data: /, ''));

describe('OpenAI chat completions', () => {
  const BASH_FUNCTION = {
    type: 'function',
    function: {
      name: 'bash',
      parameters: { properties: { command: { type: 'string' }, description: { type: 'string' } } },
    },
  };
  const chat = (messages: unknown, more: object = {}) =>
    post('/v1/chat/completions', { model: 'm', stream: true, tools: [BASH_FUNCTION], messages, ...more });
  const prompt = {
    role: 'user',
    content: '<<stub [{"preText":"now","bash":"ls"},{"text":"abcd","chunks":2,"delayMs":0}]>>',
  };

  it('streams a call, and after its answer a text, then how many tokens', async () => {
    const call = plain(await (await chat([{ role: 'system', content: 'be good' }, prompt])).text());
    expect(call.at(-1)).toBe('[DONE]');
    expect(call.join('\n')).toContain(JSON.stringify(JSON.stringify({ command: 'ls', description: 'Stub command' })));
    expect(JSON.parse(call.at(-3) ?? '')).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
    const after = plain(
      await (await chat([prompt, { role: 'assistant', content: null }, { role: 'tool', content: 'x' }])).text(),
    );
    expect(after.filter((one) => /"content":"(ab|cd)"/.test(one))).toHaveLength(2);
    expect(JSON.parse(after.at(-2) ?? '')).toMatchObject({ usage: { prompt_tokens: 1200, completion_tokens: 34 } });
  });

  it('answers whole, and fails in its own words', async () => {
    const whole = await chat([{ role: 'user', content: [{ type: 'text', text: '<<stub [{"text":"hi"}]>>' }] }], {
      stream: false,
    });
    expect(await whole.json()).toMatchObject({ choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }] });
    const failed = await chat([{ role: 'user', content: '<<stub [{"status":529}]>>' }]);
    expect([failed.status, await failed.json()]).toMatchObject([529, { error: { message: 'stub error 529' } }]);
  });
});

describe('Gemini', () => {
  const TOOL = {
    functionDeclarations: [
      { name: 'run_shell_command', parametersJsonSchema: { properties: { command: { type: 'string' } } } },
    ],
  };
  const gemini = (parts: unknown, verb = 'streamGenerateContent?alt=sse') =>
    post(
      `/v1beta/models/gemini-x:${verb}`,
      { contents: [{ role: 'user', parts }], tools: [TOOL] },
      { 'x-goog-api-key': KEY },
    );
  const prompt = { text: '<<stub [{"bash":"ls"},{"text":"done"}]>>' };

  it('calls a tool, and says what follows its answer', async () => {
    const call = plain(await (await gemini([{ text: '<session_context>here' }, prompt])).text()).map((one): unknown =>
      JSON.parse(one),
    );
    expect(call).toMatchObject([
      {
        candidates: [
          {
            content: { parts: [{ functionCall: { name: 'run_shell_command', args: { command: 'ls' } } }] },
            finishReason: 'STOP',
          },
        ],
        usageMetadata: { promptTokenCount: 1200, candidatesTokenCount: 34 },
      },
    ]);
    const after = await gemini([prompt, { functionResponse: { name: 'run_shell_command' } }], 'generateContent');
    expect(await after.json()).toMatchObject({ candidates: [{ content: { parts: [{ text: 'done' }] } }] });
    expect(served.at(-1)).toMatchObject({ dialect: 'gemini', model: 'gemini-x', stream: false, step: 1 });
  });

  it('fails in its own words', async () => {
    const failed = await gemini([{ text: '<<stub [{"status":429}]>>' }]);
    expect([failed.status, await failed.json()]).toMatchObject([
      429,
      { error: { code: 429, status: 'RESOURCE_EXHAUSTED' } },
    ]);
  });
});

describe('OpenAI Responses', () => {
  const user = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });

  it('streams a text, with rising numbers', async () => {
    const text = await (
      await codex([user('<<stub [{"text":"abcd","chunks":2,"delayMs":0}]>>'), user('<environment_context>')])
    ).text();
    expect(types(text)).toEqual([
      'response.created',
      'response.output_item.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events(text).map((one) => one['sequence_number'])).toEqual([0, 1, 2, 3, 4, 5]);
    expect(events(text).at(-1)).toMatchObject({
      response: { status: 'completed', usage: { input_tokens: 1200, output_tokens: 34 } },
    });
  });

  it('calls a tool by the names it knows, in a namespace too', async () => {
    const input = [
      user(
        '<<stub [{"bash":"ls","extra":{"justification":"look"}},{"tool":"mcp__swarm__send","namespace":"mcp__swarm","input":{"a":1}}]>>',
      ),
    ];
    const first = await (await codex(input, { stream: false })).json();
    expect(first).toMatchObject({
      output: [{ type: 'function_call', name: 'exec_command', arguments: '{"cmd":"ls","justification":"look"}' }],
    });
    const second = await codex([...input, { type: 'function_call_output', call_id: 'c', output: 'x' }], {
      stream: false,
    });
    expect(await second.json()).toMatchObject({
      output: [{ name: 'send', namespace: 'mcp__swarm', arguments: '{"a":1}' }],
    });
  });
});

describe('the model server', () => {
  it('wants its key, and tells nothing to others', async () => {
    expect((await post('/v1/messages', {}, {})).status).toBe(401);
    expect((await post('/v1/messages', {}, { authorization: 'Bearer other-key' })).status).toBe(401);
    expect((await claude('x', {})).status).toBe(200);
    expect((await post('/v1/messages', {}, { 'x-api-key': KEY })).status).toBe(400);
    expect((await fetch(server.url, { method: 'HEAD' })).status).toBe(200);
  });

  it('refuses what is no request, and what it does not speak, with the reason', async () => {
    const answers = [
      await post('/v1/messages', 'not json'),
      await post('/v1/messages', { messages: 7 }),
      await post('/v2/x', {}),
    ];
    expect(answers.map((one) => one.status)).toEqual([400, 400, 404]);
    expect(served.at(-1)).toMatchObject({ path: '/v2/x', status: 404, note: 'nothing answers POST /v2/x' });
  });

  it('counts tokens and lists its model', async () => {
    expect(await (await post('/v1/messages/count_tokens', {})).json()).toEqual({ input_tokens: 100, totalTokens: 100 });
    const models = await fetch(`${server.url}/v1/models`, { headers: { 'x-api-key': KEY } });
    expect(await models.json()).toMatchObject({ data: [{ id: 'stub-model' }] });
  });

  it('closes the connection in the middle, or after a silence, as scripted', async () => {
    const dropped = await claude('<<stub [{"text":"abcdefgh","drop":true,"delayMs":0}]>>');
    await expect(dropped.text()).rejects.toThrow('terminated');
    await expect(claude('<<stub [{"hang":1}]>>')).rejects.toThrow('fetch failed');
  });

  it('stops when the client goes away', async () => {
    const gone = new AbortController();
    const answer = await fetch(`${server.url}/v1/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({
        stream: true,
        tools: [BASH],
        messages: [{ role: 'user', content: '<<stub [{"text":"gone away","chunks":9,"delayMs":60000}]>>' }],
      }),
      signal: gone.signal,
    });
    expect(answer.status).toBe(200);
    gone.abort();
    await expect
      .poll(() => served.find(({ prompt }) => prompt.includes('gone away'))?.note)
      .toBe('the client went away');
  });
});
