import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { untilAborted } from '#host/until-aborted.ts';

type Value = { text: string };

it('ends with its source, and hands its failure on', async () => {
  const values = async function* (): AsyncIterable<number> {
    yield 1;
    yield 2;
    throw new Error('torn');
  };
  const seen: number[] = [];
  const reading = (async () => {
    for await (const value of untilAborted(values(), new AbortController().signal)) seen.push(value);
  })();
  await expect(reading).rejects.toThrow('torn');
  expect(seen).toEqual([1, 2]);
});

it('ends at the abort, also when its source is silent, or when the abort came before it', async () => {
  const silent = async function* (): AsyncIterable<number> {
    yield 1;
    await new Promise(() => {});
  };
  const abort = new AbortController();
  const seen: number[] = [];
  for await (const value of untilAborted(silent(), abort.signal)) {
    seen.push(value);
    queueMicrotask(() => abort.abort());
  }
  for await (const value of untilAborted(silent(), abort.signal)) seen.push(value);
  expect(seen).toEqual([1]);
});

it('keeps nothing of what it handed on', async () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  const refs: WeakRef<Value>[] = [];
  const values = async function* (): AsyncIterable<Value> {
    for (let n = 0; n < 100; n++) {
      const value = { text: `${n}` };
      refs.push(new WeakRef(value));
      yield value;
    }
  };
  let kept = 0;
  for await (const value of untilAborted(values(), new AbortController().signal)) {
    if (value.text !== '99') continue;
    // A WeakRef holds its target to the end of the turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (typeof collect === 'function') collect();
    kept = refs.filter((ref) => ref.deref() !== undefined).length;
  }
  expect(kept).toBeLessThan(5);
});
