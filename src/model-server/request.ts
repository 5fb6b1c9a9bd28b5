/** What a request asks, whatever its dialect: the prompt, how many tools have answered since, and which tools there are. */
import { z } from 'zod';

export type Tool = { name: string; schema: unknown; isCustom: boolean };

export type Asked = {
  model: string;
  stream: boolean;
  prompt: string;
  /** Answers of tools after the prompt. */
  results: number;
  tools: readonly Tool[];
};

export type Item = { kind: 'prompt'; text: string } | { kind: 'result' };

/** The last prompt of a conversation, and what came after it. */
export function asked(items: readonly Item[], o: Pick<Asked, 'model' | 'stream' | 'tools'>): Asked {
  const at = items.findLastIndex((item) => item.kind === 'prompt');
  const last = items[at];
  const prompt = last?.kind === 'prompt' ? last.text : '';
  return { ...o, prompt, results: items.slice(at + 1).filter((item) => item.kind === 'result').length };
}

const part = z.looseObject({ type: z.string(), text: z.string().optional() });
export const texts = z.union([z.string().transform((text) => [{ type: 'text', text }]), z.array(part)]);
const shared = { model: z.string().default('stub-model'), stream: z.boolean().default(false) };

const anthropicSchema = z.looseObject({
  ...shared,
  messages: z.array(z.looseObject({ role: z.string(), content: texts })),
  tools: z.array(z.looseObject({ name: z.string(), input_schema: z.unknown().optional() })).default([]),
});

/** What Claude Code itself adds to a user's message. */
const ADDED_BY_CLAUDE = /^\s*(<system-reminder>|\[Request interrupted)/;

/** Anthropic Messages. One message may hold answers of tools and several texts: it is read part by part. Throws `ZodError`. */
export function readAnthropic(body: unknown): Asked {
  const { model, stream, messages, tools } = anthropicSchema.parse(body);
  const items = messages
    .filter(({ role }) => role === 'user')
    .flatMap(({ content }) => content)
    .flatMap((one): Item[] => {
      if (one.type === 'tool_result') return [{ kind: 'result' }];
      const isPrompt = one.type === 'text' && one.text !== undefined && !ADDED_BY_CLAUDE.test(one.text);
      return isPrompt ? [{ kind: 'prompt', text: one.text ?? '' }] : [];
    });
  const offered = tools.map((tool) => ({ name: tool.name, schema: tool.input_schema, isCustom: false }));
  return asked(items, { model, stream, tools: offered });
}

const responsesSchema = z.looseObject({
  ...shared,
  input: z.union([
    z.string().transform((text) => [{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] }]),
    z.array(
      z.looseObject({
        type: z.string().default('message'),
        role: z.string().optional(),
        content: texts.optional().catch(undefined),
      }),
    ),
  ]),
  tools: z
    .array(z.looseObject({ type: z.string(), name: z.string().optional(), parameters: z.unknown().optional() }))
    .default([]),
});

/** What Codex itself says as the user. */
const ADDED_BY_CODEX =
  /^\s*(<environment_context>|<user_instructions>|<permissions|<INSTRUCTIONS>|<turn_aborted>|# AGENTS\.md)/;

/** OpenAI Responses. Throws `ZodError`. */
export function readResponses(body: unknown): Asked {
  const { model, stream, input, tools } = responsesSchema.parse(body);
  const items = input.flatMap((one): Item[] => {
    if (one.type.endsWith('_output')) return [{ kind: 'result' }];
    if (one.type !== 'message' || one.role !== 'user') return [];
    const text = (one.content ?? []).map((piece) => piece.text ?? '').join('');
    return ADDED_BY_CODEX.test(text) ? [] : [{ kind: 'prompt', text }];
  });
  const offered = tools.map((tool) => ({
    name: tool.name ?? tool.type,
    schema: tool.parameters,
    isCustom: tool.type === 'custom',
  }));
  return asked(items, { model, stream, tools: offered });
}
