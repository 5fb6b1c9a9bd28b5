/** What the parts of one core share: who they are, what time it is, what is committed, and the turn they add to. */
import type { NodeId, OpId } from './brand.ts';
import { nodePrincipal } from './brand.ts';
import { Counts, COUNTS_MS } from './counts.ts';
import type { Crypto } from './crypto.ts';
import type { LocalRow, LocalTable } from './local.ts';
import type { Log } from './log.ts';
import type { Draft, Op } from './op.ts';
import { opId } from './op.ts';
import type { Body } from './schema/body.ts';
import type { Frame } from './schema/frame.ts';
import type { Timers } from './timers.ts';
import type { Turn } from './turn.ts';
import { emptyTurn, isEmpty, writesNothing } from './turn.ts';
import type { LiveAgent } from './view/agent.ts';
import type { TaskCreated } from './view/task.ts';
import type { Views } from './view/views.ts';

/** Committed state, as the store shows it. */
export interface CoreStore extends Views {
  localRow(table: LocalTable, key: string): unknown;
  localRows(table: LocalTable): { key: string; value: unknown }[];
  opsOf(node: NodeId, o: { from: number; maxOps: number; maxBytes: number }): Op[];
}

/** An agent of this node that has an attempt, or claims one. */
export type TakenAgent = { agent: LiveAgent; work: { task: OpId; attempt: number } | undefined };

/** What one more attempt has too little of, in words for people. */
export type Lack = { why: 'memory' | 'walltime'; text: string };

export type CoreSettings = {
  /** At most so many voters decide a new task: 1, 3 or 5. */
  votersMax: number;
  /** Up to so many members everybody keeps links to everybody; in a larger swarm to a few neighbours. */
  fullLinksMax: number;
  /** How long a grantee may be silent before a voter may call its attempt lost. */
  leaseMs: number;
  /** How long a started node waits for its peers before it goes on with the tasks that it alone decides; 30 s unless said. */
  aloneAfterMs?: number | undefined;
  /** Of rivals for a task of this node the best rated gets it, where it would else be the lowest claim. */
  preferRated?: boolean | undefined;
  /** How many messages one agent may send to one reader in a minute; 120 unless said. */
  messagesPerMinute?: number | undefined;
  /** Whether this node can work in that directory, or on that project: it may have to fetch it from a node that is reachable. */
  hasPath(path: string): boolean;
  hasProject(project: OpId, isReachable: (node: NodeId) => boolean): boolean;
  /** At most so many attempts run on this node at once, in all and of each tool. Without it: as many as it has agents. */
  maxAgents?: number | undefined;
  maxAgentsOf?: Readonly<Record<string, number>> | undefined;
  /** What its machine lacks for one more agent like this, in words, beside those at work or about to be; looked at anew each time. */
  lacksFor?(agent: LiveAgent, taken: readonly TakenAgent[]): Lack | undefined;
  /** Where it will be gone before that task could be over, by the task's own limit. */
  lacksTimeFor?(agent: LiveAgent, task: TaskCreated): Lack | undefined;
};

export class World {
  readonly self: NodeId;
  readonly store: CoreStore;
  readonly log: Log;
  readonly crypto: Crypto;
  readonly settings: CoreSettings;
  readonly timers: Timers;
  readonly random: () => number;
  /** Monotonic; all deadlines are in it. */
  nowMs = 0;
  /** For people to read, in ops; never for a decision. */
  wallMs = 0;
  turn: Turn;
  /** A turn is at the disk: committed rows may show what nothing has followed from yet. */
  isWriting = false;
  /** Round trips by node, as far as known. */
  private readonly roundTrips = new Map<NodeId, number>();
  readonly links = new Set<NodeId>();
  /** Nodes that an operator took out of the swarm. */
  excluded: ReadonlySet<NodeId> = new Set();
  readonly counts: Counts;
  /** Rows of turns that are not on disk yet: what is decided upon a row must see the one before it. */
  private readonly unwritten = new Map<string, LocalRow>();
  /** Rows that wait for a commit. */
  private readonly waiting = new Map<string, LocalRow>();

  constructor(o: {
    self: NodeId;
    store: CoreStore;
    log: Log;
    crypto: Crypto;
    settings: CoreSettings;
    timers: Timers;
    /** Uniform in [0, 1). */
    random: () => number;
    turn: Turn;
  }) {
    this.self = o.self;
    this.store = o.store;
    this.log = o.log;
    this.crypto = o.crypto;
    this.settings = o.settings;
    this.timers = o.timers;
    this.random = o.random;
    this.turn = o.turn;
    this.counts = new Counts(o.store.localRows('meta'), () => this.timers.setEarlier('counts', this.nowMs + COUNTS_MS));
  }

  /**
   * Reachable now, and not suspected: this node itself, linked, linked with a neighbour, or to be dialled on demand. For choosing who is to work,
   * never for ending work.
   */
  alive(node: NodeId): boolean {
    if (node === this.self) return true;
    if (this.isDoubted(node) || this.excluded.has(node)) return false;
    return this.links.has(node) || this.hasNeighbour(node) || this.mayReach(node);
  }

  /** A linked node said that it is linked with this one. Set once presence is there. */
  hasNeighbour: (node: NodeId) => boolean = () => false;

  /** This node may vote, propose and start where these are the voters. Set by the check after the start. */
  canDecide: (voters: readonly NodeId[]) => boolean = () => true;
  mayAppend: () => boolean = () => true;

  /** The failure detector shows it as anything but alive. Set once that is there. */
  isDoubted: (node: NodeId) => boolean = () => false;
  /** Not linked, but in a swarm where not all are: it may be dialled. Set once the overlay is there. */
  mayReach: (node: NodeId) => boolean = () => false;

  /** Adds the rows that belong to ops which are about to be written. Set once mailboxes are there. */
  onWriting: (ops: readonly Op[]) => void = () => {};

  /** Dials a node that is not linked, and keeps the link for a while; does nothing where all are linked. */
  wantLink: (node: NodeId) => void = () => {};

  roundTripMs(node: NodeId): number | undefined {
    return this.roundTrips.get(node);
  }

  /** Over all links whose round trip is known. */
  medianRoundTripMs(): number | undefined {
    const known = [...this.links].flatMap((node) => this.roundTrips.get(node) ?? []).toSorted((a, b) => a - b);
    return known[Math.floor(known.length / 2)];
  }

  setRoundTrip(node: NodeId, roundTripMs: number): void {
    this.roundTrips.set(node, roundTripMs);
  }

  /** Appends ops in this turn; on disk when the turn is. */
  append(drafts: readonly Draft[]): Op[] | 'tooLarge' {
    const ops = this.log.append(drafts, this.wallMs);
    if (ops !== 'tooLarge') this.turn.ops.push(...ops);
    return ops;
  }

  /** Appends one small op in this node's own name; undefined, and an alarm, where it is too large. */
  state(entity: OpId, body: Body): OpId | undefined {
    const ops = this.append([{ entity, by: nodePrincipal(this.self), body }]);
    if (ops === 'tooLarge') this.alarm(`an op of type ${body.type} about ${entity} is too large and was not written`);
    else for (const op of ops) return opId(op);
    return undefined;
  }

  persist(row: LocalRow): void {
    const name = `${row.table} ${row.key}`;
    this.turn.rows.push(row);
    this.counts.persisted(row);
    this.unwritten.set(name, row);
    this.afterWrite(() => {
      if (this.unwritten.get(name) === row) this.unwritten.delete(name);
    });
  }

  /** As {@link persist}, for what no decision rests on: with the next commit, or soon, if none comes. It makes nobody wait for the disk. */
  persistSoon(row: LocalRow): void {
    this.waiting.set(`${row.table} ${row.key}`, row);
    this.timers.setEarlier('counts', this.nowMs + COUNTS_MS);
  }

  /** Closes the turn under way and opens the next; undefined when it is empty. Signs the last op of each own batch. */
  takeTurn(): Turn | undefined {
    const { turn } = this;
    if (isEmpty(turn)) return undefined;
    this.onWriting(turn.ops);
    this.turn = emptyTurn();
    this.addWaiting(turn);
    const own = this.log.sign(turn.ops.filter((op) => op.header.node === this.self));
    const signed = new Map(own.map((op) => [op.header.seq, op]));
    turn.ops = turn.ops.map((op) => (op.header.node === this.self ? (signed.get(op.header.seq) ?? op) : op));
    this.isWriting = !writesNothing(turn);
    return turn;
  }

  /** The turn's write is on disk. */
  settled(turn: Turn): void {
    this.isWriting = false;
    this.log.committed(turn.ops);
  }

  /** Adds to a turn that is about to be written what waits for that. */
  private addWaiting(turn: Turn): void {
    this.counts.addTo(turn);
    if (!writesNothing(turn)) this.writeWaiting(turn);
  }

  /** Adds it whether anything else is written or not. */
  writeWaiting(turn: Turn): void {
    this.counts.write(turn);
    turn.rows.push(...this.waiting.values());
    this.waiting.clear();
  }

  /** A local row as it will be once all that was persisted is on disk. Undefined where there is none. */
  row(table: LocalTable, key: string): unknown {
    const unwritten = this.unwritten.get(`${table} ${key}`);
    return unwritten === undefined ? this.store.localRow(table, key) : unwritten.value;
  }

  /** Leaves after this turn's write is on disk. */
  send(to: readonly NodeId[], frame: Frame): void {
    const others = to.filter((node) => node !== this.self);
    if (others.length > 0) this.turn.sends.push({ to: others, frame });
  }

  /** Leaves before this turn's write: only what stands for nothing on disk. */
  tell(to: readonly NodeId[], frame: Frame): void {
    if (to.length > 0) this.turn.relays.push({ to, frame });
  }

  afterWrite(run: () => void): void {
    this.turn.after.push(run);
  }

  alarm(text: string): void {
    this.turn.actions.push({ kind: 'alarm', text });
  }
}
