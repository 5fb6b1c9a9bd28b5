/** A node whose agents live in boxes, for tests. */
import type { Json, Member } from './swarm.ts';
import { asJson, TestSwarm } from './swarm.ts';

/** Several processes after one another, on a machine at its limit. */
export const TEST_MS = 300_000;

export class BoxStage {
  readonly swarm = new TestSwarm();
  readonly node: Member;

  static async open(o: Parameters<TestSwarm['add']>[0] = {}): Promise<BoxStage> {
    const swarm = new TestSwarm();
    return new BoxStage(swarm, await swarm.add(o));
  }

  private constructor(swarm: TestSwarm, node: Member) {
    this.swarm = swarm;
    this.node = node;
  }

  close(): Promise<void> {
    return this.swarm.close();
  }

  /** An agent for scripts, in a box. */
  spawn(name: string, o: Json = {}): Promise<Json> {
    return this.node.post('/api/boxes', { name, tool: 'shell', capabilities: [name], ...o });
  }

  async box(name: string): Promise<Json> {
    const found = (await this.node.list('/api/boxes')).find((box) => box['name'] === name);
    if (found === undefined) throw new Error(`there is no box ${name}`);
    return found;
  }

  /** A script for the agent of that name. */
  async script(name: string, text: string, o: Json = {}): Promise<string> {
    const task = {
      title: 'a script',
      description: text,
      required_capabilities: ['shell', name],
      attempts_max: 1,
      ...o,
    };
    return String((await this.node.post('/api/swarm/tasks', task))['id']);
  }

  /** What it printed, where it succeeded. */
  async said(name: string, text: string, o: Json = {}): Promise<string> {
    const task = await this.node.ended(await this.script(name, text, o));
    if (task['status'] !== 'completed') throw new Error(`the script did not succeed: ${JSON.stringify(task)}`);
    return String(task['result']).trim();
  }

  async refused(method: string, path: string, body?: unknown): Promise<Json> {
    const answer = await this.node.request(method, path, body);
    if (answer.status < 400) throw new Error(`${method} ${path} was not refused: ${JSON.stringify(answer.body)}`);
    return asJson(answer.body);
  }
}
