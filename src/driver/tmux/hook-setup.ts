/** How a tool is told of skep's hooks: by its command line, so that nothing is changed in its user's configuration. */
import { hash } from 'node:crypto';
import { canonicalJson } from '#core/canonical.ts';
import { shellWord } from './tool.ts';

export type HookSetup = {
  /** What a hook runs. Its last argument is the file that holds the secret; the secret itself is in no argument. */
  command: readonly string[];
  /** A hook that waits for an answer is ended by its tool after this. */
  answerMaxSeconds: number;
};

/** A hook that only tells ends by itself within two seconds; this is for one that hangs. */
const TELL_MAX_SECONDS = 5;

const TOLD = ['SessionStart', 'UserPromptSubmit', 'PreToolUse', 'PermissionRequest', 'PostToolUse', 'Stop'] as const;
/** Codex has none of these, and clamps the last one with a warning. */
const TOLD_BY_CLAUDE = [...TOLD, 'PostToolUseFailure', 'StopFailure', 'SessionEnd'] as const;

/** The settings that Claude Code takes by `--settings`, beside its user's own. */
export function claudeSettings({ command, answerMaxSeconds }: HookSetup): string {
  const hooks = TOLD_BY_CLAUDE.map((event) => {
    const timeout = event === 'PermissionRequest' ? answerMaxSeconds : TELL_MAX_SECONDS;
    return [event, [{ hooks: [{ type: 'command', command: lineOf(command), timeout }] }]] as const;
  });
  return `${JSON.stringify({ hooks: Object.fromEntries(hooks) }, null, 2)}\n`;
}

/**
 * Arguments for Codex. It runs only hooks that its user trusts, known by a hash; these are given theirs for this one start, which says nothing of
 * any other hook, as `--dangerously-bypass-hook-trust` would.
 */
export function codexArguments({ command }: Pick<HookSetup, 'command'>): string[] {
  const line = lineOf(command);
  const timeout = TELL_MAX_SECONDS;
  const hooks = TOLD.flatMap((event) => [
    '-c',
    `hooks.${event}=[{hooks=[{type="command",command=${JSON.stringify(line)},timeout=${timeout}}]}]`,
  ]);
  const trusted = TOLD.map((event) => {
    const name = event.replaceAll(/(?<=[a-z])[A-Z]/g, '_$&').toLowerCase();
    const identity = { event_name: name, hooks: [{ type: 'command', command: line, timeout, async: false }] };
    const trusted_hash = `sha256:${hash('sha256', canonicalJson(identity))}`;
    return `"/<session-flags>/config.toml:${name}:0:0"={trusted_hash="${trusted_hash}"}`;
  });
  return [...hooks, '-c', `hooks.state={${trusted.join(',')}}`];
}

/** `exec`: the tool ends a hook by a signal to what it started, which is a shell. A hook that cannot be started says so to nobody. */
const lineOf = (command: readonly string[]): string => `exec ${command.map(shellWord).join(' ')} 2>/dev/null`;
