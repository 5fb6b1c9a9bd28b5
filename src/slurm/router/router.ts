/** The router: all outboxes of a shared directory as one stream of events, and words into its inboxes. */
import { CONVERSATION_MS } from '../pace.ts';
import { mailboxName, type OutboxRecord } from '../record.ts';
import type { MailboxPosition } from '#runtime/shared-mailbox/follower.ts';
import type { LaunchConfig } from '../launch/config.ts';
import { farEndCommand } from './connection.ts';
import { eventsOf, placeOf, readLine, type FleetEvent } from './event.ts';
import { NearEnd } from './near-end.ts';
import { isSamePlace, JsonFile, routerState, type OpenApproval, type RouterState } from './state.ts';
import type { FarLine } from './wire.ts';

/** Agents that wait for people at once; the oldest are forgotten by the router, not by their workers. */
const APPROVALS_MAX = 1_000;

/** As in codeswarm: an answer that was taken is remembered so long. */
const RESOLVED_MS = 180_000;
type Listener = (events: readonly FleetEvent[]) => void | Promise<void>;
type Resolved = { mailbox: string; call: string; approved: boolean; decision: unknown; atMs: number };

export type RouterOptions = {
  config: LaunchConfig;
  env: Readonly<Record<string, string | undefined>>;
  /** Where it keeps what it keeps; one router a file. */
  stateFile: string;
  nowMs: () => number;
  /** The connection stands, or does not, and why. */
  changed: (why: string | undefined) => void;
};

export class Router {
  readonly near: NearEnd;
  readonly #file: JsonFile<typeof routerState>;
  readonly #listeners = new Set<Listener>();
  readonly #lineListeners = new Set<(lines: readonly FarLine[]) => void>();
  /** Up to there, an earlier router was telling when it was killed. */
  readonly #toldBefore = new Map<string, MailboxPosition>();
  /** What workers were heard of since the start, by mailbox; whether a turn of theirs runs. */
  readonly #workers = new Map<string, { isAtWork: boolean }>();
  readonly #forced = new Set<string>();
  /** What each worker was told last, and when one that took what it was told was heard; by mailbox. */
  readonly #toldLast = new Map<string, string>();
  readonly #heardMs = new Map<string, number>();
  readonly #nowMs: () => number;
  /** Answers that were taken lately: whoever gives one again hears what it was. */
  resolved: Resolved[] = [];
  /** Counts changes of what agents ask. */
  approvalsVersion = 0;

  /** Nothing is connected before `start`. Throws what the file system throws. */
  constructor(o: RouterOptions) {
    this.#file = new JsonFile(o.stateFile, routerState);
    this.#nowMs = o.nowMs;
    for (const [mailbox, until] of Object.entries(this.state.telling)) {
      if (!isSamePlace(until, this.state.told[mailbox])) this.#toldBefore.set(mailbox, until);
    }
    this.near = new NearEnd({
      command: farEndCommand(o.config),
      env: o.env,
      positions: () => this.state.told,
      heard: (lines) => this.#heard(lines),
      changed: o.changed,
    });
  }

  get state(): RouterState {
    return this.#file.state;
  }

  /** After a change of the state. */
  save(): void {
    this.#file.save();
  }

  start(): void {
    this.near.start();
  }

  /** Events in the order of each outbox; they count as told when all listeners have resolved. The returned function stops it. */
  onEvents(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What stands in the outboxes, as it stands there, before it is told as events. The returned function stops it. */
  onLines(listener: (lines: readonly FarLine[]) => void): () => void {
    this.#lineListeners.add(listener);
    return () => this.#lineListeners.delete(listener);
  }

  /** Nodes of a job that are in the midst of a turn. */
  turnsOf(job: string): number {
    return [...this.#workers].filter(([mailbox, { isAtWork }]) => isAtWork && placeOf(mailbox).job === job).length;
  }

  /** Its end waits for no turn. */
  force(job: string): void {
    this.#forced.add(job);
  }

  isForced(job: string): boolean {
    return this.#forced.has(job);
  }

  remember(one: Omit<Resolved, 'atMs'>): void {
    const nowMs = this.#nowMs();
    this.resolved = [...this.resolved.filter(({ atMs }) => nowMs - atMs < RESOLVED_MS), { ...one, atMs: nowMs }];
  }

  /** It took what this router told it and was heard lately, so it runs: nobody has to ask Slurm. */
  isInConversation(job: string, node: number): boolean {
    const heardMs = this.#heardMs.get(stemOf(job, node));
    return heardMs !== undefined && this.#nowMs() - heardMs < CONVERSATION_MS;
  }

  /** Into the inbox of a node; durable when it resolves. `o` as in {@link NearEnd.append}. Throws a `RouterRefusal`. */
  async tell(
    job: string,
    node: number,
    record: Record<string, unknown>,
    o: { key?: string; isAgain?: boolean } = {},
  ): Promise<void> {
    const mailbox = stemOf(job, node);
    if (o.key !== undefined) this.#toldLast.set(mailbox, o.key);
    await this.near.append(mailbox, record, o);
  }

  /** Idempotent, bounded. */
  async close(): Promise<void> {
    await this.near.close();
  }

  async #heard(lines: readonly FarLine[]): Promise<void> {
    const { state } = this;
    for (const { mailbox, position } of lines) if (!this.#toldBefore.has(mailbox)) state.telling[mailbox] = position;
    this.save();
    for (const listener of this.#lineListeners) listener(lines);
    const events = lines.flatMap((line) => {
      const isLate = this.#isLate(line);
      const dialects = state.dialects[line.mailbox] ?? {};
      const told = eventsOf(line, { redelivered: this.#mayBeTold(line), isLate, dialects });
      if (Object.keys(dialects).length > 0) state.dialects[line.mailbox] = dialects;
      if (!isLate) this.#keep(line, told);
      return told;
    });
    if (events.length > 0) for (const listener of this.#listeners) await listener(events);
    for (const { mailbox, position } of lines) {
      state.told[mailbox] = position;
      if (!this.#toldBefore.has(mailbox)) state.telling[mailbox] = position;
    }
    this.save();
  }

  /** Of a worker that does not know yet that another one has its name. */
  #isLate(line: FarLine): boolean {
    const record = readLine(line);
    if (record === undefined) return false;
    const { restarts } = this.state;
    const newest = restarts[line.mailbox] ?? 0;
    const restart = record.restart ?? newest;
    if (record.type === 'start') restarts[line.mailbox] = Math.max(newest, restart);
    return restart < newest;
  }

  #mayBeTold({ mailbox, position }: FarLine): boolean {
    const until = this.#toldBefore.get(mailbox);
    if (until === undefined) return false;
    if (position.inode === until.inode && position.offset >= until.offset) this.#toldBefore.delete(mailbox);
    return true;
  }

  /** What agents ask, and do not ask any more. */
  #keep(line: FarLine, events: readonly FleetEvent[]): void {
    const record = readLine(line);
    const { mailbox } = line;
    if (record === undefined) return;
    this.#listen(mailbox, record);
    if (record.type === 'start' || record.type === 'complete') this.#workers.set(mailbox, { isAtWork: false });
    if (record.type === 'start' || record.type === 'complete') this.#forget((one) => one.mailbox === mailbox);
    for (const one of events) this.#keepEvent(one);
  }

  #keepEvent({ event, mailbox, data }: FleetEvent): void {
    if (event === 'turn_started' || event === 'turn_complete') {
      this.#workers.set(mailbox, { isAtWork: event === 'turn_started' });
    }
    const { approval_id: approval, call_id: call } = data;
    if (typeof approval !== 'string') return;
    this.#forget((one) => one.mailbox === mailbox && one.approval === approval);
    if (event !== 'exec_approval_required') return;
    // The place stands beside it already, and the mark is of its telling.
    const asked = Object.fromEntries(Object.entries(data).filter(([name]) => !OF_THE_TELLING.has(name)));
    this.approvalsVersion += 1;
    this.state.approvals.push({ mailbox, approval, call: typeof call === 'string' ? call : approval, asked });
    if (this.state.approvals.length > APPROVALS_MAX) this.state.approvals.shift();
  }

  #listen(mailbox: string, record: OutboxRecord): void {
    const isAnswer = record.type === 'taken' && record.injection_id === this.#toldLast.get(mailbox);
    if (record.type === 'start' || record.type === 'complete') this.#heardMs.delete(mailbox);
    else if (isAnswer || this.#heardMs.has(mailbox)) this.#heardMs.set(mailbox, this.#nowMs());
  }

  #forget(isOver: (one: OpenApproval) => boolean): void {
    const { length } = this.state.approvals;
    this.state.approvals = this.state.approvals.filter((one) => !isOver(one));
    if (this.state.approvals.length < length) this.approvalsVersion += 1;
  }
}

const OF_THE_TELLING = new Set(['swarm_id', 'job_id', 'node_id', 'redelivered']);

const stemOf = (job: string, node: number): string => mailboxName(job, node).slice(0, -'.jsonl'.length);
