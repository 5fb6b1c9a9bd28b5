/** What OpenCode's plugin tells of recorded events, and what the agent's state is then. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AgentHooks } from '#driver/tmux/agent-hooks.ts';
import type { HookTold } from '#driver/tmux/agent-hooks.ts';
import type { HookReport } from '#agent-ports.ts';

const hookSchema = z.object({
  hook_event_name: z.string(),
  session_id: z.string().optional(),
  prompt: z.string().optional(),
  tool_name: z.string().optional(),
  tool_input: z.record(z.string(), z.unknown()).optional(),
  last_assistant_message: z.string().optional(),
  error: z.string().optional(),
  request: z.string().optional(),
});
type Hook = z.output<typeof hookSchema>;

const recorded = z.record(z.string(), z.unknown());
const pair = z.tuple([z.looseObject({}), z.looseObject({ args: z.unknown().optional() })]);
const eventsSchema = z.object({
  read: z.function({ input: [z.unknown()], output: z.array(hookSchema) }),
  prompted: z.function({ input: [z.unknown(), z.unknown()], output: z.array(hookSchema) }),
  used: z.function({ input: [z.string(), z.unknown(), z.unknown()], output: z.array(hookSchema) }),
});

/** Plain JavaScript that OpenCode loads: it has no types. */
const FILE = pathToFileURL(join(import.meta.dirname, '../../../bin/opencode-events.mjs')).href;
const { OpenCodeEvents }: { OpenCodeEvents: new () => Record<string, (...given: unknown[]) => unknown> } = await import(
  FILE
);

function fresh(): z.output<typeof eventsSchema> {
  const events = new OpenCodeEvents();
  return eventsSchema.parse({
    read: (event: unknown) => events['read']?.(event),
    prompted: (input: unknown, output: unknown) => events['prompted']?.(input, output),
    used: (when: unknown, input: unknown, args: unknown) => events['used']?.(when, input, args),
  });
}

function toldIn(name: string): Hook[] {
  const text = readFileSync(join(import.meta.dirname, 'fixtures', `opencode-1.18.33-${name}.jsonl`), 'utf8');
  const events = fresh();
  return text
    .trim()
    .split('\n')
    .flatMap((line) => {
      const one = recorded.parse(JSON.parse(line));
      if ('event' in one) return events.read(one['event']);
      const [[kind, given] = []] = Object.entries(one);
      if (kind === 'chat.message') return events.prompted(...z.tuple([z.unknown(), z.unknown()]).parse(given));
      const [input, output] = pair.parse(given);
      return events.used(kind === 'tool.execute.before' ? 'before' : 'after', input, output.args);
    });
}

const reportOf = (hook: Hook): HookReport => ({
  event: hook.hook_event_name,
  session: hook.session_id ?? null,
  cwd: '/place',
  source: null,
  prompt: hook.prompt ?? null,
  tool: hook.tool_name ?? null,
  input: hook.tool_input ?? {},
  notification: null,
  message: hook.last_assistant_message ?? null,
  error: hook.error ?? null,
  request: hook.request ?? null,
});

/** The states that the node says, one after the other, and what its driver hears. */
function heard(name: string): { states: (string | undefined)[]; told: HookTold[] } {
  const told: HookTold[] = [];
  const hooks = new AgentHooks('opencode', (one) => told.push(one));
  const states = toldIn(name).map((hook) => {
    void hooks.report(reportOf(hook));
    return hooks.state.standing?.state;
  });
  return { states: states.filter((state, at) => state !== states[at - 1]), told };
}

const stops = (name: string): HookTold[] => heard(name).told.filter(({ kind }) => kind === 'stopped');

describe('what OpenCode tells of itself', () => {
  it('follows a turn that asks leave: what is asked, that it was answered, and the last words', () => {
    const { states, told } = heard('permission');
    expect(states).toEqual(['running', 'waiting', 'running', 'idle']);
    expect(told.find(({ kind }) => kind === 'asked')).toMatchObject({
      request: { kind: 'command', tool: 'bash', title: 'echo one > one.txt', detail: 'echo one > one.txt' },
    });
    expect(told.map(({ kind }) => kind)).toContain('closed');
    expect(stops('permission')).toMatchObject([{ isLast: true, failure: undefined, message: 'One is there.' }]);
    expect(told[0]).toMatchObject({ kind: 'prompted', prompt: expect.stringMatching(/^Do it\./) });
  });

  it('tells an error once, though OpenCode says twice that it is idle', () => {
    expect(heard('error').states).toEqual(['running', 'error']);
    expect(stops('error')).toMatchObject([{ failure: 'authentication_failed', message: 'APIError: bad key' }]);
  });

  it('tells that a person has stopped it, once', () => {
    expect(heard('interrupted').states).toEqual(['running', 'idle']);
    expect(stops('interrupted')).toMatchObject([{ isLast: true, failure: 'interrupted' }]);
  });

  it('tells that a person has stopped it between two tries, which OpenCode calls no error', () => {
    expect(heard('stopped-retry').states).toEqual(['running', 'retrying', 'idle']);
    expect(stops('stopped-retry')).toMatchObject([{ isLast: true, failure: 'interrupted' }]);
  });

  it('tells a denial, which ends the turn', () => {
    expect(heard('rejected').states).toEqual(['running', 'waiting', 'running', 'idle']);
    expect(stops('rejected')).toMatchObject([{ isLast: true, failure: undefined, message: 'let me' }]);
  });

  it('ends with one word all prompts that were taken into a turn', () => {
    expect(heard('queued').states).toEqual(['running', 'idle']);
    expect(heard('queued').told.filter(({ kind }) => kind === 'prompted')).toHaveLength(2);
    expect(stops('queued')).toMatchObject([{ isLast: true, message: 'Six is said.' }]);
  });

  it('tells each retry, and that it goes on', () => {
    expect(heard('retry').states).toEqual(['running', 'retrying', 'running', 'retrying', 'running', 'idle']);
    expect(toldIn('retry').find(({ hook_event_name: name }) => name === 'Retry')).toMatchObject({
      error: 'rate_limit',
      last_assistant_message: 'stub error 429',
    });
  });

  it('tells a question of its own, which only its terminal answers', () => {
    expect(heard('question').states).toEqual(['running', 'waiting', 'running', 'idle']);
    expect(heard('question').told.map(({ kind }) => kind)).not.toContain('asked');
  });
});

describe('sessions of one OpenCode', () => {
  const busy = (sessionID: string) => ({ type: 'session.status', properties: { sessionID, status: { type: 'busy' } } });
  const idle = (sessionID: string) => ({ type: 'session.idle', properties: { sessionID } });
  const says = (sessionID: string, id: string) => ({
    type: 'message.updated',
    properties: { sessionID, info: { id, role: 'assistant' } },
  });

  it('of subagents are parts of a turn', () => {
    const events = fresh();
    const child = { type: 'session.created', properties: { info: { id: 'ses_b', parentID: 'ses_a' } } };
    const all = [busy('ses_a'), says('ses_a', 'm1'), child, busy('ses_b'), says('ses_b', 'm2'), idle('ses_b')];
    expect(all.flatMap((event) => events.read(event))).toHaveLength(1);
    expect(events.prompted({ sessionID: 'ses_b' }, { parts: [] })).toEqual([]);
    expect(events.read(idle('ses_a'))).toMatchObject([{ hook_event_name: 'Stop' }]);
  });

  it('are not ended by what is still said of the turn before', () => {
    const events = fresh();
    const before = [busy('ses_a'), says('ses_a', 'm1'), idle('ses_a')];
    for (const event of before) events.read(event);
    const late = [busy('ses_a'), says('ses_a', 'm1'), idle('ses_a')].flatMap((event) => events.read(event));
    expect(late.map(({ hook_event_name: name }) => name)).toEqual(['Busy']);
    expect([says('ses_a', 'm2'), idle('ses_a')].flatMap((event) => events.read(event))).toHaveLength(1);
  });

  it('each end a turn of their own', () => {
    const hooks = new AgentHooks('opencode', () => {});
    const tell = (event: string, session: string) =>
      void hooks.report(reportOf({ hook_event_name: event, session_id: session }));
    tell('UserPromptSubmit', 'ses_a');
    tell('UserPromptSubmit', 'ses_b');
    tell('Stop', 'ses_a');
    expect(hooks.state.standing?.state).toBe('running');
    tell('Stop', 'ses_b');
    expect(hooks.state.standing?.state).toBe('idle');
  });
});
