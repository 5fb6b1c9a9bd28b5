/** Says that there are more tasks than are here, and gets them. */
import type { OlderTasks } from '../model/older.ts';
import { plural } from '../model/needs.ts';
import { Button } from './button.tsx';

export function Older({ older }: { older: OlderTasks }) {
  const { tasks, missing, isAsking, said, ask } = older;
  if (missing === 0) return null;
  return (
    <div className="flex flex-wrap items-center gap-3 text-[13px] text-muted">
      <span>
        {plural(tasks.size, 'task')} are here, {missing.toLocaleString('en')} older ones are not: a search does not find
        them.
      </span>
      <Button disabled={isAsking} onClick={ask}>
        {isAsking ? 'Asking …' : 'Get the next thousand'}
      </Button>
      <span role="status">{said}</span>
    </div>
  );
}
