/** The numbers of the mesh, each with its reason; tests hand in smaller ones. */
import type { LinkTraffic } from '#core/tally.ts';

export type MeshTiming = {
  /** From the first byte to the link; longer is a hung or hostile peer. A handshake takes some 10 ms and a few round trips. */
  handshakeMs: number;
  /** As in the seed. */
  pingMs: number;
  /** A peer silent for this long is gone: four pings unanswered. As in the seed. */
  silentMs: number;
  /** How often nodes tell each other whom they are linked with; as in the seed. At a new link they tell at once. */
  peersMs: number;
  /** How often a node announces itself to its network; as in the seed. At the start at once. */
  announceMs: number;
  /** Waits before dialling again: full jitter below a bound that doubles from the first to the second. */
  backoffMinMs: number;
  backoffMaxMs: number;
  /** How long an old link has to answer when its node shows up anew, before it is taken for dead. */
  probeMs: number;
  /** How long an ended link may take to hand over its goodbye. */
  lingerMs: number;
};

export const DEFAULT_TIMING: MeshTiming = {
  handshakeMs: 5_000,
  pingMs: 15_000,
  silentMs: 60_000,
  peersMs: 30_000,
  announceMs: 10_000,
  backoffMinMs: 250,
  backoffMaxMs: 5_000,
  probeMs: 2_000,
  lingerMs: 1_000,
};

/** Links at once. A swarm keeps links to all up to 64 nodes; four times that is a swarm that needs another shape. */
export const LINKS_MAX = 256;

/** Inbound connections that are not linked yet. Beyond it the oldest goes: an honest handshake takes milliseconds. */
export const HALF_OPEN_MAX = 64;

/** Addresses kept; beyond it those that failed most give way. */
export const ADDRESSES_MAX = 1024;

/** Below so many nodes each keeps a link to every other, and a lost one is dialled every second. */
export const EAGER_NODES_MAX = 64;

/** Dials under way at once, so that a long list of dead addresses does not fill the machine with sockets. */
export const DIALS_MAX = 16;

/** What a mesh has seen since it was made. Counts only; read it at any time. */
export type MeshCounters = {
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Socket writes of linked peers: frames of one turn of the event loop share one. */
  writes: number;
  /** Frames of a type this version does not know; ignored. */
  unknownFrames: number;
  /** Frames that were none; each ended its link. */
  badFrames: number;
  /** Goodbyes that a person should hear of, said here or by the peer: wrong secret, wrong protocol and the like. */
  refused: number;
  /** Handshakes that ended without one: no TLS, no answer, not in time, pushed out by newer ones. */
  failedHandshakes: number;
  /** Times a peer's queue was dropped. */
  overflows: number;
  /** Times a peer was read more slowly because it sent too much. */
  slowed: number;
  /** Links ended because their peers never let up. */
  floods: number;
  /** Addresses that were none, from `learn`. */
  badAddresses: number;
  /** Datagrams on the discovery port that were no announcements. */
  announcementsMalformed: number;
  /** Announcements of other swarms, and forged ones. Nobody was dialled for them. */
  announcementsForeign: number;
  /** Announcements that came from another address than they say, or after a newer one. */
  announcementsRepeated: number;
  /** Datagrams that were not looked at because too many came. */
  announcementsUnheard: number;
  /** Announcements that the network did not take. */
  announcementsUnsent: number;
};

export const noTraffic = (): LinkTraffic => ({ framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0, overflows: 0 });

export const newCounters = (): MeshCounters => ({
  framesIn: 0,
  framesOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  writes: 0,
  unknownFrames: 0,
  badFrames: 0,
  refused: 0,
  failedHandshakes: 0,
  overflows: 0,
  slowed: 0,
  floods: 0,
  badAddresses: 0,
  announcementsMalformed: 0,
  announcementsForeign: 0,
  announcementsRepeated: 0,
  announcementsUnheard: 0,
  announcementsUnsent: 0,
});

/** Addresses that a mesh listens on: loopback unless it is said, none for a node that only dials. */
export const bindOf = (o: { listen?: boolean; bind?: readonly string[] }): readonly string[] =>
  o.listen === false ? [] : (o.bind ?? ['127.0.0.1']);
