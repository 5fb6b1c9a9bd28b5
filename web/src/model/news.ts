/** What a person who looks elsewhere is told of: what needs them that did not before. */
import type { Approval } from './frame.ts';
import type { Need } from './needs.ts';

export type News = { key: string; title: string; text: string; address: string };

/** What an agent asks, and what else needs somebody. */
export const waitingOf = (approvals: readonly Approval[], needs: readonly Need[]): News[] => [
  ...approvals.map(({ id, agent_name: agent, title, task_id: task }) => ({
    key: `asked ${id}`,
    title: `${agent} asks`,
    text: title,
    address: `/tasks/${task}`,
  })),
  ...needs.map(({ key, title, text, link }) => ({
    key,
    title,
    text,
    address: link === undefined ? '/' : `/${link.kind === 'task' ? 'tasks' : 'agents'}/${link.id}`,
  })),
];

/** One message, however much there is; undefined for nothing. */
export function messageOf(news: readonly News[]): Omit<News, 'key'> | undefined {
  const [first] = news;
  if (first === undefined) return undefined;
  if (news.length === 1) return first;
  const text = news
    .slice(0, 3)
    .map((one) => `${one.title}: ${one.text}`)
    .join('\n');
  return { title: `${news.length} things need you`, text, address: '/' };
}
