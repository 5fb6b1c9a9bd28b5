/** A session of OpenCode: turns of one conversation at the node's server, over HTTP and its stream of events. */
import type { AgentEvent, AgentSession, PermissionAnswer, SessionSpec } from '#agent-ports.ts';
import type { Exit } from '#ports.ts';
import { EventStream } from '../event-stream.ts';
import { Turn } from '../line/turn.ts';
import { turnName, turnNameMs } from '../line/turn-name.ts';
import type { RecordFiles } from '../record-files.ts';
import { DriverRefusal } from '../refusal.ts';
import type { OpenCodeEvent } from './api.ts';
import { atServer, conversationAt, unasked } from './opening.ts';
import { DONE, GONE } from './process.ts';
import { given } from './reply.ts';
import type { Running } from './server.ts';
import type { SessionRecord } from './session-record.ts';
import { state, Translator } from './translate.ts';

/** So often, and so far apart, a turn is told to end before it is taken for ended: others work at the same server, which is not killed for one. */
const INTERRUPTS_MAX = 10;
const INTERRUPT_MS = 1_000;
/** A stream of events that breaks is opened again, so often in a row. */
const RECONNECTS_MAX = 5;
const RECONNECT_MS = 500;

export type OpenCodeSessionOptions = {
  spec: SessionSpec;
  /** Permissions of OpenCode that people, or their rules, are asked for. */
  asks: readonly string[];
  records: RecordFiles<SessionRecord>;
  acquire: () => Promise<Running>;
  release: (running: Running) => Promise<void>;
  nowMs: () => number;
};

/** A conversation at a server, heard through one stream. */
type Talk = { running: Running; session: string; translator: Translator; quiet: AbortController };

export class OpenCodeSession implements AgentSession {
  readonly events = new EventStream();
  readonly #o: OpenCodeSessionOptions;
  #conversation: string | null;
  #talk: Talk | undefined;
  #turn: Turn | undefined;
  #starting: Promise<unknown> | undefined;
  #hasAsked = false;
  #closing: Promise<void> | undefined;

  constructor(o: OpenCodeSessionOptions) {
    this.#o = o;
    this.#conversation = o.spec.resume;
    this.#tell(state('idle', 'no turn has begun'));
  }

  /** Starts the server where none runs. Refused with `turn_running`, `session_closed` and `not_started`. */
  async prompt(text: string): Promise<string> {
    if (this.#closing !== undefined) throw new DriverRefusal('session_closed', 'This session is closed.');
    if (this.#turn !== undefined || this.#starting !== undefined)
      throw new DriverRefusal('turn_running', 'opencode is at work: wait for turn_ended, or interrupt.');
    try {
      const starting = this.#started();
      this.#starting = starting;
      const talk = await starting;
      const turn = turnName(this.#o.nowMs());
      this.#o.records.write(this.#o.spec.procId, { session: talk.session, turn, prompt: text });
      talk.translator.begin();
      this.#open(turn, this.#o.spec.turnLimitMs);
      this.#hasAsked = true;
      await this.#say(talk, text).catch((error: unknown) => this.#ended(unasked(error)));
      return turn;
    } finally {
      this.#starting = undefined;
    }
  }

  /** OpenCode takes a message while it works, and reads it with the next answer of a tool. Refused with `not_supported` where nothing runs. */
  async steer(text: string): Promise<void> {
    const talk = this.#turn === undefined ? undefined : this.#talk;
    if (talk === undefined)
      throw new DriverRefusal('not_supported', 'opencode is at nothing now; give it as the next prompt.');
    await this.#say(talk, text);
  }

  /** Resolves when the turn has ended; without one there is nothing to do. */
  async interrupt(): Promise<void> {
    await this.#end('interrupted');
  }

  /** Where it does not arrive its turn fails, which would wait for ever. */
  async answer(request: string, { behavior, message }: PermissionAnswer): Promise<void> {
    const body = behavior === 'allow' ? { reply: 'once' } : { reply: 'reject', message };
    const [talk, turn] = [this.#talk, this.#turn];
    if (talk === undefined || turn === undefined) return;
    const reply = (): Promise<void> => talk.running.api.reply(this.#o.spec.cwd, request, body);
    const why = await given(reply, () => this.#talk === talk && this.#turn === turn);
    if (why === undefined) return;
    turn.broken = `opencode does not take the answer to what it asked: ${why}`;
    await this.#abort(talk);
    this.#fail(turn.broken);
  }

  /** Goes on with what this node, before its restart, had asked for. The turn is told from its beginning. */
  async follow(record: SessionRecord, running: Running | undefined): Promise<void> {
    this.#conversation = record.session;
    const goneMs = this.#o.nowMs() - (turnNameMs(record.turn) ?? this.#o.nowMs());
    this.#open(record.turn, Math.max(this.#o.spec.turnLimitMs - goneMs, 0));
    if (running === undefined) return this.#gone(GONE, 'its server was gone when its node came back');
    try {
      const talk = await this.#listen(running, record.session);
      await this.#catchUp(talk, record);
    } catch (error) {
      this.#fail(String(error));
    }
  }

  /** Ends what runs, and the events with `exited`. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.events.hurry();
    await this.#starting?.catch(() => undefined);
    await this.#end('interrupted');
    const talk = this.#talk;
    this.#talk = undefined;
    talk?.quiet.abort();
    if (talk !== undefined) await this.#o.release(talk.running);
    this.#o.records.drop(this.#o.spec.procId);
    this.events.push({ kind: 'exited', exit: DONE });
    this.events.close();
  }

  async #started(): Promise<Talk> {
    if (this.#talk !== undefined) return this.#talk;
    const { spec, asks } = this.#o;
    this.#tell(state('starting', 'the server of opencode is asked'));
    return atServer(this.#o, async (running) =>
      this.#listen(running, await conversationAt(running.api, { spec, asks, known: this.#conversation })),
    );
  }

  /** Hears the conversation from now on. */
  async #listen(running: Running, session: string): Promise<Talk> {
    const { cwd } = this.#o.spec;
    const talk: Talk = {
      running,
      session,
      translator: new Translator({ session, cwd }),
      quiet: new AbortController(),
    };
    const stream = await running.api.events(cwd, talk.quiet.signal);
    this.#talk = talk;
    this.#conversation = session;
    this.#tell({ kind: 'session', session });
    void this.#pump(talk, stream);
    void running.process.ended.then((exit) => this.#serverEnded(talk, exit));
    return talk;
  }

  async #pump(talk: Talk, first: AsyncIterable<OpenCodeEvent>): Promise<void> {
    let stream: AsyncIterable<OpenCodeEvent> | undefined = first;
    for (let broken = 0; broken <= RECONNECTS_MAX; broken += 1) {
      try {
        stream ??= await talk.running.api.events(this.#o.spec.cwd, talk.quiet.signal);
        if (broken > 0) await this.#catchUp(talk, this.#o.records.read(this.#o.spec.procId));
        for await (const event of stream) {
          broken = 0;
          await this.#heard(talk, event);
        }
      } catch {
        // The connection is gone: it is opened again, unless this is the end.
      }
      stream = undefined;
      if (talk.quiet.signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
    this.#fail('the events of opencode cannot be heard any more');
  }

  async #heard(talk: Talk, event: OpenCodeEvent): Promise<void> {
    if (event.type === 'permission.asked') return this.#asked(talk);
    const { events, follows } = talk.translator.read(event);
    await this.#tellAll(events);
    if (follows === 'idle') this.#ended(talk.translator.end());
    if (follows === 'giveUp') await this.#abort(talk);
  }

  /** What is open is asked for: an event may have been told before this node listened. */
  async #asked(talk: Talk): Promise<void> {
    for (const one of await talk.running.api.permissions(this.#o.spec.cwd)) {
      await this.#tellAll(talk.translator.permission(one));
    }
  }

  /** What happened since the prompt while nobody listened. */
  async #catchUp(talk: Talk, record: SessionRecord | undefined): Promise<void> {
    if (record === undefined || this.#turn?.name !== record.turn) return;
    if (!(await this.#readMessages(talk, record))) {
      // What this session itself asked for is on its way, or about to be taken up, and its events are heard again.
      if (this.#hasAsked || (await talk.running.api.isBusy(this.#o.spec.cwd, talk.session))) return;
      return this.#gone(GONE, 'the node went down before it had asked the agent anything');
    }
    await this.#asked(talk);
    if (await talk.running.api.isBusy(this.#o.spec.cwd, talk.session)) return;
    // What it said while this was being read.
    await this.#readMessages(talk, record);
    this.#ended(talk.translator.end());
  }

  /** False: the prompt is not there; or nothing came after it yet, where this session asked for it. */
  async #readMessages(talk: Talk, record: SessionRecord): Promise<boolean> {
    const since = await talk.running.api.messagesSince(this.#o.spec.cwd, talk.session, record.prompt);
    if (since === undefined || (this.#hasAsked && since.length === 0)) return false;
    await this.#tellAll(talk.translator.catchUp(since));
    return true;
  }

  async #say(talk: Talk, text: string): Promise<void> {
    const { spec } = this.#o;
    const system = spec.instructions === '' ? {} : { system: spec.instructions };
    await talk.running.api.prompt(spec.cwd, talk.session, { parts: [{ type: 'text', text }], ...system });
  }

  #open(name: string, leftMs: number): void {
    this.#turn = new Turn(name, leftMs, () => void this.#end('timed_out').catch(() => {}));
    this.events.push({ kind: 'turn_started', turn: name });
  }

  async #end(why: 'interrupted' | 'timed_out'): Promise<void> {
    const [turn, talk] = [this.#turn, this.#talk];
    if (turn === undefined) return;
    turn.why ??= why;
    // A turn that is not under way yet does not hear of it: it is told again until it has stopped.
    for (let times = 0; talk !== undefined && times < INTERRUPTS_MAX; times += 1) {
      await this.#abort(talk);
      if (await turn.within(INTERRUPT_MS)) return;
      // One that ended before it was under way says nothing of its end.
      if (await talk.running.api.isBusy(this.#o.spec.cwd, talk.session).catch(() => true)) continue;
      return this.#ended({ outcome: why, text: 'it was ended before it was under way' });
    }
    this.#ended({ outcome: why, text: 'opencode did not say that it has stopped' });
  }

  async #abort(talk: Talk): Promise<void> {
    await talk.running.api.abort(this.#o.spec.cwd, talk.session).catch(() => {});
  }

  /** The server is gone, or (without an exit) this node stops and it goes on. */
  #serverEnded(talk: Talk, exit: Exit | undefined): void {
    if (this.#talk !== talk) return;
    this.#talk = undefined;
    talk.quiet.abort();
    if (exit === undefined) {
      this.#turn?.end();
      this.events.close();
      return;
    }
    const words = talk.running.process.lastWords();
    this.#tell(state('exited', 'the server of opencode has ended'));
    this.#gone(exit, `the server of opencode ended in the middle of its turn\n${words}`.trim());
  }

  #gone(exit: Exit, text: string): void {
    this.#ended({ outcome: 'failed', text, failure: 'agent_gone' }, exit);
  }

  #fail(text: string): void {
    this.#ended({ outcome: 'failed', text });
  }

  #ended(told: ReturnType<Translator['end']>, exit?: Exit): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    const end: typeof told = turn.broken === undefined ? told : { outcome: 'failed', text: turn.broken };
    const { failure, text } = end;
    // It may have completed before it heard of the interrupt: then it is complete.
    const outcome = end.outcome === 'completed' ? end.outcome : (turn.why ?? end.outcome);
    const why = outcome === 'failed' && failure !== undefined ? { failure } : {};
    this.events.push({ kind: 'turn_ended', turn: turn.name, outcome, text, exit, ...why });
    turn.end();
    if (this.#talk !== undefined) this.#tell(state('idle', 'session.idle'));
  }

  async #tellAll(events: readonly AgentEvent[]): Promise<void> {
    for (const event of events) {
      if (event.kind === 'delta') await this.events.pushOutput(event);
      else this.#tell(event);
    }
  }

  #tell(event: AgentEvent): void {
    this.events.push(event);
  }
}
