/** Messages as doors use them: sending from any node, reading at the node of the reader. */
import type { OpId, Principal } from '../brand.ts';
import type { Refusal } from '../refusal.ts';
import type { BodyOf } from '../schema/body.ts';
import type { KnownMessage } from '../view/message.ts';
import type { Handed } from './mailboxes.ts';

/** `sender`: the agent that speaks, known by the socket or the secret it holds; undefined for people and nodes. */
export type MessageWanted = {
  by: Principal;
  sender: OpId | undefined;
  channels: readonly string[];
  kind: BodyOf<'message.sent'>['kind'];
  text: string;
  replyTo: OpId | null;
  source: string | null;
  dueMs: number | null;
  sig?: string;
  question?: { options: string[]; multi: boolean; expiresMs: number };
};

/** `masked`: something in the text had the shape of a secret and was left out. */
export type MessagesSent = { messages: readonly KnownMessage[]; masked: boolean };

/** What of an `AbortSignal` is needed. */
export type Ending = {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
};

export type MailCounts = { waiting: number; leased: number; later: number };

export interface Messaging {
  /** Resolves when the messages are on disk here: from then on they are not lost. */
  send(wanted: MessageWanted): Promise<MessagesSent | Refusal>;
  /**
   * Messages of an agent of this node, at most `max`, in order: what is there, or the first that comes within `waitMs`, or none. They are in its hand from
   * then on: whoever cannot pass them on puts them back. `signal` ends the waiting.
   */
  receive(o: { agent: OpId; max: number; waitMs: number; signal: Ending }): Promise<readonly Handed[]>;
  /** They were handled; undefined: all in hand. Resolves, with how many, when that is on disk. */
  acknowledge(o: { agent: OpId; messages: readonly OpId[] | undefined }): Promise<number | Refusal>;
  /** Puts back what is in hand, to be handed out again with the mark. `isBlameless`: the try does not count against them. */
  requeue(o: { agent: OpId; messages: readonly OpId[] | undefined; isBlameless?: boolean }): Promise<number>;
  counts(agent: OpId): MailCounts;
  /** Closes a reminder, or another message, that an agent of this node was not handed yet. */
  withdraw(o: { agent: OpId; message: OpId }): Promise<boolean | Refusal>;
  /** Answers a question, from any node: that of the asker decides, once. Gives the id of the message that holds the answer. */
  answer(o: { question: OpId; by: Principal; text: string }): Promise<OpId | Refusal>;
  /** The asker, an agent of this node, wants no answer any more. */
  cancel(question: OpId): Promise<OpId | Refusal>;
}
