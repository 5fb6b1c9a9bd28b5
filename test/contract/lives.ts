/** What is promised of a store holds before and after it was opened again. */
import type { OpStore } from '#ports.ts';

/** The store as it is, then, when the first round is over, the same disk opened anew. */
export async function* lives(store: OpStore, reopen: () => Promise<OpStore>): AsyncGenerator<OpStore> {
  yield store;
  yield await reopen();
}
