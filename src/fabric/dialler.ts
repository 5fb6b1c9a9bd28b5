/**
 * Addresses at which nodes may be found, and when each is dialled: at once when it is new, then with full jitter below a growing bound
 * (Brooker, "Exponential backoff and jitter"), until its node is linked. Which node answers at an address is learnt by dialling it.
 */
import type { NodeId } from '#core/brand.ts';
import type { Address } from './address.ts';
import { formatAddress } from './address.ts';
import { ADDRESSES_MAX, DIALS_MAX, EAGER_NODES_MAX } from './settings.ts';

/**
 * A peer whose link held and was lost is most likely cut off for a while: it is dialled once a second, start to start, and given so long to accept,
 * so that a partition that healed is noticed within a second. An accept is the kernel's own work and takes one round trip.
 */
const LOST_EVERY_MS = 1_000;
const LOST_CONNECT_MS = 400;
/** Far away, one round trip may take longer: so many of those that its link had. */
const LOST_ROUND_TRIPS = 4;
/** Both ends would dial in step; the second link of a pair is closed again. */
const LOST_SPREAD_MS = 250;
/** Not back after this long, it is dialled like any other address: a machine that is switched off costs nothing that matters. */
const LOST_FOR_MS = 600_000;

/** Each address that is being dialled adds this to the bound of the wait, so that even a full list makes some 40 dials a second at most. */
const SPREAD_MS = 50;

type Known = {
  readonly address: Address;
  readonly text: string;
  /** Named by the operator: never given up. */
  readonly seed: boolean;
  /** Who answered there, or who is said to. */
  node: NodeId | undefined;
  /** `idle`: its node is linked, or dialling has not begun. `never`: it is this node's own, or wants nothing of this node for good. */
  state: 'idle' | 'waiting' | 'due' | 'dialling' | 'never';
  /** Dials since the last link that held. */
  attempts: number;
  dialledMs: number;
  /** The link stands, or stood last, at this address. */
  proven: boolean;
  /** Its node told everybody that it may be found here. */
  said: boolean;
  /** Since when that link is lost, and how long a dial may take to be accepted. */
  lost: { sinceMs: number; connectMs: number } | undefined;
  failure: string | undefined;
  timer: NodeJS.Timeout | undefined;
};

/** An address as a person may want to see it. */
export type KnownAddress = {
  address: string;
  node: NodeId | undefined;
  state: Known['state'];
  attempts: number;
  failure: string | undefined;
};

export type DiallerOptions = {
  /** `connectMs`: the peer must have accepted by then; undefined for as long as a whole handshake may take. */
  dial: (address: Address, connectMs: number | undefined) => void;
  isLinked: (node: NodeId) => boolean;
  backoffMinMs: number;
  backoffMaxMs: number;
  random: () => number;
};

export class Dialler {
  readonly #options: DiallerOptions;
  readonly #known = new Map<string, Known>();
  /** Undefined: all. */
  #kept: ReadonlySet<NodeId> | undefined;
  #running = false;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    for (const known of this.#known.values()) this.#due(known);
  }

  /** Idempotent. Nothing is dialled afterwards. */
  close(): void {
    this.#running = false;
    for (const known of this.#known.values()) clearTimeout(known.timer);
  }

  addresses(): KnownAddress[] {
    return [...this.#known.values()].map(({ text, node, state, attempts, failure }) => ({
      address: text,
      node,
      state,
      attempts,
      failure,
    }));
  }

  /** A node may be found there; `node` when it is said which. */
  learn(address: Address, o: { seed: boolean; node: NodeId | undefined }): void {
    const text = formatAddress(address);
    let known = this.#known.get(text);
    if (known === undefined) {
      if (!this.#makeRoom()) return;
      known = newKnown(address, o);
      this.#known.set(text, known);
    } else if (o.node !== undefined) known.node = o.node;
    if (known.state === 'idle' && this.#running) this.#due(known);
  }

  /** The node says that it may be found there: where it said so before, it is looked for no more. What the operator named stays, and where its link stands. */
  placed(node: NodeId, addresses: readonly Address[]): void {
    const places = new Set(addresses.map(formatAddress));
    for (const known of this.#known.values()) {
      if (known.node !== node) continue;
      const stays = known.seed || (known.proven && this.#options.isLinked(node));
      if (places.has(known.text)) known.said = true;
      else if (known.said && !stays) this.#forget(known);
    }
  }

  /** A dial under way ends as it will: then nobody knows the address any more. */
  #forget(known: Known): void {
    clearTimeout(known.timer);
    this.#known.delete(known.text);
  }

  /** Only these nodes are dialled from now on; undefined: all. */
  keep(nodes: ReadonlySet<NodeId> | undefined): void {
    this.#kept = nodes;
    for (const known of this.#known.values()) {
      if (known.state === 'waiting' || known.state === 'due') {
        if (this.#isWanted(known)) continue;
        clearTimeout(known.timer);
        known.state = 'idle';
      } else if (known.state === 'idle') this.#due(known);
    }
  }

  /** That node answered there. */
  reached(text: string, node: NodeId): void {
    const known = this.#known.get(text);
    if (known !== undefined) known.node = node;
  }

  /** The dial of this address ended without becoming the link. */
  failed(text: string, o: { failure: string; never: boolean }): void {
    const known = this.#known.get(text);
    if (known === undefined) return this.#dialNext();
    known.failure = o.failure;
    if (o.never) known.state = 'never';
    else this.#wait(known);
    this.#dialNext();
  }

  /** The node is linked, at `address`, which was dialled or is where it says it listens: none of its addresses is dialled any more. */
  linked(node: NodeId, o: { address: string | undefined; dialled: boolean }): void {
    for (const known of this.#known.values()) {
      const isPlace = known.text === o.address;
      if (!isPlace && known.node !== node) continue;
      known.proven = isPlace;
      known.lost = undefined;
      if (isPlace && o.dialled) {
        known.state = 'idle';
        known.failure = undefined;
      } else if (known.state === 'waiting' || known.state === 'due') {
        clearTimeout(known.timer);
        known.state = 'idle';
      }
    }
    this.#dialNext();
  }

  /** Its link is gone, after `livedMs`. One that held starts the backoff anew; a link that is lost again and again is dialled ever more slowly. */
  unlinked(node: NodeId, o: { livedMs: number; roundTripMs: number | undefined }): void {
    const held = o.livedMs >= this.#options.backoffMaxMs;
    for (const known of this.#known.values()) {
      if (known.node !== node || known.state !== 'idle') continue;
      if (held) known.attempts = 0;
      if (held && known.proven) {
        const connectMs = Math.max(LOST_CONNECT_MS, LOST_ROUND_TRIPS * (o.roundTripMs ?? 0));
        known.lost = { sinceMs: performance.now(), connectMs };
      }
      this.#wait(known);
    }
  }

  /** Lost a while ago, in a swarm that is small enough: worth a dial a second. */
  #isEager({ lost }: Known): boolean {
    if (lost === undefined || performance.now() - lost.sinceMs > LOST_FOR_MS) return false;
    return new Set([...this.#known.values()].map(({ node }) => node)).size < EAGER_NODES_MAX;
  }

  #isWanted(known: Known): boolean {
    if (!this.#running || known.state === 'never') return false;
    return known.node === undefined || (this.#isKept(known.node) && !this.#options.isLinked(known.node));
  }

  #wait(known: Known): void {
    clearTimeout(known.timer);
    known.state = 'idle';
    if (!this.#isWanted(known)) return;
    known.state = 'waiting';
    known.timer = setTimeout(() => this.#due(known), this.#delayMs(known));
  }

  #delayMs(known: Known): number {
    const { backoffMinMs, backoffMaxMs, random } = this.#options;
    const { attempts, dialledMs } = known;
    if (attempts > 0 && this.#isEager(known))
      return Math.max(0, dialledMs + LOST_EVERY_MS - performance.now()) + random() * LOST_SPREAD_MS;
    const open = [...this.#known.values()].filter(({ state }) => state !== 'idle' && state !== 'never').length;
    const boundMs = Math.min(Math.max(backoffMaxMs, open * SPREAD_MS), backoffMinMs * 2 ** Math.max(0, attempts - 1));
    return random() * boundMs;
  }

  #due(known: Known): void {
    known.state = 'idle';
    if (!this.#isWanted(known)) return;
    known.state = 'due';
    this.#dialNext();
  }

  /** Dials what is due, as far as there is room. */
  #dialNext(): void {
    let dialling = 0;
    for (const { state } of this.#known.values()) dialling += state === 'dialling' ? 1 : 0;
    for (const known of this.#known.values()) {
      if (dialling >= DIALS_MAX) return;
      if (known.state !== 'due') continue;
      known.state = 'dialling';
      known.attempts += 1;
      known.dialledMs = performance.now();
      dialling += 1;
      this.#options.dial(known.address, this.#isEager(known) ? known.lost?.connectMs : undefined);
    }
  }

  /** Nobody wants a link there. */
  #isIdle({ node }: Known): boolean {
    return node !== undefined && !this.#isKept(node) && !this.#options.isLinked(node);
  }

  #isKept(node: NodeId): boolean {
    return this.#kept?.has(node) ?? true;
  }

  /** False when all addresses are linked, own or the operator's. */
  #makeRoom(): boolean {
    if (this.#known.size < ADDRESSES_MAX) return true;
    const worst = [...this.#known.values()]
      .filter((known) => !known.seed && (known.state === 'waiting' || (known.state === 'idle' && this.#isIdle(known))))
      .reduce<Known | undefined>(
        (most, known) => (most === undefined || known.attempts > most.attempts ? known : most),
        undefined,
      );
    if (worst === undefined) return false;
    this.#forget(worst);
    return true;
  }
}

const newKnown = (address: Address, o: { seed: boolean; node: NodeId | undefined }): Known => ({
  address,
  text: formatAddress(address),
  ...o,
  state: 'idle',
  attempts: 0,
  dialledMs: 0,
  proven: false,
  said: false,
  lost: undefined,
  failure: undefined,
  timer: undefined,
});
