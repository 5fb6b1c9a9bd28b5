/**
 * One webhook that tells what is said in its channel: message after message, in the order of the channel, each at least once. How far it came is a
 * cursor in the log, as that of any other reader. What is not taken is sent again, ever more slowly; in the end the webhook stops, says why, and
 * leaves nothing out: an operator lets it go on.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Principal } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { advanced, after, covers, lastOf, REPLAY_MAX } from '#core/channel/history.ts';
import { speakerId, speakerName } from '#core/market/speaker.ts';
import type { Heads } from '#core/op.ts';
import { cursorId } from '#core/view/cursor.ts';
import type { KnownMessage } from '#core/view/message.ts';
import type { Door } from '../door.ts';
import { dateText } from '../json/text.ts';
import type { Lookup } from '../relay/dial.ts';
import type { OutWebhook, WebhookBook } from './book.ts';
import { isWebhook } from './incoming.ts';
import { post } from './post.ts';
import { HEADER, signatureOf } from './signature.ts';

/** With the pauses below some eighteen minutes: a server that is started anew is back by then. */
export const ATTEMPTS_MAX = 12;
const [PAUSE_FIRST_MS, PAUSE_MAX_MS] = [1_000, 300_000];
/** What is under way when the node stops may end so long: it would be told again. */
const CLOSE_MAX_MS = 1_000;
/** A cursor moves at most so often: it is an op, which every node keeps. */
const NOTE_EVERY_MS = 1_000;

export const pauseMsOf = (attempts: number): number => Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (attempts - 1));

export type OutgoingOptions = {
  webhook: OutWebhook;
  door: Door;
  book: WebhookBook;
  pauseMsOf: (attempts: number) => number;
  lookup: Lookup | undefined;
  limitMs: number;
  ca: string | undefined;
  log: (line: string) => void;
};

export type OutgoingState = {
  state: 'active' | 'retrying' | 'stopped';
  /** Since the start of the node. */
  delivered: number;
  /** It was so far behind that it went on with the last messages. */
  isCut: boolean;
  trouble: { message: string; reason: string; attempts: number; atMs: number } | null;
};

/** Under what name its cursor stands. */
export const readerOf = ({ id }: { id: string }): Principal => userPrincipal(`@hook-${id}`);

export class Outgoing {
  readonly #o: Omit<OutgoingOptions, 'webhook'>;
  readonly #ending = new AbortController();
  /** Ends a request that is under way, too. */
  readonly #cutting = new AbortController();
  #webhook: OutWebhook;
  #given: Heads;
  #noted: Heads;
  #notedMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #isWanted = false;
  #running: Promise<void> | undefined;
  #delivered = 0;
  #isCut = false;
  #failing: OutgoingState['trouble'] = null;

  constructor({ webhook, ...o }: OutgoingOptions) {
    this.#o = o;
    this.#webhook = webhook;
    const { channel } = webhook;
    this.#given = o.door.node.store.get('cursor', cursorId({ reader: readerOf(webhook), channel }))?.upTo ?? {};
    this.#noted = this.#given;
  }

  state(): OutgoingState {
    const { stopped } = this.#webhook;
    const state = stopped !== null ? 'stopped' : this.#failing === null ? 'active' : 'retrying';
    return { state, delivered: this.#delivered, isCut: this.#isCut, trouble: stopped ?? this.#failing };
  }

  /** How many messages it has not told yet; null for more than a reader may be behind. */
  waiting(): number | null {
    return this.#missing()?.filter(isTold).length ?? null;
  }

  /** Of one message: whether it was told, and what stands in its way. */
  stateOf(row: KnownMessage): { state: 'delivered' | 'open' | 'later'; reason: string | null } {
    if (row.sent.wallMs < this.#webhook.createdMs) return { state: 'later', reason: null };
    if (covers(this.#given, row)) return { state: 'delivered', reason: isTold(row) ? null : TOLD_BY_NONE };
    const { trouble } = this.state();
    return { state: 'open', reason: trouble?.message === row.id ? trouble.reason : null };
  }

  /** There may be something to tell. */
  wake(): void {
    this.#isWanted = true;
    if (this.#webhook.stopped !== null || this.#ending.signal.aborted) return;
    this.#running ??= this.#run()
      .catch((error: unknown) => this.#o.door.onFault(error, `webhook ${this.#webhook.id}`))
      .finally(() => {
        this.#running = undefined;
        // Woken between its last look and here.
        if (this.#isWanted) this.wake();
      });
  }

  /** An operator lets it go on; `isSkipped`: without the message at which it stopped. */
  async resume(o: { isSkipped: boolean }): Promise<void> {
    const { stopped } = this.#webhook;
    await this.#running;
    const row = o.isSkipped && stopped !== null ? this.#missing()?.find(({ id }) => id === stopped.message) : undefined;
    if (row !== undefined) this.#given = advanced(this.#given, row);
    this.#put({ ...this.#webhook, stopped: null });
    this.#failing = null;
    this.wake();
  }

  /** Ends what is under way, and notes how far it came. Idempotent. */
  async close(): Promise<void> {
    this.#ending.abort();
    const late = setTimeout(() => this.#cutting.abort(), CLOSE_MAX_MS);
    await this.#running;
    clearTimeout(late);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#note();
  }

  async #run(): Promise<void> {
    while (this.#isWanted && !this.#ending.signal.aborted) {
      this.#isWanted = false;
      for (const row of this.#due()) {
        if (isTold(row) && !(await this.#deliver(row))) return;
        this.#given = advanced(this.#given, row);
        this.#noteSoon();
      }
    }
  }

  #missing(): KnownMessage[] | undefined {
    const { store } = this.#o.door.node;
    return after(store, { channel: this.#webhook.channel, cursor: this.#given, nodes: store.heads().keys() });
  }

  #due(): KnownMessage[] {
    const missing = this.#missing();
    if (missing !== undefined) return missing;
    this.#isCut = true;
    return lastOf(this.#o.door.node.store, this.#webhook.channel, REPLAY_MAX);
  }

  /** True when it was taken. */
  async #deliver(row: KnownMessage): Promise<boolean> {
    const { signal } = this.#ending;
    for (let attempts = 1; !signal.aborted; attempts += 1) {
      const reason = await this.#post(row);
      if (reason === undefined) {
        this.#failing = null;
        this.#delivered += 1;
        return true;
      }
      if (signal.aborted) return false;
      this.#failing = { message: row.id, reason, attempts, atMs: this.#o.door.now() };
      if (attempts >= ATTEMPTS_MAX) return this.#giveUp(row, reason, attempts);
      await wait(this.#o.pauseMsOf(attempts), undefined, { signal }).catch(() => undefined);
    }
    return false;
  }

  #giveUp({ id }: KnownMessage, reason: string, attempts: number): false {
    const { door, log } = this.#o;
    this.#put({ ...this.#webhook, stopped: { message: id, reason, attempts, atMs: door.now() } });
    const { id: own, channel } = this.#webhook;
    log(`webhook ${own} of ${channel} stopped after ${attempts} tries of message ${id}: ${reason}`);
    return false;
  }

  #put(next: OutWebhook): void {
    this.#webhook = next;
    // Removed in the meantime, it stays away.
    if (this.#o.book.get(next.id) !== undefined) this.#o.book.put(next);
  }

  async #post(row: KnownMessage): Promise<string | undefined> {
    const { door, lookup, limitMs, ca } = this.#o;
    const { id, secret, url, allowPrivate } = this.#webhook;
    const body = JSON.stringify(await toldOf(row, door));
    const timestamp = String(Math.floor(door.now() / 1_000));
    const headers = {
      'content-type': 'application/json',
      'user-agent': `skep/${door.node.info.version}`,
      'idempotency-key': row.id,
      [HEADER.webhook]: id,
      [HEADER.timestamp]: timestamp,
      [HEADER.signature]: signatureOf({ secret, timestamp, body }),
    };
    return post({ url: new URL(url), headers, body, allowPrivate, lookup, limitMs, ca, signal: this.#cutting.signal });
  }

  #noteSoon(): void {
    if (this.#timer !== undefined || this.#ending.signal.aborted) return;
    const delayMs = Math.max(0, this.#notedMs + NOTE_EVERY_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#note().catch((error: unknown) => this.#o.door.onFault(error, `webhook ${this.#webhook.id}`));
    }, delayMs);
  }

  /** What a refusal leaves unwritten is told again after a restart: at least once. */
  async #note(): Promise<void> {
    const upTo = this.#given;
    if (upTo === this.#noted) return;
    this.#notedMs = performance.now();
    const reader = readerOf(this.#webhook);
    const body = { type: 'read.advanced', channel: this.#webhook.channel, reader, upTo } as const;
    const written = await this.#o.door.node.append([{ entity: undefined, by: reader, body }]);
    if (!('refused' in written)) this.#noted = upTo;
  }
}

/** What came in by a webhook goes out by none: two that are joined to one another would never end. */
const TOLD_BY_NONE = 'it came in by a webhook, and goes out by none';
const isTold = ({ sent }: KnownMessage): boolean => !isWebhook(sent.from);

async function toldOf({ id, sent }: KnownMessage, { node }: Door): Promise<object> {
  return {
    type: 'message',
    id,
    channel: sent.channel,
    from: speakerId(sent.from),
    from_name: speakerName(node.store, sent.from),
    kind: sent.kind,
    text: await node.unstash(sent.text),
    in_reply_to: sent.replyTo,
    thread: sent.thread ?? id,
    sent_at: dateText(sent.wallMs),
  };
}
