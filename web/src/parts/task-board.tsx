/** Tasks in columns, as they go from left to right; j and k move down a column and on to the next, Enter opens. */
import { useMemo } from 'react';
import type { Task } from '../model/frame.ts';
import type { Group } from '../model/tasks.ts';
import { groupOf } from '../model/tasks.ts';
import { useChosen } from './chosen.ts';
import { TaskCard } from './task-card.tsx';

const COLUMNS: readonly { title: string; groups: readonly Group[] }[] = [
  { title: 'Pending', groups: ['pending'] },
  { title: 'Active', groups: ['active'] },
  { title: 'Completed', groups: ['completed'] },
  { title: 'Failed, cancelled', groups: ['failed', 'cancelled'] },
];
/** Cards of one column; the table shows all. */
const CARDS_MAX = 50;

export function Board({ tasks, group }: { tasks: readonly Task[]; group: Group | undefined }) {
  const columns = useMemo(
    () =>
      COLUMNS.filter(({ groups }) => group === undefined || groups.includes(group)).map(({ title, groups }) => ({
        title,
        held: tasks.filter((task) => groups.includes(groupOf(task))),
      })),
    [tasks, group],
  );
  const shown = useMemo(() => columns.flatMap(({ held }) => held.slice(0, CARDS_MAX)), [columns]);
  const chosen = useChosen(shown, (index) =>
    document.querySelector(`[data-task="${shown[index]?.id ?? ''}"]`)?.scrollIntoView({ block: 'nearest' }),
  );
  return (
    <div className="grid grid-cols-1 gap-4 sm:grid-cols-2 xl:grid-cols-4">
      {columns.map(({ title, held }) => (
        <section key={title} aria-label={title} className="flex min-w-0 flex-col gap-2 rounded-lg bg-sunken p-2">
          <h2 className="flex items-center gap-2 px-1 text-[13px] font-semibold">
            {title} <span className="text-xs font-normal text-muted tabular-nums">{held.length}</span>
          </h2>
          {held.slice(0, CARDS_MAX).map((task) => (
            <TaskCard key={task.id} task={task} isChosen={task.id === chosen} />
          ))}
          {held.length === 0 ? <p className="px-1 pb-1 text-xs text-muted">none</p> : null}
          {held.length > CARDS_MAX ? (
            <p className="px-1 text-xs text-muted">and {held.length - CARDS_MAX} more, in the table</p>
          ) : null}
        </section>
      ))}
    </div>
  );
}
