import type { Boxing } from '#core/boxing.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';

const noBoxes = async (): Promise<Refusal> => refusal('not_found', 'this node has no such box');

/** No box works here. */
export const fakeBoxing: Boxing = {
  list: async () => [],
  kinds: async () => [],
  spawn: noBoxes,
  kill: noBoxes,
  rebuild: noBoxes,
  destroy: noBoxes,
  login: noBoxes,
  serve: noBoxes,
};
