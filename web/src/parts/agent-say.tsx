/** Words for an agent: in the turn it is in where its tool can take them, else to its mailbox, or typed at its prompt. */
import { agentPath, api } from '../model/api.ts';
import type { Agent } from '../model/frame.ts';
import { Say } from './say.tsx';

type Way = 'steer' | 'write' | 'send' | 'none';

const wayOf = (agent: Agent): Way => {
  if (agent.turns !== 'off') return 'write';
  if (agent.current_task_id !== null) return 'steer';
  return agent.tmux_session_id === null ? 'none' : 'send';
};

const HINTS: Readonly<Record<Way, (name: string) => string>> = {
  steer: (name) => `Steer ${name}: words for the turn it is in`,
  write: (name) => `Write to ${name}: a turn of it begins`,
  send: (name) => `Say something to ${name}`,
  none: (name) => `${name} is at nothing: its words come with a task`,
};

export function SayToAgent({ agent }: { agent: Agent }) {
  const way = wayOf(agent);
  const send = async (text: string): Promise<string> => {
    if (way === 'steer') {
      await api('POST', `${agentPath(agent.id)}/steer`, { text });
      return 'Said.';
    }
    if (way === 'write') {
      await api('POST', 'api/messages', { to: agent.id, body: text });
      return 'Sent.';
    }
    const { sent } = await api<{ sent: boolean }>('POST', `${agentPath(agent.id)}/send`, { text });
    if (!sent) throw new Error('Not sent: it is at work, or takes no text right now.');
    return 'Sent.';
  };
  return (
    <Say label={HINTS[way](agent.name)} verb={way === 'steer' ? 'Steer' : 'Send'} isOff={way === 'none'} send={send} />
  );
}
