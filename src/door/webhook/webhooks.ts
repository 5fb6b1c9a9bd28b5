/** The webhooks of a node: made, listed and taken away by operators; one for each direction of a channel, as many as are wanted. */
import { hash, randomBytes } from 'node:crypto';
import type { OpId, Principal } from '#core/brand.ts';
import { channelOf } from '#core/channel/rules.ts';
import type { KnownMessage } from '#core/view/message.ts';
import type { Arrival } from '#ports.ts';
import type { Door } from '../door.ts';
import type { ReaderJson } from '../json/reader.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused, shown } from '../refusal.ts';
import type { Lookup } from '../relay/dial.ts';
import type { InWebhook, OutWebhook, Webhook } from './book.ts';
import { WebhookBook } from './book.ts';
import type { Posted } from './incoming.ts';
import { Incoming } from './incoming.ts';
import { Outgoing, pauseMsOf, readerOf } from './outgoing.ts';
import { isPrivate, POST_MAX_MS } from './post.ts';
import type { Signed } from './signature.ts';

/** Of one node. Each tells one message at a time, so there are never more connections. */
const WEBHOOKS_MAX = 64;
const SECRET_BYTES = 32;

export type WebhookWanted = { name: string; channel: string; by: Principal } & (
  | { direction: 'in' }
  | { direction: 'out'; url: string; allowPrivate: boolean }
);
/** What is shown this once. `token`: the last part of the URL of one that posts. */
export type WebhookMade = { webhook: Webhook; secret: string; token: string | null };

export type WebhooksOptions = {
  door: Door;
  /** Of the file that keeps them. */
  path: string;
  log: (line: string) => void;
  /** The system's when left out. */
  lookup?: Lookup;
  /** For a connection, and then for the answer. */
  limitMs?: number;
  /** Certificates that are believed, in PEM; the system's when left out. */
  ca?: string;
  /** Before the next try, after so many. */
  pauseMsOf?: (attempts: number) => number;
};

export class Webhooks {
  readonly #o: WebhooksOptions;
  readonly #book: WebhookBook;
  readonly #outgoing = new Map<string, Outgoing>();
  readonly #incoming = new Map<string, Incoming>();
  readonly #stop: () => void;

  /** Goes on where each stopped. Throws when their file cannot be read. */
  constructor(o: WebhooksOptions) {
    this.#o = o;
    this.#book = new WebhookBook(o.path);
    for (const webhook of this.#book.all()) this.#open(webhook);
    this.#stop = o.door.node.onArrivals((arrivals) => this.#arrived(arrivals));
  }

  list(): Webhook[] {
    return this.#book.all();
  }

  outgoing(id: string): Outgoing | undefined {
    return this.#outgoing.get(id);
  }

  incoming(id: string): Incoming | undefined {
    return this.#incoming.get(id);
  }

  /** One that tells, tells what is said from now on. */
  async add(wanted: WebhookWanted): Promise<WebhookMade | DoorRefusal> {
    const bar = this.#bar(wanted) ?? (wanted.direction === 'out' ? await this.#placeBar(wanted) : undefined);
    if (bar !== undefined) return bar;
    const { door } = this.#o;
    const secret = `skep_hook_${randomBytes(SECRET_BYTES).toString('base64url')}`;
    const common = { id: randomBytes(6).toString('hex'), secret, createdMs: door.now() };
    const { name, channel, by } = wanted;
    if (wanted.direction === 'in') {
      const token = randomBytes(SECRET_BYTES).toString('base64url');
      const tokenSha256 = hash('sha256', token);
      const made: InWebhook = { ...common, name, channel, by, direction: 'in', tokenSha256 };
      return { webhook: this.#keep(made), secret, token };
    }
    const { url, allowPrivate } = wanted;
    const made: OutWebhook = { ...common, name, channel, by, direction: 'out', url, allowPrivate, stopped: null };
    const upTo = Object.fromEntries([...door.node.store.heads()].map(([node, { seq }]) => [node, seq]));
    const reader = readerOf(made);
    const body = { type: 'read.advanced', channel, reader, upTo } as const;
    const written = await door.node.append([{ entity: undefined, by: reader, body }]);
    return isRefusal(written) ? written : { webhook: this.#keep(made), secret, token: null };
  }

  async remove(id: string): Promise<'removed' | DoorRefusal> {
    if (this.#book.get(id) === undefined) return noSuch(id);
    this.#book.remove(id);
    const out = this.#outgoing.get(id);
    this.#outgoing.delete(id);
    this.#incoming.delete(id);
    await out?.close();
    return 'removed';
  }

  async resume(id: string, o: { isSkipped: boolean }): Promise<Webhook | DoorRefusal> {
    const out = this.#outgoing.get(id);
    if (out === undefined) return noSuch(id);
    if (out.state().state !== 'stopped')
      return refused('conflict', 'this webhook is not stopped', { got: out.state().state });
    await out.resume(o);
    return this.#book.get(id) ?? noSuch(id);
  }

  /** Those that tell what is said in the channel of this message, and whether they told it. */
  readersOf(row: KnownMessage): ReaderJson[] {
    return this.#book.all().flatMap(({ id, name, channel }) => {
      const out = channel === row.sent.channel ? this.#outgoing.get(id) : undefined;
      return out === undefined ? [] : { id, name, kind: 'webhook' as const, ...out.stateOf(row) };
    });
  }

  /** Somebody posts to a URL that ends with this token. */
  async take(token: string, posted: Posted, signed: Signed | undefined): Promise<OpId | DoorRefusal> {
    const tokenSha256 = hash('sha256', token);
    const webhook = this.#book.all().find((one) => one.direction === 'in' && one.tokenSha256 === tokenSha256);
    const incoming = webhook === undefined ? undefined : this.#incoming.get(webhook.id);
    return incoming?.take(posted, signed) ?? refused('not_found', 'there is no such webhook');
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#stop();
    await Promise.all([...this.#outgoing.values()].map((out) => out.close()));
  }

  #keep(webhook: Webhook): Webhook {
    this.#book.put(webhook);
    this.#open(webhook);
    return webhook;
  }

  #open(webhook: Webhook): void {
    const { door, log, lookup, ca, limitMs = POST_MAX_MS } = this.#o;
    if (webhook.direction === 'in') {
      this.#incoming.set(webhook.id, new Incoming(webhook, door));
      return;
    }
    const pauses = this.#o.pauseMsOf ?? pauseMsOf;
    const out = new Outgoing({ webhook, door, book: this.#book, pauseMsOf: pauses, lookup, limitMs, ca, log });
    this.#outgoing.set(webhook.id, out);
    out.wake();
  }

  #arrived(arrivals: readonly Arrival[]): void {
    if (this.#outgoing.size === 0) return;
    const channels = new Set<string>();
    for (const { op } of arrivals) if (op.body.type === 'message.sent') channels.add(op.body.channel);
    for (const webhook of this.#book.all()) if (channels.has(webhook.channel)) this.#outgoing.get(webhook.id)?.wake();
  }

  #bar({ name, channel }: WebhookWanted): DoorRefusal | undefined {
    const { door } = this.#o;
    if (channelOf(door.node.store, channel) === undefined)
      return refused('not_found', 'there is no such channel', { got: shown(channel) });
    const all = this.#book.all();
    if (all.some((one) => one.name === name))
      return refused('conflict', `this node has a webhook named ${name}`, { expected: 'another name', got: name });
    return all.length < WEBHOOKS_MAX
      ? undefined
      : refused('too_many', `this node has ${WEBHOOKS_MAX} webhooks`, { expected: 'one to be removed first' });
  }

  async #placeBar(o: { url: string; allowPrivate: boolean }): Promise<DoorRefusal | undefined> {
    const url = URL.parse(o.url);
    const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
    if (!isPlain)
      return refused('invalid', 'that is no URL of a webhook', { expected: 'https://HOST/PATH without a password' });
    if (o.allowPrivate || !(await isPrivate(url, this.#o.lookup))) return undefined;
    return refused('forbidden', `${url.host} leads to an address that is not public`, {
      expected: 'a public address, or allow_private: an operator’s word',
      got: url.host,
    });
  }
}

const noSuch = (id: string): DoorRefusal =>
  refused('not_found', 'there is no such webhook at this node', { got: shown(id) });
