/**
 * Which connection is the link to which node: one a node id.
 *
 * Two nodes may dial each other at once, or one node dials another by two of its addresses. Of any two nodes the one with the lower id decides,
 * so both ends always agree:
 *
 * 1. Both send HELLO. The lower id, having read the other's, keeps the connection or closes it as `second_link`; it prefers its own outbound one.
 * 2. Its first frame after HELLO, a PING, says "kept". Only then does the higher id take the connection for the link.
 * 3. A link that is replaced goes down and its successor up in the same turn: what was queued on it may be lost, so the logs compare in full.
 */
import type { NodeId } from '#core/brand.ts';
import { TwinBoots } from './boots.ts';
import type { Goodbye } from '#core/schema/frame.ts';
import type { Connection } from './connection.ts';
import { goodbye, IDLE, twice } from './hello.ts';
import { HALF_OPEN_MAX } from './settings.ts';

export type RosterOptions = {
  self: NodeId;
  linksMax: number;
  probeMs: number;
  /** Why no link with that node may be; undefined when it may. */
  refusal: (node: NodeId) => Goodbye | undefined;
  /** `connection` is the link to `node` from now on. */
  up: (node: NodeId, connection: Connection) => void;
  /** It is no more. */
  down: (node: NodeId, connection: Connection, reason: string) => void;
};

export class Roster {
  readonly #options: RosterOptions;
  readonly #links = new Map<NodeId, Connection>();
  /** Connections whose socket is open and which are no link, oldest first. */
  readonly #others = new Set<Connection>();
  /** Believed connections that wait for the outcome of an outbound one to the same node. */
  readonly #waiting = new Set<Connection>();
  /** Links that were asked for a sign of life, with what to do when it came, or did not. */
  readonly #probed = new Map<Connection, (alive: boolean) => void>();
  readonly #twins = new TwinBoots();
  #closed: Goodbye | undefined;

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  get(node: NodeId): Connection | undefined {
    return this.#links.get(node);
  }

  links(): [NodeId, Connection][] {
    return [...this.#links];
  }

  /** Connections whose socket is open. */
  get size(): number {
    return this.#links.size + this.#others.size;
  }

  /** A new connection. Too many inbound ones that are no link yet: the oldest is destroyed, as honest handshakes are quick. */
  add(connection: Connection): void {
    this.#others.add(connection);
    const halfOpen = [...this.#others].filter((other) => !other.outbound);
    const [oldest] = halfOpen;
    if (halfOpen.length > HALF_OPEN_MAX) oldest?.destroy('newer connections pushed it out');
  }

  /** Its HELLO is believed. */
  greeted(connection: Connection, node: NodeId): void {
    if (this.#decides(node)) this.#decide(connection, node);
    this.#reconsider(node);
  }

  /** The peer, which decides, means to keep it. */
  spoke(connection: Connection, node: NodeId): void {
    this.#decide(connection, node);
  }

  ended(connection: Connection, reason: string): void {
    this.#waiting.delete(connection);
    const { peer } = connection;
    if (peer === undefined) return;
    if (this.#links.get(peer) === connection) this.#drop(peer, connection, reason);
    this.#probed.get(connection)?.(false);
    this.#reconsider(peer);
  }

  gone(connection: Connection): void {
    this.#others.delete(connection);
  }

  /** Ends the links that this end dialled, but those to these nodes. */
  keepOnly(nodes: ReadonlySet<NodeId>): void {
    for (const [node, link] of this.#links) if (link.outbound && !nodes.has(node)) link.close(IDLE);
  }

  /** Ends all connections; no further one becomes a link. Those that are handing over their goodbye may do so. */
  close(why: Goodbye): void {
    this.#closed = why;
    for (const connection of [...this.#links.values(), ...this.#others]) {
      if (connection.state === 'linked') connection.close(why);
      else if (connection.state !== 'ended') connection.destroy(why.message);
    }
  }

  #decides(node: NodeId): boolean {
    return this.#options.self < node;
  }

  #decide(connection: Connection, node: NodeId): void {
    const refusal = this.#closed ?? this.#options.refusal(node);
    if (refusal !== undefined) return connection.close(refusal);
    const boot = bootOf(connection);
    if (this.#twins.refuses(node, boot, performance.now())) return connection.close(twice(node));
    const link = this.#links.get(node);
    if (link === undefined) return this.#decideFirst(connection, node);
    const sameBoot = bootOf(link) === boot;
    if (sameBoot && this.#decides(node) && link.outbound) {
      connection.close(SECOND_LINK);
      // Should the peer have lost the link, asking shows it to us as well.
      link.ping();
    } else if (sameBoot && (connection.outbound || !this.#decides(node))) {
      this.#replace(link, connection, node);
    } else {
      this.#probe(link, connection, node);
    }
  }

  #decideFirst(connection: Connection, node: NodeId): void {
    if (this.#decides(node) && !connection.outbound && this.#isGreetingOutbound(node)) {
      this.#waiting.add(connection);
      connection.hold();
    } else if (this.#links.size >= this.#options.linksMax) {
      connection.close(goodbye('full', `This node has ${this.#links.size} links, as many as it can.`));
    } else {
      this.#link(connection, node);
    }
  }

  /** An outbound connection that reached the same node and will be decided about within a round trip: it would replace an inbound one. */
  #isGreetingOutbound(node: NodeId): boolean {
    return [...this.#others].some((other) => other.outbound && other.peer === node && other.state === 'greeting');
  }

  #reconsider(node: NodeId): void {
    for (const connection of this.#waiting) {
      if (connection.peer !== node || this.#isGreetingOutbound(node)) continue;
      this.#waiting.delete(connection);
      this.#decideAgain(connection, node);
    }
  }

  /** The decision may be to wait once more: only a link goes on reading. */
  #decideAgain(connection: Connection, node: NodeId): void {
    if (connection.state === 'greeted') this.#decide(connection, node);
    if (connection.state === 'linked') connection.release();
  }

  #link(connection: Connection, node: NodeId): void {
    this.#others.delete(connection);
    this.#links.set(node, connection);
    connection.link();
    connection.ping();
    this.#options.up(node, connection);
  }

  #replace(link: Connection, connection: Connection, node: NodeId): void {
    this.#drop(node, link, 'replaced by another connection to the same node');
    this.#link(connection, node);
    link.close(SECOND_LINK);
  }

  #drop(node: NodeId, link: Connection, reason: string): void {
    this.#links.delete(node);
    this.#others.add(link);
    this.#options.down(node, link, reason);
  }

  /**
   * The node of a link dials anew. Under the same boot id it lost the link, or did not know that the address it dialled is ours. Under another
   * one it was started anew and the link is a leftover, or a copy of its directory runs beside it: then the link still answers, and both are
   * refused.
   */
  #probe(link: Connection, connection: Connection, node: NodeId): void {
    if (this.#probed.has(link)) return connection.destroy('another connection of this node is being looked into');
    connection.hold();
    const timer = setTimeout(() => done(false), this.#options.probeMs);
    const done = (alive: boolean): void => {
      clearTimeout(timer);
      this.#probed.delete(link);
      if (alive) this.#isOneTooMany(link, connection, node);
      else link.destroy('it was dead when its node dialled anew');
      this.#decideAgain(connection, node);
    };
    this.#probed.set(link, done);
    link.ping(() => this.#probed.get(link)?.(true));
  }

  #isOneTooMany(link: Connection, connection: Connection, node: NodeId): void {
    if (connection.state !== 'greeted') return;
    const boots: [string, string] = [bootOf(link), bootOf(connection)];
    if (boots[0] === boots[1]) return connection.close(SECOND_LINK);
    this.#twins.note(node, boots, performance.now());
    connection.close(twice(node));
    link.close(twice(node));
  }
}

const SECOND_LINK = goodbye('second_link', 'These two nodes have another link.');

/** Only connections whose HELLO was believed come to a decision. */
const bootOf = (connection: Connection): string => connection.hello?.boot ?? '';
