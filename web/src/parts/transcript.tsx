/** What an agent did: its turns, words and thoughts, its calls folded, what it asked, and how each turn ended. */
import { Bot, Brain, ChevronRight, CircleHelp, CornerDownRight, TriangleAlert, User, Wrench } from 'lucide-react';
import type { ReactNode } from 'react';
import { memo, useState } from 'react';
import type { Entry, EntryOf, KeptText } from '../../../src/core/schema/transcript.ts';
import { spanText } from '../model/text.ts';
import type { TranscriptState } from '../model/transcript.ts';
import { useTranscript } from '../model/transcript.ts';
import { useEnd } from './at-end.ts';
import { Button } from './button.tsx';
import { ContextBar } from './context-bar.tsx';
import { clockText } from './time.tsx';

/** `opens`: what a person may go on with it by, where its attempt is over. */
export function Transcript({ path, task, opens = null }: { path: string; task: string | null; opens?: ReactNode }) {
  const state = useTranscript(path, task);
  const { entries, said } = state;
  if (entries.length === 0) return <p className="py-6 text-center text-[13px] text-muted">{said}</p>;
  return (
    <div className="flex flex-col gap-2">
      {state.context === null ? null : <ContextBar context={state.context} />}
      {state.conversation === null ? null : (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2 text-xs text-muted">
          <span className="min-w-0 wrap-anywhere">
            Conversation <code className="font-mono">{state.conversation.id}</code>
          </span>
          {opens}
        </div>
      )}
      <Entries state={state} />
      <p role="status" className="text-xs text-muted empty:hidden">
        {said}
      </p>
    </div>
  );
}

/** New entries are followed while the reader is at the end; rows that nobody sees are not laid out. */
function Entries({ state: { entries, hasOlder, isAsking, older } }: { state: TranscriptState }) {
  const { view, watch } = useEnd(entries[0]?.n, entries.at(-1));
  return (
    <div
      ref={view}
      role="log"
      aria-label="Transcript"
      tabIndex={0}
      onScroll={watch}
      className="card max-h-[70vh] min-h-24 overflow-y-auto px-3 py-2"
    >
      {hasOlder ? (
        <div className="flex justify-center pb-2">
          <Button disabled={isAsking} onClick={older}>
            {isAsking ? 'Asking …' : 'Earlier'}
          </Button>
        </div>
      ) : null}
      <ol className="flex flex-col gap-1">
        {entries.map((entry) => (
          <Row key={entry.n} entry={entry} />
        ))}
      </ol>
    </div>
  );
}

/** Drawn again only when it changed. */
const Row = memo(function Row({ entry }: { entry: Entry }) {
  return (
    <li
      data-entry={entry.kind}
      className="min-w-0 text-[13px] [contain-intrinsic-size:auto_2rem] [content-visibility:auto]"
    >
      <Body entry={entry} />
    </li>
  );
});

function Body({ entry }: { entry: Entry }) {
  switch (entry.kind) {
    case 'turn':
      return <TurnBegan entry={entry} />;
    case 'text':
      return <Words entry={entry} />;
    case 'person':
      return (
        <Line icon={<User className="text-accent" />} at={entry.at} title="A person">
          <Text text={entry.text} />
        </Line>
      );
    case 'tool':
      return <Call entry={entry} />;
    case 'permission':
      return <Asked entry={entry} />;
    case 'end':
      return <TurnEnded entry={entry} />;
  }
}

function Line(o: { icon: ReactNode; at: string; title: ReactNode; children?: ReactNode }) {
  return (
    <div className="flex min-w-0 items-start gap-2 py-0.5">
      <span aria-hidden className="mt-0.5 shrink-0 text-muted [&>svg]:size-4">
        {o.icon}
      </span>
      <div className="min-w-0 grow">
        {o.title === null ? null : <p className="min-w-0 text-xs leading-5 font-medium wrap-anywhere">{o.title}</p>}
        {o.children}
      </div>
      <time dateTime={o.at} className="shrink-0 font-mono text-xs leading-5 text-muted max-sm:hidden">
        {clockText(Date.parse(o.at))}
      </time>
    </div>
  );
}

/** Of a long text the beginning is kept, or both ends; how long it was is told. */
function Text({ text, label }: { text: KeptText; label?: string }) {
  return (
    <>
      {label === undefined ? null : <p className="mt-1 text-xs text-muted">{label}</p>}
      <pre tabIndex={0} className="code max-h-80 overflow-y-auto">
        {text.text}
      </pre>
      {text.chars > text.text.length + 10 ? (
        <p className="text-xs text-muted">a part of {text.chars.toLocaleString('en')} characters</p>
      ) : null}
    </>
  );
}

/** Folded until somebody wants it: what is inside is not drawn before. */
function Folded({ title, children }: { title: ReactNode; children: () => ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="group min-w-0" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="flex min-h-5 cursor-pointer list-none items-center gap-1 rounded hover:bg-sunken">
        <ChevronRight aria-hidden className="size-3.5 shrink-0 text-muted group-open:rotate-90" />
        {title}
      </summary>
      {isOpen ? <div className="pb-1 pl-4">{children()}</div> : null}
    </details>
  );
}

function TurnBegan({ entry }: { entry: EntryOf<'turn'> }) {
  const { prompt } = entry;
  return (
    <div className="mt-1 border-t border-line pt-1">
      <Line icon={<CornerDownRight />} at={entry.at} title={prompt === null ? 'A turn' : null}>
        {prompt === null ? null : (
          <Folded title={<span className="truncate text-xs font-medium">Turn: {prompt.text.split('\n', 1)[0]}</span>}>
            {() => <Text text={prompt} />}
          </Folded>
        )}
      </Line>
    </div>
  );
}

function Words({ entry: { stream, text, at } }: { entry: EntryOf<'text'> }) {
  if (stream === 'thought')
    return (
      <Line icon={<Brain />} at={at} title={null}>
        <Folded
          title={<span className="truncate text-xs text-muted italic">Thought: {text.trim().split('\n', 1)[0]}</span>}
        >
          {() => <p className="whitespace-pre-wrap text-muted italic wrap-anywhere">{text.trim()}</p>}
        </Folded>
      </Line>
    );
  return (
    <Line icon={stream === 'error' ? <TriangleAlert className="text-amber" /> : <Bot />} at={at} title={null}>
      <p className={`whitespace-pre-wrap wrap-anywhere ${stream === 'error' ? 'font-mono text-xs text-amber' : ''}`}>
        {text.trim()}
      </p>
    </Line>
  );
}

const TONES: Readonly<Record<string, string>> = {
  running: 'text-blue',
  completed: 'text-green',
  allowed: 'text-green',
  failed: 'text-red',
  denied: 'text-red',
  open: 'text-amber',
};

const State = ({ state }: { state: string }) => (
  <span className={`shrink-0 text-xs ${TONES[state] ?? 'text-muted'}`}>{state}</span>
);

function Call({ entry }: { entry: EntryOf<'tool'> }) {
  const { title, state, input, output, at, ended_at: endedAt } = entry;
  const ms = endedAt === null ? null : Date.parse(endedAt) - Date.parse(at);
  return (
    <Line icon={<Wrench />} at={at} title={null}>
      <Folded
        title={
          <>
            <span className="min-w-0 grow truncate font-mono text-xs">{title}</span>
            {ms === null || ms < 1_000 ? null : <span className="shrink-0 text-xs text-muted">{spanText(ms)}</span>}
            <State state={state} />
          </>
        }
      >
        {() => (
          <>
            {input === null ? null : <Text text={input} label="Input" />}
            {output === null ? null : <Text text={output} label="Output" />}
            {input === null && output === null ? (
              <p className="text-xs text-muted">Its tool tells neither input nor output.</p>
            ) : null}
          </>
        )}
      </Folded>
    </Line>
  );
}

function Asked({ entry: { title, tool, detail, state, note, at, about } }: { entry: EntryOf<'permission'> }) {
  return (
    <Line icon={<CircleHelp className="text-amber" />} at={at} title={null}>
      <Folded
        title={
          <>
            <span className="min-w-0 grow truncate text-xs">
              asks {about === 'question' ? '' : `(${tool}) `}
              {title}
            </span>
            <State state={state} />
          </>
        }
      >
        {() => <Text text={detail} />}
      </Folded>
      {note === '' ? null : <p className="pl-4 text-xs wrap-anywhere text-muted">{note}</p>}
    </Line>
  );
}

const ENDS: Readonly<Record<EntryOf<'end'>['outcome'], string>> = {
  completed: 'Turn completed',
  failed: 'Turn failed',
  interrupted: 'Turn interrupted',
  timed_out: 'Turn ran out of time',
};

function TurnEnded({ entry: { outcome, text, ms, usage, at } }: { entry: EntryOf<'end'> }) {
  const facts = [
    ENDS[outcome],
    ...(ms === null ? [] : [spanText(ms)]),
    ...(usage === null
      ? []
      : [
          `${(usage.input_tokens + usage.cached_tokens).toLocaleString('en')} tokens in, ${usage.output_tokens.toLocaleString('en')} out`,
          ...(usage.cost_usd === null ? [] : [`$${usage.cost_usd.toFixed(4)}`]),
        ]),
  ];
  return (
    <Line
      icon={<CornerDownRight className="rotate-180" />}
      at={at}
      title={<span className={outcome === 'completed' ? 'text-muted' : 'text-red'}>{facts.join(' · ')}</span>}
    >
      {text === null ? null : <Text text={text} />}
    </Line>
  );
}
