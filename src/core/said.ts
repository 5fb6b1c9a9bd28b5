/** What was said to a peer lately: neither the same question nor the same answer is repeated to it while it is on the way. */

/** Longer than a round trip on the worst of links. */
export const SAY_AGAIN_MS = 2_000;
