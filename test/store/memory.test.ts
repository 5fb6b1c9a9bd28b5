import { expect, it } from 'vitest';
import { MemoryStore } from '#store/memory.ts';
import { opStoreContract } from '../contract/op-store.ts';
import { Author, postBody, testCrypto } from './author.ts';

opStoreContract('memory', async () => {
  let count = 0;
  let store: MemoryStore | undefined;
  const options = {
    crypto: testCrypto,
    commitWhen: (run: () => void) => {
      setImmediate(() => {
        count += 1;
        run();
      });
    },
  };
  return {
    open: async () => {
      store = store?.crashed(options) ?? new MemoryStore(options);
      return store;
    },
    transactions: () => count,
    remove: async () => {},
  };
});

const write = (store: MemoryStore, author: Author) => store.commit({ ops: [author.next(postBody('x'))], rows: [] });

it('commits without an event loop when nobody says when', async () => {
  const store = new MemoryStore({ crypto: testCrypto });
  const a = new Author('a');
  await write(store, a);
  expect(store.heads().get(a.node)?.seq).toBe(1);
});

it('loses what a crash caught before it was durable, and never answers it', async () => {
  const later: (() => void)[] = [];
  const store = new MemoryStore({ crypto: testCrypto, commitWhen: (run) => later.push(run) });
  const a = new Author('a');
  const first = write(store, a);
  later.shift()?.();
  await first;
  let answered = false;
  const lost = write(store, a).then(() => (answered = true));
  const again = store.crashed({ crypto: testCrypto });
  // The disk was slow, not gone: the crash still wins.
  later.shift()?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toBe(false);
  expect(lost).toBeInstanceOf(Promise);
  expect(again.heads().get(a.node)?.seq).toBe(1);
  await expect(write(store, a)).rejects.toMatchObject({ code: 'store_closed' });
});

it('fails a whole turn with its disk, and everything after it', async () => {
  const store = new MemoryStore({ crypto: testCrypto, commitWhen: (_run, fail) => fail(new Error('disk full')) });
  const a = new Author('a');
  await expect(write(store, a)).rejects.toMatchObject({ code: 'store_failed', cause: new Error('disk full') });
  await expect(write(store, a)).rejects.toMatchObject({ code: 'store_failed' });
  expect(store.lastArrival()).toBe(0);
});
