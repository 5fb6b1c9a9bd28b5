import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteStore } from '#store/sqlite.ts';
import { opStoreContract } from '../contract/op-store.ts';

opStoreContract('sqlite', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'skep-store-'));
  let count = 0;
  return {
    open: () =>
      SqliteStore.open(join(dir, 'skep.db'), { onPoint: (point) => (count += point === 'committed' ? 1 : 0) }),
    transactions: () => count,
    remove: () => rm(dir, { recursive: true }),
  };
});
