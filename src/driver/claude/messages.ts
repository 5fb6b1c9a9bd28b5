/** What Claude Code prints with `--output-format stream-json`, as far as it matters here. Read once, at the door; what is not known is left alone. */
import { z } from 'zod';

const usage = z.looseObject({
  inputTokens: z.number().default(0),
  outputTokens: z.number().default(0),
  cacheReadInputTokens: z.number().default(0),
  cacheCreationInputTokens: z.number().default(0),
  thinkingTokens: z.number().default(0),
  costUSD: z.number().nullish(),
  contextWindow: z.number().nullish(),
});

const uuids = z.array(z.string()).default([]);

const init = z.looseObject({ type: z.literal('system'), subtype: z.literal('init'), session_id: z.string() });

const retry = z.looseObject({
  type: z.literal('system'),
  subtype: z.literal('api_retry'),
  attempt: z.number(),
  max_retries: z.number(),
  retry_delay_ms: z.number(),
  error_status: z.number().nullish(),
  error: z.string().default('unknown'),
});

/** How far a line that was written to it has come. */
const lifecycle = z.looseObject({ type: z.literal('command_lifecycle'), command_uuid: z.string(), state: z.string() });

const apiUsage = z.looseObject({
  input_tokens: z.number().nullish(),
  output_tokens: z.number().nullish(),
  cache_read_input_tokens: z.number().nullish(),
  cache_creation_input_tokens: z.number().nullish(),
});
export type ApiUsage = z.output<typeof apiUsage>;

/** Events of the model's API, passed on as they come; only those of the conversation itself, not of its sub-agents. */
const streamed = z.looseObject({
  type: z.literal('stream_event'),
  parent_tool_use_id: z.string().nullish(),
  event: z.looseObject({
    type: z.string(),
    content_block: z.looseObject({ type: z.string() }).optional(),
    delta: z
      .looseObject({ type: z.string().optional(), text: z.string().optional(), thinking: z.string().optional() })
      .optional(),
    message: z.looseObject({ usage: apiUsage.optional() }).optional(),
    usage: apiUsage.optional(),
  }),
});

const block = z.looseObject({
  type: z.string(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.unknown().optional(),
  tool_use_id: z.string().optional(),
  content: z.unknown().optional(),
  is_error: z.boolean().nullish(),
});
const content = z.union([z.string().transform(() => []), z.array(block)]);

const assistant = z.looseObject({ type: z.literal('assistant'), message: z.looseObject({ content }) });

const user = z.looseObject({
  type: z.literal('user'),
  message: z.looseObject({ content }),
  uuid: z.string().nullish(),
  isReplay: z.boolean().nullish(),
  tool_result_meta: z
    .array(
      z.looseObject({
        id: z.string(),
        permission_decision: z.looseObject({ decision: z.string().nullish() }).nullish(),
      }),
    )
    .nullish(),
});

const rateLimit = z.looseObject({
  type: z.literal('rate_limit_event'),
  rate_limit_info: z.looseObject({ status: z.string(), resetsAt: z.number().nullish() }),
});

const asked = z.looseObject({
  type: z.literal('control_request'),
  request_id: z.string(),
  request: z.looseObject({
    subtype: z.string(),
    tool_name: z.string().optional(),
    input: z.record(z.string(), z.unknown()).default({}),
    blocked_path: z.string().nullish(),
  }),
});
export type Asked = z.output<typeof asked>;

const cancelled = z.looseObject({ type: z.literal('control_cancel_request'), request_id: z.string() });

/** An answer of its own, or ours, repeated. */
const answered = z.looseObject({
  type: z.literal('control_response'),
  response: z.looseObject({ request_id: z.string() }),
});

const result = z.looseObject({
  type: z.literal('result'),
  uuid: z.string().default(''),
  is_error: z.boolean(),
  subtype: z.string().default(''),
  result: z.string().nullish(),
  errors: z.array(z.string()).nullish(),
  terminal_reason: z.string().nullish(),
  api_error_status: z.number().nullish(),
  user_message_uuids: uuids,
  model_usage_since_last_result: z.record(z.string(), usage).optional(),
  usage: apiUsage.nullish(),
});
export type Result = z.output<typeof result>;

const message = z.discriminatedUnion('type', [
  z.discriminatedUnion('subtype', [init, retry]),
  lifecycle,
  streamed,
  assistant,
  user,
  rateLimit,
  asked,
  cancelled,
  answered,
  result,
]);
export type Message = z.output<typeof message>;

/** Undefined: no JSON, or nothing that this driver knows. */
export function messageOf(line: string): Message | undefined {
  try {
    const parsed = message.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** What this node writes to it. */
const written = z.union([
  z.looseObject({ type: z.literal('user'), uuid: z.string(), steers: z.boolean().optional() }),
  answered,
]);

export function writtenOf(line: string): z.output<typeof written> | undefined {
  const parsed = written.safeParse(JSON.parse(line));
  return parsed.success ? parsed.data : undefined;
}
