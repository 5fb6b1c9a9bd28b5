/**
 * A session with a tool that speaks lines of JSON, over processes that outlive this node. The tool's own protocol is its {@link Dialect}; here is
 * what all of them share: the process, turns and their limits, interrupts, stalls, the close, and the way back after a restart.
 */
import type { AgentEvent, AgentSession, PermissionAnswer } from '#agent-ports.ts';
import type { Exit, Proc, WholeLine } from '#ports.ts';
import { EventStream } from '../event-stream.ts';
import { DriverRefusal } from '../refusal.ts';
import type { Dialect, Told } from './dialect.ts';
import { Silence } from './silence.ts';
import { GRACE_MS, LINE_MAX_BYTES, type LineLimits, ToolProcess } from './tool-process.ts';
import { brokenUntil, endedByItself, endOf, isWord, protocolState } from './tool-end.ts';
import { turnName, turnNameMs } from './turn-name.ts';
import { Turn } from './turn.ts';

/** The longest prompt: a line to a process has at most 4 MiB, and what is around the prompt is in it too, escaped once more. */
const PROMPT_MAX_BYTES = 1024 * 1024;
/** Between asking a tool to end its turn and ending the tool. */
const INTERRUPT_MAX_MS = 10_000;

export type LineSessionOptions = {
  tool: string;
  turnLimitMs: number;
  nowMs: () => number;
  limits?: LineLimits | undefined;
  /** A new conversation of the protocol, or its side of one that goes on. */
  dialect: (conversation: string | null) => Dialect;
  /** Starts the next process of this session, to go on with that conversation. */
  start: (conversation: string | null) => Promise<Proc>;
  /** Why it ended before it had said a word, for people; `said`: what it printed first. */
  failedStart: (exit: Exit, said: string) => Promise<string>;
  resume: string | null;
  /** Called once, when the session was closed. */
  closed: () => void;
};

export class LineSession implements AgentSession {
  readonly events = new EventStream();
  readonly #o: LineSessionOptions;
  readonly #silence: Silence;
  #conversation: string | null;
  #run: ToolProcess | undefined;
  #turn: Turn | undefined;
  #starting: Promise<unknown> | undefined;
  #state: AgentEvent | undefined;
  #lastExit: Exit = { code: 0, signal: null, error: null };
  #closing: Promise<void> | undefined;
  /** A process of this session has said a word of the protocol. */
  #hasSpoken = false;
  /** What waits for an answer: void when the process is gone. */
  readonly #asked = new Set<string>();

  constructor(o: LineSessionOptions) {
    this.#o = o;
    this.#conversation = o.resume;
    this.#silence = new Silence((limitMs) => this.#suspect(limitMs), o.limits?.silenceMs);
    this.#tell({ kind: 'state', state: 'idle', source: 'protocol', exact: true, evidence: 'no turn has begun' });
  }

  /** Starts the tool where it does not run. Refused with `turn_running`, `too_long`, `session_closed` and `not_started`. */
  async prompt(text: string): Promise<string> {
    if (this.#closing !== undefined) throw new DriverRefusal('session_closed', 'This session is closed.');
    if (Buffer.byteLength(JSON.stringify(text)) > PROMPT_MAX_BYTES) {
      throw new DriverRefusal('too_long', `A prompt has at most ${PROMPT_MAX_BYTES} bytes as JSON.`);
    }
    if (this.#turn !== undefined || this.#starting !== undefined) {
      throw new DriverRefusal('turn_running', `${this.#o.tool} is at work: wait for turn_ended, or interrupt.`);
    }
    try {
      const starting = this.#started();
      this.#starting = starting;
      const run = await starting;
      const name = turnName(this.#o.nowMs());
      this.#open(name, this.#o.turnLimitMs);
      await this.#ask(run, run.dialect.prompt(name, text));
      return name;
    } finally {
      this.#starting = undefined;
    }
  }

  async prepare(): Promise<void> {
    await this.#started();
  }

  async #ask(run: ToolProcess, told: Told): Promise<void> {
    try {
      await this.#carryOut(run, told);
    } catch (error) {
      // The disk did not take it: nothing was asked, and nothing will come of it.
      const text = `${this.#o.tool} could not be asked: ${String(error)}`;
      const turn = this.#turn?.name ?? '';
      this.#turnEnded({ kind: 'turn_ended', turn, outcome: 'failed', text, exit: undefined });
      throw error;
    }
    if (!run.isOver) return;
    await run.done;
    this.#gone(run, this.#lastExit);
  }

  /** Words for the running turn. Refused with `not_supported`: nothing runs, or the tool cannot take them. */
  async steer(text: string): Promise<void> {
    const run = this.#turn === undefined ? undefined : this.#run;
    const told = run?.dialect.steer(turnName(this.#o.nowMs()), text);
    if (run === undefined || told === undefined) {
      throw new DriverRefusal('not_supported', `${this.#o.tool} takes no words now; give them as the next prompt.`);
    }
    await this.#carryOut(run, told);
  }

  /** Asks the tool, then ends it. Resolves when the turn has ended; without one there is nothing to do. */
  async interrupt(): Promise<void> {
    await this.#end('interrupted');
  }

  async answer(request: string, answer: PermissionAnswer): Promise<void> {
    this.#asked.delete(request);
    const run = this.#run;
    if (run !== undefined && !run.isOver) await this.#carryOut(run, run.dialect.answer(request, answer));
  }

  /** Goes on with a process that was there before this node. Its turn is told from its beginning. */
  async follow(proc: Proc): Promise<void> {
    const dialect = this.#o.dialect(this.#conversation);
    for await (const line of proc.written()) dialect.wrote(line);
    const name = dialect.lastTurn;
    if (name === undefined) return this.#neverBegan(proc);
    const gone = this.#o.nowMs() - (turnNameMs(name) ?? this.#o.nowMs());
    this.#open(name, Math.max(this.#o.turnLimitMs - gone, 0));
    this.#hold(proc, dialect);
  }

  /** Ends what runs, and the events with `exited`. Idempotent. */
  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    this.events.hurry();
    await this.#starting?.catch(() => undefined);
    if (this.#turn !== undefined) this.#turn.why ??= 'interrupted';
    const run = this.#run;
    if (run !== undefined) {
      await run.proc.kill(graceMs);
      await run.done;
    }
    this.#silence.stop();
    this.#o.closed();
    this.events.push({ kind: 'exited', exit: this.#lastExit });
    this.events.close();
  }

  /** The process, started where none runs. */
  async #started(): Promise<ToolProcess> {
    if (this.#run?.isOver === false && !this.#run.isUseless) return this.#run;
    await this.#run?.done;
    this.#tell({ ...protocolState('starting'), evidence: `${this.#o.tool} is being started` });
    const proc = await this.#o.start(this.#conversation);
    const exit = await Promise.race([proc.exited, Promise.resolve(undefined)]);
    if (exit?.error?.startsWith('not_started') === true) {
      this.#tell({ ...protocolState('error'), evidence: exit.error });
      throw new DriverRefusal('not_started', `${this.#o.tool} cannot be started: ${exit.error}`);
    }
    const run = this.#hold(proc, this.#o.dialect(this.#conversation));
    await this.#carryOut(run, run.dialect.begin());
    return run;
  }

  #hold(proc: Proc, dialect: Dialect): ToolProcess {
    const run = new ToolProcess(proc, dialect, this.#o.limits);
    this.#run = run;
    run.done = this.#pump(run);
    return run;
  }

  #open(name: string, leftMs: number): void {
    this.#turn = new Turn(name, leftMs, () => void this.#end('timed_out').catch(() => {}));
    this.events.push({ kind: 'turn_started', turn: name });
    this.#silence.heard();
  }

  /** This node died after it had started the tool, before it had asked anything: nothing was done, and nothing will be. */
  async #neverBegan(proc: Proc): Promise<void> {
    const exit: Exit = { code: null, signal: null, error: 'holder_lost' };
    this.events.push({ kind: 'turn_started', turn: proc.id });
    const text = 'the node went down before it had asked the agent anything';
    this.events.push({ kind: 'turn_ended', turn: proc.id, outcome: 'failed', text, exit, failure: 'agent_gone' });
    this.#lastExit = await proc.kill(GRACE_MS);
  }

  async #end(why: 'interrupted' | 'timed_out'): Promise<void> {
    const [turn, run] = [this.#turn, this.#run];
    if (turn === undefined || run === undefined) return;
    const isFirst = turn.why === undefined;
    turn.why ??= why;
    if (isFirst) await this.#carryOut(run, run.dialect.interrupt(turnName(this.#o.nowMs())));
    if (await turn.within(this.#o.limits?.interruptMs ?? INTERRUPT_MAX_MS)) return;
    await run.proc.kill(GRACE_MS);
    await turn.within(GRACE_MS);
  }

  async #pump(run: ToolProcess): Promise<void> {
    const followed = await run.follow((line) => this.#take(run, line));
    if (followed !== undefined) return this.#over(run, followed.exit);
    // The turn goes on, and ends in the session that attaches to it.
    this.#turn?.end();
    this.#silence.stop();
    this.events.close();
  }

  async #take(run: ToolProcess, line: WholeLine): Promise<void> {
    this.#hasSpoken ||= isWord(line);
    if (line.kind === 'line') await this.#carryOut(run, run.dialect.read(line.text, this.#o.nowMs()));
    else await this.#missed(run, line);
    if (this.#turn !== undefined && this.#silence.heard() && this.#state !== undefined) this.#tell(this.#state);
  }

  async #missed(run: ToolProcess, line: Exclude<WholeLine, { kind: 'line' }>): Promise<void> {
    run.dialect.missing();
    const why = line.kind === 'dropped' ? 'are not kept' : `in one line were left out (at most ${LINE_MAX_BYTES})`;
    await this.events.pushOutput({ kind: 'delta', stream: 'stderr', text: `[skep: ${line.bytes} bytes ${why}]\n` });
  }

  /** The process is gone. A turn that it was in ends here. */
  async #over(run: ToolProcess, exit: Exit): Promise<void> {
    this.#lastExit = exit;
    const isWanted = this.#turn?.why !== undefined || this.#closing !== undefined;
    // One that has spoken in this session is of a version that can.
    const isBroken = !this.#hasSpoken && !isWanted && (endedByItself(exit) || (run.isMute && run.hung !== undefined));
    if (isBroken) run.failedStart = await this.#o.failedStart(exit, run.firstSaid);
    const state = protocolState(run.hung === undefined ? 'exited' : 'error');
    if (run.failedStart !== undefined) this.#tell(brokenUntil(run.failedStart, this.#o.nowMs()));
    else this.#tell({ ...state, evidence: `${this.#o.tool} ended: ${endOf(exit)}` });
    this.#gone(run, exit);
  }

  #gone(run: ToolProcess, exit: Exit): void {
    if (this.#turn === undefined) return;
    for (const request of this.#asked) this.#tell({ kind: 'permission_closed', request });
    for (const line of run.errors) this.events.push({ kind: 'delta', stream: 'stderr', text: `${line}\n` });
    const died = [`${this.#o.tool} ended in the middle of its turn (${endOf(exit)})`, ...run.errors].join('\n');
    const text = run.failedStart ?? died;
    const failure = run.failedStart === undefined ? 'agent_gone' : 'start_failed';
    this.#turnEnded({ kind: 'turn_ended', turn: this.#turn.name, outcome: 'failed', text, exit, failure });
  }

  async #carryOut(run: ToolProcess, told: Told): Promise<void> {
    for (const line of told.lines) await run.write(line);
    for (const event of told.events) {
      if (event.kind === 'delta' || event.kind === 'tool') await this.events.pushOutput(event);
      else if (event.kind === 'turn_ended') this.#turnEnded(event);
      else if (event.kind === 'turn_started') this.#open(event.turn, this.#o.turnLimitMs);
      else {
        if (event.kind === 'state' && event.state === 'running') run.hasWorked = true;
        this.#tell(event);
      }
    }
  }

  #tell(event: AgentEvent): void {
    if (event.kind === 'state') this.#state = event;
    if (event.kind === 'permission') this.#asked.add(event.request.request);
    if (event.kind === 'permission_closed') this.#asked.delete(event.request);
    if (event.kind === 'session') {
      if (event.session === this.#conversation) return;
      this.#conversation = event.session;
    }
    this.events.push(event);
  }

  #turnEnded(event: Extract<AgentEvent, { kind: 'turn_ended' }>): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    this.#silence.stop();
    // The tool may have completed it before it heard of the interrupt: then it is complete.
    const outcome = event.outcome === 'completed' ? event.outcome : (turn.why ?? event.outcome);
    const { failure: told, ...rest } = event;
    const failure = this.#lostConversation(event) ? 'agent_gone' : told;
    this.events.push({ ...rest, outcome, ...(outcome === 'failed' && failure !== undefined ? { failure } : {}) });
    turn.end();
  }

  /** True where it could not go on with what an earlier process had begun: the next one begins as the session did. */
  #lostConversation({ outcome }: { outcome: string }): boolean {
    if (outcome !== 'failed' || this.#run?.giveUpIfUseless() !== true) return false;
    const isLost = this.#conversation !== this.#o.resume;
    this.#conversation = this.#o.resume;
    return isLost;
  }

  #suspect(limitMs: number): void {
    if (this.#turn === undefined || this.#run?.dialect.isWaiting === true) return;
    const evidence = `${this.#o.tool} has said nothing for ${limitMs / 1000} s`;
    this.events.push({ kind: 'state', state: 'unknown', source: 'protocol', exact: false, evidence });
  }
}
