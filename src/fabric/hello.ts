/**
 * The handshake as pure decisions: what a HELLO says, and whether it is believed. TLS proves that the peer holds the key of its certificate;
 * HELLO adds the proof that it knows the cluster secret, bound to this one channel, so that it cannot be replayed or passed on.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { NodeId } from '#core/brand.ts';
import type { Goodbye, Hello } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';

/** Lowest and highest protocol version spoken here. */
export const PROTOCOL: readonly [number, number] = [1, 1];

/** Of the TLS channel: the protocol's name in ALPN. */
export const ALPN = 'skep/1';

/** Label and length of the key that TLS exports for the proof (RFC 8446, section 7.5). */
export const EXPORT_LABEL = 'EXPORTER-skep-cluster';
export const EXPORT_BYTES = 32;

/**
 * Anybody who reaches the port gets a proof made with the secret and may guess at leisure which secret it was: a short one would be found.
 */
export const SECRET_MIN_BYTES = 16;

/** Who opened the TLS channel is its client. */
export type Side = 'client' | 'server';

/** What is known of a channel once TLS stands: the id that belongs to the peer's key, and the key exported for the proof. */
export type Channel = { peer: NodeId; peerSide: Side; exportedKey: Buffer };

/** What one end brings to every handshake. */
export type Self = { node: NodeId; boot: string; secret: string; p2pPort: number; httpPort: number };

/** HMAC-SHA256 by the cluster secret over the exported key, the side and the id of the node that proves, base64. */
export function proofOf(o: { secret: string; exportedKey: Buffer; side: Side; node: NodeId }): string {
  return createHmac('sha256', o.secret).update(o.exportedKey).update(o.side).update(o.node).digest('base64');
}

export function helloOf(self: Self, channel: Channel): Hello {
  const side = channel.peerSide === 'client' ? 'server' : 'client';
  return {
    type: FRAME.hello,
    node_id: self.node,
    p2p_port: self.p2pPort,
    http_port: self.httpPort,
    protocol: [...PROTOCOL],
    boot: self.boot,
    proof: proofOf({ secret: self.secret, exportedKey: channel.exportedKey, side, node: self.node }),
  };
}

/** Undefined when the peer is who it says, knows the secret and speaks our protocol; else why the link is refused. */
export function refusalOf(self: Self, channel: Channel, hello: Hello): Goodbye | undefined {
  if (commonVersion(PROTOCOL, hello.protocol) === undefined) return goodbye('wrong_protocol', wrongProtocol(hello));
  if (hello.node_id !== channel.peer) {
    return goodbye(
      'bad_frame',
      `HELLO claims node ${hello.node_id}, but the key of this channel is that of node ${channel.peer}.`,
    );
  }
  if (channel.peer === self.node) {
    return hello.boot === self.boot ? goodbye('self', 'This is the dialling node itself.') : twice(self.node);
  }
  const expected = proofOf({
    secret: self.secret,
    exportedKey: channel.exportedKey,
    side: channel.peerSide,
    node: channel.peer,
  });
  return sameText(hello.proof, expected) ? undefined : goodbye('wrong_secret', WRONG_SECRET);
}

/** The version that a link speaks: the highest that both ends know; undefined when there is none. */
export function commonVersion(
  [ourLowest, ourHighest]: readonly [number, number],
  [theirLowest, theirHighest]: readonly [number, number],
): number | undefined {
  const highest = Math.min(ourHighest, theirHighest);
  return highest >= Math.max(ourLowest, theirLowest) ? highest : undefined;
}

/** The peer reads this: "you" is whoever it is said to. */
function wrongProtocol({ protocol: [lowest, highest] }: Hello): string {
  const versions = `this node speaks ${PROTOCOL[0]} to ${PROTOCOL[1]}, you speak ${lowest} to ${highest}`;
  const todo =
    highest < PROTOCOL[0] ? 'update skep on your node' : 'this node is older: update skep here, then dial again';
  return `No common protocol version (${versions}): ${todo}.`;
}

const WRONG_SECRET =
  'The cluster secrets differ. Run `skep join-code` on a node of the swarm and start the joining node with that code, or give both the same SKEP_SECRET.';

/** One node id, two running nodes. */
export const twice = (node: NodeId): Goodbye =>
  goodbye(
    'duplicate',
    `Node ${node} runs twice at once: its data directory was copied. Stop one of the two; what was copied becomes a node of its own in an empty directory.`,
  );

export const goodbye = (code: Goodbye['code'], message: string): Goodbye => ({ type: FRAME.goodbye, code, message });

/** True for goodbyes that a person should hear of; the others are part of a mesh's day. */
export function isRefusal({ code }: Goodbye): boolean {
  switch (code) {
    case 'second_link':
    case 'self':
    case 'idle':
    case 'shutdown':
      return false;
    case 'wrong_secret':
    case 'wrong_protocol':
    case 'duplicate':
    case 'full':
    case 'forked':
    case 'revoked':
    case 'bad_frame':
    case 'other':
      return true;
  }
}

/** Compares in constant time. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Ends a link that is kept no more. */
export const IDLE = goodbye('idle', 'This node needs the link no more.');
