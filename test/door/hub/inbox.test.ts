import { expect, test } from 'vitest';
import { Inbox } from '#door/hub/inbox.ts';

test('what needs no waiting is done at once, however much comes', () => {
  const done: string[] = [];
  const inbox = new Inbox(
    (text) => void done.push(text),
    () => {},
  );
  for (let n = 0; n < 1_000; n += 1) expect(inbox.take(String(n))).toBe(true);
  expect(done).toHaveLength(1_000);
});

test('what comes while something is under way waits for it, in order', async () => {
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const inbox = new Inbox(
    (text) => {
      done.push(text);
      return text === 'first' ? first.promise : undefined;
    },
    () => {},
  );
  for (const text of ['first', 'second', 'third']) inbox.take(text);
  expect(done).toEqual(['first']);
  first.resolve();
  await inbox.end();
  expect(done).toEqual(['first', 'second', 'third']);
  inbox.take('fourth');
  expect(done).toHaveLength(4);
});

test('no more than 64 wait', async () => {
  const first = Promise.withResolvers<void>();
  const inbox = new Inbox(
    () => first.promise,
    () => {},
  );
  const taken = Array.from({ length: 70 }, (_none, n) => inbox.take(String(n)));
  expect(taken.filter(Boolean)).toHaveLength(64);
  first.resolve();
  await inbox.end();
  expect(inbox.take('again')).toBe(true);
});

test('a fault is told, and ends nothing', async () => {
  const faults: unknown[] = [];
  const done: string[] = [];
  const inbox = new Inbox(
    (text) => {
      if (text === 'throws') throw new Error(text);
      if (text === 'rejects') return Promise.reject(new Error(text));
      done.push(text);
      return undefined;
    },
    (error) => faults.push(error),
  );
  for (const text of ['throws', 'one', 'rejects', 'two']) inbox.take(text);
  await inbox.end();
  expect([done, faults.map(String)]).toEqual([
    ['one', 'two'],
    ['Error: throws', 'Error: rejects'],
  ]);
});
