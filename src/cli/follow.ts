/** Follows one task to its end: what its agent prints, and every change of its status. */
import { z } from 'zod';
import type { Task } from './answers.ts';
import { read, taskSchema } from './answers.ts';
import type { Client, NodeEvent } from './client.ts';
import { ask, NodeRefused } from './client.ts';
import { EXIT } from './exit.ts';
import { printable } from './text.ts';

/** What was printed live is kept up to here, to find where the whole output goes on. */
const KEPT_MAX_CHARS = 1024 * 1024;
/** Lines asked for at the end; a node gives no more. */
const OUTPUT_LINES_MAX = 10_000;

export const ENDED: readonly string[] = ['completed', 'failed', 'cancelled'];

export const exitOfTask = (task: Task): typeof EXIT.ok | typeof EXIT.negative =>
  task.status === 'completed' ? EXIT.ok : EXIT.negative;

export type Watcher = {
  /** What the agent printed, in order, made printable. */
  output(text: string): void;
  /** The task changed; called first with the task as it is. */
  changed(task: Task): void;
};

const outputSchema = z.object({ task_id: z.string(), attempt: z.number(), output: z.string() });
const snapshotSchema = z.object({ tasks: z.array(taskSchema) });
const changeSchema = z.object({ task: taskSchema });

/** Resolves with the ended task, or with undefined when `signal` was aborted before; the task then goes on. */
export async function followTask(o: {
  node: Client;
  id: string;
  watcher: Watcher;
  signal: AbortSignal;
}): Promise<Task | undefined> {
  const live = new Live(o.watcher);
  const ending = new AbortController();
  const stop = (): void => ending.abort();
  o.signal.addEventListener('abort', stop, { once: true });
  if (o.signal.aborted) stop();
  try {
    for await (const event of o.node.events({ task: o.id }, ending.signal)) {
      const task = await taskIn(event, o);
      if (task !== undefined) {
        o.watcher.changed(task);
        if (!ENDED.includes(task.status)) continue;
        await showRest(live, task, o.node);
        return task;
      }
      const printed = event.event === 'output' ? outputSchema.safeParse(event.data) : undefined;
      if (printed?.success === true && printed.data.task_id === o.id) live.add(printed.data);
    }
    return undefined;
  } finally {
    o.signal.removeEventListener('abort', stop);
    ending.abort();
  }
}

/** The task as this event tells it; undefined when the event is about something else. A long list may leave it out of the snapshot. */
async function taskIn(
  { event, data }: NodeEvent,
  { node, id }: { node: Client; id: string },
): Promise<Task | undefined> {
  if (event === 'snapshot') {
    const snapshot = snapshotSchema.safeParse(data);
    const shown = snapshot.success ? snapshot.data.tasks.find((task) => task.id === id) : undefined;
    return (
      shown ?? read(taskSchema, await ask(node, { method: 'GET', path: `/api/swarm/tasks/${encodeURIComponent(id)}` }))
    );
  }
  const change = event.startsWith('task.') ? changeSchema.safeParse(data) : undefined;
  return change?.success === true && change.data.task.id === id ? change.data.task : undefined;
}

/** What was shown of the attempt that runs. */
class Live {
  readonly #watcher: Watcher;
  attempt = 0;
  shown = '';

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  add(piece: { attempt: number; output: string }): void {
    if (piece.attempt !== this.attempt) this.shown = '';
    this.attempt = piece.attempt;
    this.shown = (this.shown + piece.output).slice(-KEPT_MAX_CHARS);
    this.#watcher.output(printable(piece.output));
  }
}

/** Live output may miss pieces: a glimpse is never sent twice. At the end the whole is asked for, and what was not yet shown follows. */
async function showRest(live: Live, task: Task, node: Client): Promise<void> {
  if (task.attempt === 0) return;
  try {
    const path = `/api/swarm/tasks/${encodeURIComponent(task.id)}/output`;
    const whole = read(outputSchema, await ask(node, { method: 'GET', path, query: { lines: OUTPUT_LINES_MAX } }));
    const shown = whole.attempt === live.attempt ? live.shown : '';
    const at = whole.output.lastIndexOf(shown);
    if (at >= 0) live.add({ attempt: whole.attempt, output: whole.output.slice(at + shown.length) });
  } catch (error) {
    // The machine that has the output may be gone; the task's end stands all the same.
    if (!(error instanceof NodeRefused)) throw error;
  }
}
