/** The allocations of a cluster as agents of this node: registered while their workers are there, at work over their mailboxes. */
import { connect } from 'node:net';
import { join } from 'node:path';
import type { NodeId } from '#core/brand.ts';
import { nodePrincipal } from '#core/brand.ts';
import type { Draft } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import type { BodyOf } from '#core/schema/body.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import type { TaskCreated } from '#core/view/task.ts';
import type { Lack } from '#core/world.ts';
import { JsonLines } from '#runtime/json-lines.ts';
import type { Arrival, OpStore } from '#ports.ts';
import { readConfig } from '#slurm/launch/config.ts';
import { placeOf } from '#slurm/router/event.ts';
import { Fleet, type FleetWorker, type ToolCall } from '#slurm/swarm/fleet.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { agentSocketPath } from './agent-socket-path.ts';
import type { AttemptTools, AttemptWorkspaces } from './attempt-plan.ts';
import { FleetWork } from './fleet-work.ts';
import { isRefusal } from './remote.ts';

/** Agents of one node. */
const AGENTS_MAX = 1_000;
/** The walltime's signal comes 90 s before the end, and Slurm's timer is coarse: up to a minute sooner. */
const SIGNAL_MS = 150_000;
/** Below this, a task would be cut off before it had begun. */
const LEFT_MIN_MS = SIGNAL_MS + 30_000;
/** An agent that listens for messages waits as long as it says, a minute at most. */
const CALL_MAX_MS = 300_000;

export type HostedFleetOptions = {
  /** The launcher's configuration. */
  file: string;
  self: NodeId;
  stateDir: string;
  store: Pick<OpStore, 'list'>;
  append: (drafts: readonly Draft[]) => Promise<readonly Arrival[] | Refusal>;
  /** Resolves when the check after the start lets this node append. */
  whenOpen: () => Promise<void>;
  isAtWork: (agent: LiveAgent['id']) => boolean;
  setState: (agent: LiveAgent['id'], state: string | undefined) => void;
  own: AttemptWorkspaces;
  workspaces: Workspaces;
  log: (line: string) => void;
};

export class HostedFleet {
  readonly #o: HostedFleetOptions;
  readonly #fleet: Fleet;
  #changing: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** Throws, with what to do, for a configuration that is none. */
  constructor(o: HostedFleetOptions) {
    this.#o = o;
    this.#fleet = new Fleet({
      config: readConfig(o.file),
      env: process.env,
      directory: join(o.stateDir, 'fleet'),
      nowMs: Date.now,
      log: o.log,
      changed: () => this.look(),
      called: (call) => this.#call(call),
    });
  }

  /** Rejects with what the file system says. */
  start(): Promise<void> {
    return this.#fleet.start();
  }

  /** Idempotent, bounded. Agents at work go on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#fleet.close();
    await this.#changing;
  }

  /** Where an agent of an allocation works; undefined for every other one. */
  placeOf({ registered: { worker } }: LiveAgent): Pick<AttemptTools, 'runtime' | 'workspaces'> | undefined {
    if (worker === undefined) return undefined;
    const { own, workspaces } = this.#o;
    const runtime = this.#fleet.runtimeOf(worker);
    const { job } = placeOf(worker);
    const { base, router } = this.#fleet;
    return { runtime, workspaces: new FleetWork({ own, workspaces, runtime, near: router.near, base, job }) };
  }

  /** Tool servers as they are reached where the agent runs. */
  serversOf<T extends Parameters<Fleet['serversAt']>[1]>({ registered: { worker } }: LiveAgent, servers: T) {
    return worker === undefined ? servers : this.#fleet.serversAt(worker, servers);
  }

  /** Why an agent of an allocation takes nothing now; undefined: it may. */
  lacksFor({ registered: { worker } }: LiveAgent): Lack | undefined {
    const why = (text: string): Lack => ({ why: 'walltime', text });
    const known = this.#fleet.workers.get(worker ?? '');
    if (known === undefined || known.standing !== 'up') return why('its worker is not there any more');
    if (!this.#fleet.isConnected) return why('its cluster is not connected now');
    const leftMs = leftOf(known);
    if (leftMs >= LEFT_MIN_MS) return undefined;
    const wanted = `a task is begun with at least ${LEFT_MIN_MS / 1_000} s left`;
    return why(`its allocation ends in ${seconds(leftMs)} s, and ${wanted}`);
  }

  /** Why it does not take a task whose limit is longer than its allocation: that would be cut off. Without a limit a task may go on in the next one. */
  lacksTimeFor({ registered: { worker } }: LiveAgent, { timeLimitSeconds: limit }: TaskCreated): Lack | undefined {
    const known = limit === null ? undefined : this.#fleet.workers.get(worker ?? '');
    if (known === undefined || limit === null) return undefined;
    const leftMs = leftOf(known);
    if (leftMs >= limit * 1_000 + SIGNAL_MS) return undefined;
    const wanted = `a task that may take ${limit} s is begun with ${SIGNAL_MS / 1_000} s more than that`;
    return { why: 'walltime', text: `its allocation ends in ${seconds(leftMs)} s, and ${wanted}` };
  }

  /** Sees to it that those who are there are registered, and those who are gone are not, once they are at nothing. */
  look(): void {
    if (this.#isClosed) return;
    this.#changing = this.#changing
      .then(() => this.#o.whenOpen())
      .then(() => this.#look())
      .catch((error: unknown) => this.#o.log(`the fleet's agents: ${String(error)}`));
  }

  async #look(): Promise<void> {
    const { store, self, append, isAtWork, setState, log } = this.#o;
    if (this.#isClosed) return;
    const where = { live: 1, node: self };
    const agents = store.list('agent', { where, limit: AGENTS_MAX }).filter(isLive);
    const ours = agents.filter(({ registered }) => registered.worker !== undefined);
    const by = nodePrincipal(self);
    const { workers, isConnected } = this.#fleet;
    const drafts: Draft[] = [];
    for (const agent of ours) {
      const worker = workers.get(agent.registered.worker ?? '');
      const isUp = worker?.standing === 'up';
      if (!isAtWork(agent.id)) setState(agent.id, isUp && isConnected ? undefined : isUp ? 'unknown' : 'exited');
      if (worker?.standing === 'over' && !isAtWork(agent.id))
        drafts.push({ entity: agent.id, by, body: { type: 'agent.deregistered' } });
    }
    for (const [mailbox, { standing, tool }] of workers) {
      const isKnown = ours.some(({ registered }) => registered.worker === mailbox);
      if (standing === 'up' && !isKnown) drafts.push({ entity: undefined, by, body: registered(mailbox, tool) });
    }
    if (drafts.length === 0) return;
    const answer = await append(drafts);
    if (isRefusal(answer)) log(`the fleet's agents are not written down: ${answer.message}`);
  }

  /** The same door as for agents of this machine: who calls is known by the secret of its attempt. */
  #call({ method, path, body, token }: ToolCall): Promise<{ status: number; body: unknown }> {
    const refuse = (status: number, message: string) => ({ status, body: { error: { message } } });
    if (token === undefined)
      return Promise.resolve(refuse(409, 'this conversation works on no task of the swarm: nothing was noted'));
    return new Promise((resolve) => {
      const socket = connect(agentSocketPath(this.#o.stateDir));
      const end = (answer: { status: number; body: unknown }): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(answer);
      };
      const away = (): void => end(refuse(503, 'the node does not answer: nothing was noted'));
      const timer = setTimeout(away, CALL_MAX_MS);
      const lines = new JsonLines();
      socket.on('error', away).on('close', away);
      socket.on('data', (chunk) => {
        for (const line of lines.feed(Buffer.from(chunk))) {
          const value: unknown = line.kind === 'record' ? line.value : undefined;
          if (typeof value !== 'object' || value === null || !('status' in value)) continue;
          return end({ status: Number(value.status), body: 'body' in value ? value.body : null });
        }
      });
      socket.write(`${JSON.stringify({ id: 1, token, method, path, body })}\n`);
    });
  }
}

const leftOf = ({ endsAtMs }: FleetWorker): number =>
  endsAtMs === null ? Number.POSITIVE_INFINITY : endsAtMs - Date.now();
const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1_000));

const registered = (mailbox: string, tool: string): BodyOf<'agent.registered'> => ({
  type: 'agent.registered',
  name: `slurm-${mailbox.replace('_', '-')}`,
  tool,
  capabilities: ['slurm'],
  projectPath: null,
  tmuxSessionId: null,
  maxConcurrentTasks: 1,
  worker: mailbox,
});
