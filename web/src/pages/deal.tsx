/** One proposal: who pays whom for what, how it stands, what became of it, and its dispute. */
import { Link, useParams } from '@tanstack/react-router';
import { useAsked } from '../model/asked.ts';
import type { Approval, Op } from '../model/frame.ts';
import type { Deal, Party } from '../model/market.ts';
import { amountText, dealPath, evidenceOf } from '../model/market.ts';
import { useSwarm } from '../model/store.ts';
import { shortId } from '../model/text.ts';
import { Approvals } from '../parts/approvals.tsx';
import { DealActions } from '../parts/deal-actions.tsx';
import { idText, Moves, Name } from '../parts/deals.tsx';
import { Empty, Facts, Section } from '../parts/layout.tsx';
import { StatusBadge } from '../parts/status.tsx';
import { TimelineOf } from '../parts/task-timeline.tsx';
import { Age, Until } from '../parts/time.tsx';

/** About what three lines hold on a phone. */
const HEADING_CHARS = 100;

export function DealPage() {
  const { id } = useParams({ from: '/market/$id' });
  const version = useSwarm((swarm) => swarm.marketChanged);
  const { answer: deal, said } = useAsked<Deal>(dealPath(id), version);
  if (deal === undefined) return <Empty title={said} />;
  return (
    <div className="mx-auto flex w-full max-w-4xl flex-col gap-6">
      <header className="flex flex-col gap-2">
        <p className="text-xs text-muted">
          <Link to="/market" className="hover:text-text hover:underline">
            Market
          </Link>{' '}
          / <span className="font-mono">{shortId(deal.id)}</span>
        </p>
        <div className="flex flex-wrap items-start gap-x-3 gap-y-1">
          <h1 className="line-clamp-3 min-w-0 text-lg leading-6 font-semibold wrap-anywhere">{deal.task}</h1>
          <StatusBadge status={deal.state} />
        </div>
      </header>
      <DealActions deal={deal} />
      <Approvals of={deal.id} />
      <DealFacts deal={deal} />
      <History deal={deal} />
    </div>
  );
}

/** More than a heading shows of it. */
const isLong = (text: string): boolean => text.length > HEADING_CHARS || text.includes('\n');

function DealFacts({ deal }: { deal: Deal }) {
  const evidence = evidenceOf(deal);
  return (
    <Section title="The deal">
      <div className="card p-4">
        <Facts
          facts={[
            ['Work', isLong(deal.task) && wordsOf(deal.task)],
            ['Pays', <Who key="payer" of={deal.payer} />],
            ['Works', deal.worker === null ? 'whoever wins the task' : <Who key="worker" of={deal.worker} />],
            ['Amount', amountText(deal)],
            ['Skill', deal.capability],
            ['Terms', wordsOf(deal.terms)],
            ['Offers', deal.offers === null ? null : <TaskLink key="offers" id={deal.offers} />],
            ['Proposed', <Age key="made" at={deal.created_at} />],
            ['Expires', deal.state === 'pending' && deal.expires_at !== null && <Until at={deal.expires_at} />],
            ['Proof', wordsOf(deal.proof)],
            [
              'Evidence',
              evidence !== undefined && (
                <>
                  {evidence.text}
                  {evidence.task === undefined ? null : (
                    <>
                      : <TaskLink id={evidence.task} />
                    </>
                  )}
                </>
              ),
            ],
            [deal.state === 'rejected' ? 'Rejected because' : 'Disputed because', wordsOf(deal.reason)],
            ['At fault', deal.at_fault],
            ['The operator says', wordsOf(deal.note)],
            ['Ended', deal.ended_at !== null && <Age at={deal.ended_at} />],
            ['Ratings', (deal.rating_changes.length > 0 || deal.state === 'completed') && <Moves deal={deal} />],
          ]}
        />
      </div>
    </Section>
  );
}

/** A name, the id behind it, and what is at stake for it. */
const Who = ({ of }: { of: Party }) => (
  <>
    <Name of={of} /> <span className="font-mono text-xs text-muted">{idText(of.id)}</span>
    {of.stake === 0 ? null : <span className="text-muted">, stakes {of.stake}</span>}
  </>
);

/** What somebody wrote, in its lines. */
const wordsOf = (text: string | null) =>
  text === null || text === '' ? null : <span className="block whitespace-pre-wrap">{text}</span>;

const TaskLink = ({ id }: { id: string }) => (
  <Link to="/tasks/$id" params={{ id }} className="font-mono text-xs text-accent underline">
    {shortId(id)}
  </Link>
);

/** What became of it, and what the operator was shown where it was disputed. */
function History({ deal }: { deal: Deal }) {
  const version = useSwarm((swarm) => swarm.marketChanged);
  const open = useSwarm((swarm) => [...swarm.approvals.values()].some((one) => one.proposal_id === deal.id));
  const { answer: ops, said } = useAsked<Op[]>(`${dealPath(deal.id)}/timeline`, version);
  const asked = useAsked<Approval[]>(`api/approvals?task=${encodeURIComponent(deal.id)}`, `${version} ${open}`);
  const disputes = asked.answer ?? [];
  return (
    <>
      <Section title="Timeline">
        {ops === undefined ? (
          <p className="text-[13px] text-muted">{said}</p>
        ) : (
          <TimelineOf ops={ops} asked={disputes} />
        )}
      </Section>
      {disputes
        .filter(({ state }) => state !== 'open')
        .map(({ id, detail }) => (
          <Section key={id} title="What the operator was shown of both sides">
            <pre tabIndex={0} aria-label="Evidence of both sides" className="code max-h-96 overflow-auto">
              {detail}
            </pre>
          </Section>
        ))}
    </>
  );
}
