/** An answer on its way: server-sent events, some of them after a wait. Dialects whose events have no names leave `name` empty. */
export type Event = { name: string; data: Record<string, unknown> | '[DONE]'; waitMs: number };

/** How chat completions end a stream. */
export const DONE: Event = { name: '', data: '[DONE]', waitMs: 0 };

export type Dialect = {
  /** As a stream. */
  events: () => Event[];
  /** As one JSON object. */
  whole: () => Record<string, unknown>;
};

export const USAGE = { in: 1_200, out: 34 };
