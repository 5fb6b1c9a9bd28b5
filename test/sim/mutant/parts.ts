/** Nodes that break one rule each. A storm over such nodes must end with a violation. */
import type { NodeId } from '#core/brand.ts';
import { parsedOpId } from '#core/brand.ts';
import type { CoreOptions } from '#core/node.ts';
import { NodeCore } from '#core/node.ts';
import { batches, frameOf } from '#core/op-frame.ts';
import type { Op } from '#core/op.ts';
import type { LocalTable } from '#core/local.ts';
import type { SlotValue } from '#core/schema/body.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Turn } from '#core/turn.ts';
import { attemptOfSlot, taskChain } from '#core/view/chain.ts';
import type { RowOf } from '#core/view/views.ts';
import type { Arrival, Write } from '#ports.ts';
import { LiteralRule } from '#sim/literal-rule.ts';
import type { SimParts } from '#sim/parts.ts';
import type { StormKnobs } from '#sim/storm-knobs.ts';
import { ROLLBACK_STORM } from '#sim/storm-knobs.ts';
import type { MemoryOptions } from '#store/memory.ts';
import { MemoryStore } from '#store/memory.ts';

/** A disk that answers at once and writes later: what a crash finds unwritten is gone, and all that came after it. */
class LyingStore extends MemoryStore {
  private readonly lie: MemoryOptions;
  private readonly writes: { write: Write; written: boolean }[] = [];

  constructor(options: MemoryOptions, written: readonly Write[] = []) {
    super({ crypto: options.crypto, commitWhen: (run) => run() });
    this.lie = options;
    for (const write of written) {
      this.writes.push({ write, written: true });
      void super.commit(write);
    }
  }

  override commit(write: Write): Promise<readonly Arrival[]> {
    const entry = { write, written: false };
    this.writes.push(entry);
    this.lie.commitWhen?.(
      () => (entry.written = true),
      () => {},
    );
    return super.commit(write);
  }

  override crashed(options: MemoryOptions = this.lie): MemoryStore {
    const end = this.writes.findIndex((entry) => !entry.written);
    const kept = end < 0 ? this.writes : this.writes.slice(0, end);
    return new LyingStore(
      options,
      kept.map((entry) => entry.write),
    );
  }
}

/** A core whose turns are changed on their way to the shell. */
class ChangedCore extends NodeCore {
  private readonly change: (turn: Turn) => void;

  constructor(options: CoreOptions, change: (turn: Turn) => void) {
    super(options);
    this.change = change;
  }

  override take(): Turn | undefined {
    const turn = super.take();
    if (turn !== undefined) this.change(turn);
    return turn;
  }
}

const changed =
  (change: (turn: Turn, options: CoreOptions) => void): SimParts['core'] =>
  (options) =>
    new ChangedCore(options, (turn) => change(turn, options));

const withoutRows = (table: LocalTable): SimParts['core'] =>
  changed((turn) => {
    turn.rows = turn.rows.filter((row) => row.table !== table);
  });

const ownOps = (turn: Turn, { self }: CoreOptions): Op[] => turn.ops.filter((op) => op.header.node === self);

/** Sends, and pushes its own ops, before the write. */
const eager = changed((turn, options) => {
  for (const batch of batches(ownOps(turn, options))) {
    const frame = frameOf(batch);
    if (frame !== undefined) turn.relays.push({ to: options.heads.size === 0 ? [] : peersOf(options), frame });
  }
  turn.relays.push(...turn.sends.splice(0));
});

const peersOf = ({ store, self }: CoreOptions) =>
  store.list('node', { limit: 100 }).flatMap((row) => (row.id === self ? [] : [row.id]));

/** Starts again what ran before its restart. */
const restarter = changed((turn) => {
  turn.actions = turn.actions.map((action) => (action.kind === 'resume' ? { ...action, kind: 'start' } : action));
});

const bound = (store: CoreOptions['store']): CoreOptions['store'] => ({
  get: (view, key) => store.get(view, key),
  list: (view, query) => store.list(view, query),
  count: (view, where) => store.count(view, where),
  localRow: (table, key) => store.localRow(table, key),
  localRows: (table) => store.localRows(table),
  opsOf: (node, o) => store.opsOf(node, o),
});

/** Sees tasks through `see`, in all that it decides. */
const seeing =
  (see: (row: RowOf['task']) => RowOf['task']): SimParts['core'] =>
  (options) => {
    const { store } = options;
    const seen = <N extends keyof RowOf>(view: N, row: RowOf[N]): RowOf[N] =>
      // A row of the task view is the only one that has grants.
      view === 'task' && 'grants' in row ? { ...row, ...see(row) } : row;
    return new NodeCore({
      ...options,
      store: {
        ...bound(store),
        get: (view, key) => {
          const row = store.get(view, key);
          return row === undefined ? undefined : seen(view, row);
        },
        list: (view, query) => store.list(view, query).map((row) => seen(view, row)),
      },
    });
  };

/** Takes a report for a decided end. */
const believer = seeing((row) => ({ ...row, ends: { ...row.reports, ...row.ends } }));

/** Takes a claim of its own that stands alone for the grant. */
const presumer: SimParts['core'] = (options) =>
  seeing((row) => {
    const { slot, status } = taskChain(row);
    const claims = Object.entries(row.claims).filter(([, claim]) => claim.slot === slot);
    const [only, ...others] = claims;
    if (status !== 'pending' || only === undefined || others.length > 0) return row;
    const [claim, { node, agent, stamp, wallMs }] = only;
    if (node !== options.self) return row;
    const value: SlotValue = { kind: 'granted', attempt: attemptOfSlot(slot), claim: parsedOpId(claim), node, agent };
    return { ...row, grants: { ...row.grants, [slot]: { value, stamp, wallMs } } };
  })(options);

/** Answers every vote that it would refuse with a yes. */
const yesMan = changed((turn) => {
  for (const { frame } of turn.sends) {
    if (frame.type !== FRAME.reply || typeof frame.result !== 'object' || frame.result === null) continue;
    if ('vote' in frame.result && frame.result.vote === 'refused') frame.result = { vote: 'accepted' };
  }
});

/** Never gives an agent back: the shell's word that an attempt is cleaned is not heard. */
class Hoarder extends NodeCore {
  override attemptGone(): void {}
}

/** Never listens to a peer's question for ops. */
class Deaf extends NodeCore {
  override frame(...[from, frame, clock]: Parameters<NodeCore['frame']>): void {
    if (frame.type !== FRAME.heads) super.frame(from, frame, clock);
  }
}

/** Asks nobody what it may have forgotten, and hears nothing of it. */
class Careless extends NodeCore {
  private readonly self: NodeId;

  constructor(options: CoreOptions) {
    const { store } = options;
    // Without a row of a node there is nobody to ask.
    const list: CoreOptions['store']['list'] = (view, query) => (view === 'node' ? [] : store.list(view, query));
    super({ ...options, store: { ...bound(store), list } });
    this.self = options.self;
  }

  override frame(...[from, frame, clock]: Parameters<NodeCore['frame']>): void {
    if (frame.type !== FRAME.heads || frame.heads === undefined) return super.frame(from, frame, clock);
    const heads = Object.fromEntries(Object.entries(frame.heads).filter(([node]) => node !== this.self));
    super.frame(from, { ...frame, heads, yours: 0 }, clock);
  }
}

/** `shows`: the checks in which it is expected to show. */
export type Mutant = { parts: Partial<SimParts>; shows: string[]; storms?: StormKnobs[] };

/** By what each of them does. */
export const MUTANTS: Record<string, Mutant> = {
  'acknowledges before the disk has it': {
    parts: { store: (options) => new LyingStore(options) },
    shows: ['always/told-was-durable', 'always/seq-reused', 'finally/nothing-lost'],
  },
  'sends before the commit': { parts: { core: eager }, shows: ['always/seq-reused', 'always/nothing-forgotten'] },
  'starts on its own claim': {
    parts: { core: (options) => new LiteralRule(options) },
    shows: ['always/start-after-grant', 'always/started-once'],
  },
  'takes its own claim for the grant': {
    parts: { core: presumer },
    shows: ['always/start-after-grant', 'always/start-by-grantee', 'always/started-once'],
  },
  'does not write down that it started': { parts: { core: withoutRows('start') }, shows: ['always/started-once'] },
  'starts again what ran before its restart': { parts: { core: restarter }, shows: ['always/started-once'] },
  'forgets its votes at a restart': { parts: { core: withoutRows('vote') }, shows: ['always/slot-decided-once'] },
  'forgets its proposals at a restart': {
    parts: { core: withoutRows('proposal') },
    shows: ['always/slot-decided-once', 'always/one-value-a-ballot'],
  },
  'answers yes where it must refuse': { parts: { core: yesMan }, shows: ['always/slot-decided-once'] },
  'takes a report for the end': {
    parts: { core: believer },
    shows: ['always/dependencies-completed'],
  },
  'calls attempts lost as soon as it suspects': {
    parts: { core: (options) => new NodeCore({ ...options, settings: { ...options.settings, leaseMs: 3_000 } }) },
    shows: ['always/lost-after-lease'],
  },
  'never gives an agent back': { parts: { core: (options) => new Hoarder(options) }, shows: ['eventually/ended'] },
  'asks nobody after a start what it may have forgotten': {
    parts: { core: (options) => new Careless(options) },
    storms: [ROLLBACK_STORM],
    shows: ['always/slot-decided-once', 'always/started-once', 'always/one-value-a-ballot', 'always/seq-reused'],
  },
  'never answers for what a peer lacks': {
    parts: { core: (options) => new Deaf(options) },
    shows: ['finally/agreement', 'finally/nothing-lost', 'eventually/ended'],
  },
};
