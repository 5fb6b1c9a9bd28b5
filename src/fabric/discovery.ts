/**
 * Nodes find one another by UDP broadcast, as in the seed: each announces itself every ten seconds, and whoever hears it dials it. A mesh for this
 * machine alone announces on loopback only. Whatever the network refuses is counted and tried again with the next announcement: interfaces come
 * and go, and a node that is not found this way has its seeds.
 */
import type { RemoteInfo, Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import type { NodeId } from '#core/brand.ts';
import { TokenBucket } from '#core/token-bucket.ts';
import type { Address } from './address.ts';
import { announcementKey, Announcements, encodeAnnouncement } from './announcement.ts';
import type { Place } from './broadcast.ts';
import { isOfThisMachine, LOOPBACK_BROADCAST, placesOf } from './broadcast.ts';
import type { Self } from './hello.ts';
import type { MeshCounters } from './settings.ts';

/** Datagrams looked at: 256 nodes announce some 50 a second on one network; a flood beyond it costs no more than these. */
const HEARD = { perSecond: 200, burst: 1_000 };

export type DiscoveryOptions = {
  self: () => Self;
  /** UDP port that all nodes share, also those of one machine. */
  port: number;
  /** Addresses at which the mesh listens; none for a node that only dials: it says nothing and still hears. */
  bind: readonly string[];
  /** How often this node announces itself. */
  everyMs: number;
  counters: MeshCounters;
  found: (address: Address, node: NodeId) => void;
  /** Nothing is heard on this machine, and why. */
  deaf: (reason: string) => void;
};

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #key: Buffer;
  readonly #announcements: Announcements;
  readonly #bucket = new TokenBucket(HEARD, performance.now());
  /** One socket an address: what leaves from it bears that address, and leaves by its interface. */
  readonly #senders = new Map<string, Socket>();
  #ear: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #closed = false;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    const { node, secret } = options.self();
    this.#key = announcementKey(secret);
    this.#announcements = new Announcements(node, this.#key);
  }

  /** Listens, and announces at once and then again and again. Never fails: a mesh works without. */
  start(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#listen();
    this.#timer = setInterval(() => this.#announce(), this.#options.everyMs);
    this.#announce();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#ear?.close();
    this.#ear = undefined;
    for (const socket of this.#senders.values()) socket.close();
    this.#senders.clear();
  }

  #listen(): void {
    const { bind, port, deaf } = this.#options;
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    this.#ear = socket;
    socket.on('message', (datagram, from) => this.#hear(datagram, from));
    socket.once('error', (error) => {
      deaf(error.message);
      if (this.#ear !== socket) return;
      this.#ear = undefined;
      socket.close();
    });
    // Bound to a broadcast address, a socket hears nothing else: a mesh for this machine has no open port on any network.
    socket.bind({ port, address: isOfThisMachine(bind) ? LOOPBACK_BROADCAST : '0.0.0.0' });
  }

  #hear(datagram: Buffer, from: RemoteInfo): void {
    const { counters, found } = this.#options;
    if (!this.#bucket.tryTake(1, performance.now())) {
      counters.announcementsUnheard += 1;
      return;
    }
    const heard = this.#announcements.hear(datagram, from.address);
    if (heard.kind === 'found') found(heard.address, heard.node);
    else if (heard.kind !== 'idle') counters[COUNTER_OF[heard.kind]] += 1;
  }

  #announce(): void {
    const { bind } = this.#options;
    const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const places = placesOf(bind, interfaces);
    for (const [host, socket] of this.#senders) {
      if (places.some((place) => place.host === host)) continue;
      this.#drop(host, socket);
    }
    for (const place of places) this.#announceFrom(place);
  }

  #announceFrom(place: Place): void {
    const sender = this.#senders.get(place.host);
    if (sender !== undefined) return this.#send(sender, place);
    const socket = createSocket({ type: 'udp4' });
    this.#senders.set(place.host, socket);
    socket.on('error', () => {
      this.#options.counters.announcementsUnsent += 1;
      this.#drop(place.host, socket);
    });
    socket.bind({ port: 0, address: place.host }, () => {
      if (this.#senders.get(place.host) !== socket) return;
      socket.setBroadcast(true);
      this.#send(socket, place);
    });
  }

  /** One announcement, to each broadcast address there is: where two of them reach one node, the second is a repetition. */
  #send(socket: Socket, { host, to }: Place): void {
    const { self, port, counters } = this.#options;
    const { node, p2pPort, boot } = self();
    // Not listening yet, or not any more.
    if (p2pPort === 0) return;
    this.#count += 1;
    const fields = { node_id: node, p2p_port: p2pPort, host, boot, count: this.#count };
    const bytes = encodeAnnouncement(fields, this.#key);
    for (const address of to) {
      socket.send(bytes, port, address, (error) => {
        if (error !== null) counters.announcementsUnsent += 1;
      });
    }
  }

  #drop(host: string, socket: Socket): void {
    if (this.#senders.get(host) !== socket) return;
    this.#senders.delete(host);
    socket.close();
  }
}

const COUNTER_OF = {
  malformed: 'announcementsMalformed',
  foreign: 'announcementsForeign',
  repeated: 'announcementsRepeated',
} as const;
