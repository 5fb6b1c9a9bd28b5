import { beforeEach, expect, test } from 'vitest';
import { Inbox } from '#door/hub/inbox.ts';

let done: string[];
let answers: string[];
let faults: string[];
/** What ends the handling of a frame that has to wait. */
let ends: Map<string, PromiseWithResolvers<string>>;
let inbox: Inbox<string, string>;

beforeEach(() => {
  [done, answers, faults, ends] = [[], [], [], new Map()];
  inbox = new Inbox<string, string>({
    handle: (frame) => {
      if (frame === 'throws') throw new Error(frame);
      if (frame === 'rejects') return Promise.reject(new Error(frame));
      done.push(frame);
      return ends.get(frame)?.promise ?? frame;
    },
    answered: (answer) => answers.push(answer),
    onFault: (error) => faults.push(String(error)),
  });
});

function slow(...frames: string[]): void {
  for (const frame of frames) ends.set(frame, Promise.withResolvers());
}

test('what needs no waiting is done and answered at once, however much comes', () => {
  for (let n = 0; n < 1_000; n += 1) expect(inbox.take(String(n), false)).toBe(true);
  expect(done).toHaveLength(1_000);
  expect(answers).toHaveLength(1_000);
});

test('what comes while something is under way waits for it, in order', async () => {
  slow('first');
  for (const frame of ['first', 'second', 'third']) inbox.take(frame, false);
  expect(done).toEqual(['first']);
  ends.get('first')?.resolve('first');
  await inbox.end();
  expect(done).toEqual(['first', 'second', 'third']);
  inbox.take('fourth', false);
  expect(answers).toEqual(['first', 'second', 'third', 'fourth']);
});

test('what may overlap begins at once, and is answered in order', async () => {
  slow('one', 'two');
  for (const frame of ['one', 'two', 'three']) inbox.take(frame, true);
  expect(done).toEqual(['one', 'two', 'three']);
  ends.get('two')?.resolve('two');
  await ends.get('two')?.promise;
  expect(answers).toEqual([]);
  ends.get('one')?.resolve('one');
  await inbox.end();
  expect(answers).toEqual(['one', 'two', 'three']);
});

test('what may not overlap waits for all before it, and all after it wait for it', async () => {
  slow('one', 'two', 'alone');
  for (const frame of ['one', 'two']) inbox.take(frame, true);
  inbox.take('alone', false);
  inbox.take('after', true);
  expect(done).toEqual(['one', 'two']);
  for (const frame of ['two', 'one']) ends.get(frame)?.resolve(frame);
  await expect.poll(() => done).toEqual(['one', 'two', 'alone']);
  ends.get('alone')?.resolve('alone');
  await inbox.end();
  expect(answers).toEqual(['one', 'two', 'alone', 'after']);
});

test('no more than 64 wait', async () => {
  slow('0');
  const taken = Array.from({ length: 70 }, (_none, n) => inbox.take(String(n), true));
  expect(taken.filter(Boolean)).toHaveLength(64);
  expect(done).toHaveLength(64);
  ends.get('0')?.resolve('0');
  await inbox.end();
  expect(inbox.take('again', true)).toBe(true);
});

test('a fault is told, and ends nothing', async () => {
  for (const frame of ['throws', 'one', 'rejects', 'two']) inbox.take(frame, false);
  await inbox.end();
  expect(answers).toEqual(['one', 'two']);
  expect(faults).toEqual(['Error: throws', 'Error: rejects']);
});
