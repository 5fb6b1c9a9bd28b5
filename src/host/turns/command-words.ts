/** What an agent is told of the end of a command of its own. Pure. */
import { masked } from '#core/approval/mask.ts';
import type { AgentCommand } from '#core/schema/agent-command.ts';

/** Of what it printed: less than a message holds without becoming a file. */
const TAIL_MAX_BYTES = 8 * 1024;
const COMMAND_SHOWN_CHARS = 500;
const TITLE_MAX_CHARS = 60;

/** Where the event comes from. A number is given once in an agent, so no two commands have the same. */
export const sourceOf = ({ n }: Pick<AgentCommand, 'n'>): string => `command ${n}`;

/** A name for one that was given none. */
export const titleOf = (command: string): string => masked(command).replace(/\s+/g, ' ').slice(0, TITLE_MAX_CHARS);

/** As people and the agent see it later. */
export const shownOf = (command: string): string =>
  `${masked(command).slice(0, COMMAND_SHOWN_CHARS)}${command.length > COMMAND_SHOWN_CHARS ? ' …' : ''}`;

/** The end of a text, in whole characters. */
export function tailOf(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= TAIL_MAX_BYTES) return text;
  return bytes
    .subarray(-TAIL_MAX_BYTES)
    .toString()
    .replace(/^\ufffd+/, '');
}

export function eventText(row: AgentCommand, last: string): string {
  const { n, title, command } = row;
  const head = `Your command ${n} (${title}) ${howItEnded(row)}`;
  const what = `The command: ${command}`;
  return [head, what, last === '' ? 'It printed nothing.' : `The end of what it printed:\n${last}`].join('\n');
}

function howItEnded({ state, code, signal, ms, time_limit_s }: AgentCommand): string {
  const after = ms === null ? '' : ` after ${(ms / 1_000).toFixed(1)} s`;
  const how = code === null ? (signal === null ? 'without an exit code' : `by ${signal}`) : `with exit code ${code}`;
  if (state === 'lost')
    return 'is lost: its process was gone when its node came back. Look how far it came before you start it again.';
  if (state === 'timed_out') return `was ended after its time limit of ${time_limit_s} s.`;
  return state === 'stopped' ? `was stopped${after}.` : `ended ${how}${after}.`;
}
