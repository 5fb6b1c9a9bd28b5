/** What is asked of the node when somebody looks: timeline, output, diff. */
import { taskPath } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import { diffLines } from '../model/diff.ts';
import type { Task } from '../model/frame.ts';
import { useTaskOutput } from '../model/output.ts';
import { isEnded } from '../model/swarm.ts';
import { shortId } from '../model/text.ts';
import { Output } from './output.tsx';
import { Patch } from './patch.tsx';

const Told = ({ text }: { text: string }) => <p className="py-6 text-center text-[13px] text-muted">{text}</p>;

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
