import type { AgentSession, TurnOutcome } from '#agent-ports.ts';
import type { Exit, Proc } from '#ports.ts';
import { EventStream } from './event-stream.ts';
import { LastWords } from './last-words.ts';
import { DriverRefusal } from './refusal.ts';

/** The longest a timer can wait; beyond it, it would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export type ShellSessionOptions = {
  graceMs: number;
  turnLimitMs: number;
  /** Starts the process of the next turn. */
  start: (text: string) => Promise<Proc>;
  /** Called once, when the session was closed. */
  closed: () => void;
};

type Turn = {
  proc: Proc;
  /** Why we end it. It stands even if the script then exits with 0: it may have caught the signal. */
  why: 'interrupted' | 'timed_out' | undefined;
  /** The process has ended, so nothing we do can change the outcome. */
  over: boolean;
  /** Resolves after `turn_ended`. */
  done: Promise<void>;
};

export class ShellSession implements AgentSession {
  readonly events = new EventStream();
  readonly #o: ShellSessionOptions;
  #turn: Turn | undefined;
  #starting: Promise<Proc> | undefined;
  #lastExit: Exit = { code: 0, signal: null, error: null };
  #closing: Promise<void> | undefined;

  constructor(o: ShellSessionOptions) {
    this.#o = o;
    this.#tell('idle', 'no turn has begun');
  }

  /** Runs the text as a script. Resolves with the turn's name when the process was started. Refused with `turn_running` and `session_closed`. */
  async prompt(text: string): Promise<string> {
    if (this.#closing !== undefined) throw new DriverRefusal('session_closed', 'This session is closed.');
    if (this.#turn !== undefined || this.#starting !== undefined) {
      throw new DriverRefusal('turn_running', 'A shell does one thing at a time: wait for turn_ended, or interrupt.');
    }
    try {
      this.#starting = this.#o.start(text);
      const proc = await this.#starting;
      this.follow(proc, this.#o.turnLimitMs);
      return proc.id;
    } finally {
      this.#starting = undefined;
    }
  }

  /** Makes this process the turn of the session, with that much of its limit left. */
  follow(proc: Proc, leftMs: number): void {
    const turn: Turn = { proc, why: undefined, over: false, done: Promise.resolve() };
    this.#turn = turn;
    this.events.push({ kind: 'turn_started', turn: proc.id });
    this.#tell('running', `process ${proc.id} runs`);
    const timer = setTimeout(() => this.#timeOut(turn), Math.min(leftMs, TIMER_MAX_MS));
    const over = (): void => {
      turn.over = true;
      clearTimeout(timer);
    };
    proc.exited.then(over, over);
    turn.done = this.#run(turn);
  }

  async steer(): Promise<void> {
    throw new DriverRefusal('not_supported', 'A running script takes no words. Interrupt it, or wait for turn_ended.');
  }

  /** A script asks nobody. */
  async answer(): Promise<void> {}

  /** Ends the running turn by the ladder; resolves when it has ended. Without one there is nothing to do. */
  async interrupt(): Promise<void> {
    await this.#end('interrupted', this.#o.graceMs);
  }

  /** Interrupts what runs, and ends the events with `exited`. Idempotent. */
  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    this.events.hurry();
    // A start under way either fails, and then its prompt says so, or becomes the turn that is ended here.
    await this.#starting?.catch(() => undefined);
    await this.#end('interrupted', graceMs);
    await this.#turn?.done;
    this.#o.closed();
    this.events.push({ kind: 'exited', exit: this.#lastExit });
    this.events.close();
  }

  async #end(why: 'interrupted' | 'timed_out', graceMs: number): Promise<void> {
    const turn = this.#turn;
    if (turn === undefined || turn.over) return;
    turn.why ??= why;
    await turn.proc.kill(graceMs);
  }

  #timeOut(turn: Turn): void {
    if (this.#turn !== turn) return;
    this.#end('timed_out', this.#o.graceMs).catch((error: unknown) => {
      if (codeOf(error) !== 'detached')
        this.#tell('unknown', `its turn limit is over, and it cannot be ended: ${String(error)}`);
    });
  }

  async #run(turn: Turn): Promise<void> {
    const words = new LastWords();
    let exit: Exit;
    try {
      await Promise.all([this.#pump(turn.proc.lines, 'stdout', words), this.#pump(turn.proc.errors, 'stderr', words)]);
      exit = await turn.proc.exited;
    } catch (error) {
      if (codeOf(error) === 'detached') {
        // This node stops; the turn goes on, and ends in the session that attaches to it.
        this.events.close();
        return;
      }
      exit = await endUnreadable(turn.proc, { error, graceMs: this.#o.graceMs });
    }
    const outcome: TurnOutcome = turn.why ?? (exit.code === 0 ? 'completed' : 'failed');
    this.#turn = undefined;
    this.#lastExit = exit;
    this.events.push({
      kind: 'turn_ended',
      turn: turn.proc.id,
      outcome,
      text: words.text(outcome === 'completed'),
      exit,
    });
    this.#tell('idle', `process ${turn.proc.id} has ended`);
  }

  async #pump(lines: AsyncIterable<string>, stream: 'stdout' | 'stderr', words: LastWords): Promise<void> {
    for await (const line of lines) {
      words.take(stream, line);
      const wait = this.events.pushOutput({ kind: 'delta', stream, text: `${line}\n` });
      if (wait !== undefined) await wait;
    }
  }

  #tell(state: 'idle' | 'running' | 'unknown', evidence: string): void {
    this.events.push({ kind: 'state', state, source: 'protocol', exact: state !== 'unknown', evidence });
  }
}

/** A turn whose output cannot be read has no result: it must not go on unseen either. */
async function endUnreadable(proc: Proc, o: { error: unknown; graceMs: number }): Promise<Exit> {
  const why = `output_unreadable: ${String(o.error)}`;
  try {
    return { ...(await proc.kill(o.graceMs)), code: null, error: why };
  } catch (error) {
    return { code: null, signal: null, error: `${why}; and it could not be ended: ${String(error)}` };
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
