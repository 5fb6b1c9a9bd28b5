/** What went over the links of this node, when somebody wants to know. */
import { ChevronDown } from 'lucide-react';
import { useState } from 'react';
import type { LinkJson } from '../../../src/door/json/link.ts';
import { useAsked } from '../model/asked.ts';
import { plural } from '../model/needs.ts';
import { useSwarm } from '../model/store.ts';
import { sizeText } from '../model/text.ts';
import { Button } from './button.tsx';
import { Since } from './time.tsx';

export function Links() {
  const count = useSwarm(
    (swarm) => [...swarm.nodes.values()].find(({ status }) => status === 'self')?.links.length ?? 0,
  );
  const [isOpen, setOpen] = useState(false);
  if (count === 0) return null;
  return (
    <details className="group mt-2" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="flex items-center gap-1 rounded-md text-[13px] text-muted hover:text-text">
        <ChevronDown aria-hidden className="size-3.5 -rotate-90 transition-transform group-open:rotate-0" />
        {plural(count, 'link')} of this node, counted
      </summary>
      {isOpen ? <Counters /> : null}
    </details>
  );
}

function Counters() {
  // A link that came or went is told of with its node.
  const nodes = useSwarm((swarm) => swarm.nodes);
  const { answer: links, said, again } = useAsked<LinkJson[]>('api/swarm/links', nodes);
  if (links === undefined) return <p className="pt-2 text-xs text-muted">{said}</p>;
  return (
    <div className="flex flex-col gap-2 pt-2">
      <ul aria-label="Links" className="card divide-y divide-line">
        {links.map((link) => (
          <Link key={link.node_id} link={link} />
        ))}
      </ul>
      <Button className="self-start" onClick={again}>
        Count again
      </Button>
    </div>
  );
}

function Link({ link }: { link: LinkJson }) {
  const { batches } = link;
  const troubles = [
    [batches.gaps, 'before what they follow'],
    [batches.refused, 'refused'],
    [link.overflows, 'times its queue was full'],
  ] as const;
  return (
    <li className="flex flex-col gap-0.5 px-3 py-2 text-xs text-muted tabular-nums">
      <span className="flex min-w-0 items-baseline gap-2">
        <span className="min-w-0 truncate text-[13px] font-medium text-text">{link.name}</span>
        <span className="grow" />
        <span className="whitespace-nowrap">
          {link.round_trip_ms === null ? '' : `${Math.max(1, Math.round(link.round_trip_ms))} ms · `}
          <Since at={link.since} />
        </span>
      </span>
      <span className="wrap-anywhere">
        {link.dialled ? 'dialled' : 'was dialled'} · in {sizeText(link.bytes_in)}, out {sizeText(link.bytes_out)} ·{' '}
        {plural(batches.taken, 'batch', 'batches')} with news, {batches.repeated} known already, {batches.relayed}{' '}
        passed on
      </span>
      {troubles.map(([count, text]) =>
        count === 0 ? null : (
          <span key={text} className="text-amber">
            {count} {text}
          </span>
        ),
      )}
    </li>
  );
}
