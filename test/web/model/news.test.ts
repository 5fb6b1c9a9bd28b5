import { describe, expect, it } from 'vitest';
import { messageOf, waitingOf } from '../../../web/src/model/news.ts';
import { approvalOf } from './rows.ts';

const need = { key: 'failed x', kind: 'failed', title: 'Run the tests', text: '3 failed' } as const;

describe('what a person is told of', () => {
  it('is what agents ask and what else needs them, each with the way there', () => {
    const asked = approvalOf(7);
    const news = waitingOf(
      [asked],
      [
        { ...need, link: { kind: 'task', id: 'x' } },
        { ...need, key: 'boot', link: undefined },
      ],
    );
    expect(news.map(({ key, address }) => [key, address])).toEqual([
      [`asked ${asked.id}`, `/tasks/${asked.task_id}`],
      ['failed x', '/tasks/x'],
      ['boot', '/'],
    ]);
  });

  it('is one message, however much there is', () => {
    const news = waitingOf(
      [],
      Array.from({ length: 5 }, (_, n) => ({ ...need, key: `${n}`, link: undefined })),
    );
    expect(messageOf([])).toBeUndefined();
    expect(messageOf(news.slice(0, 1))).toMatchObject({ title: 'Run the tests', text: '3 failed' });
    expect(messageOf(news)).toEqual({
      title: '5 things need you',
      text: 'Run the tests: 3 failed\n'.repeat(3).trim(),
      address: '/',
    });
  });
});
