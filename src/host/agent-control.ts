/** What people do to an agent while it works, or to its program: carried out at its own node, asked for at any. */
import { z } from 'zod';
import type { OpId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import type { AtHomeParts } from './at-home.ts';
import { atAgentHome } from './at-home.ts';
import type { Attempts } from './attempts.ts';
import { isRefusal } from './remote.ts';
import type { TerminalAgents } from './terminal-agents.ts';
import type { TurnKeeper } from './turns/turn-keeper.ts';
import { DriverRefusal } from '#driver/refusal.ts';

/** A tool gets ten seconds to end its turn, and its process five to end. */
const STOP_DEADLINE_MS = 30_000;
const SAY_DEADLINE_MS = 10_000;
/** Words travel in one frame. */
const SAY_MAX_CHARS = 256 * 1024;

const agentParams = z.object({ agent: opIdSchema });
const steerParams = agentParams.extend({ text: z.string().max(SAY_MAX_CHARS) });
const doneAnswer = z.object({ done: z.literal(true) });
type Done = z.output<typeof doneAnswer>;

const DONE: Done = { done: true };

export type AgentControlOptions = AtHomeParts & {
  attempts: Pick<Attempts, 'ofAgent'>;
  turns: Pick<TurnKeeper, 'interrupt' | 'steer'>;
  terminals: Pick<TerminalAgents, 'pressInterrupt' | 'restart' | 'look'>;
};

export class AgentControl {
  readonly #o: AgentControlOptions;

  constructor(o: AgentControlOptions) {
    this.#o = o;
    o.remote.serve('agent.interrupt', agentParams, ({ agent }) => this.#interruptHere(agent));
    o.remote.serve('agent.steer', steerParams, ({ agent, text }) => this.#steerHere(agent, text));
    o.remote.serve('agent.restart', agentParams, ({ agent }) => this.#restartHere(agent));
  }

  /** Ends its turn. An agent that reads then waits to be told what to do instead ({@link steer}); a script's attempt ends. */
  interrupt(agent: OpId): Promise<Done | Refusal> {
    return this.#ask(agent, 'agent.interrupt', STOP_DEADLINE_MS, { agent }, () => this.#interruptHere(agent));
  }

  /** Words for the turn it is in, or for one that was interrupted. */
  async steer(agent: OpId, text: string): Promise<Done | Refusal> {
    if (text.length > SAY_MAX_CHARS) {
      const expected = `at most ${SAY_MAX_CHARS} characters`;
      return refusal('too_large', 'the text is too long for one frame', { expected, got: `${text.length}` });
    }
    return this.#ask(agent, 'agent.steer', SAY_DEADLINE_MS, { agent, text }, () => this.#steerHere(agent, text));
  }

  /** Ends the program of its terminal and starts it anew; what it was at is interrupted. */
  restart(agent: OpId): Promise<Done | Refusal> {
    return this.#ask(agent, 'agent.restart', STOP_DEADLINE_MS, { agent }, () => this.#restartHere(agent));
  }

  #ask(agent: OpId, method: string, deadlineMs: number, params: unknown, here: () => Promise<Done | Refusal>) {
    return atAgentHome(agent, this.#o, { here, method, params, answer: doneAnswer, deadlineMs });
  }

  async #interruptHere(agent: OpId): Promise<Done | Refusal> {
    const attempt = this.#o.attempts.ofAgent(agent);
    if (attempt !== undefined) return (await attempt.words.interrupt()) ?? DONE;
    if (await this.#o.turns.interrupt(agent, 'person')) return DONE;
    // A person may have typed what it is at.
    if (await this.#o.terminals.pressInterrupt(agent)) return DONE;
    return refusal('conflict', 'it is at nothing that could be interrupted', { expected: 'an agent at work' });
  }

  async #steerHere(agent: OpId, text: string): Promise<Done | Refusal> {
    const attempt = this.#o.attempts.ofAgent(agent);
    if (attempt !== undefined) return (await attempt.words.say(text)) ?? DONE;
    try {
      if (await this.#o.turns.steer(agent, text)) return DONE;
    } catch (error) {
      if (error instanceof DriverRefusal) return refusal('not_supported', error.message);
      throw error;
    }
    return refusal('conflict', 'it is at no task, so there is no turn to say this in', {
      expected: 'an agent at work',
    });
  }

  async #restartHere(agent: OpId): Promise<Done | Refusal> {
    if ((await this.#o.terminals.look(agent, 1)) === undefined) {
      const message = 'its tool is started anew for each attempt, and nothing of it goes on between them';
      return refusal('not_supported', message, { expected: 'an agent in a terminal' });
    }
    await this.#o.attempts.ofAgent(agent)?.interrupt('interrupted');
    const refused = await this.#o.terminals.restart(agent);
    return isRefusal(refused) ? refused : DONE;
  }
}
