/** What was observed from outside: answers, events of every node, marks of scripts. Rules that hold always are judged as it comes in. */
import type { WriteStream } from 'node:fs';
import { createWriteStream } from 'node:fs';
import { canonicalJson } from '#core/canonical.ts';
import type { Task } from './tasks.ts';
import { isOver, taskSchema } from './tasks.ts';

/** What a client knows of a task that it asked for. */
export type Wanted = {
  title: string;
  id: string;
  dependsOn: readonly string[];
  project: string | undefined;
  /** The first of the tasks that took one another's place; only one of them may be merged. */
  fence: string;
};

/** A merge as whoever asked for it was answered. */
export type MergeAnswer = { fence: string; task: string; asked: string; state: string; commit: string | null };

type Seen = { status: Task['status']; attempt: number };

/** The part of an ended task that never changes again. When it ended is no part: of two ops that tell one decision, the older one may come later. */
const standing = ({ status, attempt, assigned_node: node, assigned_to: agent, result, error, reason }: Task): string =>
  canonicalJson({ status, attempt, node, agent, result, error, reason });

export class History {
  /** Rules that were broken, each once; empty after a good run. */
  readonly violations = new Set<string>();
  readonly acknowledged = new Map<string, Wanted>();
  /** Creations without an answer, by title: they may have happened. */
  readonly unanswered = new Set<string>();
  /** Cancellations that were answered with yes. */
  readonly cancelled = new Set<string>();
  readonly merges: MergeAnswer[] = [];
  /** How often each fault was brought about, and each kind of request answered or not. */
  readonly counts = new Map<string, number>();
  readonly #heads = new Map<string, Readonly<Record<string, number>>>();
  readonly #seen = new Map<string, Map<string, Seen>>();
  readonly #ended = new Map<string, { text: string; node: string; status: Task['status'] }>();
  readonly #log: WriteStream;
  readonly #sinceMs = performance.now();

  constructor(file: string) {
    this.#log = createWriteStream(file, { flags: 'a' });
  }

  get seconds(): number {
    return (performance.now() - this.#sinceMs) / 1000;
  }

  /** One line of the record, for whoever looks into a violation. */
  note(what: string, data: unknown = null): void {
    this.#log.write(`${JSON.stringify({ at: Math.round(this.seconds * 1000) / 1000, what, data })}\n`);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  broken(rule: string): void {
    if (this.violations.has(rule)) return;
    this.violations.add(rule);
    this.note('VIOLATION', rule);
  }

  created(task: Wanted): void {
    this.acknowledged.set(task.id, task);
    this.note('created', task);
  }

  /** A task as a node showed it: in an event, a list or an answer. What is no task is none of ours. */
  observed(node: string, value: unknown): void {
    const parsed = taskSchema.safeParse(value);
    if (!parsed.success) return;
    const task = parsed.data;
    if (task.conflicts.length > 0)
      this.broken(`always/one-decision: slots ${task.conflicts.join(', ')} of ${task.id} show a conflict at ${node}`);
    const tasks = this.#seen.get(node) ?? new Map<string, Seen>();
    this.#seen.set(node, tasks);
    const before = tasks.get(task.id);
    if (before?.status !== task.status || before.attempt !== task.attempt)
      this.note('seen', { node, task: task.id, status: task.status, attempt: task.attempt, on: task.assigned_node });
    tasks.set(task.id, { status: task.status, attempt: task.attempt });
    if (before !== undefined && before.attempt > task.attempt)
      this.broken(`always/attempts-count-up: ${task.id} went from ${before.attempt} to ${task.attempt} at ${node}`);
    if (before !== undefined && isOver(before) && !isOver(task))
      this.broken(`always/ended-stays-ended: ${task.id} was ${before.status} at ${node} and is ${task.status}`);
    if (isOver(task)) this.#over(node, task);
  }

  /** What a node said that it holds of each log. Whatever it told was on its disk, so it never holds less: not after a crash, either. */
  held(node: string, heads: Readonly<Record<string, number>>): void {
    for (const [author, seq] of Object.entries(this.#heads.get(node) ?? {})) {
      const now = heads[author] ?? 0;
      if (now < seq) this.broken(`always/told-was-durable: ${node} held ${seq} ops of ${author}, and now ${now}`);
    }
    this.#heads.set(node, heads);
  }

  /** How a task ended, as soon as any node has shown it. */
  endOf(task: string): Task['status'] | undefined {
    return this.#ended.get(task)?.status;
  }

  close(): void {
    this.#log.end();
  }

  #over(node: string, task: Task): void {
    const text = standing(task);
    const held = this.#ended.get(task.id);
    if (held === undefined) this.#ended.set(task.id, { text, node, status: task.status });
    else if (held.text !== text)
      this.broken(`always/one-end: ${task.id} ended as ${held.text} at ${held.node} and as ${text} at ${node}`);
  }
}
