/** The task that j and k have chosen, and that Enter opens; the same in the table and on the board. */
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { Task } from '../model/frame.ts';
import { isTyping } from './keys.ts';

/** The chosen task's id: it stays chosen while tasks move around it. `show` brings the one at that place into sight. */
export function useChosen(tasks: readonly Task[], show: (index: number) => void): string | undefined {
  const [chosen, setChosen] = useState<string>();
  const navigate = useNavigate();
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return;
      const at = tasks.findIndex(({ id }) => id === chosen);
      const step = event.key === 'j' ? 1 : event.key === 'k' ? -1 : 0;
      if (step !== 0) {
        const next = Math.min(tasks.length - 1, Math.max(0, at + step));
        setChosen(tasks[next]?.id);
        show(next);
      } else if (event.key === 'Enter' && at !== -1 && !(event.target instanceof HTMLAnchorElement)) {
        void navigate({ to: '/tasks/$id', params: { id: tasks[at]?.id ?? '' } });
      }
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [tasks, chosen, navigate, show]);
  return chosen;
}
