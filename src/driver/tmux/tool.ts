/** What skep knows of a tool that runs in a terminal: how it is started and typed to, and what its screen says. Data files, one a tool. */
import { basename } from 'node:path';
import { z } from 'zod';
import claude from './tools/claude.json' with { type: 'json' };
import codex from './tools/codex.json' with { type: 'json' };
import gemini from './tools/gemini.json' with { type: 'json' };
import opencode from './tools/opencode.json' with { type: 'json' };
import other from './tools/other.json' with { type: 'json' };

/** A regular expression; `^` and `$` stand at the ends of lines. */
const pattern = z.object({ match: z.string(), ignoreCase: z.boolean().optional() });

/** `in`: a zone of the file, `title`, `lines` (all that is looked at), or `last:<n>` of them. */
const condition = pattern.extend({ in: z.string() }).transform(({ in: zone, match, ignoreCase }) => ({
  zone,
  pattern: new RegExp(match, ignoreCase === true ? 'imu' : 'mu'),
}));
export type Condition = z.output<typeof condition>;

const ruleSchema = z.object({
  name: z.string(),
  state: z.enum(['starting', 'idle', 'running', 'waiting', 'retrying', 'error', 'exited']),
  /** The turn above it was stopped before its end. */
  interrupted: z.boolean().default(false),
  /** All must be found … */
  all: z.array(condition).min(1),
  /** … and none of these. */
  none: z.array(condition).default([]),
});
export type Rule = z.output<typeof ruleSchema>;

const lineOf = z.string().transform((source) => new RegExp(source, 'u'));

/**
 * A part of the screen. `before` cuts at the `fromEnd`-last line that matches: without such a line there is no zone. Of what is left, `after` takes
 * the lines behind the last one that matches (none: no zone), `from` that line too (none: everything, for the line has scrolled away).
 */
const zoneSchema = z.object({
  before: z.object({ match: lineOf, fromEnd: z.number().int().min(1) }).optional(),
  after: lineOf.optional(),
  from: lineOf.optional(),
});
export type Zone = z.output<typeof zoneSchema>;

const toolSchema = z.object({
  tool: z.string(),
  /** Versions whose screens are recorded in the tests; null: its rules are from its documents, no screen was seen. */
  seen: z.string().nullable(),
  /** What runs when no arguments were given. */
  command: z.array(z.string()),
  /** Between a paste and Enter. Some take a key that follows too soon for a part of the paste. */
  enterDelayMs: z.number().int().min(0),
  /** So long a program that was just started has to show the same prompt: some show one, and then ask whether the folder is to be trusted. */
  settleMs: z.number().int().min(0).default(0),
  /** Keys, as tmux names them, that end a turn. */
  interruptKeys: z.array(z.string()),
  /**
   * Keys that put what stands in the input box aside, a person's half sentence or a prompt that Escape put back. Claude Code brings it back by itself;
   * Codex keeps it in its history. Harmless where the box is empty: of Ctrl-C alone Codex would end then, so a blank stands before it.
   */
  asideKeys: z.array(z.string()).default([]),
  /** Whose shape of hooks it takes: its state is then exact. Absent: its screen is all there is. */
  hooks: z.enum(['claude', 'codex', 'opencode']).optional(),
  /** Its rules know no run, only questions and prompts: what is neither counts as at work, once something was asked of it. */
  busyWhenUnknown: z.boolean().default(false),
  /** Lines of a turn that are no part of what the agent said. */
  decoration: lineOf.optional(),
  zones: z.record(z.string(), zoneSchema),
  /** The first one that holds names the state. */
  rules: z.array(ruleSchema),
});
export type Tool = z.output<typeof toolSchema>;

const OTHER = toolSchema.parse(other);
const TOOLS: ReadonlyMap<string, Tool> = new Map(
  [claude, codex, gemini, opencode].map((data) => {
    const tool = toolSchema.parse(data);
    return [tool.tool, tool];
  }),
);

/** The tools that skep has rules for. */
export const knownTools = (): string[] => [...TOOLS.keys()];

/** By the program's name, whatever its path and arguments; anything else gets the few rules that hold for any program. */
export function toolOf(commandLine: string): Tool {
  const [program = ''] = commandLine.trim().split(/\s+/, 1);
  return TOOLS.get(basename(program)) ?? OTHER;
}

/**
 * What is run: the tool's own command where only its name was given, else the line as it stands, by a shell. `more`: arguments of skep's own, which
 * stand before all others, for what follows may be anything that a shell takes.
 */
export function commandOf(tool: Tool, commandLine: string, more: readonly string[] = []): readonly string[] {
  const line = commandLine.trim();
  if (tool.command.length > 0 && line === tool.tool) return [...tool.command, ...more];
  if (more.length === 0) return [line];
  const [program = ''] = line.split(/\s+/, 1);
  return [[program, ...more.map(shellWord)].join(' ') + line.slice(program.length)];
}

/** As a shell takes it, whatever is in it. */
export const shellWord = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;
