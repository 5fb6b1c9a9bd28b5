/** What an agent's program in a terminal gets in its environment. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { SHELL } from '#core/task/fit.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { TerminalAgentSpec } from '#driver/tmux/terminal-agent.ts';
import { commandOf } from './drivers.ts';

/**
 * A program's environment in a terminal: the user's, without anything of skep's own, of the terminal that the node was started in, and of a CI that it
 * was started by.
 */
export function terminalEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  agent: Pick<TerminalAgentSpec, 'name'> | undefined,
): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || NOT_PASSED.test(name) ? [] : [[name, value] as const],
  );
  const hasLocale = ['LC_ALL', 'LC_CTYPE', 'LANG'].some((name) => (env[name] ?? '') !== '');
  return {
    ...Object.fromEntries(kept),
    // Without any, programs draw in ASCII, and the rules know their real signs.
    ...(hasLocale ? {} : { LANG: 'C.UTF-8' }),
    ...(agent === undefined ? {} : { SKEP_AGENT: agent.name }),
  };
}

/** Claude Code refuses to start inside itself; tmux names its own terminal; Gemini takes a terminal in a CI for none, and ends with code 42. */
const NOT_PASSED =
  /^(?:SKEP_.*|CLAUDECODE|CLAUDE_CODE_ENTRYPOINT|TMUX_PANE|TERM|TERM_PROGRAM.*|COLUMNS|LINES|CI|CI_.*|CONTINUOUS_INTEGRATION)$/;

/** Why an agent of that tool could not run here: the program its command line begins with, or one of `also`, is not on PATH. */
export async function missingProgram(tool: string, also: readonly string[] = ['tmux']): Promise<Refusal | undefined> {
  const [program = ''] = tool.trim().split(/\s+/, 1);
  for (const name of [...also, program]) {
    if (await isOnPath(name)) continue;
    return refusal('driver_unavailable', `this node cannot run ${tool}: there is no program ${name} on its PATH`, {
      expected: `${name} on PATH`,
      got: tool,
    });
  }
  return undefined;
}

/** Those of these tools whose program is on PATH. */
export async function installedTools(tools: Iterable<string>): Promise<string[]> {
  const installed: string[] = [];
  for (const tool of tools) {
    if (tool !== SHELL && (await missingProgram(commandOf(tool), [])) === undefined) installed.push(tool);
  }
  return installed;
}

async function isOnPath(program: string): Promise<boolean> {
  const folders = program.includes('/')
    ? ['']
    : (process.env['PATH'] ?? '').split(delimiter).filter((one) => one !== '');
  for (const folder of folders) {
    try {
      await access(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // Not in this one.
    }
  }
  return false;
}
