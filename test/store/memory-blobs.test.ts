import { MemoryBlobStore } from '#store/memory-blobs.ts';
import { blobStoreContract, sha256 } from '../contract/blob-store.ts';

blobStoreContract('memory', async () => {
  const store = new MemoryBlobStore({ sha256 });
  return { open: async () => store, remove: async () => {} };
});
