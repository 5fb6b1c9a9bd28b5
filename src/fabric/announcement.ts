/**
 * Announcements as pure decisions: how one is made, and whether one that was heard is believed. Whoever knows the cluster secret can make one; it
 * says nothing that is acted upon but "dial there", and the link proves the rest. Repeated from another address, or after a newer one, it says
 * nothing at all.
 */
import { isUtf8 } from 'node:buffer';
import { createHmac } from 'node:crypto';
import type { NodeId } from '#core/brand.ts';
import { parseJson } from '#core/schema/header.ts';
import type { Announcement } from '#core/schema/announcement.ts';
import { ANNOUNCEMENT, announcementSchema } from '#core/schema/announcement.ts';
import type { Address } from './address.ts';
import { sameText } from './hello.ts';

/** A datagram has some 250 bytes; a longer one is not looked at. */
export const ANNOUNCEMENT_MAX_BYTES = 1_024;

/** Nodes whose last announcement is remembered; beyond it the oldest is forgotten, and one repetition of it would be believed. */
const NODES_MAX = 1_024;

/** Keeps these codes apart from every other use of the secret. */
const KEY_LABEL = 'skep discovery key 1';

export type AnnouncementFields = Omit<Announcement, 'type' | 'mac'>;

/** What was heard in a datagram. Only `found` is acted upon. */
export type Heard =
  | { kind: 'found'; node: NodeId; address: Address }
  /** This node's own, which comes back to it, or one that came by a second way. */
  | { kind: 'idle' }
  /** No announcement. */
  | { kind: 'malformed' }
  /** Made without the secret, or for another swarm, or changed on the way. */
  | { kind: 'foreign' }
  /** Sent from somewhere else than it says, or heard before. */
  | { kind: 'repeated' };

export const announcementKey = (secret: string): Buffer => createHmac('sha256', secret).update(KEY_LABEL).digest();

export function encodeAnnouncement(fields: AnnouncementFields, key: Buffer): Buffer {
  const announcement: Announcement = { type: ANNOUNCEMENT, ...fields, mac: macOf(fields, key) };
  return Buffer.from(JSON.stringify(announcement));
}

const macOf = ({ node_id, p2p_port, host, boot, count }: AnnouncementFields, key: Buffer): string =>
  createHmac('sha256', key).update(`${node_id} ${p2p_port} ${host} ${boot} ${count}`).digest('base64');

export class Announcements {
  readonly #self: NodeId;
  readonly #key: Buffer;
  readonly #last = new Map<NodeId, { boot: string; count: number }>();

  constructor(self: NodeId, key: Buffer) {
    this.#self = self;
    this.#key = key;
  }

  /** Judges a datagram that came from the IPv4 address `from`. */
  hear(datagram: Uint8Array, from: string): Heard {
    if (datagram.length > ANNOUNCEMENT_MAX_BYTES || !isUtf8(datagram)) return { kind: 'malformed' };
    const parsed = announcementSchema.safeParse(parseJson(Buffer.from(datagram).toString()));
    if (!parsed.success) return { kind: 'malformed' };
    const { mac, type: _type, ...fields } = parsed.data;
    if (!sameText(mac, macOf(fields, this.#key))) return { kind: 'foreign' };
    const node = fields.node_id;
    if (node === this.#self) return { kind: 'idle' };
    const last = this.#last.get(node);
    const newer = last?.boot === fields.boot ? fields.count - last.count : 1;
    if (fields.host !== from || newer < 0) return { kind: 'repeated' };
    if (newer === 0) return { kind: 'idle' };
    this.#remember(fields);
    return { kind: 'found', node, address: { host: from, port: fields.p2p_port } };
  }

  #remember({ node_id: node, boot, count }: AnnouncementFields): void {
    this.#last.delete(node);
    const oldest = this.#last.keys().next();
    if (this.#last.size >= NODES_MAX && oldest.done !== true) this.#last.delete(oldest.value);
    this.#last.set(node, { boot, count });
  }
}
