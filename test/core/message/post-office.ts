/** One node with agents that send and receive, for the tests of delivery. */
import type { OpId } from '#core/brand.ts';
import { agentPrincipal, userPrincipal } from '#core/brand.ts';
import { mailboxOf } from '#core/message/address.ts';
import type { Handed } from '#core/message/mailboxes.ts';
import type { Sending } from '#core/message/sender.ts';
import { opId } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import type { Machine } from '../machine.ts';

export const letter = (o: Partial<Sending> & Pick<Sending, 'channels'>): Sending => ({
  kind: 'text',
  text: 'hello',
  replyTo: null,
  source: null,
  dueMs: null,
  by: userPrincipal('ada'),
  sender: undefined,
  ...o,
});

/** Sent by an agent where `from` is given, else by a person. */
export async function send(
  machine: Machine,
  o: Partial<Sending> & { to: OpId; from?: OpId; text?: string },
): Promise<OpId[] | Refusal> {
  const { to, from, ...rest } = o;
  const speaker = from === undefined ? {} : { sender: from, by: agentPrincipal(from) };
  const ops = machine.core
    .mail(machine.clock())
    .sender.send(letter({ channels: [mailboxOf(to)], ...speaker, ...rest }));
  await machine.run();
  if (ops === 'comparing') throw new Error('the node may not write yet');
  return 'refused' in ops ? ops : ops.map((op) => opId(op));
}

export async function sent(machine: Machine, o: Parameters<typeof send>[1]): Promise<OpId> {
  const ids = await send(machine, o);
  const [id] = 'refused' in ids ? [] : ids;
  if (id === undefined) throw new Error(`it was refused: ${JSON.stringify(ids)}`);
  return id;
}

/** What is handed out now; with a `waitMs` it may be nothing yet, and the array fills later. */
export async function take(machine: Machine, o: { agent: OpId; max?: number; waitMs?: number }): Promise<Handed[]> {
  const handed: Handed[] = [];
  const done = (some: readonly Handed[]): void => void handed.push(...some);
  machine.core.mail(machine.clock()).boxes.receive({ max: 32, waitMs: 0, ...o, done });
  await machine.run();
  return handed;
}

export async function acknowledge(machine: Machine, agent: OpId, messages?: readonly OpId[]): Promise<number> {
  const count = machine.core.mail(machine.clock()).boxes.acknowledge({ agent, messages });
  await machine.run();
  if (count === 'comparing') throw new Error('the node may not write yet');
  return count;
}

export async function requeue(machine: Machine, agent: OpId): Promise<number> {
  const count = machine.core.mail(machine.clock()).boxes.requeue({ agent, messages: undefined });
  await machine.run();
  return count;
}

export const texts = (handed: readonly Handed[]): unknown[] => handed.map(({ message }) => message.sent.text);
