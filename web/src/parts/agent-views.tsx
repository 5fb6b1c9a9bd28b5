/** What an agent does, in the ways it can be looked at: its terminal, or the plain log. */
import { Tabs } from '@base-ui/react/tabs';
import type { ReactNode } from 'react';
import { lazy, Suspense, useState } from 'react';
import { agentPath } from '../model/api.ts';
import type { Agent } from '../model/frame.ts';
import { AgentOutput } from './agent-output.tsx';
import { SCREEN } from './screen-place.ts';
import { TAB } from './tabs.ts';

const Transcript = lazy(async () => ({ default: (await import('./transcript.tsx')).Transcript }));
const AgentTerminal = lazy(async () => ({ default: (await import('./terminal.tsx')).AgentTerminal }));

type View = { name: string; title: string; body: ReactNode };

export function AgentViews({ agent }: { agent: Agent }) {
  const views = viewsOf(agent);
  const [view, setView] = useState(views[0]?.name ?? '');
  return (
    <Tabs.Root value={view} onValueChange={(value) => setView(String(value))}>
      <Tabs.List aria-label="What it does" className="mb-2 flex gap-1">
        {views.map(({ name, title }) => (
          <Tabs.Tab key={name} value={name} className={TAB}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {views.map(({ name, body }) => (
        <Tabs.Panel key={name} value={name}>
          {body}
        </Tabs.Panel>
      ))}
    </Tabs.Root>
  );
}

function viewsOf(agent: Agent): View[] {
  const log = { name: 'log', title: 'Log', body: <AgentOutput id={agent.id} task={agent.current_task_id} /> };
  if (agent.tmux_session_id === null && agent.tool === 'shell') return [log];
  const transcript = {
    name: 'transcript',
    title: 'Transcript',
    body: (
      <Suspense fallback={<div className="min-h-24" />}>
        <Transcript path={`${agentPath(agent.id)}/transcript`} task={agent.current_task_id} />
      </Suspense>
    ),
  };
  if (agent.tmux_session_id === null) return [transcript, log];
  const body = (
    <Suspense fallback={<div className={SCREEN} />}>
      <AgentTerminal agent={agent} />
    </Suspense>
  );
  return [{ name: 'terminal', title: 'Terminal', body }, log];
}
