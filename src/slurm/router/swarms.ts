/** The swarms of a router: allocations of the user, and what was said at their launch. */
import type { Job, Provider } from '../launch/provider.ts';
import { LaunchRefusal } from '../launch/refusal.ts';
import { jobOf, swarmOf } from './event.ts';
import type { Router } from './router.ts';
import type { Swarm } from './state.ts';

/** As in codeswarm: swarms that are over are remembered so long, and so many of them. */
const [OVER_MS, OVER_MAX] = [900_000, 100];

export type SwarmTold = {
  job_id: string;
  node_count: number;
  system_prompt: string;
  status: string;
  provider: string;
  provider_id: string;
  alias: string | null;
  terminated_at: string | null;
};

export class Swarms {
  readonly #router: Router;
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #nowMs: () => number;

  constructor(o: { router: Router; providers: readonly Provider[]; nowMs: () => number }) {
    this.#router = o.router;
    this.#providers = new Map(o.providers.map((one) => [one.id, one]));
    this.#nowMs = o.nowMs;
  }

  provider(id: string): Provider | undefined {
    return this.#providers.get(id);
  }

  get providers(): readonly Provider[] {
    return [...this.#providers.values()];
  }

  /** Written down when it returns. */
  add(swarm: Omit<Swarm, 'state' | 'terminatedMs'>): string {
    const id = swarmOf(swarm.job);
    this.#router.state.swarms[id] = { ...swarm, state: 'launched', terminatedMs: null };
    this.#router.save();
    return id;
  }

  mark(id: string, state: Swarm['state']): void {
    const swarm = this.#router.state.swarms[id];
    if (swarm === undefined) return;
    this.#router.state.swarms[id] = { ...swarm, state, terminatedMs: state === 'terminated' ? this.#nowMs() : null };
    this.#router.save();
  }

  /**
   * By its name or alias; also an allocation that another hand launched. Undefined: no job of skep's and of this user. Throws a `LaunchRefusal` where
   * Slurm does not answer.
   */
  async find(name: string): Promise<{ id: string; swarm: Swarm; job: Job | undefined } | undefined> {
    const { swarms } = this.#router.state;
    const alias = Object.entries(swarms).find(([, one]) => one.alias === name)?.[0];
    const id = alias ?? name;
    const known = swarms[id];
    if (known !== undefined) return { id, swarm: known, job: undefined };
    const number = jobOf(id);
    if (number === undefined) return undefined;
    for (const provider of this.#providers.values()) {
      const job = await provider.of(number).catch((error: unknown) => {
        if (error instanceof LaunchRefusal) return undefined;
        throw error;
      });
      if (job === undefined) continue;
      const swarm = { job: number, nodes: Math.max(job.nodes, 1), prompt: '', alias: null, provider: provider.id };
      return { id: this.add(swarm), swarm: { ...swarm, state: 'launched', terminatedMs: null }, job };
    }
    return undefined;
  }

  /** What its provider says of it; in words of codeswarm where it is over. */
  async statusOf({ swarm, job }: { swarm: Swarm; job?: Job | undefined }): Promise<string> {
    if (swarm.state !== 'launched') return swarm.state;
    const told = job ?? (await this.#providers.get(swarm.provider)?.of(swarm.job));
    return told === undefined ? 'unknown' : wordOf(told.state);
  }

  /** All that run or wait, and those that ended lately. */
  async list(): Promise<Record<string, SwarmTold>> {
    for (const provider of this.#providers.values()) {
      for (const { job, nodes } of await provider.list()) {
        const isKnown = this.#router.state.swarms[swarmOf(job)] !== undefined;
        if (!isKnown) this.add({ job, nodes: Math.max(nodes, 1), prompt: '', alias: null, provider: provider.id });
      }
    }
    this.#forget();
    const told: Record<string, SwarmTold> = {};
    for (const [id, swarm] of Object.entries(this.#router.state.swarms)) {
      const status = await this.statusOf({ swarm }).catch(() => 'unknown');
      told[id] = {
        job_id: swarm.job,
        node_count: swarm.nodes,
        system_prompt: swarm.prompt,
        status,
        provider: this.#providers.get(swarm.provider)?.backend ?? swarm.provider,
        provider_id: swarm.provider,
        alias: swarm.alias,
        terminated_at: swarm.terminatedMs === null ? null : new Date(swarm.terminatedMs).toISOString(),
      };
    }
    return told;
  }

  #forget(): void {
    const { state } = this.#router;
    const over = Object.entries(state.swarms)
      .filter(([, one]) => one.terminatedMs !== null)
      .toSorted(([, a], [, b]) => (b.terminatedMs ?? 0) - (a.terminatedMs ?? 0));
    const old = over.filter(([, one], at) => at >= OVER_MAX || this.#nowMs() - (one.terminatedMs ?? 0) > OVER_MS);
    if (old.length === 0) return;
    for (const [id] of old) delete state.swarms[id];
    this.#router.save();
  }
}

const WORDS: Readonly<Record<string, string>> = {
  PENDING: 'pending',
  CONFIGURING: 'pending',
  RUNNING: 'running',
  COMPLETING: 'terminating',
};

/** What Slurm calls over is `terminated`, whatever its reason. */
const wordOf = (state: string): string => WORDS[state] ?? (state === '' ? 'unknown' : 'terminated');
