/** How a tool that speaks lines ended, in words. */
import { masked } from '#core/approval/mask.ts';
import type { AgentEvent } from '#agent-ports.ts';
import { plainText } from '../last-words.ts';
import type { Exit, ExecResult, WholeLine } from '#ports.ts';

/** Longer than any first line of an error that was seen, short enough for a list. */
const FIRST_LINE_MAX_CHARS = 300;
/** More of it is not looked at. */
const LINE_READ_CHARS = 4_096;
/** Of what a tool answers to `--version`. */
const VERSION_MAX_CHARS = 100;
/** To put another version in its place is a person's work. */
const TRIED_AGAIN_MS = 300_000;
/** From here on an exit code says, by the custom of shells, which signal ended a program. */
const CODE_OF_SIGNALS = 128;

/**
 * What the real tests drive, by the name of the program; `tools/agents/package.json` pins them. Only these are asked for their version: what another
 * program does with `--version` is not known.
 */
export const TESTED_VERSIONS: Readonly<Record<string, string>> = {
  claude: '2.1.328',
  codex: '0.169.0',
  gemini: '0.61.0',
  opencode: '1.18.33',
};

export const endOf = (exit: Exit): string => exit.error ?? exit.signal ?? `exit code ${exit.code}`;

/** True for a line of a protocol, all of which speak in JSON objects; false for words to people, as a usage is. */
export const isWord = (line: WholeLine): boolean => line.kind !== 'line' || line.text.startsWith('{');

export const protocolState = (state: 'starting' | 'error' | 'exited') =>
  ({ kind: 'state', state, source: 'protocol', exact: true }) as const;

/** It ended by its own will: one that was killed, or that this node lost, might do better the next time. */
export const endedByItself = ({ code, error }: Exit): boolean =>
  code !== null && code <= CODE_OF_SIGNALS && error === null;

/** What a line says to people, bounded, and without what looks like a secret: it goes into the log. Empty for an empty one. */
export const saidIn = (line: string): string =>
  masked(plainText(line.slice(0, LINE_READ_CHARS)).trim()).slice(0, FIRST_LINE_MAX_CHARS);

/** The first line of what it answered to `--version`; undefined where it did not answer. */
export function toldVersion({ exit, stdout }: ExecResult): string | undefined {
  const version = saidIn(stdout.trimStart().split('\n', 1)[0] ?? '').slice(0, VERSION_MAX_CHARS);
  return exit.code === 0 && version !== '' ? version : undefined;
}

/** The state of an agent whose tool does not start: it takes nothing until then, as its next tasks would fail of the same. */
export const brokenUntil = (evidence: string, nowMs: number): AgentEvent => ({
  kind: 'state',
  state: 'error',
  source: 'protocol',
  exact: true,
  evidence,
  untilMs: nowMs + TRIED_AGAIN_MS,
});

/** Why it did not start, for a person who can put another version in its place. */
export function startFailure(o: {
  tool: string;
  exit: Exit;
  said: string;
  version: string | undefined;
  tested: string | undefined;
}): string {
  const how = o.exit.error === null ? 'ended' : 'hung';
  const what = `${o.tool} ${how} at its start (${endOf(o.exit)}), before the first word of its protocol`;
  const said = o.said === '' ? 'It said nothing.' : `It said: ${o.said}`;
  if (o.tested === undefined) return `${what}. ${said}`;
  const found = o.version === undefined ? 'it does not say its version' : `its version here is ${o.version}`;
  return `${what}: ${found}, and skep was tested with ${o.tested}. ${said}`;
}
