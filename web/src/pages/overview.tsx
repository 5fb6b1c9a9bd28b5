/** The first page: what needs a person, how much there is, who is at work, where. */
import { Link } from '@tanstack/react-router';
import { Bot, Inbox } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Task } from '../model/frame.ts';
import { deliveredOf, plural } from '../model/needs.ts';
import { useSwarm } from '../model/store.ts';
import type { Group } from '../model/tasks.ts';
import { compareTasks, groupOf } from '../model/tasks.ts';
import { Activity } from '../parts/activity.tsx';
import { AgentCard } from '../parts/agent-card.tsx';
import { CreateTask } from '../parts/create-task.tsx';
import { EventLog } from '../parts/event-log.tsx';
import { Command, Empty, Section } from '../parts/layout.tsx';
import { Links } from '../parts/links.tsx';
import { NodeMap } from '../parts/map.tsx';
import { isOut } from '../parts/status.tsx';
import { Approvals } from '../parts/approvals.tsx';
import { Needs } from '../parts/needs.tsx';
import { TaskCard } from '../parts/task-card.tsx';

/** Cards of one kind; the tasks page has all. */
const CARDS_MAX = 12;
const DELIVERED_MAX = 4;

export function Overview() {
  return (
    <div className="flex flex-col gap-6">
      <Tiles />
      <div className="grid grid-cols-1 gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)] xl:gap-8">
        <div className="flex min-w-0 flex-col gap-6">
          <Approvals />
          <Needs />
          <Activity />
          <AtWork />
          <Delivered />
        </div>
        <div className="flex min-w-0 flex-col gap-6">
          <Section title="New task">
            <div className="card p-3">
              <CreateTask isOpen={false} onCreated={() => undefined} />
            </div>
          </Section>
          <Agents />
          <Nodes />
          <EventLog />
        </div>
      </div>
    </div>
  );
}

function Tiles() {
  const node = useSwarm((swarm) => swarm.node);
  const agents = useSwarm((swarm) => swarm.agents);
  const nodes = useSwarm((swarm) => swarm.nodes);
  const counts = node?.tasks;
  const busy = [...agents.values()].filter(({ status }) => status === 'busy').length;
  const up = [...nodes.values()].filter(({ status }) => status === 'self' || status === 'alive').length;
  const live = [...nodes.values()].filter(({ status }) => !isOut(status)).length;
  return (
    <ul aria-label="Counts" className="card grid grid-cols-3 divide-line overflow-hidden sm:grid-cols-6 sm:divide-x">
      <Tile name="Pending" value={counts?.pending} group="pending" />
      <Tile
        name="Active"
        value={counts === undefined ? undefined : counts.claimed + counts.in_progress}
        group="active"
      />
      <Tile name="Completed" value={counts?.completed} group="completed" />
      <Tile name="Failed" value={counts?.failed} group="failed" tone={(counts?.failed ?? 0) > 0 ? 'text-red' : ''} />
      <Tile
        name="Agents"
        value={node === undefined ? undefined : agents.size}
        note={busy === 0 ? undefined : `${busy} busy`}
      />
      <Tile
        name="Nodes"
        value={node === undefined ? undefined : live}
        note={up === live ? undefined : `${live - up} away`}
      />
    </ul>
  );
}

type TileProps = { name: string; value: number | undefined; group?: Group; note?: string | undefined; tone?: string };

function Tile({ name, value, group, note, tone = '' }: TileProps) {
  const body: ReactNode = (
    <>
      <span className="text-xs text-muted">{name}</span>
      <span className="flex items-baseline gap-1.5">
        <span data-count={name.toLowerCase()} className={`text-xl leading-7 font-semibold tabular-nums ${tone}`}>
          {value ?? '–'}
        </span>
        {note === undefined ? null : <span className="text-xs whitespace-nowrap text-muted">{note}</span>}
      </span>
    </>
  );
  const look = 'flex flex-col px-4 py-2.5';
  return (
    <li className="min-w-0">
      {group === undefined ? (
        <Link to={name === 'Agents' ? '/agents' : '/settings'} className={`${look} hover:bg-sunken`}>
          {body}
        </Link>
      ) : (
        <Link to="/tasks" search={{ group }} className={`${look} hover:bg-sunken`}>
          {body}
        </Link>
      )}
    </li>
  );
}

function AtWork() {
  const tasks = useSwarm((swarm) => swarm.tasks);
  const isLoaded = useSwarm((swarm) => swarm.node !== undefined);
  const active = [...tasks.values()].filter((task) => groupOf(task) === 'active').toSorted(compareTasks);
  const counts = useSwarm((swarm) => swarm.node?.tasks);
  const pending = [...tasks.values()].filter((task) => groupOf(task) === 'pending').toSorted(compareTasks);
  if (isLoaded && tasks.size === 0) {
    return (
      <Section title="Tasks">
        <Empty icon={<Inbox />} title="No tasks yet">
          <p>Write one into the form, or from a terminal:</p>
          <Command text={'skep run "echo hello" --shell'} />
        </Empty>
      </Section>
    );
  }
  return (
    <>
      <Section title="At work" count={active.length}>
        {active.length === 0 ? (
          <p className="text-[13px] text-muted">Nothing runs right now.</p>
        ) : (
          <Cards tasks={active} />
        )}
      </Section>
      {pending.length === 0 ? null : (
        <Section
          title="Waiting for an agent"
          count={counts?.pending ?? pending.length}
          side={<More group="pending" count={counts?.pending ?? pending.length} />}
        >
          <Cards tasks={pending} />
        </Section>
      )}
    </>
  );
}

const Cards = ({ tasks }: { tasks: readonly Task[] }) => (
  <div className="grid grid-cols-1 gap-2 xl:grid-cols-2">
    {tasks.slice(0, CARDS_MAX).map((task) => (
      <TaskCard key={task.id} task={task} withCancel />
    ))}
  </div>
);

function More({ group, count }: { group: Group; count: number }) {
  if (count <= CARDS_MAX) return null;
  return (
    <Link to="/tasks" search={{ group }} className="text-xs text-muted hover:text-text hover:underline">
      all {count}
    </Link>
  );
}

function Delivered() {
  const tasks = useSwarm((swarm) => swarm.tasks);
  const delivered = deliveredOf({ tasks });
  const ended = [...tasks.values()].filter(({ status }) => status === 'completed' || status === 'cancelled');
  const shown = delivered.length > 0 ? delivered : ended.toSorted(compareTasks);
  if (shown.length === 0) return null;
  return (
    <Section
      title={delivered.length > 0 ? 'Delivered, to look at and merge' : 'Ended last'}
      side={
        <Link
          to="/tasks"
          search={{ group: 'completed' }}
          className="text-xs text-muted hover:text-text hover:underline"
        >
          all completed
        </Link>
      }
    >
      <div className="grid grid-cols-1 gap-2 xl:grid-cols-2">
        {shown.slice(0, DELIVERED_MAX).map((task) => (
          <TaskCard key={task.id} task={task} />
        ))}
      </div>
    </Section>
  );
}

function Agents() {
  const agents = useSwarm((swarm) => swarm.agents);
  const rank = ['waiting', 'unreachable', 'busy', 'idle', 'offline'];
  const shown = [...agents.values()].toSorted((a, b) => rank.indexOf(a.status) - rank.indexOf(b.status));
  const isLoaded = useSwarm((swarm) => swarm.node !== undefined);
  return (
    <Section title="Agents" count={agents.size} side={<AllAgents count={agents.size} />}>
      {isLoaded && shown.length === 0 ? (
        <Empty icon={<Bot />} title="No agents registered">
          <p>An agent takes tasks. One that runs scripts:</p>
          <Command text="skep agent add sh-1 --tool shell" />
        </Empty>
      ) : (
        <div className="grid grid-cols-1 gap-2 sm:grid-cols-2 lg:grid-cols-1 xl:grid-cols-2">
          {shown.slice(0, CARDS_MAX).map((agent) => (
            <AgentCard key={agent.id} agent={agent} />
          ))}
        </div>
      )}
    </Section>
  );
}

const AllAgents = ({ count }: { count: number }) =>
  count <= CARDS_MAX ? null : (
    <Link to="/agents" className="text-xs text-muted hover:text-text hover:underline">
      all {plural(count, 'agent')}
    </Link>
  );

function Nodes() {
  const nodes = useSwarm((swarm) => swarm.nodes);
  return (
    <Section title="Nodes" count={nodes.size}>
      <NodeMap nodes={[...nodes.values()]} />
      <Links />
    </Section>
  );
}
