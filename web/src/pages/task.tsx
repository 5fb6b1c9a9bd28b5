/** One task: how it stands, what was decided when, what its agent prints, what it brought, and what may be done about it. */
import { Tabs } from '@base-ui/react/tabs';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api, sayError, taskPath } from '../model/api.ts';
import type { Task } from '../model/frame.ts';
import { plural } from '../model/needs.ts';
import { nameOfNode, useSwarm } from '../model/store.ts';
import { isEnded } from '../model/swarm.ts';
import { retryBody } from '../model/tasks.ts';
import { shortId } from '../model/text.ts';
import { usedText } from '../model/usage.ts';
import { ActionButton, Said, useAction } from '../parts/action.tsx';
import { Approvals } from '../parts/approvals.tsx';
import { Empty, Facts } from '../parts/layout.tsx';
import { StatusBadge } from '../parts/status.tsx';
import { useCancel, useTaskNote, useWorkerText } from '../parts/task-card.tsx';
import { Diff, TaskOutput, TaskTranscript } from '../parts/task-tabs.tsx';
import { Timeline } from '../parts/task-timeline.tsx';
import { TAB } from '../parts/tabs.ts';
import { Age, Since } from '../parts/time.tsx';

export function TaskPage() {
  const { id } = useParams({ from: '/tasks/$id' });
  const held = useSwarm((swarm) => swarm.tasks.get(id));
  const { task, said } = useWhole(id, held);
  if (task === undefined) return <Empty title={said === '' ? 'Looking for this task …' : said} />;
  return <Known key={id} task={task} />;
}

/** What the stream holds, with the whole texts where it has only their beginning; or a task that is too old to be held. */
function useWhole(id: string, held: Task | undefined): { task: Task | undefined; said: string } {
  const [whole, setWhole] = useState<Task>();
  const [said, setSaid] = useState('');
  const isNeeded = held === undefined || held.truncated.length > 0;
  const changed = held?.lamport_ts;
  useEffect(() => {
    if (!isNeeded) return undefined;
    let isOver = false;
    api<Task>('GET', taskPath(id)).then(
      (task) => isOver || setWhole(task),
      (error: unknown) => isOver || setSaid(sayError(error)),
    );
    return () => {
      isOver = true;
    };
  }, [id, isNeeded, changed]);
  const isFresh = whole !== undefined && whole.id === id && (changed === undefined || whole.lamport_ts >= changed);
  return { task: isFresh ? whole : held, said };
}

function Known({ task }: { task: Task }) {
  const note = useTaskNote(task);
  return (
    <div className="flex flex-col gap-5">
      <header className="flex flex-col gap-2">
        <div className="flex items-start gap-3">
          <h1 className="min-w-0 grow text-lg leading-6 font-semibold wrap-anywhere">{task.title}</h1>
          <StatusBadge status={task.status} />
        </div>
        {note === '' || isEnded(task) ? null : <p className="truncate text-[13px] text-muted">{note}</p>}
        <Actions task={task} />
      </header>
      <div className="grid grid-cols-1 gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(16rem,1fr)]">
        <div className="flex min-w-0 flex-col gap-5">
          <Approvals of={task.id} />
          <Texts texts={{ Error: task.error, Result: task.result }} />
          <TaskTabs task={task} />
          <Texts texts={{ Description: task.description, Context: task.context }} />
        </div>
        <TaskFacts task={task} />
      </div>
    </div>
  );
}

function Actions({ task }: { task: Task }) {
  const navigate = useNavigate();
  const cancel = useCancel(task.id);
  const allow = useAction(async () => {
    await api('POST', `${taskPath(task.id)}/allow`);
    return 'Allowed.';
  });
  const retry = useAction(async () => {
    const next = await api<Task>('POST', 'api/swarm/tasks', retryBody(task));
    await navigate({ to: '/tasks/$id', params: { id: next.id } });
    return `Created ${shortId(next.id)} in its place.`;
  });
  const merge = useAction(async () => {
    type Merged = { state: 'merged' | 'ready'; commit: string | null; into: string; command: string | null };
    const { state, into, commit, command } = await api<Merged>('POST', `${taskPath(task.id)}/merge`, {});
    if (state === 'merged') return `Merged into ${into}: ${commit?.slice(0, 10) ?? ''}`;
    return `Ready. ${into} is checked out somewhere, so merge it there: ${command ?? ''}`;
  });
  return (
    <div className="flex flex-wrap items-center gap-2">
      {task.status === 'completed' && task.work !== null && task.work.commits > 0 ? (
        <ActionButton action={merge} look="primary">
          Merge
        </ActionButton>
      ) : null}
      {task.pending_reason?.startsWith('needs_allow') === true ? (
        <ActionButton action={allow} look="primary">
          Allow
        </ActionButton>
      ) : null}
      {isEnded(task) ? (
        <ActionButton action={retry}>{task.status === 'completed' ? 'Do it again' : 'Retry'}</ActionButton>
      ) : (
        <ActionButton action={cancel} look="danger" confirm="Really cancel?">
          Cancel task
        </ActionButton>
      )}
      {[cancel, allow, retry, merge].map(({ state }, index) => (
        <Said key={index} state={state} />
      ))}
    </div>
  );
}

function Texts({ texts }: { texts: Record<string, string | null> }) {
  return Object.entries(texts).map(([name, text]) =>
    text === null || text === '' ? null : (
      <section key={name} className="min-w-0">
        <h2 className={`mb-1 text-xs font-medium ${name === 'Error' ? 'text-red' : 'text-muted'}`}>{name}</h2>
        <pre data-part={name.toLowerCase()} tabIndex={0} className="code max-h-80 overflow-y-auto">
          {text}
        </pre>
      </section>
    ),
  );
}

/** Opens on what is most wanted: output while it runs, else what was decided. */
function TaskTabs({ task }: { task: Task }) {
  const [tab, setTab] = useState<string>(task.status === 'in_progress' ? 'output' : 'timeline');
  return (
    <Tabs.Root value={tab} onValueChange={(value) => setTab(String(value))}>
      <Tabs.List className="mb-2 flex gap-1">
        <Tabs.Tab value="timeline" className={TAB}>
          Timeline
        </Tabs.Tab>
        <Tabs.Tab value="output" className={TAB}>
          Output
        </Tabs.Tab>
        <Tabs.Tab value="transcript" className={TAB}>
          Transcript
        </Tabs.Tab>
        <Tabs.Tab value="diff" className={TAB}>
          Diff
        </Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="timeline">
        <Timeline task={task} />
      </Tabs.Panel>
      <Tabs.Panel value="output">
        <TaskOutput task={task} />
      </Tabs.Panel>
      <Tabs.Panel value="transcript">
        <TaskTranscript task={task} />
      </Tabs.Panel>
      <Tabs.Panel value="diff">
        <Diff task={task} />
      </Tabs.Panel>
    </Tabs.Root>
  );
}

function TaskFacts({ task }: { task: Task }) {
  const worker = useWorkerText(task);
  const project = useSwarm((swarm) =>
    task.project === null ? null : (swarm.projects.get(task.project)?.name ?? 'removed'),
  );
  const nodeOf = useSwarm((swarm) => swarm.nodes);
  const names = task.voters.map((id) => nodeOf.get(id)?.name ?? id.slice(0, 8));
  const home = useSwarm((swarm) => nameOfNode(swarm, task.home));
  return (
    <aside className="card h-fit p-4">
      <Facts
        facts={[
          ['Id', <span className="font-mono text-xs">{shortId(task.id)}</span>],
          ['Agent', worker],
          [
            'Running for',
            task.status === 'in_progress' && task.claimed_at !== null ? <Since at={task.claimed_at} /> : null,
          ],
          ['Attempt', task.attempt === 0 ? null : `${task.attempt} of ${task.attempts_max}`],
          ['Reason', task.reason?.replaceAll('_', ' ')],
          ['Project', project],
          ['Base', task.base],
          ['Folder', task.project_path],
          ['Needs', task.required_capabilities.join(', ')],
          ['Priority', task.priority === 0 ? null : task.priority],
          ['Time limit', task.time_limit_s === null ? null : `${task.time_limit_s} s`],
          ['Budget', task.budget_usd === null ? null : `$${task.budget_usd}`],
          ['Waits for', task.depends_on.length === 0 ? null : <Others ids={task.depends_on} />],
          ['In place of', task.supersedes === null ? null : <Others ids={[task.supersedes]} />],
          ['Conversation of', task.fork === null ? null : <Others ids={[task.fork.task_id]} />],
          ['Used', task.usage === null ? null : usedText(task.usage)],
          ['Work', task.work === null ? null : plural(task.work.commits, 'commit')],
          [
            'Branch',
            task.work === null ? null : (
              <span className="font-mono text-xs">{task.work.branch.replace(task.id, shortId(task.id))}</span>
            ),
          ],
          ['Late', task.reports.some(({ late }) => late) ? <Reports task={task} /> : null],
          ['Decided by', names.length === 1 ? `${home} alone` : names.join(', ')],
          ['Claims', task.claims === 'optimistic' ? 'optimistic: it may run twice' : null],
          ['Created', <Age at={task.created_at} />],
          ['Changed', <Age at={task.updated_at} />],
        ]}
      />
    </aside>
  );
}

/** Links to other tasks; nothing where there are none. */
function Others({ ids }: { ids: readonly string[] }) {
  const tasks = useSwarm((swarm) => swarm.tasks);
  return ids.map((id) => (
    <Link key={id} to="/tasks/$id" params={{ id }} className="block truncate underline">
      {tasks.get(id)?.title ?? shortId(id)}
    </Link>
  ));
}

function Reports({ task }: { task: Task }) {
  return task.reports
    .filter(({ late }) => late)
    .map((report) => (
      <span key={report.attempt} className="block text-amber">
        attempt {report.attempt} {report.kind}, {plural(report.commits, 'commit')} kept
      </span>
    ));
}
