/** A socket for each agent of this node, in a folder of its own that a box can show and nothing else: there while the agent is registered. */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NodeId, OpId } from '#core/brand.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import { AgentSocket } from '#door/agent/socket.ts';
import type { Door } from '#door/door.ts';
import type { Arrival, OpStore } from '#ports.ts';
import { agentSocketDir, makeSocketDir } from '../socket-path.ts';

/** Agents of one node that get a socket. */
const AGENTS_MAX = 1_000;
const PLAIN_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

export type AgentSocketsOptions = {
  self: NodeId;
  stateDir: string;
  store: Pick<OpStore, 'get' | 'list'>;
  door: Door;
  log: (line: string) => void;
};

export class AgentSockets {
  readonly #o: AgentSocketsOptions;
  readonly #open = new Map<OpId, { socket: AgentSocket; path: string }>();
  #changing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(o: AgentSocketsOptions) {
    this.#o = o;
  }

  /** Resolves when all that are registered have theirs. One that cannot be opened is told of, and the others are. */
  start(): Promise<void> {
    const { store, self } = this.#o;
    const agents = store.list('agent', {
      where: { live: 1, node: self },
      order: [['created', 'asc']],
      limit: AGENTS_MAX,
    });
    for (const agent of agents.filter(isLive)) this.#changing = this.#changing.then(() => this.#add(agent));
    return this.#changing;
  }

  arrived(arrivals: readonly Arrival[]): void {
    for (const { op } of arrivals) {
      const { type } = op.body;
      if (op.header.node !== this.#o.self && type !== 'agent.deregistered') continue;
      if (type !== 'agent.registered' && type !== 'agent.deregistered') continue;
      const agent = op.header.entity;
      this.#changing = this.#changing.then(() => this.#set(agent));
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#changing;
    await Promise.all([...this.#open.values()].map(({ socket }) => socket.close()));
  }

  async #set(agent: OpId): Promise<void> {
    const row = this.#o.store.get('agent', agent);
    if (isLive(row) && row.registered.node === this.#o.self) return this.#add(row);
    const held = this.#open.get(agent);
    if (held === undefined) return;
    this.#open.delete(agent);
    await held.socket.close();
    rmSync(held.path, { force: true });
  }

  async #add(agent: LiveAgent): Promise<void> {
    if (this.#isClosed || this.#open.has(agent.id) || this.#open.size >= AGENTS_MAX) return;
    const path = this.#pathOf(agent);
    try {
      makeSocketDir(dirname(path));
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const socket = new AgentSocket({ agent: agent.id, path, door: this.#o.door });
      await socket.open();
      this.#open.set(agent.id, { socket, path });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#o.log(`agent ${agent.registered.name} has no socket: ${why}`);
    }
  }

  /** By its name, where that is a plain one and no older agent of this node has it; else by its number. */
  #pathOf({ id, registered }: LiveAgent): string {
    const byName = join(agentSocketDir(this.#o.stateDir, registered.name), SOCKET);
    const isTaken = [...this.#open.values()].some(({ path }) => path === byName);
    if (PLAIN_NAME.test(registered.name) && !isTaken) return byName;
    return join(agentSocketDir(this.#o.stateDir, `agent-${id.slice(id.indexOf('-') + 1)}`), SOCKET);
  }
}

const SOCKET = 'mcp.sock';
