/** One agent, on whichever node: how it stands, what it prints, and what may be said to it. */
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { Send } from 'lucide-react';
import type { FormEvent } from 'react';
import { agentPath, api } from '../model/api.ts';
import type { Agent } from '../model/frame.ts';
import { nameOfNode, useMayAct, useSwarm } from '../model/store.ts';
import { shortId } from '../model/text.ts';
import { ActionButton, Said, useAction } from '../parts/action.tsx';
import { AgentOutput } from '../parts/agent-output.tsx';
import { Button } from '../parts/button.tsx';
import { Approvals } from '../parts/approvals.tsx';
import { Command, Empty, Facts, Section } from '../parts/layout.tsx';
import { agentStatus, StatusBadge } from '../parts/status.tsx';
import { Age } from '../parts/time.tsx';

export function AgentPage() {
  const { id } = useParams({ from: '/agents/$id' });
  const agent = useSwarm((swarm) => swarm.agents.get(id));
  const isLoaded = useSwarm((swarm) => swarm.node !== undefined);
  if (agent === undefined) return <Empty title={isLoaded ? 'This agent is gone.' : 'Looking for this agent …'} />;
  return <Known key={id} agent={agent} />;
}

function Known({ agent }: { agent: Agent }) {
  const navigate = useNavigate();
  const remove = useAction(async () => {
    await api('DELETE', agentPath(agent.id));
    await navigate({ to: '/agents' });
    return 'Removed.';
  });
  const pause = useAction(async () => {
    await api('POST', `${agentPath(agent.id)}/${agent.paused ? 'resume' : 'pause'}`);
    return agent.paused ? 'It takes tasks again.' : 'It takes nothing more.';
  });
  return (
    <div className="flex flex-col gap-5">
      <header className="flex flex-col gap-2">
        <div className="flex items-start gap-3">
          <h1 className="min-w-0 grow text-lg leading-6 font-semibold wrap-anywhere">{agent.name}</h1>
          <StatusBadge status={agentStatus(agent)} />
        </div>
        <div className="flex flex-wrap items-center gap-2">
          <ActionButton action={pause} look={agent.paused ? 'primary' : 'quiet'}>
            {agent.paused ? 'Resume' : 'Pause'}
          </ActionButton>
          <ActionButton action={remove} look="danger" confirm="Really remove?">
            Remove agent
          </ActionButton>
          {[pause, remove].map(({ state }, index) => (
            <Said key={index} state={state} />
          ))}
        </div>
      </header>
      <div className="grid grid-cols-1 gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(16rem,1fr)]">
        <div className="flex min-w-0 flex-col gap-5">
          <Approvals of={agent.id} />
          <Section title="Output">
            <AgentOutput id={agent.id} task={agent.current_task_id} />
          </Section>
          {agent.tool === 'shell' ? null : <SendBox agent={agent} />}
        </div>
        <aside className="flex flex-col gap-4">
          <AgentFacts agent={agent} />
          {agent.tmux_session_id === null ? null : (
            <Section title="In a terminal">
              <Command text={`skep agent attach ${agent.name}`} />
            </Section>
          )}
        </aside>
      </div>
    </div>
  );
}

function SendBox({ agent }: { agent: Agent }) {
  const mayAct = useMayAct();
  const action = useAction(async (text: string) => {
    const { sent } = await api<{ sent: boolean }>('POST', `${agentPath(agent.id)}/send`, { text });
    return sent ? 'Sent.' : 'Not sent: it takes no text right now.';
  });
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const text = new FormData(form).get('text');
    if (typeof text === 'string' && (await action.run(text))) form.reset();
  };
  return (
    <form className="flex flex-col gap-2" onSubmit={(event) => void submit(event)}>
      <div className="flex gap-2">
        <label className="min-w-0 grow">
          <span className="sr-only">Text to type into the agent</span>
          <input
            name="text"
            required
            disabled={!mayAct}
            placeholder={`Say something to ${agent.name}`}
            className="field"
          />
        </label>
        <Button type="submit" disabled={!mayAct || action.state.kind === 'pending'}>
          <Send aria-hidden className="size-4" /> Send
        </Button>
      </div>
      <Said state={action.state} />
    </form>
  );
}

function AgentFacts({ agent }: { agent: Agent }) {
  const node = useSwarm((swarm) => nameOfNode(swarm, agent.node_id));
  const status = useSwarm((swarm) => swarm.nodes.get(agent.node_id)?.status ?? 'dead');
  const task = useSwarm((swarm) =>
    agent.current_task_id === null ? undefined : swarm.tasks.get(agent.current_task_id),
  );
  return (
    <div className="card h-fit p-4">
      <Facts
        facts={[
          ['Id', <span className="font-mono text-xs">{shortId(agent.id)}</span>],
          ['Tool', agent.tool],
          ['Paused', agent.paused ? 'takes nothing until it is resumed' : null],
          [
            'Node',
            <span className="flex items-center gap-2">
              {node} <StatusBadge status={status} />
            </span>,
          ],
          [
            'At work on',
            agent.current_task_id === null ? null : (
              <Link to="/tasks/$id" params={{ id: agent.current_task_id }} className="underline">
                {task?.title ?? shortId(agent.current_task_id)}
              </Link>
            ),
          ],
          ['Can', agent.capabilities.join(', ')],
          ['Folder', agent.project_path],
          ['Session', agent.tmux_session_id],
          ['Boxed', 'no: it has the rights of its node'],
          ['Registered', <Age at={agent.registered_at} />],
        ]}
      />
    </div>
  );
}
