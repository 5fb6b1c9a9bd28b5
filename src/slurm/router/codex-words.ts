/**
 * The raw protocol of Codex in the words of codeswarm's router: for mailboxes of codeswarm's own worker, which writes nothing else. Codex up to 0.104 says
 * most things twice, as `codex/event/…` and as an item of a turn; newer ones say them once, as items. Whichever of the two a worker says first of a kind
 * is taken from then on, and the other passed over.
 */
import { z } from 'zod';

export type Words = { event: string; data: Record<string, unknown> };
/** The dialect that was heard first, by kind of event: what a router keeps of each mailbox. */
export type Dialects = Record<string, 'event' | 'item'>;

const id = z.union([z.string(), z.number()]);
const text = z.string();
const optional = text.nullish();
const command = z.union([text, z.array(text).transform((words) => words.join(' '))]).nullish();
const decisions = z.array(z.unknown()).nullish();
const params = z.looseObject({
  turnId: optional,
  itemId: optional,
  callId: optional,
  delta: optional,
  command,
  cwd: optional,
  reason: optional,
  availableDecisions: decisions,
  requestId: id.nullish(),
  status: z.unknown().optional(),
  thread: z.looseObject({ id: text }).nullish(),
  turn: z.looseObject({ id: optional, status: optional }).nullish(),
  error: z.looseObject({ message: optional }).nullish(),
  item: z.looseObject({ type: text }).nullish(),
  tokenUsage: z
    .looseObject({ total: z.record(z.string(), z.unknown()), last: z.record(z.string(), z.unknown()).nullish() })
    .nullish(),
  msg: z
    .looseObject({
      delta: optional,
      message: optional,
      text: optional,
      call_id: optional,
      turn_id: optional,
      command,
      cwd: optional,
      reason: optional,
      available_decisions: decisions,
      stdout: optional,
      stderr: optional,
      exit_code: z.number().nullish(),
      duration: z.unknown().optional(),
      success: z.boolean().nullish(),
      last_agent_message: optional,
      info: z
        .looseObject({
          total_token_usage: z.record(z.string(), z.unknown()),
          last_token_usage: z.record(z.string(), z.unknown()).nullish(),
          model_context_window: z.number().nullish(),
        })
        .nullish(),
    })
    .nullish(),
});
type Params = z.output<typeof params>;
const messageSchema = z.looseObject({ method: text, id: id.optional(), params: params.prefault({}) });

const itemSchema = z.looseObject({
  id: text,
  type: text,
  text: optional,
  phase: optional,
  summary: z.array(z.unknown()).nullish(),
  command,
  cwd: optional,
  aggregatedOutput: optional,
  exitCode: z.number().nullish(),
  durationMs: z.number().nullish(),
  status: z.unknown().optional(),
});

type Say = { kind: string; dialect: 'event' | 'item'; event: string; data: Record<string, unknown> };

/** Events of one message; `dialects` notes what was heard first. Nothing for what is no news, and for what is none of Codex. */
export function codexWords(payload: unknown, dialects: Dialects): Words[] {
  const message = messageSchema.safeParse(payload).data;
  if (message === undefined) return [];
  const said = sayOf(message.method, message.params, message.id);
  if (said === undefined) return [];
  const { kind, dialect, event, data } = said;
  dialects[kind] ??= dialect;
  return dialects[kind] === dialect ? [{ event, data }] : [];
}

function sayOf(method: string, said: Params, request: string | number | undefined): Say | undefined {
  const { msg } = said;
  if (method.startsWith('codex/event/')) {
    return msg === null || msg === undefined ? undefined : ofEvent(method.slice('codex/event/'.length), msg, request);
  }
  if (method === 'item/started' || method === 'item/completed') return ofItem(method === 'item/started', said);
  return ofNotice(method, said, request);
}

const item = (kind: string, event: string, data: Record<string, unknown>): Say => ({
  kind,
  dialect: 'item',
  event,
  data,
});

const APPROVALS = new Set([
  'item/commandExecution/requestApproval',
  'item/fileChange/requestApproval',
  'execCommandApproval',
  'applyPatchApproval',
]);

function ofNotice(method: string, said: Params, request: string | number | undefined): Say | undefined {
  if (APPROVALS.has(method)) return approval('item', said.itemId ?? said.callId, request, said);
  switch (method) {
    case 'thread/started':
      return item('thread', 'thread_started', { thread_id: said.thread?.id });
    case 'thread/status/changed':
      return item('status', 'thread_status', { status: said.status });
    case 'turn/started':
      return item('turn', 'turn_started', { turn_id: said.turn?.id });
    case 'turn/completed':
      return item('turn', 'turn_complete', { turn_id: said.turn?.id, status: said.turn?.status });
    case 'item/agentMessage/delta':
      return item('delta', 'assistant_delta', { content: said.delta });
    case 'item/reasoning/textDelta':
    case 'item/reasoning/summaryTextDelta':
      return item('reasoning delta', 'reasoning_delta', { content: said.delta });
    case 'thread/tokenUsage/updated':
      return said.tokenUsage === null || said.tokenUsage === undefined
        ? undefined
        : item('usage', 'usage', {
            ...counted('', said.tokenUsage.total),
            ...counted('last_', said.tokenUsage.last ?? {}),
            model_context_window: said.tokenUsage['modelContextWindow'] ?? null,
          });
    case 'serverRequest/resolved':
      return item('resolved', 'exec_approval_resolved', { approval_id: approvalId(said.requestId ?? '') });
    case 'error':
      return item('error', 'agent_error', { message: said.error?.message ?? '' });
    default:
      return undefined;
  }
}

function ofItem(isStart: boolean, said: Params): Say | undefined {
  const read = itemSchema.safeParse(said.item).data;
  if (read === undefined) return undefined;
  const { id: call_id, cwd, status } = read;
  const ended = isStart ? 'started' : 'completed';
  const about = { turn_id: said.turnId, call_id };
  switch (read.type.toLowerCase().replaceAll(/[^a-z]/g, '')) {
    case 'agentmessage': {
      if (isStart) return undefined;
      const isFinal = (read.phase ?? 'final_answer') === 'final_answer';
      return item('assistant', 'assistant', { content: read.text ?? '', final_answer: isFinal });
    }
    case 'reasoning':
      if (isStart || (read.summary ?? []).length === 0) return undefined;
      return item('reasoning', 'reasoning', { content: (read.summary ?? []).map(String).join('\n') });
    case 'commandexecution': {
      const result = { stdout: read.aggregatedOutput ?? '', exit_code: read.exitCode, duration: read.durationMs };
      const more = isStart ? {} : { ...result, status };
      return item(`command ${ended}`, `command_${ended}`, { ...about, command: read.command, cwd, ...more });
    }
    case 'filechange':
      return item(`change ${ended}`, `filechange_${ended}`, { ...about, status });
    default:
      return undefined;
  }
}

function ofEvent(name: string, msg: NonNullable<Params['msg']>, request: string | number | undefined): Say | undefined {
  const say = (kind: string, event: string, data: Record<string, unknown>): Say => ({
    kind,
    dialect: 'event',
    event,
    data,
  });
  const about = { turn_id: msg.turn_id, call_id: msg.call_id };
  switch (name) {
    case 'agent_message_content_delta':
      return say('delta', 'assistant_delta', { content: msg.delta });
    case 'agent_message':
      return say('assistant', 'assistant', { content: msg.message ?? '', final_answer: true });
    case 'agent_reasoning_delta':
      return say('reasoning delta', 'reasoning_delta', { content: msg.delta });
    case 'agent_reasoning':
      return say('reasoning', 'reasoning', { content: msg.text });
    case 'token_count':
      return msg.info === null || msg.info === undefined
        ? undefined
        : say('usage', 'usage', {
            ...counted('', msg.info.total_token_usage),
            ...counted('last_', msg.info.last_token_usage ?? {}),
            model_context_window: msg.info.model_context_window ?? null,
          });
    case 'task_started':
      return say('task', 'task_started', { turn_id: msg.turn_id });
    case 'task_complete':
      return say('task', 'task_complete', { last_agent_message: msg.last_agent_message ?? null });
    case 'exec_command_begin':
      return say('command started', 'command_started', { ...about, command: msg.command, cwd: msg.cwd });
    case 'exec_command_end': {
      const { stdout, stderr, exit_code, duration } = msg;
      return say('command completed', 'command_completed', { ...about, stdout, stderr, exit_code, duration });
    }
    case 'patch_apply_begin':
      return say('change started', 'filechange_started', about);
    case 'patch_apply_end':
      return say('change completed', 'filechange_completed', {
        ...about,
        status: msg.success === false ? 'failed' : 'completed',
      });
    case 'exec_approval_request':
    case 'apply_patch_approval_request':
      return approval('event', msg.call_id, request, { ...msg, availableDecisions: msg.available_decisions });
    case 'error':
      return say('error', 'agent_error', { message: msg.message ?? '' });
    default:
      return undefined;
  }
}

/** A worker's requests have numbers of their own, 0 too; a call that is asked for without one bears its name. */
const approvalId = (request: string | number): string => `rpc ${request}`;

function approval(
  dialect: 'event' | 'item',
  call: string | null | undefined,
  request: string | number | undefined,
  {
    command: words,
    cwd,
    reason,
    availableDecisions,
  }: Pick<Params, 'command' | 'cwd' | 'reason' | 'availableDecisions'>,
): Say {
  const call_id = call ?? String(request ?? '');
  const data = { call_id, command: words, cwd, reason, available_decisions: availableDecisions };
  const approval_id = request === undefined ? call_id : approvalId(request);
  return { kind: 'approval', dialect, event: 'exec_approval_required', data: { approval_id, ...data } };
}

/** Both dialects' counts, by the names of the router: `totalTokens` and `total_tokens` are one. */
function counted(prefix: string, counts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    ['total', 'input', 'cached_input', 'output', 'reasoning_output'].flatMap((name) => {
      const key = `${name}_tokens`;
      const value = counts[key] ?? counts[key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];
      return value === undefined ? [] : [[`${prefix}${key}`, value]];
    }),
  );
}
