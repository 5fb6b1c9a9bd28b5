/** The tools of skep that an agent is offered, and by which secret its calls are known to come from its attempt. */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { OpId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { SHELL } from '#core/task/fit.ts';
import type { AttemptBearer, SessionSpec } from '#agent-ports.ts';
import type { AgentDesk, Equipment } from './agent-desk.ts';
import { agentSocketPath } from './agent-socket-path.ts';
import { PRIMER, terminalWords } from './agent-words.ts';
import type { AttemptPlan } from './attempt-plan.ts';
import { CompletionRecords } from './completion-record.ts';
import { Completion } from './completion.ts';
import { TurnBearers } from './turns/turn-bearer.ts';
import { TerminalTools, TOOL_SERVER, TOOLS_PREFIX } from './terminal-tools.ts';

/** Ended attempts whose late calls are answered in words. */
const ENDED_MAX = 1_000;

export class ToolDesk {
  /** Those of agents in terminals. */
  readonly terminal: TerminalTools;
  /** Agents in turns that are no task's. */
  readonly turns = new TurnBearers();
  readonly #records: CompletionRecords;
  readonly #socket: string;
  readonly #ask: AgentDesk['ask'];
  /** By the SHA-256 of the secret: comparing takes no time that tells anything. */
  readonly #bySecret = new Map<string, Completion>();
  readonly #secrets = new Map<string, string>();

  constructor(o: { stateDir: string; ask: AgentDesk['ask'] }) {
    this.terminal = new TerminalTools(o);
    this.#records = new CompletionRecords(join(o.stateDir, 'completions'));
    this.#socket = agentSocketPath(o.stateDir);
    this.#ask = o.ask;
  }

  /** Nothing for scripts, and for agents in terminals whose program was not started with the tools. */
  async equip(plan: AttemptPlan): Promise<Omit<Equipment, 'patienceMs' | 'home'>> {
    const { tool, tmuxSessionId } = plan.agent.registered;
    const isInTerminal = tmuxSessionId !== null;
    if (isInTerminal ? !this.terminal.has(plan.agent.id) : tool === SHELL)
      return { instructions: '', servers: [], completion: undefined };
    const name = nameOf(plan);
    const record = await this.#records.open(name);
    const completion: Completion = new Completion({
      agent: plan.agent.id,
      task: plan.task,
      attempt: plan.attempt,
      record,
      // What such an agent does is also seen: a turn that ends without a word is a task that is done, as it is for tools that have no such server.
      isOwed: !isInTerminal,
      save: (next) => this.#records.save(name, next),
      ask: (request, closed) =>
        this.#ask({ plan, request, closed, cwd: '/', tell: (line) => completion.onProgress(line) }),
    });
    this.#remember(name, hash('sha256', record.token), completion);
    if (isInTerminal) return { instructions: terminalWords(name), servers: [], completion };
    return { instructions: PRIMER, servers: [this.#server(record.token)], completion };
  }

  /** Whose secret it is; undefined for nobody's. */
  bearer(token: string): AttemptBearer | Refusal | undefined {
    if (token.startsWith(TOOLS_PREFIX)) return this.#ofTerminal(token);
    const inTurn = this.turns.bearer(token);
    if (inTurn !== undefined) return inTurn;
    const found = this.#bySecret.get(hash('sha256', token));
    if (found === undefined) return token.startsWith('skep_attempt_') ? UNKNOWN : undefined;
    if (!found.isOver) return found;
    const over = `attempt ${found.attempt} of task ${found.task} has ended: nothing that is said of it counts any more`;
    return refusal('fenced', over, { expected: 'the attempt that runs now' });
  }

  /** The attempt's files go. */
  async leave(one: { task: OpId; attempt: number }): Promise<void> {
    const name = nameOf(one);
    const secret = this.#secrets.get(name);
    if (secret !== undefined) this.#bySecret.get(secret)?.close();
    await this.#records.remove(name);
  }

  /** The attempt that the agent is in now. */
  #ofTerminal(token: string): AttemptBearer | Refusal {
    const agent = this.terminal.agentOf(token);
    if (agent === undefined) return UNKNOWN_AGENT;
    return this.#bySecret.values().find((one) => one.agent === agent && !one.isOver) ?? NO_TASK;
  }

  #server(token: string): SessionSpec['servers'][number] {
    return {
      name: 'skep',
      command: TOOL_SERVER,
      env: { SKEP_MCP_TOKEN: token, SKEP_MCP_SOCKET: this.#socket },
    };
  }

  #remember(name: string, secret: string, completion: Completion): void {
    this.#secrets.set(name, secret);
    this.#bySecret.set(secret, completion);
    if (this.#secrets.size <= ENDED_MAX) return;
    for (const [oldest, held] of this.#secrets) {
      if (this.#bySecret.get(held)?.isOver !== true) continue;
      this.#secrets.delete(oldest);
      this.#bySecret.delete(held);
      return;
    }
  }
}

const nameOf = ({ task, attempt }: { task: OpId; attempt: number }): string => `${task}.${attempt}`;

const UNKNOWN = refusal('fenced', 'no attempt on this node has this secret: it ended, or the node has just started', {
  expected: 'the secret of an attempt that runs here; if yours does, call again in a moment',
});

const UNKNOWN_AGENT = refusal('fenced', 'no agent of this node has this secret: it was withdrawn, or started anew', {
  expected: 'the secret in the file that its program was started with',
});

const NO_TASK = refusal('conflict', 'this agent is at no task of skep now: nothing was noted', {
  expected: 'a call in the turn of a task',
});
