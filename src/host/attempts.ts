/** All attempts of this node: carries out the core's actions and tells it how they ended. */
import type { OpId } from '#core/brand.ts';
import type { EndValue } from '#core/schema/body.ts';
import type { Action } from '#core/turn.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import type { AgentDriver } from '#agent-ports.ts';
import type { OpStore } from '#ports.ts';
import type { AttemptTools } from './attempt-plan.ts';
import type { AttemptEnd } from './attempt-end.ts';
import { end } from './attempt-end.ts';
import { Attempt } from './attempt.ts';
import type { OutputTail } from './output.ts';

type Run = Extract<Action, { kind: 'start' | 'resume' }>;

/** Outputs of ended attempts that are kept for whoever looks later. */
const OUTPUTS_MAX = 200;

export class Attempts {
  private readonly tools: Omit<AttemptTools, 'driver' | 'runtime' | 'workspaces'>;
  private readonly placeOf: (agent: LiveAgent) => Pick<AttemptTools, 'runtime' | 'workspaces'>;
  private readonly driverOf: (agent: LiveAgent) => AgentDriver | undefined;
  private readonly store: Pick<OpStore, 'get'>;
  private readonly ended: (o: { task: OpId; attempt: number; value: EndValue }) => void;
  private readonly gone: (o: { task: OpId; attempt: number }) => void;
  private readonly running = new Map<string, Attempt>();
  private readonly outputs = new Map<OpId, { attempt: number; agent: OpId; output: OutputTail }>();

  constructor(o: {
    tools: Omit<AttemptTools, 'driver' | 'runtime' | 'workspaces'>;
    /** Where its processes run: in its box, or on its compute node, where it has one. */
    placeOf: (agent: LiveAgent) => Pick<AttemptTools, 'runtime' | 'workspaces'>;
    driverOf: (agent: LiveAgent) => AgentDriver | undefined;
    store: Pick<OpStore, 'get'>;
    ended: (o: { task: OpId; attempt: number; value: EndValue }) => void;
    gone: (o: { task: OpId; attempt: number }) => void;
  }) {
    this.tools = o.tools;
    this.placeOf = o.placeOf;
    this.driverOf = o.driverOf;
    this.store = o.store;
    this.ended = o.ended;
    this.gone = o.gone;
  }

  act(
    action: Exclude<Action, { kind: 'serve' | 'alarm' | 'checked' | 'member' | 'unlink' | 'excluded' | 'keepLinks' }>,
  ): void {
    switch (action.kind) {
      case 'start':
      case 'resume':
        return this.run(action);
      case 'interrupt':
        return this.watchFor(this.running.get(keyOf(action))?.interrupt(action.reason));
      case 'clean':
        return this.watchFor(this.clean(action));
    }
  }

  /** Whether an attempt of that agent has files here yet. */
  isAtWork(agent: OpId): boolean {
    return [...this.running.values()].some(({ plan }) => plan.agent.id === agent);
  }

  /** Whether that attempt has files here yet. */
  has(of: { task: OpId; attempt: number }): boolean {
    return this.running.has(keyOf(of));
  }

  /** What the running or last attempt of a task on this node printed. */
  outputOf(task: OpId): { attempt: number; output: OutputTail } | undefined {
    return this.outputs.get(task);
  }

  outputOfAgent(agent: OpId): OutputTail | undefined {
    return [...this.outputs.values()].findLast((one) => one.agent === agent)?.output;
  }

  /** What an agent is at. Undefined when it is at nothing. */
  ofAgent(agent: OpId): Attempt | undefined {
    return [...this.running.values()].findLast(({ plan, isOver }) => plan.agent.id === agent && !isOver);
  }

  /** What is open of its transcript is put on file, for whoever reads it now. */
  flush(of: { task: OpId; attempt: number }): void {
    this.running.get(keyOf(of))?.display.transcript?.flush();
  }

  count(): number {
    return this.running.size;
  }

  /** The node stops: agents go on under the holder. */
  detach(): void {
    for (const attempt of this.running.values()) attempt.detach();
  }

  private run(action: Run): void {
    const { task, attempt } = action;
    const created = this.store.get('task', task)?.created;
    const agent = this.store.get('agent', action.agent);
    const driver = isLive(agent) ? this.driverOf(agent) : undefined;
    if (created === undefined || !isLive(agent) || driver === undefined) {
      return this.end(action, end('released', 'refused', 'the agent or its tool is not on this node any more'));
    }
    const one = new Attempt({ task, created, attempt, agent }, { ...this.tools, driver, ...this.placeOf(agent) });
    this.running.set(keyOf(action), one);
    this.remember(action, one.display.output);
    const answer = action.kind === 'start' ? one.run() : one.resume();
    this.watchFor(answer.then((value) => value !== undefined && this.end(action, value)));
  }

  private remember({ task, attempt, agent }: Run, output: OutputTail): void {
    this.outputs.delete(task);
    this.outputs.set(task, { attempt, agent, output });
    if (this.outputs.size > OUTPUTS_MAX) for (const oldest of this.outputs.keys().take(1)) this.outputs.delete(oldest);
  }

  private end({ task, attempt }: Run, value: AttemptEnd): void {
    this.ended({ task, attempt, value: { ...value, attempt } });
  }

  private async clean(action: { task: OpId; attempt: number }): Promise<void> {
    const key = keyOf(action);
    try {
      await this.running.get(key)?.clean();
    } finally {
      this.running.delete(key);
      await this.tools.desk.leave(action);
      this.tools.glimpses.forget(action.task);
      this.gone(action);
    }
  }

  private watchFor(work: Promise<unknown> | undefined): void {
    work?.catch((error: unknown) =>
      this.tools.log(`cleaning up: ${error instanceof Error ? error.message : String(error)}`),
    );
  }
}

const keyOf = ({ task, attempt }: { task: OpId; attempt: number }): string => `${task}.${attempt}`;
