/** What webhooks post: believed by their signature, once, as fast as one may, and said in the channel as by one from outside. */
import { z } from 'zod';
import { masked } from '#core/approval/mask.ts';
import type { OpId, Principal } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { channelOf } from '#core/channel/rules.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import { TokenBucket } from '#core/token-bucket.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { Door } from '../door.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused, shown } from '../refusal.ts';
import type { InWebhook } from './book.ts';
import type { Signed } from './signature.ts';
import { HEADER, isSignedBy, REPLAY_WINDOW_S } from './signature.ts';

/** Of a whole request: a message for people to read, with room for JSON's escapes. */
export const POSTED_MAX_BYTES = 64 * 1024;
const TEXT_MAX_CHARS = 16_384;
/** One a second on the average, and a build's worth at once. */
const PACE = { perSecond: 1, burst: 30 };

export const POSTED = z.object({
  text: z.string({ error: 'text is required' }).min(1, 'text is required').max(TEXT_MAX_CHARS),
  in_reply_to: opIdSchema.nullish(),
});
export type Posted = z.output<typeof POSTED>;

const speakerOf = ({ name }: InWebhook): Principal => userPrincipal(`@hook-${name}`);

export const isWebhook = (by: Principal): boolean => by.startsWith('user:@hook-');

export class Incoming {
  readonly #door: Door;
  readonly #webhook: InWebhook;
  readonly #pace: TokenBucket;
  readonly #startedMs: number;
  /** Signatures that were taken, with the moment after which they are too old anyway. Bounded by the pace. */
  readonly #taken = new Map<string, number>();
  handled = 0;
  refusals = 0;
  lastRefusal: string | null = null;

  constructor(webhook: InWebhook, door: Door) {
    this.#door = door;
    this.#webhook = webhook;
    this.#startedMs = door.now();
    this.#pace = new TokenBucket(PACE, this.#startedMs);
  }

  /** The message, on disk; or why it was not taken: nothing was stored then. */
  async take(posted: Posted, signed: Signed | undefined): Promise<OpId | DoorRefusal> {
    const taken = this.#bar(signed) ?? (await this.#say(posted));
    if (isRefusal(taken)) {
      this.refusals += 1;
      this.lastRefusal = taken.message;
    } else this.handled += 1;
    return taken;
  }

  #bar(signed: Signed | undefined): DoorRefusal | undefined {
    const expected = `${HEADER.timestamp}: seconds since 1970, and ${HEADER.signature}: v1=<HMAC-SHA-256 of "timestamp.body">`;
    if (signed === undefined) return refused('unauthorised', 'the request is not signed', { expected });
    if (!isSignedBy(this.#webhook.secret, signed))
      return refused('unauthorised', 'the signature is not that of the secret, the timestamp and the body', {
        expected,
      });
    const nowMs = this.#door.now();
    const signedMs = Number(signed.timestamp) * 1_000;
    // What was taken before the start is not known any more: it must not be taken again.
    const fromMs = Math.max(nowMs - REPLAY_WINDOW_S * 1_000, this.#startedMs - 1_000);
    if (!(signedMs >= fromMs && signedMs <= nowMs + REPLAY_WINDOW_S * 1_000))
      return refused('unauthorised', 'the request was signed too long ago, or before this node was started', {
        expected: `signed within ${REPLAY_WINDOW_S} s of now, ${Math.floor(nowMs / 1_000)}`,
        got: shown(signed.timestamp),
      });
    for (const [signature, untilMs] of this.#taken) if (untilMs < nowMs) this.#taken.delete(signature);
    if (this.#taken.has(signed.signature))
      return refused('conflict', 'this request was taken before', { expected: 'a new timestamp and signature' });
    if (!this.#pace.tryTake(1, nowMs))
      return refused('too_many', 'this webhook posts faster than it may', {
        expected: `${PACE.perSecond} message a second, ${PACE.burst} at once`,
      });
    this.#taken.set(signed.signature, signedMs + REPLAY_WINDOW_S * 1_000);
    return undefined;
  }

  async #say({ text, in_reply_to: replyTo }: Posted): Promise<OpId | DoorRefusal> {
    const { channel, name } = this.#webhook;
    const { store, messages } = this.#door.node;
    if (channelOf(store, channel) === undefined) return refused('not_found', `${channel} is not there any more`);
    const before = typeof replyTo === 'string' ? store.get('message', replyTo) : undefined;
    if (typeof replyTo === 'string' && !(isKnownMessage(before) && before.sent.channel === channel))
      return refused('not_found', `there is no such message in ${channel}`, { got: replyTo });
    const sent = await messages.send({
      by: speakerOf(this.#webhook),
      sender: undefined,
      channels: [channel],
      kind: 'text',
      text: masked(text),
      replyTo: replyTo ?? null,
      source: `hook-${name}`,
      dueMs: null,
    });
    if (isRefusal(sent)) return sent;
    const [first] = sent.messages;
    if (first === undefined) throw new Error('a message that was just written is not there');
    return first.id;
  }
}
