/** What needs a person, first on the first page. */
import { Link } from '@tanstack/react-router';
import { CheckCheck, CircleAlert, CircleHelp, Hourglass, OctagonAlert, PlugZap, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Need, NeedKind } from '../model/needs.ts';
import { needsOf } from '../model/needs.ts';
import { useSwarm } from '../model/store.ts';
import { Section } from './layout.tsx';

const LOOKS: Readonly<Record<NeedKind, { icon: ReactNode; word: string; tone: string }>> = {
  alarm: { icon: <OctagonAlert />, word: 'Alarm', tone: 'text-red' },
  waiting: { icon: <CircleHelp />, word: 'Asks', tone: 'text-amber' },
  unreachable: { icon: <PlugZap />, word: 'Away', tone: 'text-red' },
  failed: { icon: <CircleAlert />, word: 'Failed', tone: 'text-red' },
  stuck: { icon: <TriangleAlert />, word: 'Stuck', tone: 'text-amber' },
  late: { icon: <Hourglass />, word: 'Late', tone: 'text-amber' },
};

export function Needs() {
  const needs = useSwarm(needsOf);
  const isLoaded = useSwarm((swarm) => swarm.node !== undefined);
  return (
    <Section title="Needs you" count={needs.length}>
      {needs.length === 0 ? (
        <p className="card flex items-center gap-2 px-3 py-2.5 text-[13px] text-muted">
          <CheckCheck aria-hidden className="size-4 text-green" />
          {isLoaded ? 'Nothing needs you.' : 'Looking …'}
        </p>
      ) : (
        <ul className="card max-h-80 divide-y divide-line overflow-y-auto" aria-label="Needs you">
          {needs.map((need) => (
            <li key={need.key}>
              <Line need={need} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Line({ need }: { need: Need }) {
  const { icon, word, tone } = LOOKS[need.kind];
  const body = (
    <>
      <span
        className={`flex w-18 shrink-0 items-center gap-1.5 text-xs leading-5 font-medium [&>svg]:size-3.5 ${tone}`}
      >
        {icon}
        {word}
      </span>
      <span className="min-w-0 grow">
        <span className="block truncate text-[13px] font-medium">{need.title}</span>
        <span className="line-clamp-2 text-xs wrap-anywhere text-muted">{need.text}</span>
      </span>
    </>
  );
  const look = 'flex items-start gap-2 px-3 py-2';
  const { link } = need;
  if (link === undefined) return <div className={look}>{body}</div>;
  return (
    <Link
      to={link.kind === 'task' ? '/tasks/$id' : '/agents/$id'}
      params={{ id: link.id }}
      className={`${look} hover:bg-sunken`}
    >
      {body}
    </Link>
  );
}
