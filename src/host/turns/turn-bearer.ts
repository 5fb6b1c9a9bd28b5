/** Agents in turns of their own, as the calls of their tools reach their node: known by a secret of the turn, and at no task. */
import { hash } from 'node:crypto';
import type { OpId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { AttemptBearer, TurnCommands } from '#agent-ports.ts';

/** How their secrets begin. */
export const TURN_PREFIX = 'skep_turn_';
/** Tasks that one turn may make. */
const TASKS_MAX = 50;
const AT_NO_TASK =
  'You are in a turn for what came to you, and at no task: nothing was noted. Answer whoever wrote to you.';

export class TurnBearer implements AttemptBearer {
  readonly agent: OpId;
  /** Stands for what it is at, where tasks have theirs: itself. */
  readonly task: OpId;
  readonly attempt = 1;
  readonly commands: TurnCommands;
  #tasksMade = 0;

  constructor(agent: OpId, commands: TurnCommands) {
    this.commands = commands;
    this.agent = agent;
    this.task = agent;
  }

  complete = async (): Promise<string> => AT_NO_TASK;
  fail = async (): Promise<string> => AT_NO_TASK;
  ask = async (): Promise<string> => 'You are at no task: ask by message_ask, and the answer wakes you.';
  progress = (): string => AT_NO_TASK;

  mayCreateTask(): boolean {
    this.#tasksMade += 1;
    return this.#tasksMade <= TASKS_MAX;
  }
}

export class TurnBearers {
  /** By the SHA-256 of the secret: comparing takes no time that tells anything. */
  readonly #bySecret = new Map<string, TurnBearer>();

  admit(token: string, agent: OpId, commands: TurnCommands): void {
    this.#bySecret.set(hash('sha256', token), new TurnBearer(agent, commands));
  }

  dismiss(token: string): void {
    this.#bySecret.delete(hash('sha256', token));
  }

  /** Undefined for a token of another kind. */
  bearer(token: string): AttemptBearer | Refusal | undefined {
    if (!token.startsWith(TURN_PREFIX)) return undefined;
    return this.#bySecret.get(hash('sha256', token)) ?? OVER;
  }
}

const OVER = refusal('fenced', 'this turn is over, or its node has just started', {
  expected: 'the secret of a turn that runs here; if yours does, call again in a moment',
});
