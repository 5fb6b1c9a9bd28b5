/** Messages of the Agent Client Protocol, version 1, as far as they are read: https://agentclientprotocol.com/protocol/schema */
import { z } from 'zod';

const requestId = z.union([z.string(), z.number()]);
export type RequestId = z.output<typeof requestId>;

const rpcError = z.looseObject({
  code: z.number().optional(),
  message: z.string().default('an error without words'),
  data: z.unknown().optional(),
});
export type RpcError = z.output<typeof rpcError>;

const content = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  path: z.string().optional(),
  oldText: z.string().nullish(),
  newText: z.string().optional(),
  /** Of a call, what is shown of it lies one deeper. */
  content: z.looseObject({ type: z.string(), text: z.string().optional() }).optional().catch(undefined),
});

export const toolCall = z.looseObject({
  toolCallId: z.string(),
  title: z.string().nullish(),
  kind: z.string().nullish(),
  status: z.string().nullish(),
  rawInput: z.unknown().optional(),
  rawOutput: z.unknown().optional(),
  content: z.array(content).nullish(),
  locations: z.array(z.looseObject({ path: z.string() })).nullish(),
});
export type ToolCall = z.output<typeof toolCall>;

const update = z.union([
  z.looseObject({ sessionUpdate: z.literal('agent_message_chunk'), content }),
  z.looseObject({ sessionUpdate: z.literal('agent_thought_chunk'), content }),
  z.looseObject({ sessionUpdate: z.literal('usage_update'), used: z.number(), size: z.number() }),
  toolCall.extend({ sessionUpdate: z.enum(['tool_call', 'tool_call_update']) }),
]);
export type Update = z.output<typeof update>;

export const updateParams = z.looseObject({ update });
export const permissionParams = z.looseObject({
  options: z.array(z.looseObject({ optionId: z.string(), kind: z.string() })),
  toolCall,
});
export const initialized = z.looseObject({
  agentCapabilities: z
    .looseObject({
      loadSession: z.boolean().default(false),
      sessionCapabilities: z.looseObject({ fork: z.unknown().optional() }).nullish(),
    })
    .default({ loadSession: false }),
});
export const newSession = z.looseObject({ sessionId: z.string() });

const count = z.number().int().nonnegative().nullish();
const counted = z.looseObject({ input_tokens: count, output_tokens: count });
export const promptResult = z.looseObject({
  stopReason: z.string(),
  usage: z
    .looseObject({ inputTokens: count, outputTokens: count, cachedReadTokens: count, thoughtTokens: count })
    .nullish()
    .catch(undefined),
  /** Gemini CLI's own place for it. */
  _meta: z
    .looseObject({
      quota: z.looseObject({ model_usage: z.array(z.looseObject({ model: z.string(), token_count: counted })) }),
    })
    .nullish()
    .catch(undefined),
});

const message = z.looseObject({
  id: requestId.optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: rpcError.optional(),
});

export type Message =
  | { kind: 'request'; id: RequestId; method: string; params: unknown }
  | { kind: 'notification'; method: string; params: unknown }
  | { kind: 'response'; id: RequestId; result: unknown; error: RpcError | undefined };

/** Undefined for a line that is no message: some tools print words of their own. */
export function messageOf(line: string): Message | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = message.safeParse(json);
  if (!parsed.success) return undefined;
  const { id, method, params, result, error } = parsed.data;
  if (method !== undefined && id !== undefined) return { kind: 'request', id, method, params };
  if (method !== undefined) return { kind: 'notification', method, params };
  return id === undefined ? undefined : { kind: 'response', id, result, error };
}

/** By which an answer of ours is known to have been written. */
export const answerName = (id: RequestId): string => `answer ${JSON.stringify(id)}`;

export const lineOf = (message: object): string => JSON.stringify({ jsonrpc: '2.0', ...message });
