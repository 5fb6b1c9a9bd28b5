/** Whether one may write to another at all: an operator's word, looked up when somebody speaks. */
import { matchesName } from '../approval/glob.ts';
import type { OpId, Principal } from '../brand.ts';
import { parsedOpId } from '../brand.ts';
import type { Refusal } from '../refusal.ts';
import { refusal } from '../refusal.ts';
import type { Views } from '../view/views.ts';
import { mailboxOf, OPERATOR_CHANNEL, outsiderIdOf, readerOf } from './address.ts';

/** Why an agent may not write there. What it sends to itself needs no leave, nor what it sends to people. */
export function notAllowed(views: Views, sender: OpId, channel: string): Refusal | undefined {
  const allow = views.get('agent', sender)?.recipients?.allow ?? null;
  if (allow === null || channel === OPERATOR_CHANNEL || channel === mailboxOf(sender)) return undefined;
  const reader = readerOf(channel);
  const name = reader === undefined ? channel : (views.get('agent', reader)?.registered?.name ?? '');
  if (allow.some((pattern) => matchesName(pattern, name))) return undefined;
  return refusal('forbidden', `an operator has not allowed you to write to ${name}`, {
    expected: allow.length === 0 ? 'operator' : `operator, ${allow.join(', ')}`,
    got: name,
  });
}

/** Why who comes from outside may not write there: the mailbox of an agent is closed to it, until an operator opens it. */
export function closedTo(views: Views, outsider: string, channel: string): Refusal | undefined {
  const reader = readerOf(channel);
  if (reader === undefined) return undefined;
  const row = views.get('agent', reader);
  if (row?.outsiders?.allow.some((pattern) => matchesName(pattern, outsider)) === true) return undefined;
  return refusal('forbidden', `${row?.registered?.name ?? reader} takes no messages of ${outsider}`, {
    expected: 'a channel; or an operator who lets you in: skep agent admit',
    got: outsider,
  });
}

/** The same for whoever speaks, of what is told its reader as a message is: a proposal, a file. */
export function addressBar(views: Views, by: Principal, channel: string): Refusal | undefined {
  const outsider = outsiderIdOf(by);
  if (outsider !== undefined) return closedTo(views, outsider, channel);
  return by.startsWith('agent:') ? notAllowed(views, parsedOpId(by.slice('agent:'.length)), channel) : undefined;
}
