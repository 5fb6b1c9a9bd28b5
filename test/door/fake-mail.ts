/** Messages of the fake node: what is sent is stored; nobody reads. */
import type { MessagesSent, MessageWanted, Messaging } from '#core/message/messaging.ts';
import type { Draft } from '#core/op.ts';
import { opId } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { FakeNode } from './fake-node.ts';

export const fakeMail = (node: Pick<FakeNode, 'append' | 'store' | 'stash'>): Messaging => ({
  send: async (wanted: MessageWanted): Promise<MessagesSent | Refusal> => {
    const { by, channels, kind, replyTo, source, dueMs } = wanted;
    const text = await node.stash(wanted.text);
    const before = replyTo === null ? undefined : node.store.get('message', replyTo);
    const thread = before?.sent?.thread ?? replyTo;
    const sig = wanted.sig === undefined ? {} : { sig: wanted.sig };
    const rest = { kind, text, replyTo, source, dueMs, thread, hops: 0, ...sig };
    const drafts = channels.map((channel): Draft => ({
      entity: undefined,
      by,
      body: { type: 'message.sent', channel, ...rest },
    }));
    const arrivals = await node.append(drafts);
    if ('refused' in arrivals) return arrivals;
    const messages = arrivals.map(({ op }) => node.store.get('message', opId(op))).filter(isKnownMessage);
    return { messages, masked: false };
  },
  receive: async () => [],
  acknowledge: async () => 0,
  requeue: async () => 0,
  counts: () => ({ waiting: 0, leased: 0, later: 0 }),
  withdraw: async () => false,
  answer: async () => refusal('home_unreachable', 'its node is away'),
  cancel: async () => refusal('home_unreachable', 'its node is away'),
});
