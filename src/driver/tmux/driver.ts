/** The driver of agents in terminals: it types and looks, and is the fallback where a tool speaks no protocol. */
import type { AgentDriver, AgentSession, SessionSpec } from '#agent-ports.ts';
import { DriverRefusal } from '../refusal.ts';
import { TmuxSession } from './session.ts';
import type { Terminals } from './terminals.ts';
import type { TurnRecords } from './turn-records.ts';

export type TmuxDriverOptions = {
  terminals: Terminals;
  records: TurnRecords;
  /** Wall clock: a turn's limit goes on while this node is down. */
  nowMs: () => number;
  stopMaxMs?: number;
};

/**
 * An agent's program is there before its attempts and after them; a session is one attempt. Its folder, its environment and its program are the
 * agent's own, so of {@link SessionSpec} only the limit, the agent and the name of the turn count.
 */
export class TmuxDriver implements AgentDriver {
  readonly tool = 'tmux';
  readonly #o: TmuxDriverOptions;
  readonly #sessions = new Set<TmuxSession>();

  constructor(o: TmuxDriverOptions) {
    this.#o = o;
  }

  async open(spec: SessionSpec): Promise<AgentSession> {
    const session = await this.#session(spec);
    if (session === undefined) throw new DriverRefusal('agent_busy', 'The agent was withdrawn.');
    return session;
  }

  /** Undefined when nothing was asked of the program that runs now: it is another one, or the node stopped before. */
  async attach(spec: SessionSpec): Promise<AgentSession | undefined> {
    const record = this.#o.records.read(spec.procId);
    const agent = await this.#o.terminals.found(spec.agent);
    if (record === undefined || agent?.place?.pid !== record.pid) {
      this.#o.records.drop(spec.procId);
      return undefined;
    }
    const session = await this.#session(spec);
    session?.follow(record);
    return session;
  }

  /** This node stops: turns go on, and their records stay. */
  detach(): void {
    for (const session of this.#sessions) session.detach();
    this.#sessions.clear();
  }

  async #session(spec: SessionSpec): Promise<TmuxSession | undefined> {
    const { terminals, records, nowMs, stopMaxMs } = this.#o;
    const agent = await terminals.found(spec.agent);
    if (agent === undefined) return undefined;
    const session = new TmuxSession({
      spec,
      agent,
      records,
      nowMs,
      stopMaxMs,
      closed: () => this.#sessions.delete(session),
    });
    this.#sessions.add(session);
    return session;
  }
}
