/** What one of the two of a deal may do about it. */
import { useState } from 'react';
import { api } from '../model/api.ts';
import type { Deal } from '../model/market.ts';
import { dealPath, sideOf } from '../model/market.ts';
import { useMayAct } from '../model/store.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { Field, Section } from './layout.tsx';

/** Draws nothing for anybody else, and where nothing is to be done. */
export function DealActions({ deal }: { deal: Deal }) {
  const side = sideOf(deal);
  if (side === 'worker' && deal.state === 'pending') return <Answer deal={deal} />;
  if (side !== undefined && deal.state === 'accepted') return <End deal={deal} side={side} />;
  return null;
}

type Done = { state: Deal['state'] };

function Answer({ deal }: { deal: Deal }) {
  const mayAct = useMayAct();
  const [stake, setStake] = useState('');
  const [code, setCode] = useState('');
  const [reason, setReason] = useState('');
  const accept = useAction(async () => {
    await api<Done>('POST', `${dealPath(deal.id)}/accept`, {
      ...(stake === '' ? {} : { elo_stake: Number(stake) }),
      ...(code === '' ? {} : { payment_code: code }),
    });
    return 'Accepted.';
  });
  const reject = useAction(async () => {
    await api<Done>('POST', `${dealPath(deal.id)}/reject`, reason === '' ? {} : { reason });
    return 'Rejected.';
  });
  return (
    <Section title="It is for you">
      <div className="card flex flex-col gap-3 p-4">
        <div className="grid grid-cols-1 gap-3 sm:grid-cols-[8rem_1fr_2fr]">
          <Field label="Your stake">
            <input
              type="number"
              min={0}
              max={1_000_000}
              value={stake}
              disabled={!mayAct}
              className="field"
              onChange={(event) => setStake(event.target.value)}
            />
          </Field>
          <Field label="Payment code">
            <input
              maxLength={500}
              value={code}
              disabled={!mayAct}
              className="field"
              onChange={(event) => setCode(event.target.value)}
            />
          </Field>
          <Field label="Why, where you reject it">
            <input
              maxLength={4000}
              value={reason}
              disabled={!mayAct}
              className="field"
              onChange={(event) => setReason(event.target.value)}
            />
          </Field>
        </div>
        <div className="flex flex-wrap items-center gap-2">
          <ActionButton action={accept} look="primary">
            Accept
          </ActionButton>
          <ActionButton action={reject} look="danger">
            Reject
          </ActionButton>
          <Said state={accept.state.kind === 'idle' ? reject.state : accept.state} />
        </div>
      </div>
    </Section>
  );
}

const TEXTS = {
  payer: { title: 'You pay for it', verb: 'Confirm that it is done', label: 'What shows it; or why you dispute it' },
  worker: {
    title: 'You work on it',
    verb: 'Say that it is done',
    label: 'What shows it, also task ID; or why you dispute it',
  },
} as const;

function End({ deal, side }: { deal: Deal; side: 'payer' | 'worker' }) {
  const mayAct = useMayAct();
  const [text, setText] = useState('');
  const { title, verb, label } = TEXTS[side];
  const complete = useAction(async () => {
    const { state } = await api<Done>('POST', `${dealPath(deal.id)}/complete`, text === '' ? {} : { proof: text });
    return state === 'completed' ? 'Completed.' : 'Said. The payer confirms it, or a merge or a check shows it.';
  });
  const dispute = useAction(async () => {
    await api<Done>('POST', `${dealPath(deal.id)}/dispute`, { reason: text });
    return 'Disputed: the operator is asked.';
  });
  return (
    <Section title={title}>
      <div className="card flex flex-col gap-3 p-4">
        <Field label={label}>
          <textarea
            rows={2}
            maxLength={4000}
            value={text}
            disabled={!mayAct}
            className="field resize-y"
            onChange={(event) => setText(event.target.value)}
          />
        </Field>
        <div className="flex flex-wrap items-center gap-2">
          <ActionButton action={complete} look="primary">
            {verb}
          </ActionButton>
          <ActionButton
            action={dispute}
            look="danger"
            confirm="Really put it before the operator?"
            isOff={text.trim() === ''}
          >
            Dispute
          </ActionButton>
          <Said state={dispute.state.kind === 'idle' ? complete.state : dispute.state} />
        </div>
      </div>
    </Section>
  );
}
