/** One agent, on whichever node: how it stands and why, what it does, and what may be said and done to it. */
import { useParams } from '@tanstack/react-router';
import { PlugZap } from 'lucide-react';
import type { Agent } from '../model/frame.ts';
import { nameOfNode, useSwarm } from '../model/store.ts';
import { AgentActions } from '../parts/agent-actions.tsx';
import { AgentAttach, AgentExplained, AgentFacts, AgentUsage } from '../parts/agent-facts.tsx';
import { SayToAgent } from '../parts/agent-say.tsx';
import { AgentTurns } from '../parts/agent-turns.tsx';
import { AgentViews } from '../parts/agent-views.tsx';
import { Approvals } from '../parts/approvals.tsx';
import { Empty } from '../parts/layout.tsx';
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
  const isScript = agent.tool === 'shell' && agent.tmux_session_id === null;
  return (
    <div className="flex flex-col gap-5">
      <header className="flex flex-col gap-2">
        <div className="flex items-start gap-3">
          <h1 className="min-w-0 grow text-lg leading-6 font-semibold wrap-anywhere">{agent.name}</h1>
          <StatusBadge status={agentStatus(agent)} />
        </div>
        <AgentActions agent={agent} />
        <Away agent={agent} />
      </header>
      <div className="grid grid-cols-1 gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(18rem,1fr)]">
        <div className="flex min-w-0 flex-col gap-5">
          <Approvals of={agent.id} />
          <AgentViews agent={agent} />
          {agent.turns === 'off' ? null : <AgentTurns agent={agent} />}
          {isScript ? null : <SayToAgent agent={agent} />}
        </div>
        <aside className="flex min-w-0 flex-col gap-4">
          <AgentFacts agent={agent} />
          <AgentExplained agent={agent} />
          <AgentUsage agent={agent} />
          {agent.tmux_session_id === null ? null : <AgentAttach agent={agent} />}
        </aside>
      </div>
    </div>
  );
}

/** Nothing of it can be asked or done while its node is away. */
function Away({ agent }: { agent: Agent }) {
  const node = useSwarm((swarm) => nameOfNode(swarm, agent.node_id));
  const heard = useSwarm((swarm) => swarm.nodes.get(agent.node_id)?.last_heard_at ?? null);
  if (agent.status !== 'unreachable') return null;
  return (
    <p role="alert" className="flex items-center gap-2 rounded-md bg-red-ground px-3 py-2 text-[13px] text-red">
      <PlugZap aria-hidden className="size-4 shrink-0" />
      <span>
        {node} cannot be reached, and so nothing of this agent is known
        {heard === null ? (
          '.'
        ) : (
          <>
            : it was last heard of <Age at={heard} />.
          </>
        )}
      </span>
    </p>
  );
}
