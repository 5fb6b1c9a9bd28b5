/** One line, in words, for what a model does with a tool. */
import { z } from 'zod';

const TITLE_MAX_CHARS = 120;

/** Arguments that tell most of what a tool is used for, the first that is there. */
const TELLING = ['command', 'file_path', 'notebook_path', 'path', 'pattern', 'url', 'query', 'description', 'prompt'];

const argumentsSchema = z.record(z.string(), z.unknown());

export function toolTitle(name: string, input: unknown): string {
  const fields = argumentsSchema.safeParse(input);
  const given = fields.success ? fields.data : {};
  const telling = TELLING.map((key) => given[key]).find((value) => typeof value === 'string' && value !== '');
  const rest = typeof telling === 'string' ? telling : Object.keys(given).length > 0 ? JSON.stringify(given) : '';
  return oneLine(rest === '' ? name : `${name}: ${rest}`);
}

/** The first line, cut to what fits into a list. */
export function oneLine(text: string): string {
  const [first = '', ...more] = text.trim().split('\n');
  const isCut = more.length > 0 || first.length > TITLE_MAX_CHARS;
  return isCut ? `${first.slice(0, TITLE_MAX_CHARS).replace(/[\ud800-\udbff]$/, '')}…` : first;
}
