/**
 * What becomes of a request before any person sees it: denied, asked about or allowed, by an operator's rules and a few that are built in. deny > ask >
 * allow, whatever their order. Pure: where paths really lie is found out by the host.
 */
import type { OpId } from '../brand.ts';
import type { LiveRule } from '../view/rule.ts';
import { COMMAND_MAX_CHARS, looseParts, readings, strictParts } from './command.ts';
import { matchesCommand, matchesName, matchesPath } from './glob.ts';
import type { Grave } from './grave.ts';
import { gravesOf, toldOf } from './grave.ts';

/** `paths`: where they really lie, links followed; `inside`: all are known to lie in the folder the agent works in. */
export type Asked = {
  kind: 'command' | 'edit' | 'tool' | 'question';
  tool: string;
  /** Of a command: the command itself. */
  detail: string;
  agent: { id: OpId; name: string };
  /** The folder that the attempt was given; what the tool itself says of its place proves nothing. */
  cwd: string;
  paths: readonly string[];
  inside: boolean;
};

/** `rule` null: a rule that is built in. `why` is a sentence for people and, of a denial, for the agent. */
export type Ruling = { effect: 'allow' | 'ask' | 'deny'; rule: OpId | null; why: string };

export function rulingOf(asked: Asked, rules: readonly LiveRule[]): Ruling {
  const about = rules.filter((rule) => concerns(rule, asked));
  const denying = about.find((rule) => rule.added.effect === 'deny' && mayMatch(rule, asked));
  if (denying !== undefined) return { effect: 'deny', rule: denying.id, why: noteOf(denying, 'a rule denies it') };
  if (asked.kind === 'question') return ask('only a person can answer it');
  const asking = about.find((rule) => rule.added.effect === 'ask' && mayMatch(rule, asked));
  if (asking !== undefined) return { effect: 'ask', rule: asking.id, why: noteOf(asking, 'a rule wants it asked') };
  const allowing = about.filter((rule) => rule.added.effect === 'allow');
  if (asked.kind === 'command') return commandRuling(asked, allowing);
  if (asked.kind === 'edit') return editRuling(asked, allowing);
  const allowed = allowing.find((rule) => rule.added.command === null && allPathsMatch(rule, asked));
  return allowed === undefined ? ask('no rule allows it') : allow(allowed);
}

const ask = (why: string): Ruling => ({ effect: 'ask', rule: null, why });
const allow = (rule: LiveRule): Ruling => ({ effect: 'allow', rule: rule.id, why: noteOf(rule, 'a rule allows it') });
const noteOf = ({ added }: LiveRule, otherwise: string): string => (added.note === '' ? otherwise : added.note);

function concerns({ added }: LiveRule, { tool, agent }: Asked): boolean {
  if (added.tool !== null && !matchesName(added.tool, tool)) return false;
  return added.agent === null || matchesName(added.agent, agent.name) || added.agent === agent.id;
}

/** Read loosely, for what is not to happen: any part of a command, any path. */
function mayMatch({ added }: LiveRule, { kind, detail, paths, cwd }: Asked): boolean {
  const { command, path } = added;
  if (command !== null && (kind !== 'command' || !mayRun(command, detail))) return false;
  return path === null || paths.some((one) => matchesPath(path, one, cwd));
}

function mayRun(pattern: string, command: string): boolean {
  // What is beyond that is not read; such a command is never allowed by a rule.
  if (matchesCommand(pattern, command.slice(0, COMMAND_MAX_CHARS))) return true;
  return looseParts(command).some((words) => readings(words).some((one) => matchesCommand(pattern, one.join(' '))));
}

function commandRuling(asked: Asked, allowing: readonly LiveRule[]): Ruling {
  const { detail, cwd } = asked;
  if (detail.length > COMMAND_MAX_CHARS) return ask(`it is longer than ${COMMAND_MAX_CHARS} characters`);
  const able = allowing.filter((rule) => allPathsMatch(rule, asked));
  const graves = gravesOf(detail, cwd);
  const unnamed = [...graves].find((grave) => !able.some(({ added }) => namedBy(added.command).has(grave)));
  if (unnamed !== undefined) return ask(`it ${toldOf(unnamed)}`);
  const first = able[0];
  if (first === undefined) return ask('no rule allows it');
  const whole = able.find((rule) => rule.added.command === null);
  if (whole !== undefined && graves.size === 0) return allow(whole);
  const parts = strictParts(detail);
  if (parts === undefined) return ask('it cannot be split into commands safely, so no pattern allows it');
  const missing = parts.find((part) => !able.some(({ added }) => covers(added.command, part, cwd)));
  if (missing === undefined) return allow(first);
  return ask(parts.length === 1 ? 'no rule allows it' : `no rule allows "${missing.slice(0, 80)}"`);
}

/** A part that is grave is allowed only by a pattern that names what is grave about it. */
function covers(pattern: string | null, part: string, cwd: string): boolean {
  const graves = gravesOf(part, cwd);
  if (pattern === null) return graves.size === 0;
  const named = namedBy(pattern);
  return matchesCommand(pattern, part) && [...graves].every((grave) => named.has(grave));
}

/** A wildcard names no folder: `rm -rf build*` also matches `rm -rf build /`. */
function namedBy(pattern: string | null): Set<Grave> {
  const named = gravesOf(pattern ?? '', null);
  if (pattern !== null && /[*?]/.test(pattern)) named.delete('removeOutside');
  return named;
}

function editRuling(asked: Asked, allowing: readonly LiveRule[]): Ruling {
  const allowed = allowing.find(
    ({ added }) => added.command === null && allPathsMatch({ added }, asked) && (added.path !== null || asked.inside),
  );
  if (allowed !== undefined && (allowed.added.path !== null || !changesSettings(asked))) return allow(allowed);
  if (asked.paths.length === 0) return ask('it does not say what it would change');
  if (!asked.inside) return ask('it changes files outside the folder the agent works in');
  if (changesSettings(asked)) return ask('it changes settings of git or of an agent');
  return { effect: 'allow', rule: null, why: 'it changes files only in the folder the agent works in' };
}

/** Of an allowing rule with a path: all that would be changed, and that must be known. */
function allPathsMatch({ added }: Pick<LiveRule, 'added'>, { paths, cwd }: Asked): boolean {
  const { path } = added;
  return path === null || (paths.length > 0 && paths.every((one) => matchesPath(path, one, cwd)));
}

/** Files that make programs run something later. */
const SETTINGS: ReadonlySet<string> = new Set([
  '.git',
  '.claude',
  '.codex',
  '.opencode',
  '.gemini',
  '.mcp.json',
  'opencode.json',
  '.envrc',
  '.husky',
  '.vscode',
]);
const changesSettings = ({ paths, cwd }: Asked): boolean =>
  paths.some((path) =>
    (path.startsWith(`${cwd}/`) ? path.slice(cwd.length) : path).split('/').some((name) => SETTINGS.has(name)),
  );
