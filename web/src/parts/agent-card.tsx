/** An agent as a card: what it can do, what it does, and what it printed last. */
import { Link } from '@tanstack/react-router';
import { memo, useState } from 'react';
import type { Agent } from '../model/frame.ts';
import { nameOfNode, useSwarm } from '../model/store.ts';
import { AgentOutput } from './agent-output.tsx';
import { Button } from './button.tsx';
import { ContextBar } from './context-bar.tsx';
import { Window } from './dialog.tsx';
import { agentStatus, StatusBadge } from './status.tsx';

export const AgentCard = memo(function AgentCard({ agent, withNode = true }: { agent: Agent; withNode?: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const node = useSwarm((swarm) => nameOfNode(swarm, agent.node_id));
  const task = useSwarm((swarm) =>
    agent.current_task_id === null ? undefined : swarm.tasks.get(agent.current_task_id),
  );
  const progress = useSwarm((swarm) =>
    agent.current_task_id === null ? undefined : swarm.progress.get(agent.current_task_id),
  );
  const others = agent.capabilities.filter((one) => one !== agent.tool);
  const facts = [agent.tool, ...(withNode ? [node] : []), ...others];
  return (
    <article className="card flex min-w-0 flex-col gap-1 p-3 hover:border-line-strong">
      <div className="flex min-w-0 items-center gap-2">
        <h3 className="min-w-0 grow truncate text-[13px] font-medium">
          <Link to="/agents/$id" params={{ id: agent.id }} className="hover:underline">
            {agent.name}
          </Link>
        </h3>
        <StatusBadge status={agentStatus(agent)} />
      </div>
      <div className="flex min-w-0 items-center gap-2">
        <p className="min-w-0 grow truncate text-xs text-muted">{facts.join(' · ')}</p>
        <Button look="quiet" className="-my-1 -mr-2 px-2 text-xs" onClick={() => setOpen(true)}>
          Output
        </Button>
      </div>
      {agent.context === null ? null : <ContextBar context={agent.context} />}
      {agent.current_task_id === null ? null : (
        <p className="truncate text-xs">
          <Link to="/tasks/$id" params={{ id: agent.current_task_id }} className="hover:underline">
            {task?.title ?? 'a task that is not shown here'}
          </Link>
          {progress === undefined ? null : <span className="ml-2 font-mono text-muted">{progress}</span>}
        </p>
      )}
      <Window title={`${agent.name}: output`} isOpen={isOpen} onClose={() => setOpen(false)} wide>
        <AgentOutput id={agent.id} task={agent.current_task_id} />
      </Window>
    </article>
  );
});
