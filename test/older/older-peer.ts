/** A peer of an older version: it says the bytes that such a node says, and keeps those that it hears. */
import { hash, sign } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { createIdentity } from '#fabric/identity.ts';
import type { Address } from '#fabric/address.ts';
import type { Stranger } from '../fabric/world.ts';
import { stranger } from '../fabric/world.ts';
import type { Json } from '../host/swarm.ts';
import { asJson } from '../host/swarm.ts';

const PREFIX_BYTES = 4;

export class OlderPeer {
  readonly node: string;
  /** Every frame it heard. */
  readonly heard: Json[] = [];
  readonly #stranger: Stranger;
  readonly #waiting = new Set<() => void>();
  #gathered: Buffer = Buffer.alloc(0);
  #seq = 0;
  #prev = '0'.repeat(64);
  #before = { seq: 0, prev: '0'.repeat(64) };
  #last: object = {};

  private constructor(peer: Stranger) {
    this.#stranger = peer;
    this.node = peer.identity.node;
    this.#socket().on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** Linked by `hello`, which that version sent; only id, port and proof are those of this channel. */
  static async link(to: Address & { node: string }, hello: Json): Promise<OlderPeer> {
    let identity = createIdentity();
    // The other end has the lower id, so it decides about the link and says so with its first PING.
    while (identity.node < to.node) identity = createIdentity();
    const peer = new OlderPeer(await stranger(to, { identity }));
    const { node_id, proof } = peer.#stranger.hello();
    peer.say({ ...hello, node_id, p2p_port: 0, proof });
    await peer.hears(({ type }) => type === 6);
    return peer;
  }

  say(frame: object): void {
    this.sayText(JSON.stringify(frame));
  }

  sayText(text: string): void {
    const bytes = Buffer.from(text);
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.writeUInt32BE(bytes.length);
    this.#socket().write(Buffer.concat([prefix, bytes]));
  }

  /** Resolves with the first frame that is so, heard already or yet to come; rejects when the link ends without it. */
  hears(isSo: (frame: Json) => boolean): Promise<Json> {
    return new Promise((resolve, reject) => {
      const ask = (): void => {
        const found = this.heard.find(isSo);
        if (found === undefined) return;
        this.#waiting.delete(ask);
        resolve(found);
      };
      this.#waiting.add(ask);
      void this.#stranger.ended.then(() => reject(new Error(`not heard; last: ${JSON.stringify(this.heard.at(-1))}`)));
      ask();
    });
  }

  /** Resolves when the other end answered a ping: it read all that was said before. */
  async settled(): Promise<void> {
    const timestamp = performance.now();
    this.say({ type: 6, node_id: this.node, timestamp });
    await this.hears((frame) => frame['type'] === 7 && frame['timestamp'] === timestamp);
  }

  /** Appends an op to this peer's own log, with the fields of version 0.1.0 in their order, and says it under that code; its id. `sig` instead of its own. */
  append(code: number, o: { lamport: number; entity?: string; body: object; sig?: string }): string {
    this.#before = { seq: this.#seq, prev: this.#prev };
    this.#seq += 1;
    const id = `${this.node}-${this.#seq}`;
    const body = JSON.stringify(o.body);
    const header = JSON.stringify({
      node: this.node,
      seq: this.#seq,
      lamport: o.lamport,
      entity: o.entity ?? id,
      prev: this.#prev,
      bodyHash: hash('sha256', body),
      wallMs: 1_795_693_482_660,
      by: `node:${this.node}`,
    });
    this.#prev = hash('sha256', header);
    const signed = Buffer.from(`skep op chain 1\n${this.#prev}`);
    const sig = o.sig ?? sign(null, signed, this.#stranger.identity.privateKey).toString('base64');
    this.#last = { type: code, op: [header, body], sig };
    this.say(this.#last);
    return id;
  }

  /** Says the last op again. */
  repeat(): void {
    this.say(this.#last);
  }

  /** The next op follows the one before the last: a second history. */
  forget(): void {
    ({ seq: this.#seq, prev: this.#prev } = this.#before);
  }

  get publicKey(): string {
    return this.#stranger.identity.publicKey;
  }

  #socket(): TLSSocket {
    return this.#stranger.socket;
  }

  #read(chunk: Buffer): void {
    this.#gathered = Buffer.concat([this.#gathered, chunk]);
    for (;;) {
      if (this.#gathered.length < PREFIX_BYTES) break;
      const end = PREFIX_BYTES + this.#gathered.readUInt32BE(0);
      if (this.#gathered.length < end) break;
      this.heard.push(asJson(JSON.parse(this.#gathered.subarray(PREFIX_BYTES, end).toString())));
      this.#gathered = this.#gathered.subarray(end);
    }
    for (const ask of this.#waiting) ask();
  }
}
