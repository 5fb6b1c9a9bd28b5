/** What is told to the core of agents in terminals, and since when. */
import type { OpId } from '#core/brand.ts';
import type { TerminalAgent } from '#driver/tmux/terminal-agent.ts';

/** An agent whose last turn ended with an error takes nothing for so long: what failed (a limit, a login) would fail the next task, too. */
const ERROR_HOLD_MS = 60_000;

export class TerminalStates {
  readonly #setState: (agent: OpId, state: string | undefined) => void;
  readonly #told = new Map<OpId, string | undefined>();
  readonly #since = new Map<OpId, number>();
  readonly #holds = new Map<OpId, NodeJS.Timeout>();

  /** `setState`: what an agent is seen at; undefined when it is free. */
  constructor(setState: (agent: OpId, state: string | undefined) => void) {
    this.#setState = setState;
  }

  /** Kept from now on, and seen at nothing yet; false where it was kept before. */
  begin(id: OpId): boolean {
    if (this.#told.has(id)) return false;
    this.#tell(id, 'starting');
    return true;
  }

  /** Its driver sees something else, maybe. */
  changed(agent: TerminalAgent): void {
    const { id } = agent.spec;
    const { state } = agent.standing();
    this.#release(id);
    this.#tell(id, state === 'idle' ? undefined : state);
    if (state === 'error' || state === 'rate_limited')
      this.#holds.set(id, setTimeout(() => this.#tell(id, undefined), ERROR_HOLD_MS).unref());
  }

  /** When what is told of it began. */
  since(id: OpId): number | undefined {
    return this.#since.get(id);
  }

  /** It was withdrawn. */
  forget(id: OpId): void {
    this.#release(id);
    this.#told.delete(id);
    this.#since.delete(id);
    this.#setState(id, undefined);
  }

  close(): void {
    for (const timer of this.#holds.values()) clearTimeout(timer);
  }

  #release(id: OpId): void {
    clearTimeout(this.#holds.get(id));
    this.#holds.delete(id);
  }

  #tell(id: OpId, state: string | undefined): void {
    if (this.#told.has(id) && this.#told.get(id) === state) return;
    this.#told.set(id, state);
    this.#since.set(id, Date.now());
    this.#setState(id, state);
  }
}
