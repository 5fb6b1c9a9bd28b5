/** Turns of an agent that messages wake: what waits for it, and what it did with what came. */
import { MailCheck } from 'lucide-react';
import type { AgentTurn, AgentTurns as Answer } from '../../../src/core/schema/agent-turn.ts';
import { agentPath } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import type { Agent } from '../model/frame.ts';
import { plural } from '../model/needs.ts';
import { spanText } from '../model/text.ts';
import { Empty, Section } from './layout.tsx';
import { StatusBadge } from './status.tsx';
import { Age, Since } from './time.tsx';

/** Asked again whenever its state changes, or how full its conversation is. */
export function AgentTurns({ agent }: { agent: Agent }) {
  const version = `${agent.status} ${agent.context?.tokens ?? ''}`;
  const { answer, said } = useAsked<Answer>(`${agentPath(agent.id)}/turns`, version);
  return (
    <Section title="Turns" count={answer?.turns.length ?? 0}>
      {answer === undefined ? <p className="text-[13px] text-muted">{said}</p> : <Known answer={answer} />}
    </Section>
  );
}

function Known({ answer }: { answer: Answer }) {
  const { turns, state, why, until } = answer;
  const mail = [
    plural(answer.waiting, 'message waits', 'messages wait'),
    answer.in_hand === 0 ? '' : `${answer.in_hand} in its hands`,
    answer.reminders === 0 ? '' : `${plural(answer.reminders, 'reminder')} not due yet`,
  ];
  return (
    <div className="flex flex-col gap-2">
      <p className="text-[13px] text-muted">
        {mail.filter((text) => text !== '').join(' · ')}
        {state === 'idle' || state === 'running' ? null : (
          <span className="block wrap-anywhere text-amber">
            {STATE_WORDS[state]}
            {why === null ? '' : `: ${why}`}
            {until === null ? null : (
              <>
                {' '}
                (until <time dateTime={until}>{new Date(until).toLocaleTimeString()}</time>)
              </>
            )}
          </span>
        )}
      </p>
      {turns.length === 0 ? (
        <Empty icon={<MailCheck />} title="No turns yet">
          <p>A message, an answer or a reminder that is due begins one.</p>
        </Empty>
      ) : (
        <ul aria-label="Turns" className="card divide-y divide-line">
          {turns.map((turn) => (
            <Row key={turn.n} turn={turn} />
          ))}
        </ul>
      )}
    </div>
  );
}

const STATE_WORDS = {
  parked: 'It waits, and its mail with it',
  paused: 'It is paused, and its mail waits',
  over_budget: 'Its budget of this day is used up',
  given_up: 'It ended by itself over and over, and is not started again',
} as const;

function Row({ turn }: { turn: AgentTurn }) {
  const { n, wake, messages, redelivered, model, cost_usd: usd, started_at: began, ms, why } = turn;
  const facts = [
    wake === 'checkpoint' ? 'to write its notes' : `woken by ${plural(messages.length, 'message')} (${wake})`,
    redelivered === 0 ? '' : `${redelivered} handed out before`,
    model ?? '',
    `${(turn.input_tokens + turn.cached_tokens).toLocaleString('en')} tokens in, ${turn.output_tokens.toLocaleString('en')} out`,
    usd === null ? '' : `$${usd.toFixed(4)}`,
  ];
  return (
    <li className="flex flex-col gap-0.5 px-4 py-2.5 text-[13px]">
      <span className="flex items-center gap-2">
        <span className="font-medium tabular-nums">#{n}</span>
        <StatusBadge status={turn.state} />
        <span className="grow" />
        <span className="text-xs text-muted">{ms === null ? <Since at={began} /> : spanText(ms)}</span>
        <span className="text-xs text-muted">
          <Age at={began} />
        </span>
      </span>
      <span className="text-xs wrap-anywhere text-muted">{facts.filter((text) => text !== '').join(' · ')}</span>
      {why === null ? null : <span className="text-xs wrap-anywhere text-red">{why}</span>}
    </li>
  );
}
