/** One message: who wrote it, when, what it answers, and what became of it. What it says is text, whatever it holds. */
import { Link } from '@tanstack/react-router';
import { Check, CornerDownRight, MessagesSquare, Reply } from 'lucide-react';
import { memo } from 'react';
import { api } from '../model/api.ts';
import type { Message as Row } from '../model/frame.ts';
import { outsiderOf } from '../model/places.ts';
import { useMayAct } from '../model/store.ts';
import { shortId, sizeText } from '../model/text.ts';
import { useAction } from './action.tsx';
import { Readers } from './readers.tsx';
import { StatusBadge } from './status.tsx';
import { Age } from './time.tsx';
import { useState } from 'react';

/** Of what is answered. */
const QUOTE_CHARS = 80;

type MessageProps = {
  message: Row;
  /** It was looked for. */
  isShown: boolean;
  /** What it answers, where that is here. */
  answered: Row | undefined;
  /** Others belong to its conversation. */
  hasThread: boolean;
  /** Of the page's address, for a link to its conversation. */
  place: string;
  onReply: ((message: Row) => void) | undefined;
};

/** Drawn again only when it changed: a channel may hold thousands. */
export const Message = memo(function Message({ message, isShown, answered, hasThread, place, onReply }: MessageProps) {
  return (
    <li
      id={`message-${message.id}`}
      data-message={message.id}
      tabIndex={-1}
      aria-current={isShown ? 'true' : undefined}
      className="group px-3 py-2 outline-offset-[-2px] target:bg-sunken aria-[current=true]:bg-amber-ground"
    >
      <div className="flex min-w-0 flex-wrap items-baseline gap-x-2">
        <Speaker message={message} />
        <span className="text-xs text-muted">
          <Age at={message.sent_at} />
        </span>
        {message.kind === 'text' ? null : (
          <span className="rounded-full bg-grey-ground px-2 text-[11px] leading-4 text-grey">{message.kind}</span>
        )}
        <span className="grow" />
        <Delivery message={message} />
      </div>
      {message.in_reply_to === null ? null : <Answered id={message.in_reply_to} message={answered} />}
      <Body message={message} />
      <div className="flex flex-wrap items-center gap-3 text-xs text-muted">
        {onReply === undefined ? null : (
          <button
            type="button"
            aria-label={`Answer ${message.from_name}: ${quoteOf(message)}`}
            className="flex items-center gap-1 rounded-sm py-0.5 hover:text-text"
            onClick={() => onReply(message)}
          >
            <Reply aria-hidden className="size-3.5" /> {isOpenQuestion(message) ? 'Answer the question' : 'Answer'}
          </button>
        )}
        {message.to.startsWith('#') ? <Readers message={message} /> : null}
        {hasThread ? (
          <Link
            to="/channels/$name"
            params={{ name: place }}
            search={{ thread: message.thread }}
            className="flex items-center gap-1 rounded-sm py-0.5 hover:text-text"
          >
            <MessagesSquare aria-hidden className="size-3.5" /> Thread
          </Link>
        ) : null}
      </div>
    </li>
  );
});

export const isOpenQuestion = ({ question }: Row): boolean => question === 'open';

export function quoteOf({ body }: Row): string {
  const line = body.replaceAll(/\s+/g, ' ').trim();
  return line.length <= QUOTE_CHARS ? line : `${line.slice(0, QUOTE_CHARS)} …`;
}

/** Whoever comes from outside may call itself anything: its id stands beside the name. */
function Speaker({ message: { from_name: name, from_id: id } }: { message: Row }) {
  const outsider = outsiderOf(id);
  return (
    <span className="min-w-0 text-[13px] font-semibold wrap-anywhere">
      <bdi>{name}</bdi>
      {outsider === undefined ? null : (
        <span className="ml-1.5 font-mono text-[11px] font-normal text-muted" title="From outside, by the hub">
          {outsider}
        </span>
      )}
    </span>
  );
}

/** To a channel it is done when it is on disk; of one reader one is told what became of it. */
function Delivery({ message }: { message: Row }) {
  const { id, state, to } = message;
  if (state !== 'sent' || !to.startsWith('#')) return <StatusBadge status={deliveryOf(message)} />;
  return (
    <span className="flex items-center gap-1 font-mono text-[11px] text-muted" title={`On disk as ${id}`}>
      <Check aria-hidden className="size-3 text-green" />
      <span className="sr-only">On disk as </span>
      {shortId(id)}
    </span>
  );
}

export function deliveryOf({ state, handed, to, question, bounce_reason: reason }: Row): string {
  if (state === 'bounced') return `bounced: ${reason ?? 'no reason given'}`;
  if (question !== null && question !== 'open') return question;
  if (state === 'acknowledged') return 'acknowledged';
  if (handed === true) return 'delivered';
  return to === 'operator' ? 'for people' : 'open';
}

function Answered({ id, message }: { id: string; message: Row | undefined }) {
  const show = (): void => {
    const element = document.querySelector<HTMLElement>(`#message-${CSS.escape(id)}`);
    element?.scrollIntoView({ block: 'nearest' });
    element?.focus();
  };
  return (
    <p className="flex min-w-0 items-center gap-1 text-xs text-muted">
      <CornerDownRight aria-hidden className="size-3 shrink-0" />
      {message === undefined ? (
        <span>in answer to {shortId(id)}</span>
      ) : (
        <button type="button" className="min-w-0 truncate text-left hover:text-text" onClick={show}>
          in answer to <bdi className="font-medium">{message.from_name}</bdi>: <bdi>{quoteOf(message)}</bdi>
        </button>
      )}
    </p>
  );
}

function Body({ message }: { message: Row }) {
  const mayAct = useMayAct();
  const [whole, setWhole] = useState<string>();
  const load = useAction(async () => {
    const { body } = await api<Row>('GET', `api/messages/${encodeURIComponent(message.id)}`);
    setWhole(body);
    return '';
  });
  const bytes = message.truncated_bytes;
  return (
    <>
      <p dir="auto" className="text-[13px] leading-5 wrap-anywhere whitespace-pre-wrap">
        {whole ?? message.body}
      </p>
      {bytes === null || whole !== undefined ? null : (
        <p className="flex flex-wrap items-center gap-2 text-xs text-muted">
          This is only the beginning, of {sizeText(bytes)}.
          {mayAct ? (
            <button type="button" className="text-accent underline" onClick={() => void load.run()}>
              Show all of it
            </button>
          ) : null}
          <span role="status">{load.state.kind === 'refused' ? load.state.text : ''}</span>
        </p>
      )}
    </>
  );
}
