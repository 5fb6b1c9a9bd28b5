/**
 * Links over a network that loses messages: what TLS over TCP is to a real node. A link is up from a hello of the other end on; it goes down when the
 * core gives it up, or when the other end begins anew. Messages are numbered, so that a lost one is noticed and the core compares heads with that
 * peer, as it does after a queue that overflowed. The order is the network's: the core needs none.
 */
import type { NodeId } from '#core/brand.ts';
import type { Frame } from '#core/schema/frame.ts';
import { frameSchemas } from '#core/schema/frame.ts';
import type { FramesBody, HelloBody } from './message.ts';

/** As the mesh: a peer that is not linked is dialled once a second. */
const DIAL_MS = 1_000;
/** What is so much later than a message that was sent after it is taken for lost. Far above the delays of Maelstrom's network. */
const LOST_MS = 1_000;
/** Frames that wait for one message; more leave at once. */
const FRAMES_MAX = 1_000;

export type LinksOptions = {
  node: NodeId;
  /** With whom to keep a link, by Maelstrom's names. */
  peers: readonly string[];
  /** Frames to one peer gather for so long and leave as one message; 0: for one turn of the event loop, as the product does. */
  corkMs: number;
  random: () => number;
  nowMs: () => number;
  later: (delayMs: number, run: () => void) => void;
  send: (dest: string, body: HelloBody | FramesBody) => void;
  on: {
    up: (node: NodeId) => void;
    down: (node: NodeId) => void;
    frame: (from: NodeId, frame: Frame) => void;
    /** A message of this link did not come. */
    lost: (node: NodeId) => void;
  };
};

/** What comes from a peer over a link that is up. */
type Incoming = { node: NodeId; life: string; before: number; arrived: number; highest: number; watching: boolean };

type Peer = {
  name: string;
  /** Names what is sent to it; another one since this end gave the link up. */
  life: string;
  sent: number;
  outbox: Frame[];
  saidHelloMs: number;
  incoming: Incoming | undefined;
};

export class Links {
  private readonly options: LinksOptions;
  private readonly peers: ReadonlyMap<string, Peer>;
  private readonly byNode = new Map<NodeId, Peer>();

  constructor(options: LinksOptions) {
    this.options = options;
    this.peers = new Map(options.peers.map((name) => [name, { ...this.fresh(), name }]));
  }

  open(): void {
    for (const peer of this.peers.values()) this.dial(peer);
  }

  /** To those that are linked. */
  send(to: readonly NodeId[], frame: Frame): void {
    for (const node of to) {
      const peer = this.byNode.get(node);
      if (peer?.incoming === undefined) continue;
      peer.outbox.push(frame);
      if (peer.outbox.length >= FRAMES_MAX) this.flush(peer);
      else if (peer.outbox.length === 1) this.options.later(this.options.corkMs, () => this.flush(peer));
    }
  }

  /** The core gives the link up: it is dialled anew. */
  unlink(node: NodeId): void {
    const peer = this.byNode.get(node);
    if (peer?.incoming === undefined) return;
    Object.assign(peer, this.fresh());
    this.options.on.down(node);
    this.dial(peer);
  }

  onHello(from: string, { node, life, sent, answer }: HelloBody): void {
    const peer = this.peers.get(from);
    if (peer === undefined) return;
    const before = peer.incoming;
    if (before?.life !== life) {
      if (before !== undefined) this.options.on.down(before.node);
      peer.outbox = [];
      peer.incoming = { node, life, before: sent, arrived: sent, highest: sent, watching: false };
      this.byNode.set(node, peer);
      this.options.on.up(node);
    }
    // What was said a moment ago is on its way; where it is lost, the other end asks again.
    if (!answer && this.options.nowMs() - peer.saidHelloMs >= DIAL_MS / 2) this.hello(peer, true);
  }

  /** Frames that no schema knows are dropped, as those of a newer node are. */
  onFrames(from: string, { life, n, frames }: FramesBody): void {
    const peer = this.peers.get(from);
    const incoming = peer?.incoming;
    if (peer === undefined || incoming?.life !== life || n <= incoming.before) return;
    incoming.arrived += 1;
    incoming.highest = Math.max(incoming.highest, n);
    if (incoming.arrived < incoming.highest) this.watch(peer, incoming);
    for (const json of frames) {
      const frame = frameSchemas.get(json.type)?.safeParse(json);
      if (frame?.success === true && peer.incoming === incoming) this.options.on.frame(incoming.node, frame.data);
    }
  }

  /** Says hello, again and again until the other end did. */
  private dial(peer: Peer): void {
    if (peer.incoming !== undefined) return;
    const { life } = peer;
    this.hello(peer, false);
    this.options.later(DIAL_MS, () => {
      if (peer.life === life) this.dial(peer);
    });
  }

  private hello(peer: Peer, answer: boolean): void {
    const { life, sent, name } = peer;
    peer.saidHelloMs = this.options.nowMs();
    this.options.send(name, { type: 'skep_hello', node: this.options.node, life, sent, answer });
  }

  private flush(peer: Peer): void {
    if (peer.outbox.length === 0) return;
    const frames = peer.outbox;
    peer.outbox = [];
    peer.sent += 1;
    this.options.send(peer.name, { type: 'skep_frames', life: peer.life, n: peer.sent, frames });
  }

  /** A number is missing: it may have been overtaken, or is lost. */
  private watch(peer: Peer, incoming: Incoming): void {
    if (incoming.watching) return;
    incoming.watching = true;
    const upTo = incoming.highest;
    this.options.later(LOST_MS, () => {
      if (peer.incoming !== incoming) return;
      incoming.watching = false;
      const isLost = incoming.arrived < upTo;
      incoming.arrived = Math.max(incoming.arrived, upTo);
      if (incoming.arrived < incoming.highest) this.watch(peer, incoming);
      if (isLost) this.options.on.lost(incoming.node);
    });
  }

  private fresh(): Omit<Peer, 'name'> {
    const life = Math.floor(this.options.random() * 2 ** 48).toString(36);
    return { life, sent: 0, outbox: [], saidHelloMs: Number.NEGATIVE_INFINITY, incoming: undefined };
  }
}
