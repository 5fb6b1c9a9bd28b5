/** Three nodes under one roof: started together, watched, stopped together. */
import { CommandFailure, EXIT } from '../exit.ts';
import { holderOf, whyTaken } from '../port-holder.ts';
import { cut } from '../text.ts';
import type { Child, Ended } from './child.ts';
import type { NodePlan } from './plan.ts';

/** A node that is not up after this will not come: its start opens a database and binds ports. */
const UP_WITHIN_MS = 60_000;

/** Throws, with what to do, when a port of the plan is taken. */
export async function checkPorts(nodes: readonly NodePlan[], retry: string): Promise<void> {
  for (const { httpPort, p2pPort, hubPort } of nodes) {
    for (const port of [httpPort, p2pPort, ...(hubPort === undefined ? [] : [hubPort])]) {
      const why = await whyTaken(port, { protocol: 'tcp', address: '127.0.0.1' });
      if (why === undefined) continue;
      const holder = await holderOf(port, 'tcp');
      const by = holder === undefined ? 'another program' : `process ${holder.pid} (${cut(holder.command, 80)})`;
      const message = why === 'EADDRINUSE' ? `port ${port} is held by ${by}` : `port ${port} cannot be used: ${why}`;
      throw new CommandFailure(EXIT.negative, message, {
        hints: ['stop it, or use other ports:', `  ${retry}`],
        detail: { code: 'port_taken', port },
      });
    }
  }
}

export class Supervisor {
  readonly #children: readonly Child[];
  readonly #dead: string[] = [];
  #stopping = false;

  constructor(children: readonly Child[]) {
    this.#children = children;
  }

  /** Resolves when all are up. Throws, with the last lines of its log, when one ends before, or does not come in time. */
  async up(): Promise<void> {
    const timer = Promise.withResolvers<never>();
    const timeout = setTimeout(
      () => timer.reject(new Error(`it was not up within ${UP_WITHIN_MS / 1000} s`)),
      UP_WITHIN_MS,
    );
    try {
      await Promise.all(
        this.#children.map((child) =>
          Promise.race([child.ready, timer.promise]).catch((error: unknown) => this.#tell(child, error)),
        ),
      );
    } finally {
      clearTimeout(timeout);
    }
  }

  /** Calls back for each node that ends without having been asked to, then resolves when all have ended. */
  async watch(onDeath: (ended: Ended) => void): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        const ended = await child.ended;
        if (this.#stopping) return;
        this.#dead.push(ended.name);
        onDeath(ended);
      }),
    );
  }

  /** Names of those that ended without having been asked to. */
  get dead(): readonly string[] {
    return this.#dead;
  }

  /** Asks all to stop, workers first: the emperor then hears the end of what they did. Idempotent, bounded. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const [emperor, ...workers] = this.#children;
    await Promise.all(workers.map((child) => child.stop()));
    await emperor?.stop();
  }

  /** Ends all at once. */
  kill(): void {
    this.#stopping = true;
    for (const child of this.#children) child.kill();
  }

  async #tell(child: Child, error: unknown): Promise<never> {
    const why = error instanceof Error ? error.message : String(error);
    // A node that does not come up is still there, and holds its ports.
    child.kill();
    const { lines } = await child.ended;
    throw new CommandFailure(EXIT.negative, `${child.plan.name} did not start: ${why}`, {
      hints: deathHints(child.plan.logFile, lines),
    });
  }
}

/** What a dead node said last, and where the rest stands. */
export const deathHints = (logFile: string, lines: readonly string[]): string[] => [
  ...lines.map((line) => `| ${line}`),
  `all of it: ${logFile}`,
];
