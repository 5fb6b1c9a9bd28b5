/** An attempt of an agent in a terminal: its prompt is typed, and its screen tells how it goes on. */
import type { AgentSession, PermissionAnswer, SessionSpec, TurnFailure, TurnOutcome } from '#agent-ports.ts';
import type { Exit } from '#ports.ts';
import { EventStream } from '../event-stream.ts';
import { DriverRefusal } from '../refusal.ts';
import type { HookTold } from './agent-hooks.ts';
import type { HookStop } from './hook-turn.ts';
import { endOf, isPrompt } from './hook-turn.ts';
import type { Seen } from './pane.ts';
import type { TerminalAgent } from './terminal-agent.ts';
import type { TurnRecord, TurnRecords } from './turn-records.ts';
import { progressOf, Turn } from './turn.ts';

/** An agent that was idle when it was given the task may be busy by now: a person typed. So long its prompt is waited for. */
const IDLE_MAX_MS = 15_000;
/** After its keys for "stop" an agent gets so long to show its prompt. */
const STOP_MAX_MS = 5_000;
/** A hook that says that the turn is over runs before the tool shows its prompt, and another one may make it go on. */
const CONFIRMED_MAX_MS = 5_000;
/** The longest a timer can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;
/** What an exit is called when the program, its pane or its server ended under a turn. */
export const AGENT_GONE = 'agent_gone';

const NO_EXIT: Exit = { code: null, signal: null, error: null };

type Running = {
  id: string;
  turn: Turn;
  record: TurnRecord;
  why: 'interrupted' | 'timed_out' | undefined;
  /** The tool's session that took it; null where that is not known. */
  session: string | null;
  /** It was typed while a turn of a person's had just begun, and comes after it. */
  isBehind: boolean;
  /** A hook says that it is over. */
  stopped: { told: HookStop; atMs: number } | undefined;
  done: PromiseWithResolvers<void>;
};

export type TmuxSessionOptions = {
  spec: SessionSpec;
  agent: TerminalAgent;
  records: TurnRecords;
  /** Wall clock. */
  nowMs: () => number;
  stopMaxMs?: number | undefined;
  /** Called once, when the session was closed. */
  closed: () => void;
};

export class TmuxSession implements AgentSession {
  readonly events = new EventStream();
  readonly #o: TmuxSessionOptions;
  #running: Running | undefined;
  #isAsking = false;
  #stopWatching: (() => void) | undefined;
  #stopHearing: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #limit: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #turns = 0;
  #state = '';
  #text: string | undefined;

  constructor(o: TmuxSessionOptions) {
    this.#o = o;
    this.#stopWatching = o.agent.onSeen((seen) => this.#look(seen));
    this.#stopHearing = o.agent.onTold((told) => this.#hear(told));
  }

  /** Types the text once the agent shows its prompt. Refused with `agent_busy` when it does not in time; nothing was typed then. */
  async prompt(text: string): Promise<string> {
    const { agent, spec, records, nowMs } = this.#o;
    if (this.#closing !== undefined) throw new DriverRefusal('session_closed', 'This session is closed.');
    if (this.#running !== undefined || this.#isAsking)
      throw new DriverRefusal('turn_running', 'An agent in a terminal does one thing at a time: wait for turn_ended.');
    this.#isAsking = true;
    try {
      const seen = await this.#idle();
      const pid = agent.place?.pid ?? 0;
      const prompt = this.#turns > 0 || spec.instructions === '' ? text : `${text}\n\n${spec.instructions}`;
      const begun = { submittedMs: nowMs(), hasRun: false, isTold: false };
      const record = { pid, turn: this.#turns + 1, prompt, before: seen.text, ...begun };
      records.write(spec.procId, record);
      const { asideKeys } = agent.tool;
      if (asideKeys.length > 0) await agent.press(asideKeys);
      if (!(await agent.type(prompt))) throw new DriverRefusal('agent_busy', 'The program in the terminal has ended.');
      return this.follow(record);
    } catch (error) {
      if (this.#running === undefined) records.drop(spec.procId);
      throw error;
    } finally {
      this.#isAsking = false;
    }
  }

  /** Goes on with a turn that was asked before: just now, or by this node before its restart. */
  follow(record: TurnRecord): string {
    const { agent, spec, nowMs } = this.#o;
    const turn = new Turn(agent.tool, { ...record });
    const done = Promise.withResolvers<void>();
    this.#turns = record.turn;
    const id = `${spec.procId}.${record.turn}`;
    this.#running = { id, turn, record, why: undefined, session: null, isBehind: false, stopped: undefined, done };
    this.events.push({ kind: 'turn_started', turn: id });
    // A hook that asked while nobody drove the agent: this node has just started.
    for (const request of agent.hooks.open()) this.events.push({ kind: 'permission', request });
    const leftMs = Math.max(record.submittedMs + spec.turnLimitMs - nowMs(), 0);
    this.#limit = setTimeout(() => this.#timeOut(), Math.min(leftMs, TIMER_MAX_MS));
    this.#lookNow();
    return id;
  }

  async steer(): Promise<void> {
    throw new DriverRefusal(
      'not_supported',
      'Nothing is typed to an agent at work. Interrupt it, or wait for turn_ended.',
    );
  }

  /** Of what a hook asks. Whoever sits at the terminal answers there, too: the first one counts. */
  async answer(request: string, answer: PermissionAnswer): Promise<void> {
    this.#o.agent.hooks.answer(request, answer);
  }

  /** Presses the tool's keys for "stop" and waits, for a bounded time, until it shows its prompt. Without a turn there is nothing to do. */
  async interrupt(): Promise<void> {
    await this.#stop('interrupted');
  }

  /** Interrupts the turn, if one runs. The agent itself goes on: its session ends with its registration. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** This node stops following; the turn goes on, and its record with it. */
  detach(): void {
    this.#quiet();
    this.events.close();
  }

  async #close(): Promise<void> {
    this.events.hurry();
    await this.#stop('interrupted');
    this.#quiet();
    this.#o.closed();
    this.events.push({ kind: 'exited', exit: NO_EXIT });
    this.events.close();
  }

  #quiet(): void {
    this.#stopWatching?.();
    this.#stopHearing?.();
    this.#stopWatching = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#limit);
  }

  /** The screen once it shows a prompt, an error above it or not. */
  async #idle(): Promise<Seen> {
    const { agent } = this.#o;
    const isReady = (seen: Seen | undefined): seen is Seen => seen !== undefined && agent.isReady();
    const first = agent.place?.pane.seen;
    if (isReady(first)) return first;
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        stop();
        act();
      };
      const stop = agent.onSeen((seen) => isReady(seen) && finish(() => resolve(seen)));
      const timer = setTimeout(() => {
        const { state, rule } = agent.standing();
        const message = `The agent shows no prompt: it is ${state} (${rule}). Nothing was typed.`;
        finish(() => reject(new DriverRefusal('agent_busy', message)));
      }, IDLE_MAX_MS);
    });
  }

  async #stop(why: 'interrupted' | 'timed_out'): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const { agent } = this.#o;
    running.why ??= why;
    // No hook tells of it.
    agent.hooks.state.forget();
    // Told when the prompt is seen, or when the time is over: the keys may find nobody who reads them.
    const timer = setTimeout(() => this.#end(running, { outcome: why, text: '' }), this.#o.stopMaxMs ?? STOP_MAX_MS);
    for (const key of agent.tool.interruptKeys) await agent.press([key]).catch(() => false);
    await running.done.promise;
    clearTimeout(timer);
  }

  #timeOut(): void {
    void this.#stop('timed_out');
  }

  #lookNow(): void {
    const { agent } = this.#o;
    const seen = agent.place?.pane.seen;
    if (seen !== undefined) return this.#look(seen);
    // A pane that was not looked at yet tells of itself; an agent without one is gone.
    if (agent.place === undefined) this.#gone(agent.standing().rule);
  }

  #look(seen: Seen): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#tell(seen);
    const { spec, records, nowMs, agent } = this.#o;
    clearTimeout(this.#timer);
    const { turn } = running;
    const hadRun = turn.hasRun;
    const look = turn.look(seen, nowMs());
    if (!hadRun && turn.hasRun) records.write(spec.procId, { ...running.record, hasRun: true });
    if (look.kind === 'gone') return this.#gone(look.why);
    if (running.why !== undefined && (look.kind === 'ended' || isStill(seen))) {
      return this.#end(running, { outcome: running.why, text: '' });
    }
    // A person has asked for something meanwhile: this turn is over, whether that gets one of its own or was taken into this one.
    if (running.stopped?.told.isLast === false) return this.#end(running, this.#endOf(running.stopped.told, turn));
    if (turn.isTold && agent.standing().source === 'hooks') return this.#byHooks(running);
    if (look.kind === 'ended') return this.#end(running, look);
    if (look.pressEnter) void agent.press(['Enter']).catch(() => false);
    if (look.lookMs !== undefined)
      this.#timer = setTimeout(() => this.#lookNow(), Math.max(look.lookMs - nowMs(), 0) + 1);
  }

  /** The hooks are the authority: the turn ends when they say so and the tool shows its prompt again. */
  #byHooks(running: Running): void {
    const { agent, nowMs } = this.#o;
    const { stopped, turn } = running;
    if (stopped === undefined || !stopped.told.isLast) return;
    const leftMs = stopped.atMs + CONFIRMED_MAX_MS - nowMs();
    if (!agent.isReady() && leftMs > 0) {
      this.#timer = setTimeout(() => this.#lookNow(), leftMs + 1);
      return;
    }
    this.#end(running, this.#endOf(stopped.told, turn));
  }

  #endOf(told: HookStop, turn: Turn): ReturnType<typeof endOf> {
    return endOf(told, () => turn.lastLines(this.#o.agent.place?.pane.seen?.text ?? ''));
  }

  #hear(told: HookTold): void {
    const running = this.#running;
    if (running === undefined) return;
    const { spec, records, nowMs, agent } = this.#o;
    if (told.kind === 'asked') this.events.push({ kind: 'permission', request: told.request });
    if (told.kind === 'closed') this.events.push({ kind: 'permission_closed', request: told.request });
    if (told.kind === 'prompted' && isPrompt(told.prompt, running.record.prompt)) {
      running.turn.told();
      [running.session, running.isBehind] = [told.session, told.isBehind];
      if (told.session !== null) this.events.push({ kind: 'session', session: told.session });
      records.write(spec.procId, { ...running.record, hasRun: true, isTold: true });
    }
    const isOurs = told.kind === 'stopped' && (running.session === null || told.session === running.session);
    if (isOurs && running.turn.isTold && (told.isLast || !running.isBehind)) running.stopped = { told, atMs: nowMs() };
    else if (agent.standing().state === 'running') running.stopped = undefined;
  }

  #tell(seen: Seen): void {
    const { agent } = this.#o;
    const { state, rule, source, exact } = agent.standing();
    if (seen.text !== this.#text)
      this.events.push({ kind: 'screen', text: seen.text, progress: progressOf(agent.tool, seen.text) });
    this.#text = seen.text;
    const said = `${source} ${state}`;
    if (said === this.#state) return;
    this.#state = said;
    this.events.push({ kind: 'state', state, source, exact, evidence: rule });
  }

  #gone(why: string): void {
    const running = this.#running;
    if (running === undefined) return;
    const exit = { ...NO_EXIT, error: AGENT_GONE };
    this.#end(running, { outcome: running.why ?? 'failed', text: why, exit });
  }

  #end(running: Running, o: { outcome: TurnOutcome; text: string; exit?: Exit; failure?: TurnFailure }): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#limit);
    this.#o.records.drop(this.#o.spec.procId);
    const { outcome, text, exit, failure } = o;
    const because = failure === undefined ? {} : { failure };
    this.events.push({ kind: 'turn_ended', turn: running.id, outcome, text, exit, ...because });
    running.done.resolve();
  }
}

const isStill = (seen: Seen): boolean => seen.detection.state === 'idle' || seen.detection.state === 'error';
