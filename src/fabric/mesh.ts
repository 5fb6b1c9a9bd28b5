/** The mesh: TLS links to every node that can be found, over TCP. Joins listener, dialler, connections and roster, and speaks the mesh's own frames. */
import { randomBytes } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { NodeId } from '#core/brand.ts';
import type { Frame, Goodbye } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { LinkInfo, Transport, TransportHandler } from '#ports.ts';
import type { Address } from './address.ts';
import { formatAddress, isAddress, parseAddress } from './address.ts';
import { acceptChannel, dialChannel, secureContextOf } from './channel.ts';
import type { ConnectionOptions, Ending } from './connection-options.ts';
import { Connection } from './connection.ts';
import type { KnownAddress } from './dialler.ts';
import { Dialler } from './dialler.ts';
import { Discovery } from './discovery.ts';
import { encodeFrame } from './framing.ts';
import type { Self } from './hello.ts';
import { goodbye, isRefusal, SECRET_MIN_BYTES } from './hello.ts';
import type { NodeIdentity } from './identity.ts';
import { dialAddressOf, infoOf } from './link-info.ts';
import { Listener } from './listener.ts';
import type { PeerRates } from './peer-rate.ts';
import { DEFAULT_RATES } from './peer-rate.ts';
import { Pulse } from './pulse.ts';
import { Refusals } from './refusals.ts';
import { Roster } from './roster.ts';
import type { MeshCounters, MeshTiming } from './settings.ts';
import { bindOf, DEFAULT_TIMING, LINKS_MAX, newCounters } from './settings.ts';

export type MeshOptions = {
  identity: NodeIdentity;
  /** Known to all nodes of the swarm and to nobody else; at least 16 bytes, random. */
  secret: string;
  /** `host:port` of nodes to dial: IPv4, `[IPv6]:port` or a name. */
  seeds?: readonly string[];
  /** Addresses to listen on; loopback only without it. */
  bind?: readonly string[];
  /** Port to listen on; 0 or nothing for any free one, see {@link MeshTransport.address}. */
  port?: number;
  /** False for a node that only dials. */
  listen?: boolean;
  /** UDP port on which nodes find one another; nothing is announced or heard without it. */
  discoveryPort?: number;
  /** Nodes are not found by broadcast here, and why; links and dialling go on. Once. */
  onDeaf?: (reason: string) => void;
  /** Port of this node's HTTP, told to peers. */
  httpPort?: number;
  /**
   * A peer refused us (`peer`) or we a peer (`here`), for a reason that a person should hear of. Told once an address and reason, until that
   * address links: dialling goes on.
   */
  onRefused?: (address: string, why: Goodbye, by: Ending['by']) => void;
  /** Why no link with that node may be: it is told so, and never dialled. */
  refusal?: (node: NodeId) => Goodbye | undefined;
  timing?: Partial<MeshTiming>;
  rates?: Partial<PeerRates>;
  linksMax?: number;
  queueMaxBytes?: number;
  /** From 0 to below 1; spreads the waits before dialling again. */
  random?: () => number;
};

export class MeshTransport implements Transport {
  readonly counters: MeshCounters = newCounters();
  readonly #options: MeshOptions;
  readonly #timing: MeshTiming;
  readonly #secureContext: SecureContext;
  readonly #boot = randomBytes(16).toString('hex');
  readonly #listener: Listener;
  readonly #dialler: Dialler;
  readonly #roster: Roster;
  readonly #pulse: Pulse;
  readonly #discovery: Discovery | undefined;
  readonly #refusals = new Refusals();
  #handler: TransportHandler | undefined;
  #closing: Promise<void> | undefined;
  #emptied: (() => void) | undefined;

  /** Throws an `Error` for a seed that is no address, and for a secret that is too short: nothing was opened. */
  constructor(options: MeshOptions) {
    if (Buffer.byteLength(options.secret) < SECRET_MIN_BYTES) {
      throw new Error(
        `the cluster secret must have at least ${SECRET_MIN_BYTES} bytes, random ones: run \`openssl rand -hex 32\` for a new one`,
      );
    }
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#secureContext = secureContextOf(options.identity);
    this.#listener = new Listener({
      bind: bindOf(this.#options),
      port: options.port ?? 0,
      accept: (socket, from) => {
        this.#open({
          socket: acceptChannel(socket, this.#secureContext),
          address: formatAddress(from),
          side: 'server',
        });
      },
    });
    this.#dialler = new Dialler({
      dial: (address, connectMs) => this.#dial(address, connectMs),
      isLinked: (node) => this.#roster.get(node) !== undefined || options.refusal?.(node) !== undefined,
      backoffMinMs: this.#timing.backoffMinMs,
      backoffMaxMs: this.#timing.backoffMaxMs,
      random: options.random ?? Math.random,
    });
    this.#roster = new Roster({
      self: options.identity.node,
      linksMax: options.linksMax ?? LINKS_MAX,
      probeMs: this.#timing.probeMs,
      refusal: options.refusal ?? (() => undefined),
      up: (node, connection) => this.#up(node, connection),
      down: (node, connection, reason) => this.#down(node, connection, reason),
    });
    this.#pulse = new Pulse({
      self: options.identity.node,
      timing: this.#timing,
      links: () => this.#roster.links(),
      learn: (address, node) => this.#dialler.learn(address, { seed: false, node }),
    });
    this.#discovery = this.#makeDiscovery();
    for (const seed of options.seeds ?? []) this.#learnSeed(seed);
  }

  /** Listens and dials. Rejects when an address cannot be listened on; the transport can then only be closed. */
  async start(handler: TransportHandler): Promise<void> {
    if (this.#handler !== undefined || this.#closing !== undefined) throw new Error('a transport starts once');
    this.#handler = handler;
    await this.#listener.start();
    // Closed while it opened: the listener that came up too late goes down again.
    if (this.#closing !== undefined) return this.#listener.close();
    this.#dialler.start();
    this.#discovery?.start();
  }

  /** Where this node listens, with the real port; undefined for a node that does not. */
  address(): Address | undefined {
    return this.#listener.address();
  }

  /** What is known of where nodes are, for a person to look at. */
  addresses(): KnownAddress[] {
    return this.#dialler.addresses();
  }

  send(to: readonly NodeId[], frame: Frame): NodeId[] {
    const bytes = encodeFrame(frame);
    return to.filter((node) => this.#roster.get(node)?.send(bytes) !== true);
  }

  links(): LinkInfo[] {
    return this.#roster.links().map(([node, connection]) => infoOf(node, connection));
  }

  learn(address: string, node?: NodeId): void {
    const parsed = parseAddress(address);
    if ('refused' in parsed) this.counters.badAddresses += 1;
    else if (this.#closing === undefined) this.#dialler.learn(parsed, { seed: false, node });
  }

  place(node: NodeId, addresses: readonly string[]): void {
    for (const address of addresses) this.learn(address, node);
    if (this.#closing === undefined) this.#dialler.placed(node, addresses.map(parseAddress).filter(isAddress));
  }

  keep(nodes: ReadonlySet<NodeId> | undefined): void {
    this.#dialler.keep(nodes);
    if (nodes !== undefined) this.#roster.keepOnly(nodes);
  }

  disconnect(node: NodeId, why: Goodbye): void {
    this.#roster.get(node)?.close(why);
  }

  /** Ends the link with a node that must have none, if there is one. */
  exclude(node: NodeId): void {
    const why = this.#options.refusal?.(node);
    if (why !== undefined) this.disconnect(node, why);
  }

  drop(node: NodeId, why: string): void {
    this.#roster.get(node)?.destroy(why);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#discovery?.close();
    this.#dialler.close();
    const listenerClosed = this.#listener.close();
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    this.#roster.close(goodbye('shutdown', 'This node stops.'));
    // Bounded: an ended connection is destroyed when it lingers.
    if (this.#roster.size > 0) await emptied;
    await listenerClosed;
  }

  #learnSeed(seed: string): void {
    const parsed = parseAddress(seed);
    if ('refused' in parsed) throw new Error(`seed ${parsed.message}; expected ${parsed.expected}`);
    this.#dialler.learn(parsed, { seed: true, node: undefined });
  }

  #makeDiscovery(): Discovery | undefined {
    const { discoveryPort: port, onDeaf } = this.#options;
    if (port === undefined || port === 0) return undefined;
    return new Discovery({
      self: () => this.#self(),
      port,
      bind: bindOf(this.#options),
      everyMs: this.#timing.announceMs,
      counters: this.counters,
      found: (address, node) => this.#dialler.learn(address, { seed: false, node }),
      deaf: (reason) => onDeaf?.(reason),
    });
  }

  #self(): Self {
    const { identity, secret, httpPort = 0 } = this.#options;
    return { node: identity.node, boot: this.#boot, secret, p2pPort: this.address()?.port ?? 0, httpPort };
  }

  #dial(to: Address, connectMs: number | undefined): void {
    const socket = dialChannel(to, this.#secureContext);
    this.#open({ socket, address: formatAddress(to), side: 'client', connectMs });
  }

  #open(o: Pick<ConnectionOptions, 'socket' | 'address' | 'side' | 'connectMs'>): void {
    const { address } = o;
    const outbound = o.side === 'client';
    const connection = new Connection({
      ...o,
      self: () => this.#self(),
      timing: this.#timing,
      counters: this.counters,
      rates: { ...DEFAULT_RATES, ...this.#options.rates },
      owner: {
        greeted: (node) => {
          if (outbound) this.#dialler.reached(address, node);
          this.#roster.greeted(connection, node);
        },
        spoke: (node) => this.#roster.spoke(connection, node),
        frame: (node, frame) => this.#frame(node, connection, frame),
        drained: (node) => this.#handler?.drained(node),
        ended: (ending, wasLinked) => this.#ended(connection, ending, wasLinked),
        gone: () => {
          this.#roster.gone(connection);
          if (this.#roster.size === 0) this.#emptied?.();
        },
      },
      queueMaxBytes: this.#options.queueMaxBytes,
    });
    this.#roster.add(connection);
  }

  #up(node: NodeId, connection: Connection): void {
    const address = dialAddressOf(connection);
    if (!connection.outbound && address !== undefined) this.#dialler.learn(address, { seed: false, node });
    this.#dialler.linked(node, {
      address: address === undefined ? undefined : formatAddress(address),
      dialled: connection.outbound,
    });
    this.#refusals.forget(connection);
    this.#pulse.start();
    this.#handler?.linkUp(infoOf(node, connection));
    // The handler may have ended it again.
    if (connection.state === 'linked') this.#pulse.welcome(node, connection);
  }

  #down(node: NodeId, connection: Connection, reason: string): void {
    if (this.#roster.links().length === 0) this.#pulse.stop();
    const { linkedAtMs, roundTripMs } = connection;
    this.#dialler.unlinked(node, { livedMs: performance.now() - linkedAtMs, roundTripMs });
    this.#handler?.linkDown(node, reason);
  }

  #ended(connection: Connection, ending: Ending, wasLinked: boolean): void {
    this.#roster.ended(connection, ending.reason);
    const why = ending.goodbye;
    if (connection.outbound && !wasLinked) {
      const self = why?.code === 'self' && connection.peer === this.#options.identity.node;
      const never = self || (ending.by === 'peer' && why?.code === 'revoked');
      this.#dialler.failed(connection.address, { failure: ending.reason, never });
    }
    if (why !== undefined && isRefusal(why) && this.#refusals.isNew(connection, why)) {
      this.#options.onRefused?.(connection.address, why, ending.by);
    }
  }

  #frame(from: NodeId, connection: Connection, frame: Frame): void {
    if (frame.type === FRAME.peers) this.#pulse.heard(frame, connection);
    else this.#handler?.frame(from, frame);
  }
}
