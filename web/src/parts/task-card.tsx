/** A task as a card: what it is, how it stands, who is at it, and what was printed last. */
import { Link } from '@tanstack/react-router';
import { Bot, GitCommitHorizontal } from 'lucide-react';
import { memo } from 'react';
import { api, taskPath } from '../model/api.ts';
import type { Task } from '../model/frame.ts';
import { plural } from '../model/needs.ts';
import { nameOfAgent, nameOfNode, useSwarm } from '../model/store.ts';
import { isEnded } from '../model/swarm.ts';
import { shortId } from '../model/text.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { StatusBadge } from './status.tsx';
import { Age, Since } from './time.tsx';

export const useCancel = (id: string) =>
  useAction(async () => {
    await api('POST', `${taskPath(id)}/cancel`);
    return 'Cancelled.';
  });

/** The one line that says most about a task right now. */
export function useTaskNote(task: Task): string {
  const progress = useSwarm((swarm) => swarm.progress.get(task.id));
  if (task.status === 'in_progress') return progress ?? task.progress ?? '';
  if (task.status === 'pending') return task.pending_reason ?? 'an agent takes it any moment';
  return lastLine(task.error ?? task.result) ?? (task.reason === null ? '' : task.reason.replaceAll('_', ' '));
}

const lastLine = (text: string | null): string | undefined => text?.split('\n').findLast((line) => line.trim() !== '');

/** Who is at it, or was: empty for nobody. */
export const useWorkerText = (task: Task): string => {
  const agent = useSwarm((swarm) => nameOfAgent(swarm, task.assigned_to));
  const node = useSwarm((swarm) => nameOfNode(swarm, task.assigned_node));
  return task.assigned_to === null ? '' : `${agent} on ${node}`;
};

type CardProps = { task: Task; withCancel?: boolean; isChosen?: boolean };

export const TaskCard = memo(function TaskCard({ task, withCancel = false, isChosen = false }: CardProps) {
  const note = useTaskNote(task);
  const cancel = useCancel(task.id);
  return (
    <article
      data-task={task.id}
      aria-current={isChosen ? 'true' : undefined}
      className="card flex min-w-0 scroll-my-16 flex-col gap-1.5 p-3 hover:border-line-strong aria-[current=true]:border-accent aria-[current=true]:bg-amber-ground"
    >
      <div className="flex min-w-0 items-start gap-2">
        <h3 className="min-w-0 grow text-[13px] font-medium">
          <Link to="/tasks/$id" params={{ id: task.id }} className="line-clamp-2 wrap-anywhere hover:underline">
            {task.title}
          </Link>
        </h3>
        <StatusBadge status={task.status} />
      </div>
      {note === '' ? null : (
        <p className={`truncate text-xs text-muted ${task.status === 'pending' ? '' : 'font-mono'}`} title={note}>
          {note}
        </p>
      )}
      <div className="flex min-w-0 items-center gap-3 text-xs text-muted">
        <MayRunTwice task={task} />
        <Worker task={task} />
        {task.work === null || task.work.commits === 0 ? null : (
          <span className="flex items-center gap-1 whitespace-nowrap">
            <GitCommitHorizontal aria-hidden className="size-3.5" />
            {plural(task.work.commits, 'commit')}
          </span>
        )}
        <span className="grow" />
        <span className="font-mono whitespace-nowrap">{shortId(task.id)}</span>
        {task.status === 'in_progress' && task.claimed_at !== null ? (
          <Since at={task.claimed_at} />
        ) : (
          <Age at={task.updated_at} />
        )}
        {withCancel && !isEnded(task) ? (
          <ActionButton action={cancel} look="quiet" confirm="Really cancel?" small>
            Cancel
          </ActionButton>
        ) : null}
      </div>
      <Said state={cancel.state} />
    </article>
  );
});

/** Nobody decides who works an optimistic task; it has one end all the same. */
export function MayRunTwice({ task }: { task: Task }) {
  if (task.claims !== 'optimistic' || isEnded(task)) return null;
  return (
    <span
      title="Optimistic: begun wherever an agent sees it, also without a majority. It has one end."
      className="shrink-0 rounded-full bg-amber-ground px-2 text-xs font-medium whitespace-nowrap text-amber"
    >
      may run twice
    </span>
  );
}

function Worker({ task }: { task: Task }) {
  const worker = useWorkerText(task);
  if (worker === '') return null;
  return (
    <span className="flex min-w-0 items-center gap-1">
      <Bot aria-hidden className="size-3.5 shrink-0" />
      <span className="truncate">{worker}</span>
    </span>
  );
}
