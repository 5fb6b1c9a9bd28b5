/** A person goes on with the conversation of an attempt that is over, in the terminal of its tool. */
import { useNavigate } from '@tanstack/react-router';
import { api, taskPath } from '../model/api.ts';
import type { Task } from '../model/frame.ts';
import { ActionButton, Said, useAction } from './action.tsx';

export function OpenConversation({ task, attempt }: { task: Task; attempt: number }) {
  const navigate = useNavigate();
  const open = useAction(async () => {
    const opened = await api<{ agent_id: string }>('POST', `${taskPath(task.id)}/open`, { attempt });
    await navigate({ to: '/agents/$id', params: { id: opened.agent_id } });
    return 'Opened.';
  });
  return (
    <>
      <ActionButton action={open}>Go on in a terminal</ActionButton>
      <Said state={open.state} />
    </>
  );
}
