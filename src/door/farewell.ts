/** What a node that stops says to those who follow it: they see it go, and cannot ask it any more. */
import { ForgottenError } from '#core/boot-check.ts';

/** A code of RFC 6455, section 7.4 (4000 and above are the application's), and at most 123 bytes. */
export type Farewell = { readonly code: number; readonly reason: string };

/** Somebody asked it to. */
export const STOPPING: Farewell = { code: 1001, reason: 'this node is stopping' };

const FAILED: Farewell = { code: 4000, reason: 'this node stopped by itself; its log says why' };

const WENT_BACK: Farewell = {
  code: 4001,
  reason: 'the data directory of this node went back in time: it must not run again; its log says what to do',
};

/** `error`: what stopped it; undefined where it was asked to. */
export function farewellOf(error: Error | undefined): Farewell {
  if (error === undefined) return STOPPING;
  return error instanceof ForgottenError ? WENT_BACK : FAILED;
}
