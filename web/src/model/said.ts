/** What frames tell of channels and messages: a fold of its own, beside that of the swarm. */
import type { Frame, Message } from './frame.ts';

/** Messages that are kept for whoever shows their channel, which takes them over. */
const SAID_MAX = 1_000;

/** The counters only grow: whoever shows what they are about asks for it again. */
export type Said = {
  /** What was said in open channels while this page was open, in the order in which it came; the newest. */
  messages: ReadonlyMap<string, Message>;
  /** More came at once than is kept. */
  lost: number;
  /** A message that is not for all was sent, or something became of it. */
  mailChanged: number;
  /** A channel was made or changed, or somebody came or went. */
  channelsChanged: number;
};

export const NOTHING_SAID: Said = { messages: new Map(), lost: 0, mailChanged: 0, channelsChanged: 0 };

/** The same where no frame is about messages or channels. */
export function foldSaid(said: Said, frames: readonly Frame[]): Said {
  const fresh: [string, Message][] = [];
  let { mailChanged, channelsChanged } = said;
  for (const frame of frames) {
    if (frame.type === 'message_event' && frame.data !== null) fresh.push([frame.data.id, frame.data]);
    else if (frame.type === 'message_event') mailChanged += 1;
    else if (frame.type === 'op_event' && /^(channel|identity)_/.test(frame.event)) channelsChanged += 1;
    else if (frame.type === 'snapshot') {
      mailChanged += 1;
      channelsChanged += 1;
    }
  }
  if (fresh.length === 0 && mailChanged === said.mailChanged && channelsChanged === said.channelsChanged) return said;
  const messages = fresh.length === 0 ? said.messages : new Map([...said.messages, ...fresh].slice(-SAID_MAX));
  const lost = said.lost + (fresh.length > SAID_MAX ? 1 : 0);
  return { messages, lost, mailChanged, channelsChanged };
}
