import { describe, expect, it } from 'vitest';
import { tasksSearch } from '../../../web/src/pages/search.ts';
import { EVERYTHING, filterTasks, queryOf, retryBody } from '../../../web/src/model/tasks.ts';
import { HOME, taskOf } from './rows.ts';

const titles = (tasks: ReturnType<typeof taskOf>[], filter: Partial<typeof EVERYTHING> = {}): string[] =>
  filterTasks(tasks, { ...EVERYTHING, ...filter }, (id) => (id === 'agent' ? 'Clover' : '')).map(({ title }) => title);

describe('tasks on the page', () => {
  const tasks = [
    taskOf(1, { title: 'old end', status: 'completed', updated_at: '2026-01-01' }),
    taskOf(2, { title: 'new end', status: 'failed', updated_at: '2026-01-02', error: 'x' }),
    taskOf(3, { title: 'waits', priority: 1, project: 'p' }),
    taskOf(4, { title: 'waits longer', created_at: '2026-02-13' }),
    taskOf(5, { title: 'runs', status: 'in_progress', assigned_to: 'agent', description: 'Fix the LOGIN' }),
    taskOf(6, { title: 'claimed', status: 'claimed', priority: 9 }),
  ];

  it('stand in the order of what is going on', () => {
    expect(titles(tasks)).toEqual(['claimed', 'runs', 'waits', 'waits longer', 'new end', 'old end']);
  });

  it('are found by words, in any case, wherever they stand', () => {
    expect(titles(tasks, { text: 'login fix' })).toEqual(['runs']);
    expect(titles(tasks, { text: 'clover' })).toEqual(['runs']);
    expect(titles(tasks, { text: `${HOME.slice(0, 8)}-4` })).toEqual(['waits longer']);
    expect(titles(tasks, { text: 'waits nowhere' })).toEqual([]);
    expect(titles(tasks, { group: 'active' })).toEqual(['claimed', 'runs']);
    expect(titles(tasks, { project: 'p', text: ' ' })).toEqual(['waits']);
  });

  it('are asked for by an address, whatever it says', () => {
    expect(tasksSearch({ q: 'x', group: 'active', view: 'board', project: 'p' })).toEqual({
      q: 'x',
      group: 'active',
      view: 'board',
      project: 'p',
    });
    expect(tasksSearch({ q: 7, group: '<script>', view: 'wall', project: '', other: 1 })).toEqual({});
  });

  it('are asked of the node with what it is filtered by here, but those at work, which are all here', () => {
    expect(queryOf(EVERYTHING)).toBe('');
    expect(queryOf({ text: ' ', group: undefined, project: undefined })).toBe('');
    expect(queryOf({ text: ' Fix  login&status=x ', group: 'failed', project: 'p' })).toBe(
      'q=fix+login%26status%3Dx&status=failed&project=p',
    );
    expect(queryOf({ ...EVERYTHING, text: 'x'.repeat(300) })).toBe(`q=${'x'.repeat(200)}`);
    expect(queryOf({ text: 'x', group: 'active', project: undefined })).toBeUndefined();
  });

  it('are done again in place of the first, with all that was asked', () => {
    const body = retryBody(
      taskOf(3, { description: 'd', depends_on: ['x'], time_limit_s: 60, required_capabilities: ['shell'] }),
    );
    expect(body).toMatchObject({
      supersedes: `${HOME}-3`,
      title: 'task 3',
      description: 'd',
      depends_on: ['x'],
      time_limit_s: 60,
      required_capabilities: ['shell'],
    });
  });
});
