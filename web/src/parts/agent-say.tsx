/** Words for an agent: in the turn it is in where its tool can take them, else to its mailbox, or typed at its prompt. */
import { Send } from 'lucide-react';
import type { FormEvent, KeyboardEvent } from 'react';
import { agentPath, api } from '../model/api.ts';
import type { Agent } from '../model/frame.ts';
import { useMayAct } from '../model/store.ts';
import { Said, useAction } from './action.tsx';
import { Button } from './button.tsx';

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

/** Typed text stays through everything that happens meanwhile, and also when it was refused. */
export function SayToAgent({ agent }: { agent: Agent }) {
  const mayAct = useMayAct();
  const way = wayOf(agent);
  const action = useAction(async (text: string) => {
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
  });
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const text = new FormData(form).get('text');
    if (typeof text === 'string' && text.trim() !== '' && (await action.run(text))) form.reset();
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  };
  return (
    <form className="flex flex-col gap-1" onSubmit={(event) => void submit(event)}>
      <div className="flex items-end gap-2">
        <textarea
          name="text"
          rows={2}
          aria-label={HINTS[way](agent.name)}
          placeholder={HINTS[way](agent.name)}
          disabled={!mayAct || way === 'none'}
          className="field min-w-0 grow resize-y disabled:opacity-60"
          onKeyDown={press}
        />
        <Button type="submit" disabled={!mayAct || way === 'none' || action.state.kind === 'pending'}>
          <Send aria-hidden className="size-4" /> {way === 'steer' ? 'Steer' : 'Send'}
        </Button>
      </div>
      <Said state={action.state} />
    </form>
  );
}
