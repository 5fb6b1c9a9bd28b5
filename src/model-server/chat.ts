/** OpenAI chat completions: https://platform.openai.com/docs/api-reference/chat-streaming */
import { z } from 'zod';
import type { Dialect, Event } from './answer.ts';
import { DONE, USAGE } from './answer.ts';
import type { Asked, Item } from './request.ts';
import { asked, texts } from './request.ts';
import type { Step } from './script.ts';
import type { ToolCall } from './tool-call.ts';
import { pieces } from './tool-call.ts';

const chatSchema = z.looseObject({
  model: z.string().default('stub-model'),
  stream: z.boolean().default(false),
  messages: z.array(z.looseObject({ role: z.string(), content: texts.nullish() })),
  tools: z
    .array(z.looseObject({ function: z.looseObject({ name: z.string(), parameters: z.unknown().optional() }) }))
    .default([]),
});

/** Throws `ZodError`. */
export function readChat(body: unknown): Asked {
  const { model, stream, messages, tools } = chatSchema.parse(body);
  const items = messages.flatMap(({ role, content }): Item[] => {
    if (role === 'tool') return [{ kind: 'result' }];
    if (role !== 'user') return [];
    return [{ kind: 'prompt', text: (content ?? []).map((part) => part.text ?? '').join('') }];
  });
  const offered = tools.map((tool) => ({
    name: tool.function.name,
    schema: tool.function.parameters,
    isCustom: false,
  }));
  return asked(items, { model, stream, tools: offered });
}

/** `id` makes the ids of answer and call; the caller keeps it unique. The thinking of a step is not said: the dialect has no word for it. */
export function chatAnswer(step: Step, o: { asked: Asked; call: ToolCall | undefined; id: string }): Dialect {
  const { call, id } = o;
  const head = { id: `chatcmpl_${id}`, created: 0, model: o.asked.model };
  const said = call === undefined ? (step.text ?? '') : (step.preText ?? '');
  const reason = call === undefined ? 'stop' : 'tool_calls';
  const calls = call === undefined ? [] : [callOf(call, id)];
  const counts = step.usage ?? USAGE;
  const usage = {
    prompt_tokens: counts.in,
    completion_tokens: counts.out,
    total_tokens: counts.in + counts.out,
  };
  const chunk = (delta: object, waitMs = 0, finish: string | null = null): Event => ({
    name: '',
    data: { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] },
    waitMs,
  });
  return {
    events: () => [
      chunk({ role: 'assistant', content: '' }),
      ...pieces(said, step.chunks).map((content) => chunk({ content }, step.delayMs)),
      ...calls.map((one, index) => chunk({ tool_calls: [{ index, ...one }] })),
      chunk({}, 0, reason),
      { name: '', data: { ...head, object: 'chat.completion.chunk', choices: [], usage }, waitMs: 0 },
      DONE,
    ],
    whole: () => {
      const message = { role: 'assistant', content: said, ...(calls.length === 0 ? {} : { tool_calls: calls }) };
      return { ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: reason }], usage };
    },
  };
}

const callOf = ({ name, input }: ToolCall, id: string): object => ({
  id: `call_${id}`,
  type: 'function',
  function: { name, arguments: JSON.stringify(input) },
});
