/** Pieces of input that several routes share. */
import { z } from 'zod';
import { SHELL } from '#core/task/fit.ts';
import type { DoorRefusal } from '../refusal.ts';
import { refused } from '../refusal.ts';

/** For a part of the request that a route does not look at. */
export const none = z.unknown();

/** A text that must be there: left out, null or blank, the answer is the seed's `<name> is required`. */
export const requiredText = (name: string, maxChars: number): z.ZodString =>
  z
    .string({
      error: (issue) => (issue.input === undefined || issue.input === null ? `${name} is required` : undefined),
    })
    .max(maxChars)
    .regex(/\S/, `${name} is required`);

/** A text that may be left out or null. */
export const optionalText = (maxChars: number): z.ZodOptional<z.ZodNullable<z.ZodString>> =>
  z.string().max(maxChars).nullish();

/** A folder on whichever node takes the work: no node could tell from where a relative path is meant. */
export const folderInput = z
  .string()
  .max(4096)
  .regex(/^(\/|$)/, 'project_path: an absolute path on the node that does the work is expected')
  .nullish();

/** Null for what was left out, and for an empty text. */
export const orNull = (text: string | null | undefined): string | null =>
  text === undefined || text === null || text === '' ? null : text;

/** A whole number in a query, as decimal digits. */
export const queryNumber = (o: { min: number; max: number; default: number }) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'a whole number is expected')
    .optional()
    .transform((text) => (text === undefined ? o.default : Number(text)))
    .pipe(z.number().int().min(o.min).max(o.max))
    .meta({ type: 'integer', minimum: o.min, maximum: o.max, default: o.default });

export const capabilitiesInput = z.array(z.string().min(1).max(64)).max(64).nullish();

/** A branch as git names them; nothing that a command line could take for an option. */
export const branchInput = z
  .string()
  .max(255)
  .regex(/^(?![-/.])(?!.*(\.\.|\/\/|@\{))[^\s~^:?*[\\]+(?<![/.])$/, 'a branch name is expected')
  .nullish();

/** The part of a path that names one thing: an id, its short form, a name. */
export const idParams = z.object({ id: z.string().min(1).max(200) });

export const listQuery = (max: number) =>
  z.object({
    limit: queryNumber({ min: 1, max, default: max }),
    offset: queryNumber({ min: 0, max: 999_999_999, default: 0 }),
  });

export const turnsInput = z
  .enum(['off', 'on', 'echo'])
  .nullish()
  .describe(
    'on: a turn begins for what comes to its mailbox, and it takes no tasks; echo: answered with itself where none succeeds',
  );

type TurnsGiven = z.output<typeof turnsInput>;

export const turnsOf = (turns: TurnsGiven): { turns?: 'on' | 'echo' } =>
  turns === 'on' || turns === 'echo' ? { turns } : {};

/** A script and a terminal are driven by no protocol in which a turn ends. */
export function turnsRefusal(turns: TurnsGiven, tool: string): DoorRefusal | undefined {
  if (turnsOf(turns).turns === undefined || (tool !== SHELL && tool !== IN_TERMINAL)) return undefined;
  return refused('not_supported', 'only an agent that is driven by its protocol has turns', {
    expected: 'drive "protocol", and a tool other than shell',
    got: tool,
  });
}
/** Stands for the tool of an agent in a terminal. */
export const IN_TERMINAL = 'a terminal';
