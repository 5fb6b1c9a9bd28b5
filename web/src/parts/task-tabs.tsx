/** What is asked of the node when somebody looks: timeline, output, diff. */
import { taskPath } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import { diffLines } from '../model/diff.ts';
import type { Op, Task } from '../model/frame.ts';
import { useTaskOutput } from '../model/output.ts';
import { isEnded } from '../model/swarm.ts';
import { shortId } from '../model/text.ts';
import { Output } from './output.tsx';
import { Patch } from './patch.tsx';
import { clockText } from './time.tsx';

const Told = ({ text }: { text: string }) => <p className="py-6 text-center text-[13px] text-muted">{text}</p>;

const DOTS: readonly (readonly [RegExp, string])[] = [
  [/completed/, 'bg-green'],
  [/failed|lost|cancelled/, 'bg-red'],
  [/given to|started/, 'bg-blue'],
  [/reports|released/, 'bg-amber'],
];

export function Timeline({ task }: { task: Task }) {
  const { answer, said } = useAsked<Op[]>(`${taskPath(task.id)}/timeline`, task.lamport_ts);
  if (answer === undefined) return <Told text={said} />;
  return (
    <ol aria-label="Timeline" className="card flex flex-col px-4 py-2">
      {answer.map((op) => {
        const dot = DOTS.find(([pattern]) => pattern.test(op.summary))?.[1] ?? 'bg-line-strong';
        return (
          <li key={op.id} className="flex min-w-0 items-baseline gap-3 py-1 text-[13px]">
            <span aria-hidden className={`size-2 shrink-0 -translate-y-px rounded-full ${dot}`} />
            <time
              dateTime={op.at}
              title={new Date(op.at).toLocaleString()}
              className="shrink-0 font-mono text-xs text-muted"
            >
              {clockText(Date.parse(op.at))}
            </time>
            <span className="min-w-0 grow wrap-anywhere">{op.summary}</span>
            <span className="shrink-0 font-mono text-xs text-muted max-sm:hidden" title={`${op.type}, ${op.by}`}>
              {shortId(op.id)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

export function TaskOutput({ task }: { task: Task }) {
  const { text, said } = useTaskOutput(task.id, !isEnded(task));
  return <Output text={text} label="Output of the agent" empty={said} />;
}

export function Diff({ task }: { task: Task }) {
  const { answer, said } = useAsked<{ text: string; truncated: boolean }>(`${taskPath(task.id)}/diff`, task.lamport_ts);
  if (answer === undefined) return <Told text={said} />;
  if (answer.text === '') return <Told text="No changes." />;
  const { isCut } = diffLines(answer.text);
  return (
    <div className="flex flex-col gap-2">
      <Patch text={answer.text} label="Diff" className="max-h-[70vh]" />
      {isCut || answer.truncated ? (
        <p className="text-xs text-muted">
          There is more: <code className="font-mono">skep task diff {shortId(task.id)}</code>
        </p>
      ) : null}
    </div>
  );
}
