/**
 * Which pending task an idle agent takes: the first by priority, then stamp, that fits it and can be claimed. Agents that fit the same tasks are
 * of one kind, and fit is decided once a kind: many agents beside many tasks that fit none of them would else keep their node busy for minutes.
 */
import type { OpId } from '../brand.ts';
import type { LiveAgent } from '../view/agent.ts';
import type { World } from '../world.ts';
import type { PendingTask } from './fit.ts';
import { fitsKind, isFor, isPending, kindOf } from './fit.ts';

/** Pending tasks read a time. */
const PAGE = 64;
/** Kinds of agents that are remembered as without work: a node has no more agents than that. */
const KINDS_MAX = 1_000;

type Rows = Pick<World, 'store' | 'isWriting'>;

export class Search {
  private readonly world: Rows;
  private readonly isClaimable: (row: PendingTask) => boolean;
  private readonly hasTimeFor: (agent: LiveAgent, row: PendingTask) => boolean;
  private readonly kinds = new WeakMap<LiveAgent, string>();
  /** Kinds that no pending task fits, each with one of its agents. A task that is pending anew and fits ends that. */
  private readonly workless = new Map<string, LiveAgent>();

  constructor(world: Rows, o: Pick<LookParts, 'isClaimable' | 'hasTimeFor'>) {
    this.world = world;
    this.isClaimable = o.isClaimable;
    this.hasTimeFor = o.hasTimeFor;
  }

  /** For the agents that look in one call, one after the other: nothing is committed meanwhile, and what was claimed in it is claimable no more. */
  look(): Look {
    return new Look({
      page: (offset) => this.page(offset),
      kindOf: (agent) => this.kindOf(agent),
      isClaimable: this.isClaimable,
      hasTimeFor: this.hasTimeFor,
      // While a turn is written, rows may be there that were not taken in: then what is remembered is not asked.
      isWorkless: (kind) => !this.world.isWriting && this.workless.has(kind),
      foundWorkless: (kind, agent) => this.remember(kind, agent),
    });
  }

  /** These tasks have new rows. To be told before any agent looks for work. */
  onRows(tasks: Iterable<OpId>): void {
    if (this.workless.size === 0) return;
    for (const task of tasks) {
      const row = this.world.store.get('task', task);
      if (!isPending(row)) continue;
      for (const [kind, agent] of this.workless) if (fitsKind(agent, row)) this.workless.delete(kind);
    }
  }

  forget(): void {
    this.workless.clear();
  }

  private remember(kind: string, agent: LiveAgent): void {
    if (this.workless.size >= KINDS_MAX) this.workless.clear();
    this.workless.set(kind, agent);
  }

  private kindOf(agent: LiveAgent): string {
    const kind = this.kinds.get(agent) ?? kindOf(agent);
    this.kinds.set(agent, kind);
    return kind;
  }

  private page(offset: number) {
    const rows = this.world.store.list('task', {
      where: { status: 'pending' },
      order: [
        ['priority', 'desc'],
        ['created', 'asc'],
      ],
      limit: PAGE,
      offset,
    });
    return { rows: rows.filter(isPending), isLast: rows.length < PAGE };
  }
}

type LookParts = {
  page: (offset: number) => { rows: PendingTask[]; isLast: boolean };
  kindOf: (agent: LiveAgent) => string;
  isClaimable: (row: PendingTask) => boolean;
  /** Whether the agent is there for long enough; asked only of an agent whose end may be near. */
  hasTimeFor: (agent: LiveAgent, row: PendingTask) => boolean;
  isWorkless: (kind: string) => boolean;
  foundWorkless: (kind: string, agent: LiveAgent) => void;
};

/** How far a kind has come: of those before `at` none both fits it and can be claimed, but for those of one agent of it each. */
type Place = { at: number; hasFitting: boolean; ofOne: PendingTask[] };

/** One look over the pending tasks. Each is read once, and only as far as any agent has to go. */
export class Look {
  private readonly parts: LookParts;
  private readonly rows: PendingTask[] = [];
  private offset = 0;
  private isWhole = false;
  private readonly places = new Map<string, Place>();
  private readonly unclaimable = new Set<OpId>();

  constructor(parts: LookParts) {
    this.parts = parts;
  }

  /** Undefined where there is none. The same task again until it is claimed. */
  firstFor(agent: LiveAgent): PendingTask | undefined {
    const kind = this.parts.kindOf(agent);
    if (this.parts.isWorkless(kind)) return undefined;
    const place = this.places.get(kind) ?? { at: 0, hasFitting: false, ofOne: [] };
    this.places.set(kind, place);
    // They stand before `at`, so they come first.
    const isOwn = (row: PendingTask): boolean =>
      isFor(agent, row) && this.parts.hasTimeFor(agent, row) && this.mayClaim(row);
    const own = (): PendingTask | undefined => place.ofOne.find(isOwn);
    for (let row = this.row(place.at); row !== undefined; row = this.row(place.at)) {
      if (fitsKind(agent, row)) {
        place.hasFitting = true;
        if (isOfOne(agent, row)) place.ofOne.push(row);
        else if (this.mayClaim(row)) return own() ?? row;
      }
      place.at += 1;
    }
    const last = own();
    if (last !== undefined) return last;
    if (!place.hasFitting) this.parts.foundWorkless(kind, agent);
    return undefined;
  }

  private row(at: number): PendingTask | undefined {
    while (at >= this.rows.length && !this.isWhole) {
      const { rows, isLast } = this.parts.page(this.offset);
      this.rows.push(...rows);
      this.offset += PAGE;
      this.isWhole = isLast;
    }
    return this.rows[at];
  }

  private mayClaim(row: PendingTask): boolean {
    if (this.unclaimable.has(row.id)) return false;
    if (this.parts.isClaimable(row)) return true;
    this.unclaimable.add(row.id);
    return false;
  }
}

/** Whether it may be taken differs between agents of one kind: by the conversation that is copied, or by how long each is there yet. */
const isOfOne = ({ registered }: LiveAgent, { created }: PendingTask): boolean =>
  created.fork !== undefined || (registered.worker !== undefined && created.timeLimitSeconds !== null);
