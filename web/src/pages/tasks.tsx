/** All tasks: as a board or as a table, filtered by words, group and project. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Columns3, Inbox, Rows3, Search } from 'lucide-react';
import { useDeferredValue, useEffect, useMemo, useRef } from 'react';
import { useSwarm } from '../model/store.ts';
import type { Filter, Group } from '../model/tasks.ts';
import { filterTasks, GROUPS } from '../model/tasks.ts';
import { useOlder } from '../model/older.ts';
import { Older } from '../parts/older.tsx';
import { isTyping } from '../parts/keys.ts';
import { Choice, Empty } from '../parts/layout.tsx';
import { Board } from '../parts/task-board.tsx';
import { TaskTable } from '../parts/task-table.tsx';
import type { View } from './search.ts';

export function Tasks() {
  const { q = '', group, project, view = 'table' } = useSearch({ from: '/tasks' });
  const navigate = useNavigate({ from: '/tasks' });
  // What a reader does comes before what changed meanwhile: sorting and drawing may wait for a scroll.
  const live = useDeferredValue(useSwarm((swarm) => swarm.tasks));
  const nameOf = useNames();
  const text = useDeferredValue(q);
  const filter: Filter = useMemo(() => ({ text, group, project }), [text, group, project]);
  const older = useOlder(live, filter);
  const { tasks } = older;
  const shown = useMemo(() => filterTasks(tasks.values(), filter, nameOf), [tasks, filter, nameOf]);
  const change = (
    next: Partial<{ q: string; group: Group | undefined; project: string | undefined; view: View }>,
  ): void => void navigate({ search: (held) => ({ ...held, ...next }), replace: true });
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <SearchBox value={q} onChange={(value) => change({ q: value })} />
        <ProjectChoice value={project} onChange={(value) => change({ project: value })} />
        <span className="grow" />
        <ViewChoice view={view} onChange={(value) => change({ view: value })} />
      </div>
      <GroupChoice group={group} onChange={(value) => change({ group: value })} />
      {shown.length === 0 ? (
        <NothingFound isAny={tasks.size > 0} onClear={() => change({ q: '', group: undefined, project: undefined })} />
      ) : view === 'board' ? (
        <Board tasks={shown} group={group} />
      ) : (
        <TaskTable tasks={shown} />
      )}
      <Older older={older} />
    </div>
  );
}

function useNames(): (id: string) => string {
  const agents = useSwarm((swarm) => swarm.agents);
  const nodes = useSwarm((swarm) => swarm.nodes);
  return useMemo(() => (id) => agents.get(id)?.name ?? nodes.get(id)?.name ?? '', [agents, nodes]);
}

function SearchBox({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key !== '/' || isTyping(event.target)) return;
      event.preventDefault();
      box.current?.focus();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
  return (
    <label className="relative w-full sm:w-72">
      <span className="sr-only">Search tasks</span>
      <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-muted" />
      <input
        ref={box}
        type="search"
        value={value}
        placeholder="Search title, id, agent …   /"
        className="field pl-8"
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => (event.key === 'Escape' ? event.currentTarget.blur() : undefined)}
      />
    </label>
  );
}

function ProjectChoice({
  value,
  onChange,
}: {
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  const projects = useSwarm((swarm) => swarm.projects);
  if (projects.size === 0) return null;
  return (
    <label>
      <span className="sr-only">Project</span>
      <select
        className="field max-w-48"
        value={value ?? ''}
        onChange={(event) => onChange(event.target.value === '' ? undefined : event.target.value)}
      >
        <option value="">All projects</option>
        {[...projects.values()].map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function ViewChoice({ view, onChange }: { view: View; onChange: (view: View) => void }) {
  const look =
    'flex min-h-8 items-center gap-1.5 rounded-md px-2.5 text-[13px] text-muted hover:text-text aria-pressed:bg-grey-ground aria-pressed:text-text';
  return (
    <div role="group" aria-label="How to show them" className="flex gap-1">
      <button type="button" aria-pressed={view === 'table'} className={look} onClick={() => onChange('table')}>
        <Rows3 aria-hidden className="size-4" /> Table
      </button>
      <button type="button" aria-pressed={view === 'board'} className={look} onClick={() => onChange('board')}>
        <Columns3 aria-hidden className="size-4" /> Board
      </button>
    </div>
  );
}

type GroupProps = {
  group: Group | undefined;
  onChange: (group: Group | undefined) => void;
};

/** Counted by the node, which knows also those that are not here. */
function GroupChoice({ group, onChange }: GroupProps) {
  const counts = useSwarm((swarm) => swarm.node?.tasks);
  const countOf = (one: Group): number =>
    counts === undefined ? 0 : one === 'active' ? counts.claimed + counts.in_progress : counts[one];
  const options = [
    { value: 'all', text: 'All', count: counts?.total ?? 0 },
    ...GROUPS.map((one) => ({
      value: one,
      text: `${one.charAt(0).toUpperCase()}${one.slice(1)}`,
      count: countOf(one),
    })),
  ];
  return (
    <div className="-my-2">
      <Choice
        label="Which tasks"
        options={options}
        value={group ?? 'all'}
        onChange={(value) => onChange(GROUPS.find((one) => one === value))}
      />
    </div>
  );
}

function NothingFound({ isAny, onClear }: { isAny: boolean; onClear: () => void }) {
  if (!isAny) {
    return (
      <Empty icon={<Inbox />} title="No tasks yet">
        <p>Press c, or New task above, and say what should be done.</p>
      </Empty>
    );
  }
  return (
    <Empty icon={<Search />} title="No task is like that">
      <button type="button" className="text-accent underline" onClick={onClear}>
        Show all tasks
      </button>
    </Empty>
  );
}
