/** Messages at this node: the core's mailboxes as promises, each kept only after the disk has it. */
import { masked } from '#core/approval/mask.ts';
import type { OpId } from '#core/brand.ts';
import type { Handed } from '#core/message/mailboxes.ts';
import type { Ending, MailCounts, MessagesSent, MessageWanted, Messaging } from '#core/message/messaging.ts';
import type { Clock, NodeCore } from '#core/node.ts';
import { opId } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { LongText } from '#core/schema/ids.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { OpStore } from '#ports.ts';
import type { TurnLoop } from '#turn-loop.ts';
import type { Opening } from './opening.ts';
import type { Questions } from './message-questions.ts';

/** A message's text, in bytes: what a frame of the hub may hold. Longer ones belong into a file of the work. */
export const TEXT_MAX_BYTES = 2 * 1024 * 1024;

export type MailroomOptions = {
  engine: { core: NodeCore; loop: TurnLoop };
  clock: () => Clock;
  store: Pick<OpStore, 'get'>;
  opening: Opening;
  stash: (text: string) => Promise<LongText>;
  questions: Questions;
};

export class Mailroom implements Messaging {
  readonly #o: Omit<MailroomOptions, 'engine'> & MailroomOptions['engine'];

  constructor({ engine, ...o }: MailroomOptions) {
    this.#o = { ...o, core: engine.core, loop: engine.loop };
  }

  async send(wanted: MessageWanted): Promise<MessagesSent | Refusal> {
    const { core, loop, clock, opening, stash, store } = this.#o;
    const sizeBytes = Buffer.byteLength(wanted.text);
    if (sizeBytes > TEXT_MAX_BYTES) {
      const detail = { expected: `at most ${TEXT_MAX_BYTES} bytes`, got: `${sizeBytes}` };
      return refusal('too_large', 'the message is too long', detail);
    }
    const refused = await opening.refusal();
    if (refused !== undefined) return refused;
    // A person knows what it sends; an agent may quote whatever it read.
    const clean = wanted.sender === undefined ? wanted.text : masked(wanted.text);
    const text = await stash(clean);
    const { question, ...rest } = wanted;
    const ops = core.mail(clock()).sender.send({ ...rest, ...question, text });
    if (ops === 'comparing') return STARTING;
    if ('refused' in ops) return ops;
    try {
      await loop.settled();
    } catch (error) {
      return refusal('stopping', `nothing was acknowledged: ${error instanceof Error ? error.message : String(error)}`);
    }
    const messages = ops.map((op) => store.get('message', opId(op))).filter(isKnownMessage);
    return { messages, masked: clean !== wanted.text };
  }

  receive(o: { agent: OpId; max: number; waitMs: number; signal: Ending }): Promise<readonly Handed[]> {
    const { core, loop, clock } = this.#o;
    return new Promise((resolve) => {
      let cancel = (): void => {};
      const giveUp = (): void => {
        core.mail(clock());
        cancel();
        loop.kick();
      };
      const done = (handed: readonly Handed[]): void => {
        o.signal.removeEventListener('abort', giveUp);
        resolve(handed);
      };
      cancel = core.mail(clock()).boxes.receive({ agent: o.agent, max: o.max, waitMs: o.waitMs, done });
      if (o.signal.aborted) giveUp();
      else o.signal.addEventListener('abort', giveUp);
      loop.kick();
    });
  }

  async acknowledge(o: { agent: OpId; messages: readonly OpId[] | undefined }): Promise<number | Refusal> {
    return this.#write(() => this.#o.core.mail(this.#o.clock()).boxes.acknowledge(o));
  }

  async requeue(o: { agent: OpId; messages: readonly OpId[] | undefined; isBlameless?: boolean }): Promise<number> {
    const { core, loop, clock } = this.#o;
    const count = core.mail(clock()).boxes.requeue(o);
    loop.kick();
    return count;
  }

  counts(agent: OpId): MailCounts {
    return this.#o.core.mail(this.#o.clock()).boxes.counts(agent);
  }

  withdraw(o: { agent: OpId; message: OpId }): Promise<boolean | Refusal> {
    return this.#write(() => this.#o.core.mail(this.#o.clock()).boxes.withdraw(o));
  }

  answer(o: Parameters<Messaging['answer']>[0]): Promise<OpId | Refusal> {
    return this.#o.questions.answer(o);
  }

  cancel(question: OpId): Promise<OpId | Refusal> {
    return this.#o.questions.cancel(question);
  }

  /** Resolves when what was done is on disk. */
  async #write<T>(run: () => T | 'comparing'): Promise<T | Refusal> {
    const refused = await this.#o.opening.refusal();
    if (refused !== undefined) return refused;
    const answer = run();
    if (answer === 'comparing') return STARTING;
    try {
      await this.#o.loop.settled();
    } catch (error) {
      return refusal('stopping', `nothing was acknowledged: ${error instanceof Error ? error.message : String(error)}`);
    }
    return answer;
  }
}

const STARTING = refusal('starting', 'this node has just started');
