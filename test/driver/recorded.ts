/** Traffic of the real CLIs, recorded against the scripted model: `< ` before what the CLI printed, `> ` before what it was given. */
import { readFileSync } from 'node:fs';
import type { AgentEvent } from '#agent-ports.ts';
import type { Dialect, Told } from '#driver/line/dialect.ts';

export type Traffic = readonly { from: '<' | '>'; line: string }[];

export function recorded(directory: URL, name: string): Traffic {
  const text = readFileSync(new URL(`${name}.txt`, directory), 'utf8').trimEnd();
  return text.split('\n').map((line) => ({ from: line.startsWith('<') ? '<' : '>', line: line.slice(2) }));
}

/** What a node that reads along is told; `nowMs` is 0. */
export class Reading {
  readonly events: AgentEvent[] = [];
  readonly lines: unknown[] = [];
  readonly #dialect: Dialect;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  take(told: Told | undefined): this {
    this.events.push(...(told?.events ?? []));
    this.lines.push(...(told?.lines ?? []).map((line): unknown => JSON.parse(line)));
    return this;
  }

  /** Reads what the CLI printed, up to the first line that holds the text. */
  read(traffic: Traffic, upTo?: string): this {
    for (const { from, line } of traffic) {
      if (from === '<') this.take(this.#dialect.read(line, 0));
      if (upTo !== undefined && from === '<' && line.includes(upTo)) break;
    }
    return this;
  }

  of<Kind extends AgentEvent['kind']>(kind: Kind): Extract<AgentEvent, { kind: Kind }>[] {
    return this.events.filter((event): event is Extract<AgentEvent, { kind: Kind }> => event.kind === kind);
  }

  /** The states, in order, without what they are known from. */
  states(): string[] {
    return this.of('state').map(({ state }) => state);
  }

  text(): string {
    return this.of('delta')
      .map(({ text }) => text)
      .join('');
  }
}
