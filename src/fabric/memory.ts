/**
 * A fabric inside one process: small, real transports for tests of what stands above. Frames pass as the bytes they would be on a wire, so only
 * what can be written as JSON arrives, within the same limits; nothing arrives in the turn in which it was sent.
 */
import type { NodeId } from '#core/brand.ts';
import type { Frame, Goodbye } from '#core/schema/frame.ts';
import type { LinkInfo, Transport, TransportHandler } from '#ports.ts';
import { encodeFrame, FrameDecoder } from './framing.ts';
import { goodbye, IDLE } from './hello.ts';
import { Outbox } from './outbox.ts';
import { noTraffic } from './settings.ts';

export type MemoryFabric = {
  /** A node of this fabric, not started. After its `close` the same node or address may come again. */
  transport(o: { node: NodeId; address: string; httpPort?: number }): Transport;
};

export function memoryFabric(): MemoryFabric {
  const exchange = new Exchange();
  return {
    transport: ({ node, address, httpPort }) =>
      new MemoryTransport(exchange, { node, address, httpPort: httpPort ?? 0 }),
  };
}

type Peer = { node: NodeId; address: string; httpPort: number };

/** One end of a link; `other` is the peer's. */
type End = { info: LinkInfo; peer: MemoryTransport; outbox: Outbox; decoder: FrameDecoder; other: End | undefined };

/** Knows who is started, and links whoever knows an address of whom. */
class Exchange {
  readonly #started = new Map<string, MemoryTransport>();
  #scheduled = false;

  add(transport: MemoryTransport): void {
    const { node, address } = transport.self;
    for (const [taken, { self }] of this.#started) {
      if (taken === address || self.node === node) throw new Error(`${node} or ${address} is started already`);
    }
    this.#started.set(address, transport);
    this.settleSoon();
  }

  remove(transport: MemoryTransport): void {
    if (this.#started.get(transport.self.address) === transport) this.#started.delete(transport.self.address);
  }

  /** Something changed: in the next turn whatever should be linked and is not will be. */
  settleSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const transport of this.#started.values()) this.#settle(transport);
    });
  }

  #settle(transport: MemoryTransport): void {
    for (const address of transport.wanted()) {
      const peer = this.#started.get(address);
      if (peer === undefined || peer.isLinked(transport.self.node) || !transport.isKept(peer.self.node)) continue;
      linkPair(transport, peer);
    }
  }
}

function linkPair(dialler: MemoryTransport, listener: MemoryTransport): void {
  const [near, far] = [dialler.join(listener, true), listener.join(dialler, false)];
  near.other = far;
  far.other = near;
  dialler.announce(near);
  listener.announce(far);
}

class MemoryTransport implements Transport {
  readonly self: Peer;
  readonly #exchange: Exchange;
  readonly #known = new Set<string>();
  readonly #ends = new Map<NodeId, End>();
  #handler: TransportHandler | undefined;
  #kept: ReadonlySet<NodeId> | undefined;
  #closed = false;

  constructor(exchange: Exchange, self: Peer) {
    this.#exchange = exchange;
    this.self = self;
  }

  async start(handler: TransportHandler): Promise<void> {
    if (this.#handler !== undefined || this.#closed) throw new Error('a transport starts once');
    this.#exchange.add(this);
    this.#handler = handler;
  }

  send(to: readonly NodeId[], frame: Frame): NodeId[] {
    const bytes = encodeFrame(frame);
    return to.filter((node) => {
      const end = this.#ends.get(node);
      const result = end?.outbox.push(bytes);
      if (end !== undefined && result === 'overflow') end.info.traffic.overflows += 1;
      return result !== 'queued';
    });
  }

  links(): LinkInfo[] {
    return [...this.#ends.values()].map(({ info }) => ({ ...info, traffic: { ...info.traffic } }));
  }

  learn(address: string): void {
    if (this.#closed) return;
    this.#known.add(address);
    this.#exchange.settleSoon();
  }

  place(_node: NodeId, addresses: readonly string[]): void {
    for (const address of addresses) this.learn(address);
  }

  keep(nodes: ReadonlySet<NodeId> | undefined): void {
    this.#kept = nodes;
    for (const [node, { info }] of this.#ends) if (info.outbound && !this.isKept(node)) this.disconnect(node, IDLE);
    this.#exchange.settleSoon();
  }

  isKept(node: NodeId): boolean {
    return this.#kept?.has(node) ?? true;
  }

  disconnect(node: NodeId, why: Goodbye): void {
    const end = this.#ends.get(node);
    if (end === undefined) return;
    const { peer, other } = end;
    const rest = this.#leave(end, `${why.code}: ${why.message}`);
    // As on a wire: what was sent before arrives, then the goodbye.
    setImmediate(() => {
      if (other !== undefined) peer.part(other, rest, why);
    });
  }

  /** Both ends notice, as after a reset. */
  drop(node: NodeId, why: string): void {
    const end = this.#ends.get(node);
    if (end === undefined) return;
    const { peer, other } = end;
    this.#leave(end, why);
    setImmediate(() => {
      if (other !== undefined) peer.lose(other, why);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#exchange.remove(this);
    for (const node of this.#ends.keys()) this.disconnect(node, goodbye('shutdown', 'This node stops.'));
  }

  /** Addresses to dial: known ones and those of the peers' peers, without our own and those that are linked. */
  wanted(): string[] {
    for (const { peer } of this.#ends.values()) for (const { address } of peer.links()) this.#known.add(address);
    const linked = new Set(this.links().map(({ address }) => address));
    return [...this.#known].filter((address) => address !== this.self.address && !linked.has(address));
  }

  isLinked(node: NodeId): boolean {
    return this.#ends.has(node);
  }

  /** Makes our end of a link. */
  join(peer: MemoryTransport, outbound: boolean): End {
    const { node, address, httpPort } = peer.self;
    const decoder = new FrameDecoder();
    decoder.trust();
    const info = { node, address, outbound, sinceMs: Date.now(), roundTripMs: 0, httpPort, traffic: noTraffic() };
    const outbox = new Outbox({
      write: (bytes, framesCount, done) => {
        info.traffic.framesOut += framesCount;
        info.traffic.bytesOut += bytes.length;
        setImmediate(() => {
          if (end.other !== undefined) peer.#receive(end.other, bytes);
          done();
        });
      },
      drained: () => this.#handler?.drained(node),
    });
    const end: End = { info, peer, outbox, decoder, other: undefined };
    this.#ends.set(node, end);
    return end;
  }

  announce(end: End): void {
    if (this.#ends.get(end.info.node) === end) this.#handler?.linkUp({ ...end.info });
    this.#exchange.settleSoon();
  }

  /** The peer's last bytes, and its goodbye. */
  part(end: End, rest: Buffer, why: Goodbye): void {
    this.#receive(end, rest);
    this.lose(end, `${why.code}: ${why.message}`);
  }

  lose(end: End, why: string): void {
    if (this.#ends.get(end.info.node) === end) this.#leave(end, why);
    this.#exchange.settleSoon();
  }

  #receive(end: End, bytes: Buffer): void {
    const { decoder, info } = end;
    decoder.push(bytes);
    info.traffic.bytesIn += bytes.length;
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
      if (this.#ends.get(info.node) !== end) return;
      info.traffic.framesIn += 1;
      if (next.kind === 'frame') this.#handler?.frame(info.node, next.frame);
      else if (next.kind === 'bad') this.disconnect(info.node, goodbye('bad_frame', next.problem.slice(0, 400)));
    }
  }

  /** Ends our end of a link; the bytes that were still queued. */
  #leave(end: End, why: string): Buffer {
    this.#ends.delete(end.info.node);
    const rest = end.outbox.close();
    this.#handler?.linkDown(end.info.node, why);
    return rest;
  }
}
