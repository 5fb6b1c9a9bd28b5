/** What was decided of a task, when and by whom; between that, what its agents asked and what they were answered. */
import { taskPath } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import type { Approval, Op, Task } from '../model/frame.ts';
import { nameOfNode, useSwarm } from '../model/store.ts';
import { shortId } from '../model/text.ts';
import { clockText } from './time.tsx';

type Line = {
  key: string;
  at: string;
  lamport: number;
  text: string;
  note: string;
  slot: string;
  dot: string;
  id: string;
  title: string;
};

const DOTS: readonly (readonly [RegExp, string])[] = [
  [/completed/, 'bg-green'],
  [/failed|lost|cancelled|^disputed|^rejected/, 'bg-red'],
  [/given to|started|^accepted/, 'bg-blue'],
  [/reports|released/, 'bg-amber'],
];

const opLine = (op: Op): Line => ({
  key: op.id,
  at: op.at,
  lamport: op.lamport_ts,
  text: op.summary,
  note: '',
  slot: op.slot === null ? '' : `slot ${op.slot}`,
  dot: DOTS.find(([pattern]) => pattern.test(op.summary))?.[1] ?? 'bg-line-strong',
  id: op.id,
  title: `${op.type}, ${op.by}`,
});

const ANSWERS: Readonly<Record<Approval['state'], readonly [word: string, dot: string]>> = {
  open: ['waits for an answer', 'bg-amber'],
  allowed: ['allowed', 'bg-green'],
  denied: ['denied', 'bg-red'],
  closed: ['void before anybody answered', 'bg-line-strong'],
};

/** Nothing is allowed by an answer to who is at fault. */
const SETTLED = ['answered', 'bg-green'] as const;

function approvalLine(asked: Approval): Line {
  const isDispute = asked.proposal_id !== null;
  const [word, dot] = isDispute && asked.state === 'allowed' ? SETTLED : ANSWERS[asked.state];
  const by = asked.rule_id !== null ? ' by a rule' : asked.decided_by === null ? '' : ` by ${asked.decided_by}`;
  const when = asked.decided_at === null ? '' : `, ${clockText(Date.parse(asked.decided_at))}`;
  const note = asked.note === null || asked.note === '' ? '' : `: ${asked.note}`;
  return {
    key: asked.id,
    at: asked.created_at,
    lamport: asked.lamport_ts,
    text: isDispute
      ? 'the operator is asked who is at fault'
      : `${asked.agent_name} asks ${asked.kind === 'question' ? '' : `(${asked.tool}) `}${asked.title}`,
    note: `${word}${by}${when}${note}`,
    slot: '',
    dot,
    id: asked.id,
    title: asked.why,
  };
}

export function Timeline({ task }: { task: Task }) {
  // What is open of this task: another answer, another picture.
  const open = useSwarm((swarm) =>
    [...swarm.approvals.values()].flatMap(({ id, task_id: of }) => (of === task.id ? [id] : [])).join(' '),
  );
  const { answer, said } = useAsked<Op[]>(`${taskPath(task.id)}/timeline`, task.lamport_ts);
  const asked = useAsked<Approval[]>(`api/approvals?task=${encodeURIComponent(task.id)}`, `${task.lamport_ts} ${open}`);
  if (answer === undefined) return <p className="py-6 text-center text-[13px] text-muted">{said}</p>;
  return (
    <div className="flex flex-col gap-1.5">
      <TimelineOf ops={answer} asked={asked.answer ?? []} />
      <Voters task={task} />
    </div>
  );
}

/** Ops, and what was asked between them, in their order. */
export function TimelineOf({ ops, asked }: { ops: readonly Op[]; asked: readonly Approval[] }) {
  const lines = [...ops.map(opLine), ...asked.map(approvalLine)].toSorted((a, b) => a.lamport - b.lamport);
  return (
    <ol aria-label="Timeline" className="card flex flex-col px-4 py-2">
      {lines.map((line) => (
        <Row key={line.key} line={line} />
      ))}
    </ol>
  );
}

function Row({ line }: { line: Line }) {
  return (
    <li className="flex min-w-0 items-baseline gap-3 py-1 text-[13px]">
      <span aria-hidden className={`size-2 shrink-0 -translate-y-px rounded-full ${line.dot}`} />
      <time
        dateTime={line.at}
        title={new Date(line.at).toLocaleString()}
        className="shrink-0 font-mono text-xs text-muted"
      >
        {clockText(Date.parse(line.at))}
      </time>
      <span className="min-w-0 grow wrap-anywhere">
        {line.text}
        {line.note === '' ? null : <span className="block text-xs text-muted">{line.note}</span>}
      </span>
      {line.slot === '' ? null : <span className="shrink-0 text-xs text-muted">{line.slot}</span>}
      <span className="shrink-0 font-mono text-xs text-muted max-sm:hidden" title={line.title}>
        {shortId(line.id)}
      </span>
    </li>
  );
}

/** Who decides each grant and each end; the ballots themselves stay with the voters. */
function Voters({ task }: { task: Task }) {
  const names = useSwarm((swarm) => task.voters.map((id) => nameOfNode(swarm, id)).join(', '));
  const home = useSwarm((swarm) => nameOfNode(swarm, task.home));
  const count = task.voters.length;
  const what = task.claims === 'optimistic' ? 'Each end' : 'Each grant and each end';
  return (
    <p className="text-xs text-muted">
      {count === 1
        ? `Decided by ${home} alone: it depends on that node.`
        : `${what} is decided by ${Math.floor(count / 2) + 1} of ${count} voters: ${names}.`}
    </p>
  );
}
