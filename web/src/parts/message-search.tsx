/** Looks for messages by what they say. What is found leads to the message in its conversation. */
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Search, SearchX, X } from 'lucide-react';
import type { FormEvent } from 'react';
import { useEffect, useRef, useState } from 'react';
import { api, sayError } from '../model/api.ts';
import type { Found, FoundPage } from '../model/frame.ts';
import { addressOf } from '../model/places.ts';
import { piecesOf } from '../model/snippet.ts';
import { Button } from './button.tsx';
import { textOf } from './form.ts';
import { Empty, Section } from './layout.tsx';
import { Age } from './time.tsx';

/** As the node takes it. */
const QUERY_MAX_CHARS = 256;
const PAGE = 50;

/** The field; what is looked for stands in the address. */
export function SearchField() {
  const { q = '' } = useSearch({ from: '/channels' });
  const navigate = useNavigate();
  const go = (text: string): void => void navigate({ to: '/channels', search: text === '' ? {} : { q: text } });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    go(textOf(new FormData(event.currentTarget), 'q'));
  };
  return (
    <form role="search" aria-label="Messages" className="flex flex-col gap-1" onSubmit={submit}>
      <div className="flex gap-2">
        <label className="relative block min-w-0 grow">
          <span className="sr-only">Search messages</span>
          <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-muted" />
          <input
            // Another address is another query.
            key={q}
            type="search"
            name="q"
            defaultValue={q}
            maxLength={QUERY_MAX_CHARS}
            placeholder="Search messages"
            className="field pl-8"
            aria-describedby="message-search-help"
          />
        </label>
        <Button type="submit">Search</Button>
        {q === '' ? null : (
          <Button look="quiet" onClick={() => go('')}>
            <X aria-hidden className="size-3.5" /> Close
          </Button>
        )}
      </div>
      <p id="message-search-help" className="text-xs text-muted">
        Words, <code>"a phrase"</code>, <code>begin*</code>, <code>-without</code>, <code>from:ann</code>,{' '}
        <code>in:#general</code>, <code>after:2026-11-01</code>
      </p>
    </form>
  );
}

type State = {
  q: string;
  results: readonly Found[];
  next: string | null;
  left: number;
  said: string;
  isAsking: boolean;
};

const asking = (q: string): State => ({ q, results: [], next: null, left: 0, said: '', isAsking: true });

/** The pages of one query so far. */
function useFound(q: string): State & { more: () => void } {
  const [held, setState] = useState(() => asking(q));
  const state = held.q === q ? held : asking(q);
  const latest = useRef(q);
  const ask = (cursor: string | null): void => {
    const at = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const change = (next: (before: State) => State): void => {
      if (latest.current === q) setState((before) => next(before.q === q ? before : asking(q)));
    };
    change((before) => ({ ...before, isAsking: true, said: '' }));
    api<FoundPage>('GET', `api/messages/search?q=${encodeURIComponent(q)}&limit=${PAGE}${at}`).then(
      ({ results, next, left }) =>
        change((before) => ({
          ...before,
          results: cursor === null ? results : [...before.results, ...results],
          next,
          left,
          isAsking: false,
        })),
      (error: unknown) => change((before) => ({ ...before, said: sayError(error), isAsking: false })),
    );
  };
  useEffect(() => {
    latest.current = q;
    ask(null);
  }, [q]);
  return { ...state, more: () => ask(state.next) };
}

export function SearchResults({ q }: { q: string }) {
  const { results, next, left, said, isAsking, more } = useFound(q);
  const isNothing = results.length === 0 && !isAsking && said === '';
  return (
    <Section title="Found" count={results.length}>
      <p role="status" className="text-[13px] text-muted empty:hidden">
        {isAsking ? 'Looking …' : said}
        {left === 0 ? null : ` The index is still being made: ${left.toLocaleString('en')} ops are left.`}
      </p>
      {isNothing ? (
        <Empty icon={<SearchX />} title="No message says that">
          <p>All words have to be in it, as whole words: a star at the end of one lets it go on.</p>
        </Empty>
      ) : null}
      <ul aria-label="Messages that were found" className="card divide-y divide-line empty:hidden">
        {results.map((found) => (
          <Result key={found.id} found={found} />
        ))}
      </ul>
      {next === null ? null : (
        <p className="pt-2">
          <Button disabled={isAsking} onClick={more}>
            More
          </Button>
        </p>
      )}
    </Section>
  );
}

function Result({ found }: { found: Found }) {
  const { channel, thread, id } = found;
  return (
    <li>
      <Link
        to="/channels/$name"
        params={{ name: addressOf(channel) }}
        search={{ thread, message: id }}
        className="flex flex-col gap-0.5 px-3 py-2 outline-offset-[-2px] hover:bg-sunken"
      >
        <span className="flex min-w-0 flex-wrap items-baseline gap-x-2 text-xs text-muted">
          <span className="min-w-0 text-[13px] font-semibold wrap-anywhere text-text">
            <bdi>{found.from_name}</bdi>
          </span>
          <span className="min-w-0 wrap-anywhere">
            {channel.startsWith('#') ? 'in' : 'to'} <bdi>{found.to}</bdi>
          </span>
          <Age at={found.sent_at} />
        </span>
        <span dir="auto" className="text-[13px] leading-5 wrap-anywhere">
          {piecesOf(found.snippet).map(({ text, isMarked }, at) =>
            isMarked ? (
              <mark key={at} className="rounded-sm bg-amber-ground px-0.5 text-amber">
                {text}
              </mark>
            ) : (
              text
            ),
          )}
        </span>
      </Link>
    </li>
  );
}
