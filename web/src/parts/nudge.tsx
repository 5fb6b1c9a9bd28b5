/** Waking one that waits for messages. Nobody but an operator does so: it may cost a turn of a model. */
import { agentPath, api } from '../model/api.ts';
import { ActionButton, Said, useAction } from './action.tsx';

/** `id`: of an agent, or `@…` of one who comes to the hub with a key. */
export function Nudge({ id, small = false }: { id: string; small?: boolean }) {
  const nudge = useAction(async () => {
    await api('POST', `${agentPath(id)}/nudge`, {});
    return 'Nudged.';
  });
  return (
    <>
      <ActionButton action={nudge} look={small ? 'quiet' : 'plain'} small={small}>
        Nudge
      </ActionButton>
      <Said state={nudge.state} />
    </>
  );
}
