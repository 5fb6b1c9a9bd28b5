/** Hooks of agents in terminals: what their tools tell of themselves, and what is decided for them. */
import { z } from 'zod';
import { refused } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none } from './input.ts';

const NAME_MAX_CHARS = 256;
/** A prompt, or what an agent said last; the hook itself cuts sooner. */
const TEXT_MAX_CHARS = 1024 * 1024;

const name = z.string().max(NAME_MAX_CHARS);
const text = z.string().max(TEXT_MAX_CHARS);

/** In the words of Claude Code, which Codex shares; OpenCode's plugin has some of its own. */
const hookInput = z.object({
  hook_event_name: name.min(1),
  session_id: name.nullish(),
  cwd: z.string().max(4096).nullish(),
  source: name.nullish(),
  prompt: text.nullish(),
  tool_name: name.nullish(),
  tool_input: z.record(z.string(), z.unknown()).nullish(),
  notification_type: name.nullish(),
  last_assistant_message: text.nullish(),
  error: name.nullish(),
});

const bodyInput = z.object({
  hook: hookInput.optional(),
  request: name.min(1).optional().describe('names a question: the answer comes when it is decided'),
  withdrawn: z.boolean().optional().describe('nobody waits for the answer to that question any more'),
});

const tell = jsonRoute({
  method: 'POST',
  path: '/api/hooks',
  summary: 'What a tool in a terminal tells of itself by a hook; the agent is that of the token',
  action: 'hook.report',
  params: none,
  query: none,
  body: bodyInput,
  answer: z.object({ decision: z.record(z.string(), z.unknown()).nullable() }),
  status: 200,
  handle: async ({ body: { hook, request, withdrawn }, caller }) => {
    const bearer = caller?.hooks;
    if (bearer === undefined)
      return refused('forbidden', 'only hooks of agents tell of them', { got: caller?.role ?? '' });
    if (request !== undefined && withdrawn === true) bearer.withdraw(request);
    if (hook === undefined) return { decision: null };
    const decision = await bearer.report({
      event: hook.hook_event_name,
      session: hook.session_id ?? null,
      cwd: hook.cwd ?? null,
      source: hook.source ?? null,
      prompt: hook.prompt ?? null,
      tool: hook.tool_name ?? null,
      input: hook.tool_input ?? {},
      notification: hook.notification_type ?? null,
      message: hook.last_assistant_message ?? null,
      error: hook.error ?? null,
      request: request ?? null,
    });
    return { decision: decision === undefined ? null : { ...decision } };
  },
});

export const hookRoutes: readonly Route[] = [tell];
