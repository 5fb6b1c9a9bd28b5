/** Serf agents, one a host of a lab, from the distribution's package. */
import { createInterface } from 'node:readline';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Lab } from '../test/nemesis/lab.ts';
import type { Stage } from './stage.ts';

const PORT = 7946;
const READY_WITHIN_MS = 20_000;

export class SerfAgents {
  private readonly stage: Stage;
  private readonly lab: Lab;
  private readonly onLine: (name: string, line: string) => void;
  private readonly agents = new Map<number, ChildProcess>();

  constructor(stage: Stage, lab: Lab, onLine: (name: string, line: string) => void) {
    this.stage = stage;
    this.lab = lab;
    this.onLine = onLine;
    stage.atEnd(() => {
      for (const agent of this.agents.values()) agent.kill('SIGKILL');
    });
  }

  /** Starts agents on these hosts; all join the one on the first. */
  async start(hosts: readonly number[]): Promise<void> {
    for (const number of hosts) await this.startOne(number);
  }

  /** How many members the agent on that host calls alive. */
  async alive(host: number): Promise<number> {
    const said = await this.lab.host(host).run(['serf', 'members', '-status=alive']);
    return said.split('\n').filter((line) => line !== '').length;
  }

  signal(host: number, name: NodeJS.Signals): void {
    this.agents.get(host)?.kill(name);
  }

  /** As a machine that is lost: without a word. */
  async end(host: number): Promise<void> {
    const agent = this.agents.get(host);
    this.agents.delete(host);
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
    const ended = once(agent, 'exit');
    agent.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    for (const host of this.agents.keys()) await this.end(host);
  }

  private async startOne(number: number): Promise<void> {
    const host = this.lab.host(number);
    const first = this.lab.host(1).address;
    const flags = ['-profile=lan', '-log-level=info', `-bind=${host.address}:${PORT}`, `-node=n${number}`];
    const join = number === 1 ? [] : [`-join=${first}:${PORT}`];
    const [program, args] = host.enter(['serf', 'agent', ...flags, ...join]);
    const agent = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.agents.set(number, agent);
    const ready = Promise.withResolvers<void>();
    const hear = (line: string): void => {
      if (line.includes(`EventMemberJoin: n${number} `)) ready.resolve();
      this.onLine(`n${number}`, line);
    };
    for (const stream of [agent.stdout, agent.stderr]) createInterface({ input: stream }).on('line', hear);
    const timer = setTimeout(() => ready.reject(new Error(`serf on host ${number} said nothing`)), READY_WITHIN_MS);
    agent.once('exit', () => ready.reject(new Error(`serf on host ${number} ended`)));
    await ready.promise.finally(() => clearTimeout(timer));
    this.stage.say(`serf on host ${number} is up`);
  }
}
