/** Says what of all tasks is here, and gets more. */
import type { OlderTasks } from '../model/older.ts';
import { plural } from '../model/needs.ts';
import { Button } from './button.tsx';

export function Older({ older }: { older: OlderTasks }) {
  const { isAsking, said, hasMore, ask } = older;
  if (!hasMore && said === '') return null;
  return (
    <div className="flex flex-wrap items-center gap-3 text-[13px] text-muted">
      <span>{textOf(older)}</span>
      <Button disabled={isAsking} onClick={ask}>
        {isAsking ? 'Asking …' : said === '' ? 'Get the next thousand' : 'Ask again'}
      </Button>
      <span role="status">{said}</span>
    </div>
  );
}

function textOf({ tasks, missing, isFiltered, isAsking }: OlderTasks): string {
  if (isFiltered)
    return isAsking ? 'The node looks through its older tasks.' : 'The node may have more that are like that.';
  return `${plural(tasks.size, 'task')} are here, ${missing.toLocaleString('en')} older ones are not: a search finds them, too.`;
}
