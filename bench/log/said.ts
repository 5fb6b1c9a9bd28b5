/** Messages as a busy swarm writes them: in open channels, in some by invitation, and to single agents. One seed, one history. */
import type { Principal } from '../../src/core/brand.ts';
import { agentPrincipal, opIdOf, userPrincipal } from '../../src/core/brand.ts';
import { mailboxOf } from '../../src/core/message/address.ts';
import type { Body } from '../../src/core/schema/body.ts';
import { Words } from './words.ts';

/** In one message of so many stands a word that is nowhere else: in channels, and, another one, in mailboxes alone. */
const RARE_EVERY = 50_000;
export const RARE = 'xylophone';
export const RARE_SECRET = 'zeppelin';
const [OPEN, CLOSED, SPEAKERS] = [40, 10, 200];
/** Of a hundred messages, to channels that anybody may join, and to those by invitation; the rest are for one reader. */
const [OPEN_SHARE, CLOSED_SHARE] = [60, 15];
/** Between two messages: a million are some four months. */
const PAUSE_MS = 10_000;
const BEGAN_MS = Date.UTC(2026, 0, 1);

export const speaker = (at: number): Principal => agentPrincipal(opIdOf('c'.repeat(32), at + 1));
export const mailbox = (at: number): string => mailboxOf(opIdOf('c'.repeat(32), at + 1));
export const openChannel = (at: number): string => `#room-${at}`;
const closedChannel = (at: number): string => `#closed-${at}`;

/** Every tenth speaker is in a channel by invitation. */
export function* beginnings(): Generator<{ body: Body; by: Principal }> {
  const by = userPrincipal('operator');
  const made = (channel: string, inviteOnly: boolean) =>
    ({ type: 'channel.created', channel, inviteOnly, verifiedOnly: false }) as const;
  for (let at = 0; at < OPEN; at += 1) yield { body: made(openChannel(at), false), by };
  for (let at = 0; at < CLOSED; at += 1) yield { body: made(closedChannel(at), true), by };
  for (let at = 0; at < SPEAKERS; at += 10) {
    const member = speaker(at);
    yield { body: { type: 'channel.joined', channel: closedChannel((at / 10) % CLOSED), member, name: `s${at}` }, by };
  }
}

export class Sayings {
  private readonly words = new Words(10);
  private said = 0;

  next(): { body: Body; by: Principal; wallMs: number } {
    const { words } = this;
    this.said += 1;
    const share = words.between(0, 99);
    // The first rooms are the busy ones.
    const channel =
      share < OPEN_SHARE
        ? openChannel(Math.floor(OPEN * words.unit() ** 2))
        : share < OPEN_SHARE + CLOSED_SHARE
          ? closedChannel(words.between(0, CLOSED - 1))
          : mailbox(words.between(0, SPEAKERS - 1));
    const rare = this.said % RARE_EVERY === 0 ? ` ${channel.startsWith('#room') ? RARE : RARE_SECRET}` : '';
    const rest = { kind: 'text', replyTo: null, thread: null, hops: 0, source: null, dueMs: null } as const;
    const text = `${words.text(8, 30)}${rare}`;
    const by = speaker(words.between(0, SPEAKERS - 1));
    return { body: { type: 'message.sent', channel, text, ...rest }, by, wallMs: BEGAN_MS + this.said * PAUSE_MS };
  }
}
