/** Tasks as rows. Only those in sight are drawn, so that thousands scroll as ten do; j and k move, Enter opens. */
import { Link } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { memo, useLayoutEffect, useRef, useState } from 'react';
import type { Task } from '../model/frame.ts';
import { shortId } from '../model/text.ts';
import { useChosen } from './chosen.ts';
import { StatusBadge } from './status.tsx';
import { MayRunTwice, useTaskNote, useWorkerText } from './task-card.tsx';
import { Age, Since } from './time.tsx';

const ROW_PX = 44;
/** Rows drawn beyond what is in sight. */
const OVERSCAN = 10;

const GRID =
  'grid grid-cols-[6.25rem_minmax(0,1fr)_3.75rem] items-center gap-x-3 px-3 md:grid-cols-[6.5rem_minmax(0,5fr)_minmax(0,4fr)_minmax(0,2fr)_7rem_5rem]';

export function TaskTable({ tasks }: { tasks: readonly Task[] }) {
  const top = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  useLayoutEffect(() => setMargin(top.current?.offsetTop ?? 0), []);
  const rows = useWindowVirtualizer({
    count: tasks.length,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollMargin: margin,
    getItemKey: (index) => tasks[index]?.id ?? index,
  });
  const chosen = useChosen(tasks, (index) => rows.scrollToIndex(index, { align: 'auto' }));
  return (
    <div role="table" aria-label="Tasks" aria-rowcount={tasks.length + 1} className="card overflow-hidden">
      <div role="row" className={`${GRID} border-b border-line py-2 text-xs font-medium text-muted`}>
        <span role="columnheader">Status</span>
        <span role="columnheader">Task</span>
        <span role="columnheader" className="max-md:hidden">
          Now
        </span>
        <span role="columnheader" className="max-md:hidden">
          Agent
        </span>
        <span role="columnheader" className="max-md:hidden">
          Id
        </span>
        <span role="columnheader" className="text-right">
          Changed
        </span>
      </div>
      <div ref={top} role="rowgroup" className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start, key }) => {
          const task = tasks[index];
          if (task === undefined) return null;
          const y = start - margin;
          return <Row key={key} task={task} index={index} y={y} isChosen={task.id === chosen} />;
        })}
      </div>
    </div>
  );
}

type RowProps = { task: Task; index: number; y: number; isChosen: boolean };

/** Drawn anew only when its own task or place changed. */
const Row = memo(function Row({ task, index, y, isChosen }: RowProps) {
  const note = useTaskNote(task);
  const worker = useWorkerText(task);
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isChosen}
      className={`${GRID} absolute inset-x-0 top-0 border-b border-line text-[13px] hover:bg-sunken aria-selected:bg-amber-ground`}
      style={{ height: ROW_PX, transform: `translateY(${y}px)` }}
    >
      <span role="cell">
        <StatusBadge status={task.status} />
      </span>
      <span role="cell" className="flex min-w-0 items-center gap-2">
        <Link
          to="/tasks/$id"
          params={{ id: task.id }}
          className="line-clamp-2 leading-[1.15rem] font-medium wrap-anywhere hover:underline md:line-clamp-1"
        >
          {task.title}
        </Link>
        <span className="max-md:hidden">
          <MayRunTwice task={task} />
        </span>
      </span>
      <span role="cell" className="truncate text-xs text-muted max-md:hidden" title={note}>
        {note}
      </span>
      <span role="cell" className="truncate text-xs text-muted max-md:hidden">
        {worker}
      </span>
      <span role="cell" className="truncate font-mono text-xs text-muted max-md:hidden">
        {shortId(task.id)}
      </span>
      <span role="cell" className="text-right text-xs text-muted">
        {task.status === 'in_progress' && task.claimed_at !== null ? (
          <Since at={task.claimed_at} />
        ) : (
          <Age at={task.updated_at} />
        )}
      </span>
    </div>
  );
});
