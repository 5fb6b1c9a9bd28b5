/** Terminals of agents as people sit at them: looked at and typed into from any node. */
import { z } from 'zod';
import type { AgentScreen, AgentTyped } from '#core/agent-terminal.ts';
import type { OpId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import type { AtHomeParts } from './at-home.ts';
import { atAgentHome } from './at-home.ts';
import type { TerminalAgents } from './terminal-agents.ts';

/** More than a person types between two frames of a screen; a text of more is pasted. */
const KEYS_MAX_CHARS = 4_096;
const PASTE_MAX_CHARS = 256 * 1024;

const agentParams = z.object({ agent: opIdSchema });
const count = z.number().int().nonnegative();
const screenAnswer: z.ZodType<AgentScreen> = z.object({
  text: z.string(),
  columns: count,
  rows: count,
  cursor: z.tuple([count, count]).nullable(),
});
const typeParams = z.union([
  agentParams.extend({ keys: z.string().max(KEYS_MAX_CHARS) }),
  agentParams.extend({ paste: z.string().max(PASTE_MAX_CHARS) }),
]);
const typeAnswer = z.object({ typed: z.boolean() });

export type AgentScreensOptions = AtHomeParts & { terminals: Pick<TerminalAgents, 'get'> };

export class AgentScreens {
  readonly #o: AgentScreensOptions;

  constructor(o: AgentScreensOptions) {
    this.#o = o;
    o.remote.serve('agent.screen', agentParams, ({ agent }) => this.#lookHere(agent));
    o.remote.serve('agent.type', typeParams, ({ agent, ...typed }) => this.#typeHere(agent, typed));
  }

  look(agent: OpId): Promise<AgentScreen | Refusal> {
    const here = () => this.#lookHere(agent);
    return atAgentHome(agent, this.#o, { here, method: 'agent.screen', params: { agent }, answer: screenAnswer });
  }

  type(agent: OpId, typed: AgentTyped): Promise<{ typed: boolean } | Refusal> {
    const here = () => this.#typeHere(agent, typed);
    const params = { agent, ...typed };
    return atAgentHome(agent, this.#o, { here, method: 'agent.type', params, answer: typeAnswer });
  }

  async #lookHere(id: OpId): Promise<AgentScreen | Refusal> {
    const agent = this.#o.terminals.get(id);
    if (agent === undefined) return noTerminal(id);
    const screen = await agent.screen();
    return screen ?? refusal('conflict', `its terminal cannot be looked at: ${agent.standing().rule}`);
  }

  async #typeHere(id: OpId, typed: AgentTyped): Promise<{ typed: boolean } | Refusal> {
    const agent = this.#o.terminals.get(id);
    return agent === undefined ? noTerminal(id) : { typed: await agent.typed(typed) };
  }
}

const noTerminal = (agent: OpId): Refusal =>
  refusal('not_supported', 'this agent has no terminal', { expected: 'an agent in a tmux session', got: agent });
