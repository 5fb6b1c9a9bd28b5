/** A message is closed by the node of its reader, a question by that of its asker, each by its first word. */
import { describe, expect, it } from 'vitest';
import { opIdOf } from '#core/brand.ts';
import type { KnownOp, Op } from '#core/op.ts';
import { isKnown, opId } from '#core/op.ts';
import type { Body, BodyOf } from '#core/schema/body.ts';
import type { MessageRow } from '#core/view/message.ts';
import { messageState, messageView, outcomeOf } from '#core/view/message.ts';
import { Author } from '../../store/author.ts';

const [asker, home, other] = [new Author('asker'), new Author('home'), new Author('other')];
const reader = opIdOf(home.node, 7);
const body: BodyOf<'message.sent'> = {
  type: 'message.sent',
  channel: `@${reader}`,
  kind: 'question',
  text: 'which?',
  replyTo: null,
  thread: null,
  hops: 0,
  source: null,
  dueMs: null,
};
const sent = asker.next(body);
const about = { entity: opId(sent) };
const acknowledged: Body = { type: 'message.acknowledged', agent: reader };
const bounced: Body = { type: 'message.bounced', agent: reader, reason: 'undeliverable' };

function folded(...ops: Op[]): MessageRow {
  const known = ops.filter((op): op is KnownOp => isKnown(op));
  const row = known.reduce<MessageRow | undefined>((held, op) => messageView.fold(held, op), undefined);
  if (row === undefined) throw new Error('nothing to fold');
  return row;
}

describe('a message', () => {
  it('is open until the node of its reader says otherwise', () => {
    expect(messageState(folded(sent))).toBe('open');
    expect(messageState(folded(sent, other.next(acknowledged, about)))).toBe('open');
    expect(messageState(folded(sent, asker.next(bounced, about)))).toBe('open');
    expect(messageState(folded(sent, home.next(acknowledged, about)))).toBe('acknowledged');
  });

  it('is not closed by another agent of that node', () => {
    const stranger: Body = { type: 'message.acknowledged', agent: opIdOf(home.node, 8) };
    expect(messageState(folded(sent, home.next(stranger, about)))).toBe('open');
  });

  it('keeps the first word, also when the second, or the message itself, comes later', () => {
    const [first, second] = [home.next(acknowledged, about), home.next(bounced, about)];
    expect(outcomeOf(folded(second, first, sent))?.kind).toBe('acknowledged');
    expect(outcomeOf(folded(sent, first, second))?.kind).toBe('acknowledged');
    expect(messageState(folded(first))).toBe('unknown');
  });

  it('is made by no op that names another entity', () => {
    expect(messageState(folded(asker.next(body, about)))).toBe('unknown');
  });
});

describe('a message to a channel, or to somebody of the hub', () => {
  it('is closed by nobody', () => {
    for (const channel of ['#general', '@0123456789abcdef', '@abcdefg1']) {
      const toMany = asker.next({ ...body, kind: 'text', channel });
      const end = home.next(acknowledged, { entity: opId(toMany) });
      expect(messageState(folded(toMany, end))).toBe('sent');
    }
  });
});

describe('a question', () => {
  const closed = (how: 'answered' | 'expired'): Body => ({ type: 'question.closed', how });

  it('is closed by the node of its asker, once', () => {
    expect(folded(sent, home.next(closed('answered'), about)).closed).toBeUndefined();
    const [first, second] = [asker.next(closed('expired'), about), asker.next(closed('answered'), about)];
    expect(folded(second, first, sent).closed?.how).toBe('expired');
  });

  it('to people is over when it is closed', () => {
    const toPeople = asker.next({ ...body, channel: '@operator' });
    const end = asker.next(closed('answered'), { entity: opId(toPeople) });
    expect(messageState(folded(toPeople))).toBe('open');
    expect(messageState(folded(toPeople, end))).toBe('acknowledged');
  });
});
