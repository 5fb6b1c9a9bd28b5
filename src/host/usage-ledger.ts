/** The ledger of what agents used: collected while a turn runs, one fact a model at its end. */
import { hash } from 'node:crypto';
import type { NodeId, OpId } from '#core/brand.ts';
import { nodePrincipal } from '#core/brand.ts';
import type { Draft } from '#core/op.ts';
import type { BodyOf } from '#core/schema/body.ts';
import type { Usage } from '#agent-ports.ts';
import type { OpStore, SwarmNode } from '#ports.ts';
import type { Prices } from './prices.ts';
import { isRefusal } from './remote.ts';

type Used = { task: OpId; attempt: number; agent: OpId; id: string; usage: Usage };
type AttemptName = { task: OpId; attempt: number };
type Record = Omit<BodyOf<'usage.recorded'>, 'type'>;

/** Records of one task that are looked at: turns of all its attempts. */
const RECORDS_MAX = 10_000;
/** Names of events in one record; a turn of more than so many requests has several. */
const IDS_MAX = 200;
/** Enough to tell the events of one attempt apart. */
const ID_CHARS = 12;

/** `timeMs`: from its beginning to its end. */
type TurnOver = { name: string; timeMs: number; agent: OpId };
const NO_TOKENS = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };

type Open = { seen: Set<string>; records: Record[] };

export class UsageLedger {
  readonly #self: NodeId;
  readonly #store: Pick<OpStore, 'list'>;
  readonly #append: SwarmNode['append'];
  readonly #prices: Prices;
  readonly #open = new Map<string, Open>();

  constructor(o: { self: NodeId; store: Pick<OpStore, 'list'>; append: SwarmNode['append']; prices: Prices }) {
    this.#self = o.self;
    this.#store = o.store;
    this.#append = o.append;
    this.#prices = o.prices;
  }

  /** After a restart events come again: what is in the log already counts once. */
  used({ task, attempt, agent, id, usage }: Used): void {
    const open = this.#openOf({ task, attempt });
    const short = shortOf(id);
    if (open.seen.has(short)) return;
    open.seen.add(short);
    const { model, costUsd, inputTokens, cachedTokens, outputTokens, reasoningTokens } = usage;
    const pricedBy = costUsd === null ? null : 'tool';
    const tokens = { inputTokens, cachedTokens, outputTokens, reasoningTokens };
    const next: Record = { attempt, agent, model, ids: [short], ...tokens, costUsd, pricedBy };
    const at = open.records.findIndex((held) => canJoin(held, next));
    const held = open.records[at];
    if (held === undefined) open.records.push(next);
    else open.records[at] = joined(held, next);
  }

  /**
   * Resolves when what was used is on disk, and that a turn ended with it, where one did: each counts once. What could not be written is kept for the
   * next time.
   */
  async turnOver(one: AttemptName, turn?: TurnOver): Promise<void> {
    const open = this.#openOf(one);
    if (turn !== undefined) this.#count(one, open, turn);
    const { records } = open;
    if (records.length === 0) return;
    open.records = [];
    await this.#prices.refresh();
    const drafts = records.map((record): Draft => ({
      entity: one.task,
      by: nodePrincipal(this.#self),
      body: { type: 'usage.recorded', ...this.#priced(record) },
    }));
    if (isRefusal(await this.#append(drafts))) open.records = [...records, ...open.records];
  }

  #count({ attempt }: AttemptName, open: Open, { name, timeMs, agent }: TurnOver): void {
    const short = shortOf(`turn ${name}`);
    if (open.seen.has(short)) return;
    open.seen.add(short);
    const [first, ...others] = open.records;
    const held = first ?? { attempt, agent, model: null, ids: [], ...NO_TOKENS, costUsd: null, pricedBy: null };
    const turns = (held.turns ?? 0) + 1;
    open.records = [{ ...held, ids: [...held.ids, short], turns, timeMs: (held.timeMs ?? 0) + timeMs }, ...others];
  }

  /** The attempt is over. */
  async leave(one: AttemptName): Promise<void> {
    await this.turnOver(one);
    this.#open.delete(nameOf(one));
  }

  /** What is not on disk yet, in US dollars: of one task, one agent, or this node, which is all. */
  openUsd(of: { task?: OpId; agent?: OpId; node?: NodeId }): number {
    let sum = 0;
    for (const [name, { records }] of this.#open) {
      if (of.task !== undefined && !name.startsWith(`${of.task}.`)) continue;
      for (const record of records) {
        if (of.agent === undefined || record.agent === of.agent) sum += this.#priced(record).costUsd ?? 0;
      }
    }
    return sum;
  }

  /** The word of the tool, else of the table. */
  #priced(record: Record): Record {
    if (record.pricedBy !== null) return record;
    const costUsd = this.#prices.costOf(record);
    return costUsd === undefined ? record : { ...record, costUsd, pricedBy: 'table' };
  }

  #openOf(one: AttemptName): Open {
    const held = this.#open.get(nameOf(one));
    if (held !== undefined) return held;
    const rows = this.#store.list('usage', { where: { task: one.task, node: this.#self }, limit: RECORDS_MAX });
    const ids = rows.flatMap(({ recorded }) => (recorded?.attempt === one.attempt ? recorded.ids : []));
    const made: Open = { seen: new Set(ids), records: [] };
    this.#open.set(nameOf(one), made);
    return made;
  }
}

const shortOf = (id: string): string => hash('sha256', id).slice(0, ID_CHARS);

const nameOf = ({ task, attempt }: AttemptName): string => `${task}.${attempt}`;

const canJoin = (a: Record, b: Record): boolean =>
  a.model === b.model && a.pricedBy === b.pricedBy && a.ids.length < IDS_MAX;

const joined = (a: Record, b: Record): Record => ({
  ...a,
  ids: [...a.ids, ...b.ids],
  inputTokens: a.inputTokens + b.inputTokens,
  cachedTokens: a.cachedTokens + b.cachedTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  costUsd: a.costUsd === null || b.costUsd === null ? null : a.costUsd + b.costUsd,
});
