/** What may be done to an agent, and what came of it. */
import { useNavigate } from '@tanstack/react-router';
import { agentPath, api } from '../model/api.ts';
import type { Agent } from '../model/frame.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { Nudge } from './nudge.tsx';

/** It is in a turn, or may be. */
const AT_WORK: ReadonlySet<string> = new Set(['busy', 'waiting', 'retrying', 'rate_limited', 'unknown']);
export const isAtWork = ({ status, current_task_id: task }: Agent): boolean => task !== null || AT_WORK.has(status);

export function AgentActions({ agent }: { agent: Agent }) {
  const navigate = useNavigate();
  const path = agentPath(agent.id);
  const isTerminal = agent.tmux_session_id !== null;
  const isScript = agent.tool === 'shell' && !isTerminal;
  const interrupt = useAction(async () => {
    await api('POST', `${path}/interrupt`);
    return isScript ? 'Stopped.' : 'Interrupted. Tell it what to do instead.';
  });
  const restart = useAction(async () => {
    await api('POST', `${path}/restart`);
    return 'Started anew.';
  });
  const pause = useAction(async () => {
    await api('POST', `${path}/${agent.paused ? 'resume' : 'pause'}`);
    return agent.paused ? 'It takes tasks again.' : 'It takes nothing more.';
  });
  const remove = useAction(async () => {
    await api('DELETE', path);
    await navigate({ to: '/agents' });
    return 'Removed.';
  });
  return (
    <div className="flex flex-wrap items-center gap-2">
      <ActionButton action={interrupt} isOff={!isAtWork(agent)}>
        Interrupt
      </ActionButton>
      <Nudge id={agent.id} />
      <ActionButton action={pause} look={agent.paused ? 'primary' : 'plain'}>
        {agent.paused ? 'Resume' : 'Pause'}
      </ActionButton>
      {isTerminal ? (
        <ActionButton action={restart} confirm="Really end its program?">
          Restart
        </ActionButton>
      ) : null}
      <ActionButton action={remove} look="danger" confirm="Really remove?">
        Remove agent
      </ActionButton>
      {[interrupt, restart, pause, remove].map(({ state }, index) => (
        <Said key={index} state={state} />
      ))}
    </div>
  );
}
