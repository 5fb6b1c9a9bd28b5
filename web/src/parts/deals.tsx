/** Proposals and deals in lists, and the pieces of one that other pages show, too. */
import { Link } from '@tanstack/react-router';
import { Handshake } from 'lucide-react';
import { useState } from 'react';
import { useAsked } from '../model/asked.ts';
import type { Deal, Party } from '../model/market.ts';
import { amountText, evidenceOf, movesOf } from '../model/market.ts';
import { useSwarm } from '../model/store.ts';
import { shortId } from '../model/text.ts';
import { Button } from './button.tsx';
import { Choice, Empty, Section } from './layout.tsx';
import { Propose } from './propose.tsx';
import { StatusBadge } from './status.tsx';
import { Age, Until } from './time.tsx';

const STATES = [
  { value: 'open', text: 'Open' },
  { value: 'completed', text: 'Completed' },
  { value: 'settled', text: 'Settled' },
  { value: 'rejected', text: 'Rejected' },
  { value: 'expired', text: 'Expired' },
] as const;
type Shown = (typeof STATES)[number]['value'];

/** Asked for at once, and so many more each time. */
const PAGE = 100;
/** As the node answers at most. */
const LIST_MAX = 1_000;

export function Proposals() {
  const [state, setState] = useState<Shown>('open');
  const [limit, setLimit] = useState(PAGE);
  const version = useSwarm((swarm) => swarm.marketChanged);
  const { answer: deals, said } = useAsked<Deal[]>(`api/market/proposals?state=${state}&limit=${limit}`, version);
  return (
    <div className="flex flex-col gap-6">
      <Section title="Proposals and deals" count={deals?.length ?? 0}>
        <Choice
          label="Which proposals"
          options={STATES}
          value={state}
          onChange={(next) => {
            setState(next);
            setLimit(PAGE);
          }}
        />
        {said === '' ? null : <p className="pt-2 text-[13px] text-muted">{said}</p>}
        <div className="pt-2">{deals?.length === 0 ? <NoDeals isOpen={state === 'open'} /> : null}</div>
        <DealList deals={deals ?? []} label="Proposals" />
        {deals !== undefined && deals.length >= limit && limit < LIST_MAX ? (
          <Button className="mt-2" onClick={() => setLimit(LIST_MAX)}>
            Show up to a thousand
          </Button>
        ) : null}
      </Section>
      <Propose />
    </div>
  );
}

const NoDeals = ({ isOpen }: { isOpen: boolean }) => (
  <Empty icon={<Handshake />} title={isOpen ? 'Nothing is open on the market' : 'None'}>
    {isOpen ? (
      <p>Agents and people offer one another to pay for work here. Whoever is asked accepts or rejects.</p>
    ) : null}
  </Empty>
);

/** Deals that ended so that ratings may have moved, with what each moved. */
export function Receipts() {
  const version = useSwarm((swarm) => swarm.marketChanged);
  const { answer: deals, said } = useAsked<Deal[]>(`api/market/receipts?limit=${PAGE}`, version);
  return (
    <Section title="Receipts" count={deals?.length ?? 0}>
      {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
      {deals?.length === 0 ? (
        <Empty icon={<Handshake />} title="No receipts yet">
          <p>A deal that was completed, or settled by the operator, leaves one. Ratings follow from them alone.</p>
        </Empty>
      ) : null}
      <DealList deals={deals ?? []} label="Receipts" />
      {deals?.length === PAGE ? <p className="pt-2 text-xs text-muted">The newest {PAGE}.</p> : null}
    </Section>
  );
}

const DealList = ({ deals, label }: { deals: readonly Deal[]; label: string }) => (
  <ul aria-label={label} className="card divide-y divide-line empty:hidden">
    {deals.map((deal) => (
      <Row key={deal.id} deal={deal} />
    ))}
  </ul>
);

function Row({ deal }: { deal: Deal }) {
  const evidence = evidenceOf(deal);
  const facts = [
    amountText(deal),
    deal.capability ?? '',
    stakesText(deal),
    evidence === undefined ? '' : evidence.text,
    deal.at_fault === null ? '' : `at fault: ${deal.at_fault}`,
  ].filter((text) => text !== '');
  return (
    <li className="flex flex-wrap items-start gap-x-3 gap-y-1 px-4 py-2.5 text-[13px]" data-deal={deal.id}>
      <span className="min-w-0 grow basis-64">
        <Link
          to="/market/$id"
          params={{ id: deal.id }}
          className="line-clamp-2 font-medium wrap-anywhere hover:underline"
        >
          {deal.task}
        </Link>
        <span className="block text-xs wrap-anywhere text-muted">
          <Name of={deal.payer} /> pays {deal.worker === null ? 'whoever wins the task' : <Name of={deal.worker} />}
          {facts.map((text) => (
            <span key={text}> · {text}</span>
          ))}
        </span>
        <Moves deal={deal} />
      </span>
      <span className="flex shrink-0 flex-wrap items-center gap-x-2 text-xs text-muted">
        <StatusBadge status={deal.state} />
        {deal.state === 'pending' && deal.expires_at !== null ? (
          <Until at={deal.expires_at} />
        ) : (
          <Age at={deal.ended_at ?? deal.created_at} />
        )}
      </span>
    </li>
  );
}

/** `stakes 10 and 20`: of the payer, then of the worker. */
export function stakesText({ payer, worker }: Deal): string {
  const ofWorker = worker?.stake ?? 0;
  if (payer.stake === 0 && ofWorker === 0) return '';
  return `stakes ${payer.stake} and ${ofWorker}`;
}

/** Of the rating of each, what a receipt made of it; where it moved none, that. */
export function Moves({ deal }: { deal: Deal }) {
  const moves = movesOf(deal);
  if (deal.state === 'completed' && moves.length === 0)
    return <span className="block text-xs text-muted">within an hour of another deal of the two: no rating moved</span>;
  if (moves.length === 0) return null;
  return (
    <span className="flex flex-wrap gap-x-3 text-xs text-muted tabular-nums">
      {moves.map(({ name, before, after, text }, at) => (
        <span key={at === 0 ? 'payer' : 'worker'} className="wrap-anywhere">
          <bdi>{name}</bdi> {before} → {after}{' '}
          <span className={`font-medium ${after < before ? 'text-red' : 'text-green'}`}>{text}</span>
        </span>
      ))}
    </span>
  );
}

/** A name as it was chosen by its bearer, and the id, which was not, when it is pointed at. */
export const Name = ({ of }: { of: Pick<Party, 'id' | 'name'> }) => (
  <bdi className="font-medium text-text" title={of.id}>
    {of.name}
  </bdi>
);

/** An id as others write it: `@operator`, `@3f1c9a0b7d2e4455`, or the short form of an agent's. */
export const idText = (id: string): string => (id.length > 32 ? `@${shortId(id.slice(1))}` : id);
