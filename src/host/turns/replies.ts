/** What is sent to others when a turn is over: the last words of the agent, to the one who waits for them, or an echo. */
import type { OpId } from '#core/brand.ts';
import { agentPrincipal, parsedOpId } from '#core/brand.ts';
import { mailboxOf, OPERATOR_CHANNEL } from '#core/message/address.ts';
import type { Messaging } from '#core/message/messaging.ts';
import type { KnownMessage } from '#core/view/message.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { OpStore } from '#ports.ts';
import { isRefusal } from '../remote.ts';

/** Messages of one mailbox that are looked through for an answer that was sent already. */
const LOOKED_THROUGH_MAX = 200;

export type RepliesOptions = {
  agent: OpId;
  /** When the turn began, by the clock of this node, which let in all that the agent sends. */
  sinceMs: number;
  store: Pick<OpStore, 'get' | 'list'>;
  messages: Pick<Messaging, 'send' | 'answer'>;
  log: (line: string) => void;
};

/**
 * Answers a message in the agent's name. Not twice, and not where the agent wrote to its sender itself since: a node that was killed in between comes here
 * again. A refusal (the end of a chain, the pace, an allow-list) ends the conversation, not the turn.
 */
export async function reply(o: RepliesOptions, id: OpId, text: string): Promise<void> {
  const message = o.store.get('message', id);
  if (!isKnownMessage(message) || text.trim() === '') return;
  const by = agentPrincipal(o.agent);
  if (message.sent.kind === 'question') {
    if (message.closed !== undefined) return;
    const answer = await o.messages.answer({ question: id, by, text });
    if (isRefusal(answer)) o.log(`no answer to ${id}: ${answer.message}`);
    return;
  }
  if (hasWritten(o, message)) return;
  const sent = await o.messages.send({
    by,
    sender: o.agent,
    channels: [channelOf(message)],
    kind: 'text',
    text,
    replyTo: id,
    source: null,
    dueMs: null,
  });
  if (isRefusal(sent)) o.log(`no answer to ${id}: ${sent.message}`);
}

/** People share one mailbox. */
const channelOf = ({ sent }: KnownMessage): string =>
  sent.from.startsWith('agent:') ? mailboxOf(parsedOpId(sent.from.slice('agent:'.length))) : OPERATOR_CHANNEL;

/** The agent has answered this, or has written in this turn to whoever sent it. */
function hasWritten({ agent, store, sinceMs }: RepliesOptions, message: KnownMessage): boolean {
  const where = { channel: channelOf(message) };
  const newest = store.list('message', { where, order: [['lamport', 'desc']], limit: LOOKED_THROUGH_MAX });
  const by = agentPrincipal(agent);
  return newest
    .filter(isKnownMessage)
    .some(
      ({ sent: { from, replyTo, wallMs } }) =>
        from === by && (replyTo === null ? wallMs >= sinceMs : replyTo === message.id),
    );
}
