/** What a connection needs of the mesh, and what it tells it. */
import type { TLSSocket } from 'node:tls';
import type { NodeId } from '#core/brand.ts';
import type { Frame, Goodbye } from '#core/schema/frame.ts';
import type { Self, Side } from './hello.ts';
import type { PeerRates } from './peer-rate.ts';
import type { MeshCounters, MeshTiming } from './settings.ts';

/** `opening`: TLS. `greeting`: HELLO is sent. `greeted`: the peer's is believed. `ended`: it may still be handing over its goodbye. */
export type ConnectionState = 'opening' | 'greeting' | 'greeted' | 'linked' | 'ended';

/** How a connection ended: with a goodbye said by the peer or here, or without one. */
export type Ending = { by: 'peer' | 'here'; goodbye: Goodbye | undefined; reason: string };

export type ConnectionOwner = {
  /** The peer is who it says and knows the secret. The owner links, holds or closes the connection, now or later. */
  greeted(peer: NodeId): void;
  /** The peer's first frame since, while the connection is not linked: the peer means to keep it. The frame is read once it is linked. */
  spoke(peer: NodeId): void;
  /** A frame of the linked peer that is not the connection's own business. */
  frame(peer: NodeId, frame: Frame): void;
  drained(peer: NodeId): void;
  /** Once a connection, whatever happens. Only `gone` comes after it. */
  ended(ending: Ending, wasLinked: boolean): void;
  /** Its socket is closed. */
  gone(): void;
};

export type ConnectionOptions = {
  socket: TLSSocket;
  side: Side;
  /** Where the peer is: the address dialled, or host and port the connection came from. */
  address: string;
  /** A dialled peer must have accepted the connection by then; without it the handshake's own limit holds. */
  connectMs?: number | undefined;
  self: () => Self;
  timing: MeshTiming;
  counters: MeshCounters;
  rates: PeerRates;
  owner: ConnectionOwner;
  queueMaxBytes: number | undefined;
};
