/** What was said in one place, live, and the field to say something there. */
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { api } from '../model/api.ts';
import type { Message as Row } from '../model/frame.ts';
import type { Messages, Place } from '../model/messages.ts';
import { useMessages } from '../model/messages.ts';
import { addressOf, speakerOf } from '../model/places.ts';
import { useMayAct } from '../model/store.ts';
import { shortId } from '../model/text.ts';
import { markRead } from '../model/unread.ts';
import { useEnd } from './at-end.ts';
import { Button } from './button.tsx';
import { isOpenQuestion, Message, quoteOf } from './message.tsx';
import { Say } from './say.tsx';
import { useLook } from './time.tsx';

/** That a message was handed to its reader is told by no event: a mailbox is looked at again so often. */
const LOOK_MS = 5_000;

/** `name`: how people call the place. `shown`: the message that is looked at first. */
export function Conversation({ place, name, shown }: { place: Place; name: string; shown: string | undefined }) {
  const look = useLook(LOOK_MS);
  const state = useMessages(place, place.isOpen ? 0 : look);
  const [answered, setAnswered] = useState<Row>();
  const mayAct = useMayAct();
  const field = useRef<HTMLDivElement>(null);
  const isForPeople = place.to === 'operator';
  // What one reader was told is for that reader to answer.
  const isAnswerable = isForPeople || place.to.startsWith('#');
  const answer = useCallback((message: Row): void => {
    setAnswered(message);
    field.current?.querySelector('textarea')?.focus();
  }, []);
  const newest = state.messages.at(-1)?.id;
  useEffect(() => {
    if (newest !== undefined && place.thread === undefined && place.to.startsWith('#')) markRead(place.to, newest);
  }, [newest, place.thread, place.to]);
  // In a thread, words are an answer without being told so.
  const before = answered ?? (place.thread === undefined ? undefined : state.messages.at(-1));
  const send = async (text: string): Promise<string> => {
    const said = await sendTo(place.to, before, text);
    setAnswered(undefined);
    return said;
  };
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <List
        state={state}
        address={addressOf(place.to)}
        onReply={mayAct && isAnswerable ? answer : undefined}
        isForPeople={isForPeople}
        shown={shown}
      />
      <div ref={field}>
        <Say label={`Say something ${name}`} verb="Send" isOff={isForPeople && answered === undefined} send={send}>
          {answered === undefined ? (
            isForPeople && mayAct ? (
              <p className="text-xs text-muted">Choose what you answer: your words go to whoever wrote it.</p>
            ) : null
          ) : (
            <Answering message={answered} onClose={() => setAnswered(undefined)} />
          )}
        </Say>
      </div>
    </div>
  );
}

/** Resolves with where it lies. */
async function sendTo(to: string, before: Row | undefined, text: string): Promise<string> {
  if (before !== undefined && isOpenQuestion(before)) {
    const { id } = await api<{ id: string }>('POST', `api/messages/${encodeURIComponent(before.id)}/answer`, {
      answer: text,
    });
    return `Answered: on disk as ${shortId(id)}.`;
  }
  const reader = to === 'operator' && before !== undefined ? speakerOf(before.from_id) : to;
  if (reader === undefined) throw new Error(`${before?.from_name ?? 'whoever wrote it'} has no mailbox here`);
  const body = { to: reader, body: text, ...(before === undefined ? {} : { in_reply_to: before.id }) };
  const sent = await api<Row[]>('POST', 'api/messages', body);
  const where = to === 'operator' ? `, for ${before?.from_name ?? ''}` : '';
  return `On disk as ${sent.map(({ id }) => shortId(id)).join(', ')}${where}.`;
}

const Answering = ({ message, onClose }: { message: Row; onClose: () => void }) => (
  <p className="flex items-center gap-2 text-xs text-muted">
    <span className="min-w-0 truncate">
      In answer to <bdi className="font-medium text-text">{message.from_name}</bdi>: <bdi>{quoteOf(message)}</bdi>
    </span>
    <button type="button" aria-label="Answer nothing" className="rounded-sm p-1 hover:text-text" onClick={onClose}>
      <X aria-hidden className="size-3.5" />
    </button>
  </p>
);

type ListProps = {
  state: Messages;
  address: string;
  onReply: ((message: Row) => void) | undefined;
  isForPeople: boolean;
  shown: string | undefined;
};

/** What is new is followed while the reader is at the end. */
function List({ state, address, onReply, isForPeople, shown }: ListProps) {
  const { messages, hasOlder, isAsking, said, isLoaded, older } = state;
  const { view, watch } = useEnd(messages[0]?.id, messages.at(-1)?.id);
  const byId = useMemo(() => new Map(messages.map((one) => [one.id, one])), [messages]);
  const threads = useMemo(
    () => new Set(messages.flatMap((one) => (one.thread === one.id ? [] : one.thread))),
    [messages],
  );
  const isShown = shown !== undefined && byId.has(shown);
  useEffect(() => {
    if (!isShown) return;
    const element = document.querySelector<HTMLElement>(`#message-${CSS.escape(shown)}`);
    element?.scrollIntoView({ block: 'center' });
    element?.focus({ preventScroll: true });
  }, [isShown, shown]);
  if (messages.length === 0) return <Nothing>{isLoaded ? 'Nothing was said here yet.' : said}</Nothing>;
  return (
    <div
      ref={view}
      role="log"
      aria-label="Messages"
      tabIndex={0}
      onScroll={watch}
      className="card max-h-[55dvh] min-h-24 overflow-y-auto lg:max-h-[68dvh]"
    >
      {hasOlder || said !== '' ? (
        <p className="flex items-center justify-center gap-3 pt-2 text-xs text-muted">
          {hasOlder ? (
            <Button disabled={isAsking} onClick={older}>
              {isAsking ? 'Asking …' : 'Earlier'}
            </Button>
          ) : null}
          <span role="status">{said}</span>
        </p>
      ) : null}
      <ol className="divide-y divide-line">
        {messages.map((message) => (
          <Message
            key={message.id}
            message={message}
            isShown={message.id === shown}
            answered={message.in_reply_to === null ? undefined : byId.get(message.in_reply_to)}
            hasThread={message.thread !== message.id || threads.has(message.id)}
            place={address}
            onReply={isForPeople && speakerOf(message.from_id) === undefined ? undefined : onReply}
          />
        ))}
      </ol>
    </div>
  );
}

const Nothing = ({ children }: { children: ReactNode }) => (
  <p role="status" className="card px-3 py-8 text-center text-[13px] text-muted">
    {children}
  </p>
);
