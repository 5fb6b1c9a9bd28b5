/** What became of one message of a channel at each of its readers. Asked when somebody wants to know. */
import { Users } from 'lucide-react';
import { useState } from 'react';
import { useAsked } from '../model/asked.ts';
import type { Message, Reader } from '../model/frame.ts';
import { useMayAct } from '../model/store.ts';
import { StatusBadge } from './status.tsx';
import { useLook } from './time.tsx';

/** That a reader was given it, or read on, is told by no event: it is looked at again so often. */
const LOOK_MS = 3_000;

export function Readers({ message }: { message: Message }) {
  const mayAct = useMayAct();
  const [isOpen, setOpen] = useState(false);
  if (!mayAct) return null;
  return (
    <>
      <button
        type="button"
        aria-expanded={isOpen}
        className="flex items-center gap-1 rounded-sm py-0.5 hover:text-text"
        onClick={() => setOpen(!isOpen)}
      >
        <Users aria-hidden className="size-3.5" /> Who has it
      </button>
      {isOpen ? <List message={message} /> : null}
    </>
  );
}

function List({ message }: { message: Message }) {
  const look = useLook(LOOK_MS);
  const path = `api/messages/${encodeURIComponent(message.id)}/readers`;
  const { answer: readers, said } = useAsked<Reader[]>(path, look);
  if (readers === undefined) return <span role="status">{said}</span>;
  if (readers.length === 0) return <span role="status">Nobody else is in this channel.</span>;
  return (
    <ul aria-label="Who has it" className="flex basis-full flex-wrap gap-x-4 gap-y-1.5 py-1">
      {readers.map(({ id, name, kind, state, reason }) => (
        <li key={id} className="flex min-w-0 flex-wrap items-center gap-1.5">
          <bdi className="min-w-0 truncate text-text" title={id}>
            {name}
          </bdi>
          {kind === 'webhook' ? <span>webhook</span> : null}
          <StatusBadge status={state === 'later' ? 'came later' : state} />
          {reason === null ? null : <span className="wrap-anywhere">{reason}</span>}
        </li>
      ))}
    </ul>
  );
}
