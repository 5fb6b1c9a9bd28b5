/** A driver whose agents do what a test says: each prompt is a turn, carried out by a function. It outlives its node, as an agent under a holder does. */
import type { AgentDriver, AgentEvent, AgentSession, SessionSpec } from '#agent-ports.ts';
import { EventStream } from '#driver/event-stream.ts';

/** What the agent does in a turn; its last words. `tell`: an event of the driver. */
export type Turn = (o: {
  prompt: string;
  spec: SessionSpec;
  number: number;
  tell: (event: AgentEvent) => void;
}) => Promise<string>;

export class ScriptedDriver implements AgentDriver {
  /** A node registers only agents whose program it has: this one is on every machine, and is never started. */
  readonly tool = 'true';
  readonly prompts: string[] = [];
  /** Words that its agents were told in the middle of a turn. */
  readonly steered: string[] = [];
  readonly specs: SessionSpec[] = [];
  readonly #turn: Turn;
  readonly #agents = new Map<string, Agent>();

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  async open(spec: SessionSpec): Promise<AgentSession> {
    this.specs.push(spec);
    const agent = new Agent(
      (prompt, number, tell) => {
        this.prompts.push(prompt);
        return this.#turn({ prompt, spec, number, tell });
      },
      (words) => void this.steered.push(words),
    );
    this.#agents.set(spec.procId, agent);
    return agent.session();
  }

  /** As if the holder had been killed with them: none is found again. */
  forget(): void {
    this.#agents.clear();
  }

  /** Tells all events from the beginning once more. */
  async attach(spec: SessionSpec): Promise<AgentSession | undefined> {
    this.specs.push(spec);
    return this.#agents.get(spec.procId)?.session();
  }
}

type AgentTurn = (prompt: string, number: number, tell: (event: AgentEvent) => void) => Promise<string>;

class Agent {
  readonly #turn: AgentTurn;
  readonly #steered: (words: string) => void;
  readonly #told: AgentEvent[] = [];
  #events = new EventStream();
  #turns = 0;

  constructor(turn: AgentTurn, steered: (words: string) => void) {
    this.#turn = turn;
    this.#steered = steered;
  }

  session(): AgentSession {
    this.#events.close();
    this.#events = new EventStream();
    for (const event of this.#told) this.#events.push(event);
    return {
      events: this.#events,
      prompt: async (text) => this.#prompt(text),
      steer: async (words) => this.#steered(words),
      interrupt: async () => this.#end(this.#turns, 'interrupted', ''),
      answer: async () => {},
      close: async () => this.#events.close(),
    };
  }

  #prompt(text: string): string {
    this.#turns += 1;
    const number = this.#turns;
    this.#tell({ kind: 'turn_started', turn: `turn-${number}` });
    void this.#turn(text, number, (event) => this.#tell(event)).then(
      (words) => this.#end(number, 'completed', words),
      (error: unknown) => this.#end(number, 'failed', String(error)),
    );
    return `turn-${number}`;
  }

  #end(number: number, outcome: 'completed' | 'failed' | 'interrupted', text: string): void {
    const turn = `turn-${number}`;
    if (this.#told.some((event) => event.kind === 'turn_ended' && event.turn === turn)) return;
    this.#tell({ kind: 'turn_ended', turn, outcome, text, exit: undefined });
  }

  #tell(event: AgentEvent): void {
    this.#told.push(event);
    this.#events.push(event);
  }
}
