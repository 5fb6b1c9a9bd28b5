/** Bodies about messages, drawn by small numbers. */
import type { NodeId, OpId } from '#core/brand.ts';
import { opIdOf } from '#core/brand.ts';
import type { Body } from '#core/schema/body.ts';

type MessageType = 'message.sent' | 'message.acknowledged' | 'message.bounced' | 'question.closed';

export const messageWeights = {
  'message.sent': 3,
  'message.acknowledged': 3,
  'message.bounced': 3,
  'question.closed': 3,
} as const;

/** Readers are few, and their ids as those of agents that some author made: so outcomes meet the messages that they are about, and some do not count. */
export function messageOf(
  { type, slot, pick }: { type: MessageType; slot: number; pick: number },
  { node, some }: { node: NodeId; some: OpId },
): Body {
  const agent = opIdOf(node, slot);
  switch (type) {
    case 'message.sent': {
      const channel = slot === 4 ? '@operator' : `@${agent}`;
      const rest = { replyTo: null, thread: pick === 1 ? some : null, hops: pick, source: null, dueMs: null };
      return { type, channel, kind: slot === 4 ? 'question' : 'text', text: `m${pick}`, ...rest };
    }
    case 'message.acknowledged':
      return { type, agent };
    case 'message.bounced':
      return { type, agent, reason: pick === 0 ? 'mailbox_full' : 'undeliverable' };
    case 'question.closed':
      return { type, how: pick === 0 ? 'answered' : 'expired' };
  }
}
