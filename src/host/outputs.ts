/** What agents printed, from whichever node has it. */
import { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import type { NodeCore } from '#core/node.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import { taskChain } from '#core/view/chain.ts';
import type { OpStore } from '#ports.ts';
import { atAgentHome, atAttemptHome } from './at-home.ts';
import type { Attempts } from './attempts.ts';
import type { Remote } from './remote.ts';
import type { TerminalAgents } from './terminal-agents.ts';

const OUTPUT_DEADLINE_MS = 5_000;

const outputRequest = z.object({ task: opIdSchema, lines: z.number().int().min(1).max(1000) });
const outputAnswer = z.object({ attempt: z.number(), output: z.string() });
const agentRequest = z.object({ agent: opIdSchema, lines: z.number().int().min(1).max(1000) });
const agentAnswer = z.object({ status: z.string(), output: z.string() });

type OutputsParts = {
  self: NodeId;
  core: Pick<NodeCore, 'presences'>;
  store: Pick<OpStore, 'get'>;
  remote: Remote;
  attempts: Attempts;
  terminals: Pick<TerminalAgents, 'look'>;
};

export class Outputs {
  private readonly parts: OutputsParts;

  constructor(parts: OutputsParts) {
    this.parts = parts;
    parts.remote.serve('task.output', outputRequest, async ({ task, lines }) => this.taskHere(task, lines));
    parts.remote.serve('agent.output', agentRequest, async ({ agent, lines }) => this.agentHere(agent, lines));
  }

  /** What the agent of the running or last attempt printed, from the node where it works. */
  async ofTask(task: OpId, lines: number): Promise<{ attempt: number; output: string } | Refusal> {
    return atAttemptHome({ task }, this.parts, {
      here: () => this.taskHere(task, lines),
      method: 'task.output',
      params: { lines },
      deadlineMs: OUTPUT_DEADLINE_MS,
      answer: outputAnswer,
    });
  }

  /** How an agent stands, and what it printed, from its own node. */
  async ofAgent(agent: OpId, lines: number): Promise<{ status: string; output: string } | Refusal> {
    return atAgentHome(agent, this.parts, {
      here: () => this.agentHere(agent, lines),
      method: 'agent.output',
      params: { agent, lines },
      deadlineMs: OUTPUT_DEADLINE_MS,
      answer: agentAnswer,
    });
  }

  private taskHere(task: OpId, lines: number): { attempt: number; output: string } | Refusal {
    const held = this.parts.attempts.outputOf(task);
    if (held !== undefined) return { attempt: held.attempt, output: held.output.newestBefore(lines) };
    const row = this.parts.store.get('task', task);
    const end = row === undefined ? undefined : taskChain(row).ended?.value;
    const kept = end?.result ?? end?.error ?? null;
    if (end === undefined || kept === null)
      return refusal('no_work', 'the output of that attempt is not kept any more');
    return { attempt: end.attempt, output: typeof kept === 'string' ? kept : kept.head };
  }

  private async agentHere(agent: OpId, lines: number): Promise<{ status: string; output: string }> {
    const screen = await this.parts.terminals.look(agent, lines);
    if (screen !== undefined) return screen;
    const own = this.parts.core.presences().get(this.parts.self);
    const status = own?.agents.find((one) => one.agent === agent)?.status;
    return {
      status: status === 'busy' ? 'running' : (status ?? 'stopped'),
      output: this.parts.attempts.outputOfAgent(agent)?.newest(lines) ?? '',
    };
  }
}
