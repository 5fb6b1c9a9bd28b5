/** A node with agents that are woken by messages, carried out by functions of the test. */
import type { NodeOptions } from '#host-options.ts';
import { stateDirOf } from '#socket-path.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AgentLine } from '../agent-line.ts';
import type { Turn } from '../scripted-driver.ts';
import { ScriptedDriver } from '../scripted-driver.ts';
import type { Json, Member } from '../swarm.ts';
import { TestSwarm } from '../swarm.ts';

export class TurnStage {
  readonly swarm = new TestSwarm();
  readonly driver: ScriptedDriver;
  node!: Member;

  static async open(turn: Turn, o: Partial<NodeOptions> = {}): Promise<TurnStage> {
    const stage = new TurnStage(turn);
    stage.node = await stage.swarm.add({ drivers: [stage.driver], ...o });
    return stage;
  }

  private constructor(turn: Turn) {
    this.driver = new ScriptedDriver(turn);
  }

  close(): Promise<void> {
    return this.swarm.close();
  }

  agent(name: string, o: Json = {}): Promise<Json> {
    return this.node.post('/api/swarm/agents', { name, tool: 'true', drive: 'protocol', turns: 'on', ...o });
  }

  /** From a person. */
  async send(to: string, body: string, o: Json = {}): Promise<string> {
    const answer = await this.node.request('POST', '/api/messages', { to, body, ...o });
    if (!Array.isArray(answer.body)) throw new Error(JSON.stringify(answer.body));
    return String(answer.body[0].id);
  }

  turns(name: string): Promise<Json> {
    return this.node.get(`/api/swarm/agents/${name}/turns`);
  }

  /** Resolves with the rows, the oldest first, when so many turns are over and none is under way. */
  ended(name: string, count: number): Promise<Json[]> {
    return this.untilTurns(name, (turns) => {
      const rows = rowsOf(turns);
      return turns['state'] !== 'running' && rows.length >= count ? rows : undefined;
    });
  }

  /** Looked at again and again: a turn that ends writes no op where nothing was in hand. */
  async untilTurns<T>(name: string, look: (turns: Json) => T | undefined): Promise<T> {
    for (let tries = 0; tries < TRIES; tries++) {
      const found = look(await this.turns(name));
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    throw new Error(
      `waited in vain: ${JSON.stringify(await this.turns(name))}\n${this.swarm.log.slice(-30).join('\n')}`,
    );
  }

  mail(query: string): Promise<Json[]> {
    return this.node.list(`/api/messages?${query}`);
  }

  /** The socket of an agent, which is made when it has been registered. */
  async line(name: string): Promise<AgentLine> {
    const { dataDir, p2pPort } = this.node.options;
    const path = join(stateDirOf(dataDir, p2pPort), 'agents', name, 'mcp.sock');
    for (let tries = 0; !existsSync(path) && tries < TRIES; tries++)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    return AgentLine.open(path);
  }
}

const LOOK_EVERY_MS = 50;
/** A minute and more. */
const TRIES = 1_500;

export const rowsOf = (turns: Json): Json[] => {
  const rows = turns['turns'];
  if (!Array.isArray(rows)) throw new Error(`no turns: ${JSON.stringify(turns)}`);
  return rows.toReversed();
};
