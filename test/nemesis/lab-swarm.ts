/** Nodes on a lab: opened together, watched, closed together, with one directory for all they leave. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Lab } from './lab.ts';
import type { LabNodeOptions } from './node.ts';
import { LabNode } from './node.ts';

/** Between two looks at what no event tells of. */
const LOOK_MS = 250;
/** Nodes that start together on two cores that others use, too: one was seen to take more than ten seconds for an answer. */
const LINKED_WITHIN_MS = 180_000;

const nodeStates = z.array(z.object({ status: z.string() }));

export type LabSwarmOptions = {
  /** One node a host; `starts: false` for one that the test starts later. */
  nodes: readonly (Partial<Pick<LabNodeOptions, 'agents' | 'bind' | 'hasClock' | 'diskMiB'>> & { starts?: boolean })[];
  /** False: no node is told of another, they find one another. */
  hasSeeds?: boolean;
  /** Hosts beside those of the nodes. */
  otherHosts?: number;
  leaseSeconds: number;
  retries?: (host: number) => number | undefined;
  onDeath?: (node: LabNode, how: string) => void;
  onAlarm?: (node: LabNode, line: string) => void;
  /** Each line that a node says. */
  onLine?: (node: LabNode, line: string) => void;
};

export class LabSwarm {
  readonly dir: string;
  readonly lab: Lab;
  readonly nodes: readonly LabNode[];
  /** What must not happen to any node: an end that nobody asked for, an alarm. */
  readonly troubles: string[] = [];

  private constructor(dir: string, lab: Lab, o: LabSwarmOptions) {
    this.dir = dir;
    this.lab = lab;
    const secret = randomBytes(24).toString('hex');
    this.nodes = o.nodes.map((one, index): LabNode => {
      const node: LabNode = new LabNode({
        host: lab.host(index + 1),
        name: `n${index + 1}`,
        dir,
        seeds: o.hasSeeds === false ? [] : seedsOf(lab, index + 1),
        secret,
        agents: 1,
        leaseSeconds: o.leaseSeconds,
        onDeath: (how) => (o.onDeath ?? this.#died)(node, how),
        onAlarm: (line) => (o.onAlarm ?? this.#alarmed)(node, line),
        onLine: o.onLine === undefined ? undefined : (line) => o.onLine?.(node, line),
        ...one,
      });
      return node;
    });
  }

  /** Every node that starts at once is up when this resolves. */
  static async open(o: LabSwarmOptions): Promise<LabSwarm> {
    const hosts = o.nodes.length + (o.otherHosts ?? 0);
    const lab = await Lab.open({ hosts, retries: o.retries ?? (() => 5) });
    const dir = mkdtempSync(join(tmpdir(), 'skep-nemesis-'));
    const swarm = new LabSwarm(dir, lab, o);
    try {
      for (const node of swarm.nodes) await node.open();
      const atOnce = swarm.nodes.filter((_node, index) => o.nodes[index]?.starts !== false);
      await Promise.all(atOnce.map((node) => node.start()));
      return swarm;
    } catch (error) {
      await swarm.close();
      throw error;
    }
  }

  node(number: number): LabNode {
    const node = this.nodes[number - 1];
    if (node === undefined) throw new Error(`there is no node ${number}`);
    return node;
  }

  /** Resolves when each of the nodes sees so many alive, itself included. */
  async linked(count = this.nodes.length, nodes: readonly LabNode[] = this.nodes): Promise<void> {
    for (const node of nodes) {
      await until(`${node.name} sees ${count} nodes`, LINKED_WITHIN_MS, async () => {
        const seen = nodeStates.parse(await node.get('/api/swarm/nodes', LINKED_WITHIN_MS));
        return seen.filter(({ status }) => status === 'self' || status === 'alive').length === count;
      });
    }
  }

  /** Ends all that runs; removes the directory unless it is to be looked at. */
  async close(o: { keep: boolean } = { keep: false }): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.crash()));
    await this.lab.close();
    for (const node of this.nodes) node.close();
    if (!o.keep) rmSync(this.dir, { recursive: true, force: true });
  }

  readonly #died = (node: LabNode, how: string): void => void this.troubles.push(`${node.name} ended: ${how}`);
  readonly #alarmed = (node: LabNode, line: string): void => void this.troubles.push(`${node.name}: ${line}`);
}

const seedsOf = (lab: Lab, number: number): string[] =>
  [1, 2].filter((seed) => seed !== number).map((seed) => `${lab.host(seed).address}:7101`);

/** Looks again and again until `look` says true; throws when it does not within the bound. For what no event tells of. */
export async function until(
  what: string,
  withinMs: number,
  look: () => Promise<boolean>,
  lookMs = LOOK_MS,
): Promise<number> {
  const sinceMs = performance.now();
  for (;;) {
    if (await look()) return performance.now() - sinceMs;
    if (performance.now() - sinceMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(lookMs);
  }
}
