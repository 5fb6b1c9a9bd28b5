/** The status of one agent, as a node tells it on its stream of events. */
import type { SwarmNode } from './swarm-node.ts';

const CHANGE_MAX_MS = 30_000;

export class AgentStatus {
  private status: string | undefined;
  private wanted: { status: string; resolve: () => void } | undefined;
  private readonly abort = new AbortController();
  private readonly agent: string;

  private constructor(agent: string) {
    this.agent = agent;
  }

  /** Resolves when the stream is open. */
  static async follow(node: SwarmNode, agent: string): Promise<AgentStatus> {
    const one = new AgentStatus(agent);
    const headers = { authorization: `Bearer ${node.token}` };
    const response = await fetch(`${node.url}/api/events`, { headers, signal: one.abort.signal });
    if (response.body === null) throw new Error('no stream of events');
    // It ends when it is closed, or with the node, which the next wait tells.
    void one.read(response.body).catch(() => undefined);
    return one;
  }

  /** Resolves as soon as the node has told this status. */
  async is(status: string): Promise<void> {
    if (this.status === status) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.wanted = { status, resolve };
    const timer = setTimeout(() => reject(new Error(`the agent is ${this.status}, not ${status}`)), CHANGE_MAX_MS);
    await promise.finally(() => clearTimeout(timer));
  }

  close(): void {
    this.abort.abort();
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const piece of body) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('data: {"nodes":')) this.hear(line.slice('data: '.length));
    }
  }

  private hear(json: string): void {
    const { agents }: { agents: { id: string; status: string }[] } = JSON.parse(json);
    this.status = agents.find(({ id }) => id === this.agent)?.status;
    if (this.wanted === undefined || this.wanted.status !== this.status) return;
    this.wanted.resolve();
    this.wanted = undefined;
  }
}
