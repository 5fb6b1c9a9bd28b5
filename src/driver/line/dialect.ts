import type { AgentEvent, PermissionAnswer } from '#agent-ports.ts';

/** What follows from a line or a wish: events for whoever watches, lines for the tool, in this order. */
export type Told = { events: AgentEvent[]; lines: string[] };

export const nothing = (): Told => ({ events: [], lines: [] });
export const only = (events: AgentEvent[]): Told => ({ events, lines: [] });

/** Told again of what came before a turn that a node attaches to; all else is old. */
export const isKept = ({ kind }: AgentEvent): boolean => kind === 'session' || kind === 'usage' || kind === 'context';

/**
 * One process's side of a tool's protocol. Pure: no clock, no I/O, so it is tested on recorded lines. It tells the end of each turn that it was
 * asked for; that a turn begins is told by the session, except for one that the tool begins by itself.
 */
export interface Dialect {
  /**
   * What this node wrote to the process before it attached to it; all of it comes before the first `read`. What was written then is not written
   * again, whatever the process's output asks for.
   */
  wrote(line: string): void;
  /** The name of the last turn that was asked for by {@link wrote} lines. What came before it is not told again, except conversation and usage. */
  readonly lastTurn: string | undefined;
  /** To a process that was just started. */
  begin(): Told;
  /** One line of the process; `nowMs` by the wall clock, for waits that the tool tells as durations. */
  read(line: string, nowMs: number): Told;
  /** Output is missing: a line was above the bound, or is not kept. */
  missing(): void;
  /** Asks for a turn of that name, as soon as the tool can take one. */
  prompt(turn: string, text: string): Told;
  /** Undefined: this tool takes no words during a turn, or not now. */
  steer(name: string, text: string): Told | undefined;
  /** Asks the tool to end the running turn, as soon as it has begun. */
  interrupt(name: string): Told;
  answer(request: string, answer: PermissionAnswer): Told;
  /** Requests of ours, by their methods, that the tool answers at once where it is sound. Without it there are none. */
  readonly answeredAtOnce?: readonly string[];
  /** True while the tool waits for somebody: its silence is no stall. */
  readonly isWaiting: boolean;
}
