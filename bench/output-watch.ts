/** What the agent of a task says, heard through a node's stream of events, with the time of each word. */
import type { SwarmNode } from './swarm-node.ts';

const HEARING_MAX_MS = 30_000;

export type Word = { saidMs: number; heardMs: number };

export class OutputWatch {
  private readonly node: SwarmNode;
  private readonly task: string;
  private readonly heard: Word[] = [];
  private readonly abort = new AbortController();
  private rest = '';
  private isOver = false;
  private over: (() => void) | undefined;

  private constructor(node: SwarmNode, task: string) {
    this.node = node;
    this.task = task;
  }

  /** Resolves when all streams are open. */
  static async start(node: SwarmNode, tasks: readonly string[]): Promise<OutputWatch[]> {
    const watches = tasks.map((task) => new OutputWatch(node, task));
    await Promise.all(watches.map((watch) => watch.open()));
    return watches;
  }

  words(): readonly Word[] {
    return this.heard;
  }

  /** Resolves when the task has ended, and its last words are here. Rejects when it does not, or did not complete. */
  async ended(maxMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.over = resolve;
    if (this.isOver) resolve();
    const timer = setTimeout(() => reject(new Error(`task ${this.task} has not ended`)), maxMs);
    await promise.finally(() => clearTimeout(timer));
    this.abort.abort();
    const { status, error } = await this.get<{ status: string; error: string | null }>(`/api/swarm/tasks/${this.task}`);
    if (status !== 'completed') throw new Error(`task ${this.task} is ${status}: ${error ?? ''}`);
  }

  /** Asks for the output again and again until the task has ended; how long after each word was said it was seen so. */
  async poll(everyMs: number): Promise<number[]> {
    const seen = new Map<number, number>();
    while (!this.isOver) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      const { output = '' } = await this.get<{ output?: string }>(`/api/swarm/tasks/${this.task}/output?lines=500`);
      for (const saidMs of timesIn(output)) if (!seen.has(saidMs)) seen.set(saidMs, nowMs() - saidMs);
    }
    return [...seen.values()];
  }

  private async open(): Promise<void> {
    const headers = { authorization: `Bearer ${this.node.token}` };
    const url = `${this.node.url}/api/events?task=${this.task}`;
    const response = await fetch(url, { headers, signal: AbortSignal.any([this.abort.signal]) });
    if (response.body === null) throw new Error('no stream of events');
    void this.read(response.body).catch(() => undefined);
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const piece of body) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('data: ')) this.hear(JSON.parse(line.slice('data: '.length)));
    }
  }

  private hear(data: { task_id?: string; output?: string; entity?: string; task?: { status?: string } }): void {
    if (data.task_id === this.task && data.output !== undefined) {
      const lines = (this.rest + data.output).split('\n');
      this.rest = lines.pop() ?? '';
      for (const saidMs of timesIn(lines.join('\n'))) this.heard.push({ saidMs, heardMs: nowMs() });
    }
    if (data.entity !== this.task || !ENDS.has(data.task?.status ?? '')) return;
    this.isOver = true;
    this.over?.();
  }

  private async get<T>(path: string): Promise<T> {
    const headers = { authorization: `Bearer ${this.node.token}` };
    const answer = await fetch(`${this.node.url}${path}`, { headers, signal: AbortSignal.timeout(HEARING_MAX_MS) });
    return JSON.parse(await answer.text());
  }
}

const ENDS: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);
const nowMs = (): number => performance.timeOrigin + performance.now();
const timesIn = (text: string): number[] => [...text.matchAll(/at (\d{16})/g)].map(([, us]) => Number(us) / 1000);
