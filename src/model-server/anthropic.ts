/** Anthropic Messages: https://docs.anthropic.com/en/api/messages-streaming */
import type { Dialect, Event } from './answer.ts';
import { USAGE } from './answer.ts';
import type { Asked } from './request.ts';
import type { Step } from './script.ts';
import type { ToolCall } from './tool-call.ts';
import { pieces } from './tool-call.ts';

type Block = { start: Record<string, unknown>; deltas: Record<string, unknown>[]; whole: Record<string, unknown> };

/** `id` makes the ids of message and call; the caller keeps it unique. */
export function anthropicAnswer(step: Step, o: { asked: Asked; call: ToolCall | undefined; id: string }): Dialect {
  const { asked, call, id } = o;
  const usage = step.usage ?? USAGE;
  const blocks = blocksOf(step, call, id);
  const reason = call === undefined ? 'end_turn' : 'tool_use';
  const message = { id: `msg_${id}`, type: 'message', role: 'assistant', model: asked.model };
  const counts = { input_tokens: usage.in, output_tokens: usage.out };
  const event = (name: string, data: object = {}, waitMs = 0): Event => ({
    name,
    data: { type: name, ...data },
    waitMs,
  });
  return {
    events: () => [
      event('message_start', {
        message: {
          ...message,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: usage.in, output_tokens: 1 },
        },
      }),
      event('ping'),
      ...blocks.flatMap(({ start, deltas }, index) => [
        event('content_block_start', { index, content_block: start }),
        ...deltas.map((delta) => event('content_block_delta', { index, delta }, step.delayMs)),
        event('content_block_stop', { index }),
      ]),
      event('message_delta', { delta: { stop_reason: reason, stop_sequence: null }, usage: counts }),
      event('message_stop'),
    ],
    whole: () => ({
      ...message,
      content: blocks.map((block) => block.whole),
      stop_reason: reason,
      stop_sequence: null,
      usage: counts,
    }),
  };
}

function blocksOf(step: Step, call: ToolCall | undefined, id: string): Block[] {
  const said = call === undefined ? (step.text ?? '') : (step.preText ?? '');
  const blocks: Block[] = [];
  if (step.thinking !== undefined) blocks.push(thinkingBlock(step.thinking, step.chunks));
  if (said !== '' || call === undefined) blocks.push(textBlock(said, step.chunks));
  if (call !== undefined) blocks.push(toolBlock(call, id));
  return blocks;
}

const textBlock = (text: string, chunks: number): Block => ({
  start: { type: 'text', text: '' },
  deltas: pieces(text, chunks).map((piece) => ({ type: 'text_delta', text: piece })),
  whole: { type: 'text', text },
});

const SIGNATURE = 'c3R1Yg==';
const thinkingBlock = (thinking: string, chunks: number): Block => ({
  start: { type: 'thinking', thinking: '', signature: '' },
  deltas: [
    ...pieces(thinking, chunks).map((piece) => ({ type: 'thinking_delta', thinking: piece })),
    { type: 'signature_delta', signature: SIGNATURE },
  ],
  whole: { type: 'thinking', thinking, signature: SIGNATURE },
});

function toolBlock({ name, input }: ToolCall, id: string): Block {
  const head = { type: 'tool_use', id: `toolu_${id}`, name };
  return {
    start: { ...head, input: {} },
    deltas: [{ type: 'input_json_delta', partial_json: JSON.stringify(input) }],
    whole: { ...head, input },
  };
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

export const anthropicError = (o: {
  status: number;
  type?: string | undefined;
  message: string;
  id: string;
}): object => ({
  type: 'error',
  error: { type: o.type ?? ERROR_TYPES[o.status] ?? 'api_error', message: o.message },
  request_id: `req_${o.id}`,
});
