/** What a tool is given and what it answers, as text that people read: bounded, and without what looks like a secret. */
import { z } from 'zod';
import { masked } from '#core/approval/mask.ts';
import type { ToolText } from '#agent-ports.ts';

/** A command and its arguments; what an edit writes has its diff elsewhere. */
export const INPUT_MAX_CHARS = 4_096;
/** A screen or three of what a command printed. */
export const OUTPUT_MAX_CHARS = 8_192;
/** Masked beyond what is kept, so that a cut does not make a secret unknown: as long as the longest known shape. */
const MARGIN_CHARS = 9_000;

const fieldsSchema = z.record(z.string(), z.unknown());
const partSchema = z.looseObject({ type: z.string().optional(), text: z.string().optional() });
const partsSchema = z.array(partSchema);

/** Arguments a line each, without quotes; a text of several lines stands below its name. Undefined for none. */
export function toolInput(input: unknown): ToolText | undefined {
  const text = typeof input === 'string' ? input : fieldsText(input);
  if (text === '') return undefined;
  const kept = masked(text.slice(0, INPUT_MAX_CHARS + MARGIN_CHARS)).slice(0, INPUT_MAX_CHARS);
  return { text: whole(kept), chars: text.length };
}

/** The beginning and the end of an answer, which say most: what is left out between them is told. Undefined for none. */
export function toolOutput(output: unknown): ToolText | undefined {
  const text = outputText(output);
  if (text === '') return undefined;
  if (text.length <= OUTPUT_MAX_CHARS) return { text: masked(text), chars: text.length };
  const half = OUTPUT_MAX_CHARS / 2;
  const head = masked(text.slice(0, half + MARGIN_CHARS)).slice(0, half);
  const tail = masked(text.slice(-half - MARGIN_CHARS)).slice(-half);
  return { text: `${whole(head)}\n[…]\n${tail.replace(/^[\udc00-\udfff]/, '')}`, chars: text.length };
}

/** As tools answer: a text, or parts of which some are texts. Whatever else there is, as JSON. */
function outputText(output: unknown): string {
  if (output === undefined || output === null) return '';
  if (typeof output === 'string') return output;
  const parts = partsSchema.safeParse(output).data;
  if (parts === undefined) return JSON.stringify(output, undefined, 2);
  return parts.map(({ type, text }) => text ?? `[${type ?? 'something without words'}]`).join('\n');
}

function fieldsText(input: unknown): string {
  if (input === undefined || input === null) return '';
  const fields = fieldsSchema.safeParse(input).data;
  if (fields === undefined) return JSON.stringify(input, undefined, 2);
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === 'command' && typeof only[1] === 'string') return only[1];
  return entries.map(([name, value]) => fieldText(name, value)).join('\n');
}

function fieldText(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
  return text.includes('\n') ? `${name}:\n${text}` : `${name}: ${text}`;
}

/** Not cut in the middle of a character. */
const whole = (text: string): string => text.replace(/[\ud800-\udbff]$/, '');
