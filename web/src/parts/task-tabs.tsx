/** What is asked of the node when somebody looks: timeline, output, diff. */
import { lazy, Suspense, useState } from 'react';
import { taskPath } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import { diffLines } from '../model/diff.ts';
import type { Task } from '../model/frame.ts';
import { useTaskOutput } from '../model/output.ts';
import { isEnded } from '../model/swarm.ts';
import { shortId } from '../model/text.ts';
import { Button } from './button.tsx';
import { OpenConversation } from './open-conversation.tsx';
import { Output } from './output.tsx';
import { Patch } from './patch.tsx';

const Transcript = lazy(async () => ({ default: (await import('./transcript.tsx')).Transcript }));

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

/** Of its attempts the newest first; each has one of its own, at the node where it ran. */
export function TaskTranscript({ task }: { task: Task }) {
  const [asked, setAttempt] = useState<number>();
  const attempt = asked ?? task.attempt;
  if (task.attempt === 0) return <Told text="No agent has worked on this task yet." />;
  const isLive = !isEnded(task) && attempt === task.attempt;
  const path = `${taskPath(task.id)}/transcript?attempt=${attempt}`;
  return (
    <div className="flex flex-col gap-2">
      {task.attempt === 1 ? null : (
        <div role="group" aria-label="Attempt" className="flex flex-wrap gap-1">
          {Array.from({ length: task.attempt }, (_, at) => at + 1).map((number) => (
            <Button key={number} aria-pressed={number === attempt} onClick={() => setAttempt(number)}>
              Attempt {number}
            </Button>
          ))}
        </div>
      )}
      <Suspense fallback={<div className="min-h-24" />}>
        <Transcript
          path={path}
          task={isLive ? task.id : null}
          opens={isLive ? null : <OpenConversation task={task} attempt={attempt} />}
        />
      </Suspense>
    </div>
  );
}
