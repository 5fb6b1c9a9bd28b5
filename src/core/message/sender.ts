/**
 * Letting a message in, at the node of its door: for an agent that is its own node, which knows what it has in hand. Allow-list, chain, budget and
 * room are checked here and nowhere else.
 */
import type { OpId, Principal } from '../brand.ts';
import type { Op } from '../op.ts';
import type { Refusal } from '../refusal.ts';
import { refusal } from '../refusal.ts';
import type { BodyOf } from '../schema/body.ts';
import { isLive } from '../view/agent.ts';
import { isKnownMessage } from '../view/message.ts';
import type { World } from '../world.ts';
import { outsiderIdOf, readerOf } from './address.ts';
import { FloodGuard } from './flood-guard.ts';
import { closedTo, notAllowed } from './leave.ts';
import type { Loops } from './loops.ts';
import type { Mailboxes } from './mailboxes.ts';
import { MAILBOX_MAX } from './mailboxes.ts';

type Body = BodyOf<'message.sent'>;

/** Messages of one request: they share a batch. */
export const RECIPIENTS_MAX = 256;
/** Of one agent to another, unless the options say otherwise. */
export const PAIR_PER_MINUTE = 120;

/** `sender`: the agent that speaks, which `by` names then, too; undefined for people and nodes, who are bound by nothing, and for who comes from outside. */
export type Sending = Pick<
  Body,
  'kind' | 'text' | 'replyTo' | 'source' | 'dueMs' | 'options' | 'multi' | 'expiresMs' | 'sig'
> & {
  by: Principal;
  sender: OpId | undefined;
  /** Whom it goes to: one message each. */
  channels: readonly string[];
};

export class Sender {
  private readonly world: World;
  private readonly mailboxes: Mailboxes;
  private readonly loops: Loops;
  private readonly guard: FloodGuard;

  constructor(world: World, { mailboxes, loops }: { mailboxes: Mailboxes; loops: Loops }) {
    this.world = world;
    this.mailboxes = mailboxes;
    this.loops = loops;
    this.guard = new FloodGuard(world.settings.messagesPerMinute ?? PAIR_PER_MINUTE);
  }

  /** The messages, on disk when this turn is; or why none was written. `comparing`: this node may not write yet. */
  send(o: Sending): Op[] | Refusal | 'comparing' {
    const { world } = this;
    if (!world.mayAppend()) return 'comparing';
    if (o.channels.length === 0 || o.channels.length > RECIPIENTS_MAX)
      return refusal('invalid', 'a message goes to somebody', {
        expected: `1 to ${RECIPIENTS_MAX} readers`,
        got: `${o.channels.length}`,
      });
    const before = o.replyTo === null ? undefined : world.store.get('message', o.replyTo);
    if (o.replyTo !== null && !isKnownMessage(before))
      return refusal('not_found', 'the message that this one answers is not here', { got: o.replyTo });
    const hops = this.hopsOf(o, before?.sent?.hops);
    const refused = this.roomRefusal(o.channels) ?? this.speakerRefusal(o, hops);
    if (refused !== undefined) return refused;
    const { by, sender: _sender, channels, ...fields } = o;
    const thread = before?.sent?.thread ?? o.replyTo;
    const ops = channels.map((channel) =>
      world.append([{ entity: undefined, by, body: { type: 'message.sent', ...fields, channel, thread, hops } }]),
    );
    const written = ops.flatMap((op) => (op === 'tooLarge' ? [] : op));
    if (written.length < channels.length)
      return refusal('too_large', 'the message is larger than 64 KiB', { expected: 'at most 64 KiB' });
    return written;
  }

  private roomRefusal(channels: readonly string[]): Refusal | undefined {
    for (const channel of channels) {
      const reader = readerOf(channel);
      if (reader === undefined) continue;
      const row = this.world.store.get('agent', reader);
      if (!isLive(row)) return refusal('not_found', 'there is no such agent any more', { got: reader });
      const { waiting, later } = this.mailboxes.counts(reader);
      if (waiting + later >= MAILBOX_MAX)
        return refusal('too_many', `${row.registered.name} has ${waiting + later} messages it has not read`, {
          expected: `fewer than ${MAILBOX_MAX}: send it later`,
        });
    }
    return undefined;
  }

  /** How many messages led to this one. People begin anew; what comes from outside goes on with what it answers, or else with what went to and fro. */
  private hopsOf({ by, sender, channels }: Sending, before = -1): number {
    if (sender !== undefined) return Math.max(this.mailboxes.hopsOf(sender), before + 1);
    if (outsiderIdOf(by) === undefined) return 0;
    const toAndFro = Math.max(...channels.map((channel) => this.loops.hopsOf(by, channel)));
    const isToAgent = channels.some((channel) => channel.startsWith('#') || readerOf(channel) !== undefined);
    return isToAgent ? Math.max(before + 1, toAndFro) : toAndFro;
  }

  /** People and nodes are bound by nothing; who comes from outside by the agents that take it in, and both by the budget. */
  private speakerRefusal({ by, sender, channels }: Sending, hops: number): Refusal | undefined {
    const outsider = outsiderIdOf(by);
    if (sender === undefined && outsider === undefined) return undefined;
    for (const channel of channels) {
      const refused =
        sender === undefined
          ? closedTo(this.world.store, outsider ?? '', channel)
          : notAllowed(this.world.store, sender, channel);
      if (refused !== undefined) return refused;
    }
    return this.guard.check({ by, channels, hops, nowMs: this.world.nowMs });
  }
}
