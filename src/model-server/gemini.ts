/** Gemini: https://ai.google.dev/api/generate-content */
import { z } from 'zod';
import type { Dialect, Event } from './answer.ts';
import { USAGE } from './answer.ts';
import type { Asked, Item } from './request.ts';
import { asked } from './request.ts';
import type { Step } from './script.ts';
import type { ToolCall } from './tool-call.ts';
import { pieces } from './tool-call.ts';

const geminiSchema = z.looseObject({
  contents: z.array(
    z.looseObject({
      role: z.string().optional(),
      parts: z.array(z.looseObject({ text: z.string().optional(), functionResponse: z.unknown().optional() })),
    }),
  ),
  tools: z
    .array(
      z.looseObject({
        functionDeclarations: z
          .array(
            z.looseObject({
              name: z.string(),
              parametersJsonSchema: z.unknown().optional(),
              parameters: z.unknown().optional(),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
});

/** Model and streaming are in the path: `…/models/MODEL:streamGenerateContent`. */
export const GEMINI_PATH = /\/models\/([^/:]+):(streamGenerateContent|generateContent)$/;

/** What the CLI itself adds to a user's turn. */
const ADDED_BY_GEMINI = /^\s*<session_context>/;

/** Throws `ZodError`. */
export function readGemini(body: unknown, path: string): Asked {
  const { contents, tools } = geminiSchema.parse(body);
  const [, model = 'stub-model', verb] = GEMINI_PATH.exec(path) ?? [];
  const items = contents
    .filter(({ role }) => role !== 'model')
    .flatMap(({ parts }) => parts)
    .flatMap(({ text, functionResponse }): Item[] => {
      if (functionResponse !== undefined) return [{ kind: 'result' }];
      return text === undefined || ADDED_BY_GEMINI.test(text) ? [] : [{ kind: 'prompt', text }];
    });
  const offered = tools
    .flatMap((one) => one.functionDeclarations)
    .map((tool) => ({ name: tool.name, schema: tool.parametersJsonSchema ?? tool.parameters, isCustom: false }));
  return asked(items, { model, stream: verb === 'streamGenerateContent', tools: offered });
}

export function geminiAnswer(step: Step, o: { asked: Asked; call: ToolCall | undefined; id: string }): Dialect {
  const { call } = o;
  const said = call === undefined ? (step.text ?? '') : (step.preText ?? '');
  const counts = step.usage ?? USAGE;
  const last = {
    finishReason: 'STOP',
    usageMetadata: {
      promptTokenCount: counts.in,
      candidatesTokenCount: counts.out,
      totalTokenCount: counts.in + counts.out,
    },
  };
  const thoughts = step.thinking === undefined ? [] : [{ text: step.thinking, thought: true }];
  const calls = call === undefined ? [] : [{ functionCall: { name: call.name, args: call.input } }];
  const turn = (parts: readonly object[], more: { finishReason?: string; usageMetadata?: object } = {}) => ({
    candidates: [
      {
        index: 0,
        content: { role: 'model', parts },
        ...(more.finishReason === undefined ? {} : { finishReason: more.finishReason }),
      },
    ],
    ...(more.usageMetadata === undefined ? {} : { usageMetadata: more.usageMetadata }),
    modelVersion: o.asked.model,
  });
  return {
    events: (): Event[] => [
      ...thoughts.map((part) => ({ name: '', data: turn([part]), waitMs: 0 })),
      ...pieces(said, step.chunks).map((text) => ({ name: '', data: turn([{ text }]), waitMs: step.delayMs })),
      { name: '', data: turn(calls.length > 0 ? calls : [{ text: '' }], last), waitMs: 0 },
    ],
    whole: () => turn([...thoughts, ...(said === '' && calls.length > 0 ? [] : [{ text: said }]), ...calls], last),
  };
}

const STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
};

export const geminiError = (o: { status: number; type?: string | undefined; message: string }): object => ({
  error: { code: o.status, message: o.message, status: o.type ?? STATUSES[o.status] ?? 'INTERNAL' },
});
