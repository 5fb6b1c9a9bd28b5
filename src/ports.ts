/** The seams: what the composition root plugs together. Interfaces only; each has one contract suite, run on the fake and on the real thing. */
import type { AttemptBearer, HookBearer } from './agent-ports.ts';
import type { AgentTerminals } from '#core/agent-terminal.ts';
import type { Answering } from '#core/approval/answer.ts';
import type { Hash, NodeId, OpId, Principal, ProcId } from '#core/brand.ts';
import type { BootStanding } from '#core/boot-check.ts';
import type { Boxed, Seen } from '#core/boxing.ts';
import type { LocalRow, LocalTable } from '#core/local.ts';
import type { Filing } from '#core/file/filing.ts';
import type { Trading } from '#core/market/trading.ts';
import type { Messaging } from '#core/message/messaging.ts';
import type { Glimpse } from '#core/glimpse.ts';
import type { Draft, Op } from '#core/op.ts';
import type { Frame, Goodbye, MemberState } from '#core/schema/frame.ts';
import type { AgentPresence } from '#core/presence.ts';
import type { Refusal } from '#core/refusal.ts';
import type { MessageIndex } from '#core/search/message-index.ts';
import type { LinkTraffic, Tally } from '#core/tally.ts';
import type { Signals } from '#core/signals.ts';
import type { LongText } from '#core/schema/ids.ts';
import type { Transcripts } from '#core/transcript.ts';
import type { Views } from '#core/view/views.ts';

// ---------------------------------------------------------------- store
/** What goes to disk together. Ops of one author are consecutive and follow what the store holds of that author. */
export type Write = { ops: readonly Op[]; rows: readonly LocalRow[] };

/** An op with its place in this node's order of arrival (1, 2, 3 …), which streams resume from. */
export type Arrival = { n: number; op: Op };

export type Head = { seq: number; hash: Hash };

/**
 * The log and its views on disk. `commit` is group commit: everything handed in during one turn of the event loop becomes one transaction and
 * one fsync; its promise resolves after the fsync. A failed commit rejects every commit of that turn and the store refuses all further ones:
 * the node must stop. The read side shows committed state only.
 */
export interface OpStore extends Views, MessageIndex {
  commit(write: Write): Promise<readonly Arrival[]>;
  /** The highest consecutive op of each author. */
  heads(): ReadonlyMap<NodeId, Head>;
  /** The highest Lamport stamp ever committed. */
  lamport(): number;
  /** Ops `from`, `from + 1`, … of one author: at most `maxOps`, at most `maxBytes` of texts (always at least one if there is one). */
  opsOf(node: NodeId, o: { from: number; maxOps: number; maxBytes: number }): Op[];
  /** All ops about one entity in stamp order: the timeline. At most `limit`, the newest ones. */
  opsAbout(entity: string, limit: number): Op[];
  /** Ops in order of arrival after `n`. */
  arrivals(o: { after: number; limit: number }): Arrival[];
  /** The number of the last arrival; 0 for an empty store. */
  lastArrival(): number;
  /** Takes a log out from `seq` on (its ops no longer count) and folds anew what they touched. Durable when the promise resolves. */
  truncateLog(node: NodeId, seq: number): Promise<void>;
  /**
   * Writes one run of old ops of one author, beyond the newest `keep` arrivals, in a form that takes a fraction of the room, and gives how many; 0 when there is
   * nothing to do. `atLeast`: ops that a log must have for it; a whole run (256) unless it is said. Every answer
   * stays the same, but that of the signatures in a run only the last is left, which covers all before it.
   */
  seal(o: { keep: number; atLeast?: number }): Promise<number>;
  /** Ops that are stored in sealed runs. */
  sealedOps(): number;
  /** Of the log and the views, on disk; 0 for a store in memory. */
  sizeBytes(): number;
  localRow(table: LocalTable, key: string): unknown;
  localRows(table: LocalTable): { key: string; value: unknown }[];
  /** SHA-256 over all rows of all views in canonical form: equal on two nodes that hold the same ops. */
  digest(): Hash;
  /** Idempotent. Waits for the commit under way. */
  close(): Promise<void>;
}

/** Texts and bundles by their SHA-256. */
export interface BlobStore {
  /** Durable when it resolves. A blob that is there already is left alone. */
  put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<{ hash: Hash; sizeBytes: number }>;
  has(hash: Hash): Promise<boolean>;
  sizeBytes(hash: Hash): Promise<number | undefined>;
  /** At most `maxBytes` from `offset`; undefined for a blob that is not here. */
  read(hash: Hash, o: { offset: number; maxBytes: number }): Promise<Uint8Array | undefined>;
  /** Path of the blob's file, for tools such as git; undefined when it is not here. */
  path(hash: Hash): Promise<string | undefined>;
  /** Bytes of a blob that arrives in pieces. `finish` checks the hash: on a mismatch nothing is stored. */
  receive(hash: Hash): Promise<BlobReceiver>;
}
export interface BlobReceiver {
  readonly offset: number;
  write(piece: Uint8Array): Promise<void>;
  finish(): Promise<'stored' | 'mismatch'>;
  abort(): Promise<void>;
}

// ---------------------------------------------------------------- fabric
export type LinkInfo = {
  node: NodeId;
  address: string;
  outbound: boolean;
  sinceMs: number;
  roundTripMs: number | undefined;
  httpPort: number;
  /** What went over it so far. */
  traffic: LinkTraffic;
};

export type TransportHandler = {
  linkUp(link: LinkInfo): void;
  linkDown(node: NodeId, reason: string): void;
  /** A well-formed frame of a linked, authenticated peer. */
  frame(from: NodeId, frame: Frame): void;
  /** A peer's queue overflowed and was dropped; called once it drained: repair is due. */
  drained(node: NodeId): void;
};

/** Authenticated links to other nodes, one a node. Frames sent in one turn of the event loop leave in one write a link. */
export interface Transport {
  start(handler: TransportHandler): Promise<void>;
  /** Queues one frame for each of `to`; nodes that are not linked, or whose queue is full, are skipped and returned. */
  send(to: readonly NodeId[], frame: Frame): NodeId[];
  links(): LinkInfo[];
  /** Tells an address (`host:port`) where a node may be found; it is dialled until linked. */
  learn(address: string, node?: NodeId): void;
  /** Where a node says that it may be found, all of it: what it said before is dialled no more, unless its link stands there. */
  place(node: NodeId, addresses: readonly string[]): void;
  /** Dials, and keeps of the links that it dialled, only those to these nodes; undefined: all. The others' links are theirs to keep. */
  keep(nodes: ReadonlySet<NodeId> | undefined): void;
  disconnect(node: NodeId, why: Goodbye): void;
  /** Ends a link that leads nowhere, without a word. It is dialled anew. */
  drop(node: NodeId, why: string): void;
  /** Idempotent, bounded: says goodbye, then closes. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------- runtime
/** `error`: why the holder itself ended it, or could not start it. */
export type Exit = { code: number | null; signal: string | null; error: string | null };

export type ProcSpec = {
  id: ProcId;
  argv: readonly [string, ...string[]];
  cwd: string;
  /** The whole environment: nothing is inherited. */
  env: Readonly<Record<string, string>>;
  /** What it works on, for a box, which shows it nothing else. */
  sees?: readonly Seen[] | undefined;
  /** Output kept on disk for reading again; beyond it the middle is dropped, and a line says how much. */
  outboxMaxBytes: number;
};

/** `too_long`: a line above the bound, left out. `dropped`: output that is not kept, whole lines and parts of lines. */
export type WholeLine = { kind: 'line'; text: string } | { kind: 'too_long' | 'dropped'; bytes: number };

/**
 * A pipe of lines to a process that outlives this node. Lines are split on `\n` only, decoded as UTF-8 with replacement; a line above 64 KiB
 * comes in pieces.
 */
export interface Proc {
  readonly id: ProcId;
  /** Standard output from its beginning, also after `attach`. Ends after the process has. One reader. */
  readonly lines: AsyncIterable<string>;
  readonly errors: AsyncIterable<string>;
  /** The same output as `lines`, each line in one piece: for protocols. Of the two, one is read. */
  whole(maxBytes: number): AsyncIterable<WholeLine>;
  /** Resolves when the line is in the inbox on disk. */
  write(line: string): Promise<void>;
  /** What was written to it up to now, also before `attach`, from the beginning. */
  written(): AsyncIterable<string>;
  readonly exited: Promise<Exit>;
  /** SIGTERM to the process group, SIGKILL after `graceMs`, then whatever still carries this process's mark. */
  kill(graceMs: number): Promise<Exit>;
  /** Stops following; the process goes on. */
  detach(): Promise<void>;
}

export type ExecOptions = Pick<ProcSpec, 'cwd' | 'env' | 'sees'> & { timeoutMs: number; stdin?: string };
export type ExecResult = { exit: Exit; stdout: string; stderr: string };

export interface Runtime {
  /** Starting an id that runs or ran is a refusal (`Error` with code `proc_exists`): an attempt never starts twice. */
  start(spec: ProcSpec): Promise<Proc>;
  /** The process of that id, running or ended with its output still there; undefined when this runtime knows nothing of it. */
  attach(id: ProcId): Promise<Proc | undefined>;
  exec(argv: readonly [string, ...string[]], o: ExecOptions): Promise<ExecResult>;
  /** Forgets an ended process and removes its files. A running one is left alone. */
  forget(id: ProcId): Promise<void>;
  close(): Promise<void>;
}

// ---------------------------------------------------------------- the node, as doors see it
/** What a node last said of itself and of its agents. In memory only. */
export type Presence = {
  node: NodeId;
  heardMs: number;
  links: readonly NodeId[];
  agents: readonly AgentPresence[];
};

export type NodeInfo = {
  self: NodeId;
  name: string;
  role: 'emperor' | 'worker';
  version: string;
  startedMs: number;
  httpPort: number;
  p2pPort: number;
  dataDir: string;
  /** Newest ops that are not sealed; 0 where none is. */
  sealAfter: number;
};

/**
 * One node of the swarm, as the doors use it. Doors parse and authorise, then append or call; they hold no state of the swarm. Every method that
 * may be refused answers with a {@link Refusal} and has then changed nothing.
 */
export interface SwarmNode extends AgentTerminals, Answering, Boxed, Signals, Transcripts {
  readonly info: NodeInfo;
  readonly messages: Messaging;
  readonly market: Trading;
  readonly files: Filing;
  readonly store: Pick<
    OpStore,
    | 'get'
    | 'list'
    | 'count'
    | 'arrivals'
    | 'lastArrival'
    | 'localRow'
    | 'opsAbout'
    | 'heads'
    | 'lamport'
    | 'digest'
    | 'sealedOps'
    | 'sizeBytes'
    | 'findMessages'
  >;
  /** Resolves after the fsync, with the ops in the order of the drafts. */
  append(drafts: readonly Draft[]): Promise<readonly Arrival[] | Refusal>;
  /** Texts above 16 KiB become blobs; shorter ones stay. */
  stash(text: string): Promise<LongText>;
  /** The whole text; from another node if the blob is not here. Falls back to the kept head with a note when no holder is reachable. */
  unstash(text: LongText): Promise<string>;
  /** Why no work could start from that origin, as far as this node can tell by itself: a path must be a repository here. URLs are not asked. */
  checkOrigin(origin: string): Promise<Refusal | undefined>;
  /** How far the check after the start has come: before it, nothing is appended; without it, only own tasks are decided. */
  standing(): BootStanding;
  /** Nodes that decide a new task of this node: home first. */
  votersForNewTask(): NodeId[];
  cancelTask(task: OpId, by: Principal): Promise<'cancelled' | Refusal>;
  /** What the agent of the running or last attempt printed, newest `lines` lines, from whichever node has it. */
  taskOutput(task: OpId, lines: number): Promise<{ attempt: number; output: string } | Refusal>;
  taskDiff(
    task: OpId,
    format: 'patch' | 'stat' | 'name-status',
  ): Promise<{ text: string; truncated: boolean } | Refusal>;
  /** Writes the delivered branch into the repository at `repository` on this node. */
  taskFetch(task: OpId, repository: string): Promise<{ branch: string; head: string } | Refusal>;
  taskMerge(task: OpId, by: Principal, into: string | null): Promise<MergeOutcome | Refusal>;
  agentOutput(agent: OpId, lines: number): Promise<{ status: string; output: string } | Refusal>;
  tools(): readonly string[];
  presence(): ReadonlyMap<NodeId, Presence>;
  /** Other nodes that are linked or were heard of since this one started, as its failure detector shows them. */
  standings(): ReadonlyMap<NodeId, MemberState>;
  links(): readonly LinkInfo[];
  /** What became of the batches of ops that each node sent here. */
  tallies(): ReadonlyMap<NodeId, Tally>;
  /** Last glimpse of a running attempt, if this node has one. */
  glimpse(task: OpId): Glimpse | undefined;
  /** Calls back after each commit, in order of arrival. The returned function stops it. */
  onArrivals(listener: (arrivals: readonly Arrival[]) => void): () => void;
  /** Presence or the standing of a node changed, or a link came or went. */
  onPresence(listener: () => void): () => void;
  /** Glimpses of all tasks (`*`) or, with output, of one. While anybody listens, this node asks the others for them. */
  watch(topic: '*' | OpId, listener: (glimpse: Glimpse) => void): () => void;
  /** Secret and addresses for `skep join-code`; operator only. */
  joinCode(): string;
  /** The attempt whose secret this is; a refusal where it is over, undefined for a token of another kind. */
  attemptBearer(token: string): AttemptBearer | Refusal | undefined;
  /** The agent in a terminal whose hooks have this secret; undefined for every other token. */
  hookBearer(token: string): HookBearer | undefined;
  /** Looks at the directory (of this node) where a backup is wanted: it is not there, or empty. Nothing is written before the answer is called. */
  backup(target: string): Promise<BackupRun | Refusal>;
}

/** Makes it. Rejects when the disk fails, `signal` is aborted or the node stops: what was written is removed then. One at a time. */
export type BackupRun = (o: {
  onProgress: (progress: BackupProgress) => void;
  signal: AbortSignal;
}) => Promise<BackupMade | Refusal>;
/** `done` of `total` pages, blobs, repositories or files. */
export type BackupProgress = { step: 'database' | 'blobs' | 'work' | 'checksums'; done: number; total: number };
/** `heads`: how much of each author's log is in it. */
export type BackupMade = { target: string; heads: Record<NodeId, number>; files: number; sizeBytes: number };

export type MergeOutcome = {
  state: 'merged' | 'ready';
  /** Commit that holds the merge; null while only ready. */
  commit: string | null;
  into: string;
  /** What the person runs when the branch is checked out somewhere and skep therefore leaves it alone. */
  command: string | null;
};
