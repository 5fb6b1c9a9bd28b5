/**
 * The check against amnesia. A data directory that went back in time (a snapshot of a machine, a copy put back) has forgotten votes, proposals and
 * starts that others rely on. So after every start a node votes, appends, claims and starts only once a majority of its peers told what they
 * know of it, and none knows more of its log, or a higher count, than it does itself. One that does stops it for good.
 */
import type { NodeId } from './brand.ts';
import { tellsOf } from './heads.ts';
import type { PresenceBoard } from './presence.ts';
import type { HeadsFrame } from './schema/heads-frame.ts';
import type { Tasks } from './task/tasks.ts';
import { isGoneForGood } from './view/node.ts';
import type { World } from './world.ts';

/** A node whose peers are away for so long goes on with the tasks of which it is the only voter. */
export const ALONE_AFTER_MS = 30_000;
/** So long where all of them had been away before it went down, too: they get the time to link. */
const ALONE_AT_ONCE_MS = 3_000;
/** A peer that was not linked for so long is not waited for: machines go for good, and a majority of those that are left must do. */
const AWAY_AFTER_MS = 10 * 60_000;
/** Nodes of one log that are asked. */
const PEERS_MAX = 1_024;

/** `comparing`: nothing is decided. `alone`: only tasks of which it is the only voter. `passed`: everything. */
export type BootState = 'comparing' | 'alone' | 'passed';

export type BootStanding = {
  state: BootState;
  /** Peers that told what they know of this node, and how many are needed. */
  answered: number;
  needed: number;
  /** Peers that have not, of those that count; nobody once it has passed. */
  awaited: NodeId[];
};

const awayKey = (node: NodeId): string => `away/${node}`;

/** The disk of this node went back in time: it must not run again. The message says what to do. */
export class ForgottenError extends Error {}

export class BootCheck {
  private readonly world: World;
  private readonly tasks: Pick<Tasks, 'boot' | 'goOn'>;
  private readonly presence: Pick<PresenceBoard, 'announce'>;
  private state: BootState = 'comparing';
  private readonly answered = new Set<NodeId>();
  /** Peers that were not linked for {@link AWAY_AFTER_MS}; on disk. */
  private readonly away: Set<NodeId>;
  private stopped = false;
  /** How it stood when it passed: doors ask at each request, and the peers are rows of the store. */
  private passedAs: BootStanding | undefined;

  constructor(world: World, o: { tasks: Pick<Tasks, 'boot' | 'goOn'>; presence: Pick<PresenceBoard, 'announce'> }) {
    this.world = world;
    this.tasks = o.tasks;
    this.presence = o.presence;
    const marks = new Set(world.store.localRows('meta').map(({ key }) => key));
    this.away = new Set(this.peers().filter((node) => marks.has(awayKey(node))));
    world.canDecide = (voters) => this.canDecide(voters);
    world.mayAppend = () => this.state !== 'comparing';
  }

  /** A log that is empty has nothing to forget, and a node without peers nobody to ask. */
  boot(): void {
    const { world } = this;
    const peers = this.peers();
    if (world.log.head(world.self).seq === 0 || peers.length === 0) return this.become('passed');
    const isAlone = peers.every((node) => this.away.has(node));
    const waitMs = world.settings.aloneAfterMs ?? ALONE_AFTER_MS;
    world.timers.set('alone', world.nowMs + (isAlone ? Math.min(waitMs, ALONE_AT_ONCE_MS) : waitMs));
    for (const node of peers) if (!this.away.has(node)) this.expect(node);
  }

  hasPassed(): boolean {
    return this.state === 'passed';
  }

  standing(): BootStanding {
    if (this.passedAs !== undefined) return this.passedAs;
    const counted = this.counted();
    const awaited = this.peers().filter((node) => !this.answered.has(node) && !this.away.has(node));
    return { state: this.state, answered: this.answered.size, needed: neededOf(counted), awaited };
  }

  onLinkUp(node: NodeId): void {
    this.world.timers.clear(awayKey(node));
    if (this.away.delete(node)) this.world.persist({ table: 'meta', key: awayKey(node), value: undefined });
  }

  onLinkDown(node: NodeId): void {
    this.expect(node);
  }

  /** A peer tells what it holds. At any time, not only at the start: one that comes late may know more. */
  onHeads(from: NodeId, frame: HeadsFrame): void {
    const { log, self, counts } = this.world;
    const [theirs, held] = [frame.heads?.[self] ?? 0, log.head(self).seq];
    if (theirs > held) return this.forgot(from, `holds ${theirs} ops of its log, here are ${held}`);
    const known = frame.yours ?? 0;
    if (known > counts.own()) {
      return this.forgot(from, `knows of ${known} votes, proposals and starts of it, here are ${counts.own()}`);
    }
    if (this.state === 'passed' || !tellsOf(frame, self, log)) return;
    this.answered.add(from);
    this.look();
  }

  /** Somebody holds more of this node's log than it does itself. */
  forgot(by: NodeId, what: string): void {
    if (this.stopped) return;
    this.stopped = true;
    const { self } = this.world;
    this.world.afterWrite(() => {
      throw new ForgottenError(
        `the data directory of this node (${self}) is older than what the swarm knows of it: node ${by.slice(0, 8)} ${what}. It was brought back ` +
          `from a copy or a snapshot, and may have forgotten what it voted and started. It must not run again. Make a new node in its place: ` +
          `"skep restore BACKUP --data-dir NEW" from a backup of "skep backup", or "skep up --data-dir NEW --join CODE" from nothing.`,
      );
    });
  }

  /** `alone`, or `away/<node>`. */
  onTimer(name: string): void {
    if (name === 'alone') {
      if (this.state === 'comparing') this.become('alone');
      return;
    }
    const node = this.peers().find((one) => awayKey(one) === name);
    if (node === undefined || this.world.links.has(node)) return;
    this.away.add(node);
    this.world.persist({ table: 'meta', key: name, value: true });
    this.look();
  }

  /** Answers came, or peers are gone for good: are there enough? */
  look(): void {
    if (this.state === 'passed' || this.stopped) return;
    if (this.answered.size >= neededOf(this.counted())) this.become('passed');
  }

  private canDecide(voters: readonly NodeId[]): boolean {
    if (this.state === 'passed') return true;
    return this.state === 'alone' && voters.every((node) => node === this.world.self);
  }

  /** From `comparing` on this node begins; from `alone` on it goes on with what it had left aside. */
  private become(state: BootState): void {
    const before = this.state;
    this.state = state;
    if (state === 'passed') {
      this.passedAs = { ...this.standing(), awaited: [] };
      this.world.timers.clear('alone');
    }
    if (before === 'comparing') this.tasks.boot();
    else this.tasks.goOn();
    this.world.turn.actions.push({ kind: 'checked', state });
    this.presence.announce();
  }

  private expect(node: NodeId): void {
    this.world.timers.setEarlier(awayKey(node), this.world.nowMs + AWAY_AFTER_MS);
  }

  private counted(): number {
    return this.peers().filter((node) => this.answered.has(node) || !this.away.has(node)).length;
  }

  private peers(): NodeId[] {
    const { store, self } = this.world;
    return store
      .list('node', { limit: PEERS_MAX })
      .flatMap((row) => (row.id === self || isGoneForGood(row) ? [] : [row.id]));
  }
}

/** A majority of the peers that count; one where none does. */
const neededOf = (peers: number): number => Math.floor(peers / 2) + 1;
