/** A dispute among what is asked: it is about a deal, and its answer begins with who is at fault. */
import { Link } from '@tanstack/react-router';
import { LoaderCircle, Scale } from 'lucide-react';
import { useState } from 'react';
import type { Decision } from '../model/answers.ts';
import { useMayAct } from '../model/store.ts';
import { Button } from './button.tsx';

export const AboutDeal = ({ proposal, className }: { proposal: string; className: string }) => (
  <Link to="/market/$id" params={{ id: proposal }} className={className}>
    the deal
  </Link>
);

type Props = { isPending: boolean; onAnswer: (decision: Decision, note: string) => void };

/** As `skep approve ID --note 'worker: …'` has it. Nobody is at fault where it is not answered. */
export function DisputeAnswers({ isPending, onAnswer }: Props) {
  const mayAct = useMayAct();
  const [fault, setFault] = useState('');
  const [why, setWhy] = useState('');
  const title = mayAct ? undefined : 'You are logged in as a viewer, who sees and cannot act';
  return (
    <div className="flex flex-wrap items-center gap-2">
      <select
        className="field w-auto"
        aria-label="Who is at fault"
        value={fault}
        disabled={!mayAct}
        onChange={(event) => setFault(event.target.value)}
      >
        <option value="">Who is at fault?</option>
        <option value="payer">The payer</option>
        <option value="worker">The worker</option>
        <option value="both">Both</option>
        <option value="nobody">Nobody</option>
      </select>
      <input
        className="field min-w-0 grow basis-full sm:basis-48"
        aria-label="Why, told to both"
        placeholder="Why, told to both"
        maxLength={3900}
        value={why}
        disabled={!mayAct}
        onChange={(event) => setWhy(event.target.value)}
        onKeyDown={(event) => (event.key === 'Escape' ? event.currentTarget.blur() : undefined)}
      />
      <Button
        look="primary"
        disabled={!mayAct || isPending || fault === ''}
        title={title}
        onClick={() => onAnswer('allow', why.trim() === '' ? fault : `${fault}: ${why}`)}
      >
        {isPending ? (
          <LoaderCircle aria-hidden className="size-3.5 animate-spin" />
        ) : (
          <Scale aria-hidden className="size-3.5" />
        )}
        Settle
      </Button>
    </div>
  );
}
