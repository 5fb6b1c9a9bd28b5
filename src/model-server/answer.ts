/** An answer on its way: server-sent events, some of them after a wait. */
export type Event = { name: string; data: Record<string, unknown>; waitMs: number };

export type Dialect = {
  /** As a stream. */
  events: () => Event[];
  /** As one JSON object. */
  whole: () => Record<string, unknown>;
};

export const USAGE = { in: 1_200, out: 34 };
