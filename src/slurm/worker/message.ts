import type { MailboxPosition } from '#runtime/shared-mailbox/follower.ts';

/** One thing that the agent is told. `position`: behind its record in the inbox. */
export type Message = {
  content: string;
  injection: string | undefined;
  position: MailboxPosition;
  /** It may have been given to the agent before. */
  redelivered: boolean;
  /** Words for the running turn, where there is one that takes them; without it, a turn of its own. */
  steers: boolean;
};

const AGAIN =
  '[This was given to you before, and you were ended in the midst of it. Do what of it is not done yet.]\n\n';

export const textOf = ({ content, redelivered }: Message): string => (redelivered ? AGAIN + content : content);

/** As it stands in records. */
export const marksOf = (message: Message | undefined): { injection_id?: string; redelivered?: true } => ({
  ...(message?.injection === undefined ? {} : { injection_id: message.injection }),
  ...(message?.redelivered === true ? { redelivered: true } : {}),
});
