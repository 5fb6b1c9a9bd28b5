/** People at work while the swarm is shaken: they create tasks at any node, cancel some, and merge what is done, two at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '#sim/random.ts';
import type { History } from './history.ts';
import type { LabNode } from './node.ts';
import { recorded, taskSchema } from './tasks.ts';

/** A merge clones and pushes on another machine, perhaps behind a cut. */
const MERGE_WITHIN_MS = 60_000;
/** An answer that took longer is worth a line in the record. */
const SLOW_MS = 1_000;
/** Newest tasks that others may depend on, supersede or merge. */
const RECENT_MAX = 20;

/** Kinds of task and how often each comes. */
const KINDS = {
  quick: 30,
  steady: 15,
  long: 3,
  failing: 10,
  flaky: 8,
  commit: 24,
  dependent: 14,
  doomed: 8,
  heir: 6,
} as const;
type Kind = keyof typeof KINDS;

const COMMIT =
  'name="work-$SKEP_TASK-$SKEP_ATTEMPT"; echo "$SKEP_TITLE" >"$name" && git add "$name" && git commit -qm "Do $SKEP_TITLE"';

export type ClientOptions = {
  nodes: readonly LabNode[];
  history: History;
  random: Random;
  /** Where scripts record themselves. */
  marks: string;
  /** Names of projects whose tasks commit. */
  projects: readonly string[];
};

export class Client {
  readonly #o: ClientOptions;
  readonly #pending = new Set<Promise<void>>();
  #titles = 0;

  constructor(o: ClientOptions) {
    this.#o = o;
  }

  /** Creates tasks, one after the other, until the signal says stop; the last answers have come when it resolves. */
  async create(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      await this.#createOne(this.#kind());
      await sleep(this.#o.random.between(100, 2_500));
    }
    await Promise.all(this.#pending);
  }

  /** Merges what is completed, at two nodes at once, until the signal says stop. */
  async merge(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      await sleep(this.#o.random.between(1_000, 4_000));
      await this.#mergeOne();
    }
  }

  #kind(): Kind {
    const whole = Object.values(KINDS).reduce((sum, weight) => sum + weight, 0);
    let left = this.#o.random.between(1, whole);
    for (const [kind, weight] of Object.entries(KINDS)) {
      left -= weight;
      if (left <= 0 && isKind(kind)) return kind;
    }
    return 'quick';
  }

  async #createOne(kind: Kind): Promise<void> {
    const { history, random, marks, projects } = this.#o;
    const node = this.#node();
    if (node === undefined) return;
    const title = `${kind} ${(this.#titles += 1)}`;
    const dependsOn = kind === 'dependent' ? this.#recent(() => true).map(({ id }) => id) : [];
    const heirOf = kind === 'heir' ? this.#recent(({ project }) => project !== undefined)[0] : undefined;
    const project = kind === 'commit' ? random.pick(projects) : heirOf?.project;
    history.count(`created: ${kind}`);
    const body = {
      title,
      description: recorded(marks, this.#work(kind)),
      required_capabilities: ['shell'],
      attempts_max: kind === 'failing' ? random.between(1, 3) : 10,
      depends_on: dependsOn,
      ...(project === undefined ? {} : { project }),
      ...(heirOf === undefined ? {} : { supersedes: heirOf.id }),
    };
    const answer = await this.#ask(node, '/api/swarm/tasks', body);
    const task = taskSchema.safeParse(answer?.status === 201 ? answer.body : undefined);
    if (!task.success) {
      // Refused with a reason means that nothing was stored; no answer means that nobody knows.
      if (answer === undefined || answer.status >= 500) history.unanswered.add(title);
      return;
    }
    const { id } = task.data;
    history.created({ title, id, dependsOn, project, fence: heirOf?.fence ?? id });
    if (kind === 'doomed') this.#later(random.between(0, 3_000), () => this.#cancel(id));
  }

  #work(kind: Kind): string {
    const { random } = this.#o;
    switch (kind) {
      case 'quick':
      case 'dependent':
        return `sleep 0.${random.between(0, 9)}`;
      case 'steady':
      case 'doomed':
        return `sleep ${random.between(1, 5)}`;
      case 'long':
        return 'sleep 24';
      case 'failing':
        return 'sleep 0.2; false';
      case 'flaky':
        return '[ "$SKEP_ATTEMPT" -ge 2 ]';
      case 'commit':
      case 'heir':
        return COMMIT;
    }
  }

  async #cancel(id: string): Promise<void> {
    const { history } = this.#o;
    const node = this.#node();
    if (node === undefined) return;
    const answer = await this.#ask(node, `/api/swarm/tasks/${id}/cancel`, {});
    history.note('cancelled', { task: id, node: node.name, status: answer?.status ?? null });
    if (answer?.status !== 200) return;
    history.count('cancelled');
    history.cancelled.add(id);
  }

  /** Two nodes are asked at the same moment, for the same task or for rivals. */
  async #mergeOne(): Promise<void> {
    const { history, nodes, random } = this.#o;
    const done = this.#recent(({ id, project }) => project !== undefined && history.endOf(id) === 'completed');
    const fence = random.pick(done)?.fence;
    const rivals = done.filter((task) => task.fence === fence);
    const up = nodes.filter((node) => node.isUp);
    if (fence === undefined || up.length < 2) return;
    const first = random.pick(up);
    const second = random.pick(up.filter((node) => node !== first));
    const asks = [first, second].map(async (node) => {
      const task = random.pick(rivals)?.id ?? '';
      if (node === undefined) return;
      const answer = await this.#ask(node, `/api/swarm/tasks/${task}/merge`, { into: 'main' }, MERGE_WITHIN_MS);
      const { state, commit } = mergedIn(answer?.body);
      history.count(`merge: ${answer === undefined ? 'no answer' : (state ?? codeIn(answer.body))}`);
      history.note('merge', { fence, task, node: node.name, answer: answer ?? null });
      if (state !== undefined) history.merges.push({ fence, task, asked: node.name, state, commit });
    });
    await Promise.all(asks);
  }

  /** Some of the newest tasks of which that is true, in an order of chance. */
  #recent(isFit: (task: ReturnType<History['acknowledged']['get']> & object) => boolean) {
    const { history, random } = this.#o;
    const newest = [...history.acknowledged.values()].filter(isFit).slice(-RECENT_MAX);
    const ranked = newest.map((task) => ({ task, rank: random.unit() })).toSorted((a, b) => a.rank - b.rank);
    return ranked.map(({ task }) => task);
  }

  #node(): LabNode | undefined {
    const { nodes, random } = this.#o;
    return random.pick(nodes.filter((node) => node.isUp));
  }

  /** Undefined when no answer came: what was asked may have been done or not. */
  async #ask(node: LabNode, path: string, body: unknown, withinMs?: number) {
    const { history } = this.#o;
    const sinceMs = performance.now();
    try {
      const answer = await node.request('POST', path, body, withinMs);
      this.#noteSlow(node, path, sinceMs);
      // What a handler did not foresee. A disk that is full makes others see what only the operator can help.
      if (answer.status === 500 && !node.hasDisk)
        history.broken(`always/no-fault: ${path} at ${node.name}: ${JSON.stringify(answer.body)}`);
      return answer;
    } catch {
      // The node went away, or is stopped, or cut off from those it has to ask: the very thing this is about.
      this.#noteSlow(node, path, sinceMs);
      history.count('no answer');
      return undefined;
    }
  }

  #noteSlow(node: LabNode, path: string, sinceMs: number): void {
    const tookMs = Math.round(performance.now() - sinceMs);
    if (tookMs > SLOW_MS) this.#o.history.note('slow', { node: node.name, path, tookMs });
  }

  #later(delayMs: number, act: () => Promise<void>): void {
    const done: Promise<void> = sleep(delayMs)
      .then(act)
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }
}

const isKind = (name: string): name is Kind => name in KINDS;

const field = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;

const codeIn = (body: unknown): string => String(field(body, 'code'));

function mergedIn(body: unknown): { state: string | undefined; commit: string | null } {
  const [state, commit] = [field(body, 'state'), field(body, 'commit')];
  return {
    state: typeof state === 'string' ? state : undefined,
    commit: typeof commit === 'string' ? commit : null,
  };
}
