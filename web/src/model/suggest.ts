/** The rules that would have answered a request: shown, and changed by a person, before they are made. */
import { strictParts } from '../../../src/core/approval/command.ts';
import type { Approval } from './frame.ts';

export type RuleDraft = { tool: string; command: string; path: string; agent: string };

/** The longest pattern of a rule. */
const GLOB_MAX_CHARS = 256;
/** A compound command of more parts than this is better read than allowed for ever. */
const RULES_MAX = 5;

/**
 * As narrow as can be: this agent, exactly this command, tool or path. A compound command has one for each part, since each must be allowed. Empty
 * where no pattern could allow it: a question, a command that cannot be taken apart safely, what is too long for a pattern.
 */
export function suggestedRules(asked: Approval): RuleDraft[] {
  const rules = draftsOf(asked);
  const fits = rules.every((rule) => Object.values(rule).every((glob) => glob.length <= GLOB_MAX_CHARS));
  return fits && rules.length <= RULES_MAX ? rules : [];
}

function draftsOf({ kind, tool, detail, paths, cwd, agent_name: agent, truncated }: Approval): RuleDraft[] {
  if (kind === 'question' || truncated) return [];
  if (kind === 'command') {
    const parts = strictParts(detail) ?? [];
    return [...new Set(parts)].map((command) => ({ tool: '', command, path: '', agent }));
  }
  if (paths.length === 0) return kind === 'edit' ? [] : [{ tool, command: '', path: '', agent }];
  return paths.map((path) => ({ tool, command: '', path: fromFolder(path, cwd), agent }));
}

/** Each attempt has a folder of its own, so a path in it is meant from there. */
const fromFolder = (path: string, cwd: string | null): string =>
  cwd !== null && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
