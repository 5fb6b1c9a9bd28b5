/**
 * What `codex app-server` prints, as far as it matters here: JSON-RPC without its version. Read once, at the door; what is not known is left alone,
 * and so is the older dialect `codex/event/*`, which 0.104.0 speaks beside this one.
 */
import { z } from 'zod';

const id = z.union([z.string(), z.number()]);
export type RequestId = z.output<typeof id>;

const turnError = z.looseObject({
  message: z.string(),
  codexErrorInfo: z.unknown().optional(),
  additionalDetails: z.string().nullish(),
});
export type TurnError = z.output<typeof turnError>;

const tokens = z.looseObject({
  totalTokens: z.number(),
  inputTokens: z.number(),
  cachedInputTokens: z.number(),
  outputTokens: z.number(),
  reasoningOutputTokens: z.number(),
});
export type Tokens = z.output<typeof tokens>;

const change = z.looseObject({
  path: z.string(),
  kind: z.looseObject({ type: z.string() }).optional(),
  diff: z.string().default(''),
});
export type Change = z.output<typeof change>;

const item = z.looseObject({
  type: z.string(),
  id: z.string(),
  text: z.string().optional(),
  status: z.string().nullish(),
  command: z.string().optional(),
  server: z.string().optional(),
  tool: z.string().optional(),
  query: z.string().optional(),
  arguments: z.unknown().optional(),
  aggregatedOutput: z.string().nullish(),
  exitCode: z.number().nullish(),
  result: z.looseObject({ content: z.unknown() }).nullish(),
  error: z.looseObject({ message: z.string() }).nullish(),
  contentItems: z.unknown().optional(),
  changes: z.array(change).optional(),
});
export type Item = z.output<typeof item>;

const window = z.looseObject({ usedPercent: z.number(), resetsAt: z.number().nullish() }).nullish();

const rateLimits = z.looseObject({ primary: window, secondary: window });
export type RateLimits = z.output<typeof rateLimits>;

const notice = <Method extends string, Params extends z.ZodType>(method: Method, params: Params) =>
  z.object({ method: z.literal(method), params });

const notification = z.discriminatedUnion('method', [
  notice('thread/status/changed', z.looseObject({ status: z.looseObject({ type: z.string() }) })),
  notice('turn/started', z.looseObject({ turn: z.looseObject({ id: z.string() }) })),
  notice(
    'turn/completed',
    z.looseObject({ turn: z.looseObject({ id: z.string(), status: z.string(), error: turnError.nullish() }) }),
  ),
  notice('item/started', z.looseObject({ item })),
  notice('item/completed', z.looseObject({ item })),
  notice('item/agentMessage/delta', z.looseObject({ delta: z.string() })),
  notice('item/reasoning/summaryTextDelta', z.looseObject({ delta: z.string() })),
  notice('item/reasoning/textDelta', z.looseObject({ delta: z.string() })),
  notice('item/reasoning/summaryPartAdded', z.looseObject({ summaryIndex: z.number() })),
  notice('serverRequest/resolved', z.looseObject({ requestId: id })),
  notice('error', z.looseObject({ error: turnError, willRetry: z.boolean().default(false) })),
  notice(
    'thread/tokenUsage/updated',
    z.looseObject({
      threadId: z.string(),
      tokenUsage: z.looseObject({ total: tokens, last: tokens, modelContextWindow: z.number().nullish() }),
    }),
  ),
  notice('account/rateLimits/updated', z.looseObject({ rateLimits })),
]);
export type Notification = z.output<typeof notification>;

const request = z.object({ id, method: z.string(), params: z.record(z.string(), z.unknown()).default({}) });
export type ServerRequest = z.output<typeof request>;

const response = z.object({
  id,
  result: z.unknown().optional(),
  error: z.looseObject({ message: z.string() }).optional(),
});
export type Response = z.output<typeof response>;

const noticeMessage = notification.transform((value): Message => ({ kind: 'notification', value }));
const requestMessage = request.transform((value): Message => ({ kind: 'request', value }));
const responseMessage = response.transform((value): Message => ({ kind: 'response', value }));

export type Message =
  | { kind: 'notification'; value: Notification }
  | { kind: 'request'; value: ServerRequest }
  | { kind: 'response'; value: Response };

const head = z.looseObject({ id: id.optional(), method: z.string().optional() });

/** Undefined: no JSON, or nothing that this driver knows. A request's id may be 0. */
export function messageOf(line: string): Message | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  const kind = head.safeParse(json).data;
  if (kind === undefined) return undefined;
  const shape = kind.method === undefined ? responseMessage : kind.id === undefined ? noticeMessage : requestMessage;
  return shape.safeParse(json).data;
}

/** A line that this node wrote: its name among all of them, and the turn that it asked for. */
export function writtenOf(line: string): { name: string; turn: string | undefined } {
  const { id: requestId, method } = head.parse(JSON.parse(line));
  if (method === undefined) return { name: answerName(requestId ?? ''), turn: undefined };
  const turn = method === 'turn/start' ? String(requestId) : undefined;
  return { name: String(requestId ?? method), turn };
}

export const answerName = (requestId: RequestId): string => `answer ${JSON.stringify(requestId)}`;

export const threadSchema = z.looseObject({
  thread: z.looseObject({ id: z.string() }),
  model: z.string().nullish(),
});

export const turnSchema = z.looseObject({ turn: z.looseObject({ id: z.string() }) });
