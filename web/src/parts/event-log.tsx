/** What happened while this page was open, newest first. */
import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import type { LogLine } from '../model/swarm.ts';
import { useSwarm } from '../model/store.ts';
import { eventText } from '../model/text.ts';
import { Section } from './layout.tsx';
import { clockText } from './time.tsx';

/** As many as the seed's page shows. */
const LINES_MAX = 100;

const TONES: readonly (readonly [RegExp, string])[] = [
  [/(completed|alive|idle)$/, 'text-green'],
  [/(failed|dead|forked)$/, 'text-red'],
  [/(requeued|waiting|suspect|stopped|reported)$/, 'text-amber'],
  [/(assigned|started|busy)$/, 'text-blue'],
];
const toneOf = (event: string): string => TONES.find(([pattern]) => pattern.test(event))?.[1] ?? 'text-muted';

export function EventLog() {
  const log = useSwarm((swarm) => swarm.log);
  return (
    <Section title="What happened">
      <ol aria-label="What happened" tabIndex={0} className="card max-h-72 overflow-y-auto py-1.5 text-xs leading-6">
        {log.length === 0 ? <li className="px-3 text-muted">Nothing since this page was opened.</li> : null}
        {log.slice(0, LINES_MAX).map((line) => (
          <Line key={line.key} line={line} />
        ))}
      </ol>
    </Section>
  );
}

/** Never drawn twice: a line does not change. */
const Line = memo(function Line({ line }: { line: LogLine }) {
  const noun = line.event.split('_', 1)[0];
  return (
    <li className="flex min-w-0 gap-2 px-3">
      <time className="shrink-0 font-mono text-muted">{clockText(line.atMs)}</time>
      <span className={`w-32 shrink-0 truncate ${toneOf(line.event)}`}>
        {noun} {eventText(line.event)}
      </span>
      <span className="min-w-0 truncate">
        {line.link === undefined ? (
          line.title
        ) : (
          <Link
            to={line.link.kind === 'task' ? '/tasks/$id' : '/agents/$id'}
            params={{ id: line.link.id }}
            className="hover:underline"
          >
            {line.title}
          </Link>
        )}
      </span>
    </li>
  );
});
