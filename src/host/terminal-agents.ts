/** Agents of this node that live in terminals: kept as the log says, their states told to the core, and reached from any node. */
import { mkdirSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { AgentAttach, AgentExplained, AgentPlace, AgentWanted } from '#core/agent-terminal.ts';
import type { NodeId, OpId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { AgentRow, OpenedAttempt } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import { TmuxDriver } from '#driver/tmux/driver.ts';
import type { PaneEnd } from '#driver/tmux/pane.ts';
import type { TerminalAgent } from '#driver/tmux/terminal-agent.ts';
import { Terminals } from '#driver/tmux/terminals.ts';
import { TurnRecords } from '#driver/tmux/turn-records.ts';
import type { HookBearer } from '#agent-ports.ts';
import type { Arrival, OpStore } from '#ports.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { makeSocketDir, socketPath } from '../socket-path.ts';
import type { AgentHomes } from './agent-homes.ts';
import type { Drivers } from './drivers.ts';
import type { Glimpses } from './glimpses.ts';
import { atAgentHome } from './at-home.ts';
import { HookDesk } from './hook-desk.ts';
import type { Remote } from './remote.ts';
import { agentParams, attachAnswer, explainAnswer, SEND_MAX_CHARS, sendAnswer, sendParams } from './terminal-calls.ts';
import { terminalEnvironment } from './terminal-environment.ts';
import { placeOf } from './terminal-place.ts';
import { TerminalStates } from './terminal-states.ts';
import type { TerminalTools } from './terminal-tools.ts';

/** Agents of one node. */
const AGENTS_MAX = 1_000;

export type TerminalAgentsOptions = {
  self: NodeId;
  store: Pick<OpStore, 'get' | 'list'>;
  remote: Remote;
  workspaces: Pick<Workspaces, 'agentEnvironment'>;
  stateDir: string;
  /** How people reach this machine, `user@host`, where that was said. */
  ssh: string | undefined;
  /** What an agent is seen at; undefined when it is free. */
  setState: (agent: OpId, state: string | undefined) => void;
  /** Of agents that have no terminal: why they are said to be in their state. */
  explain: (agent: OpId, tool: string) => AgentExplained;
  /** Why an agent of this node leaves work that fits it to others; undefined: it does not. */
  heldBack: (agent: OpId) => string | undefined;
  /** Who looks at terminals, here and elsewhere. */
  screens: Pick<Glimpses, 'isWatched' | 'show'>;
  /** Those of tools that are driven by their protocol. */
  drivers: Drivers;
  /** How long an agent waits for people. */
  patienceMs: number;
  homes: Pick<AgentHomes, 'environmentOf' | 'sweep'>;
  tools: Pick<TerminalTools, 'know' | 'forget' | 'argumentsFor' | 'environmentFor'>;
  /** The program of an agent that opens a conversation has ended well: nobody wants that agent any more. */
  ended: (agent: OpId) => void;
  /** An agent that opened this one was withdrawn. */
  closed: (opened: OpenedAttempt) => Promise<void>;
  log: (line: string) => void;
};

export class TerminalAgents {
  readonly driver: TmuxDriver;
  readonly #o: TerminalAgentsOptions;
  readonly #terminals: Terminals;
  readonly #hooks: HookDesk;
  readonly #states: TerminalStates;

  constructor(o: TerminalAgentsOptions) {
    this.#o = o;
    this.#states = new TerminalStates(o.setState);
    const directory = join(o.stateDir, 'tmux');
    const socket = socketPath(directory, 'tmux');
    makeSocketDir(socket);
    this.#hooks = new HookDesk(o);
    this.#terminals = new Terminals({
      socket,
      directory,
      env: terminalEnvironment(process.env, undefined),
      environmentOf: async (agent) => ({
        ...(await o.workspaces.agentEnvironment(agent)),
        ...terminalEnvironment(process.env, agent),
        ...o.homes.environmentOf(agent.id, agent.cwd),
        ...this.#hooks.environmentFor(agent, o.tools.environmentFor(agent)),
      }),
      moreArguments: (agent) => [...this.#hooks.argumentsFor(agent), ...o.tools.argumentsFor(agent)],
      now: Date.now,
      onState: (agent) => this.#stateChanged(agent),
      viewerOf: (agent) => ({
        isWatching: () => o.screens.isWatched(agent),
        show: (screen) => o.screens.show(agent, screen),
      }),
      log: o.log,
    });
    const records = new TurnRecords(join(directory, 'turns'));
    this.driver = new TmuxDriver({ terminals: this.#terminals, records, nowMs: Date.now });
    o.remote.serve('agent.send', sendParams, async ({ agent, text }) => this.#sendHere(agent, text));
    o.remote.serve('agent.explain', agentParams, async ({ agent }) => this.#explainHere(agent));
    o.remote.serve('agent.attach', agentParams, async ({ agent }) => this.#attachHere(agent));
  }

  /** Before the core's boot: none of them takes work until its screen was seen. */
  start(): void {
    const where = { live: 1, node: this.#o.self };
    for (const row of this.#o.store.list('agent', { where, limit: AGENTS_MAX })) if (isLive(row)) this.#keep(row);
    this.#o.homes.sweep();
  }

  /** Registrations and withdrawals of this node's agents. */
  arrived(arrivals: readonly Arrival[]): void {
    for (const { op } of arrivals) {
      if (op.body.type !== 'agent.registered' && op.body.type !== 'agent.deregistered') continue;
      const row = this.#o.store.get('agent', op.header.entity);
      if (row?.registered?.node !== this.#o.self) continue;
      if (isLive(row)) this.#keep(row);
      else void this.#release(row).catch((error: unknown) => this.#o.log(`withdrawing an agent: ${String(error)}`));
    }
  }

  /** What the driver sees of an agent of this node now. */
  #stateChanged(agent: TerminalAgent): void {
    this.#states.changed(agent);
    const end = agent.place?.pane.seen?.end;
    if (agent.spec.isOnce && end?.how === 'dead' && hasEndedWell(end)) this.#o.ended(agent.spec.id);
  }

  /** Agents go on; this node stops looking at them. */
  async close(): Promise<void> {
    this.#states.close();
    this.driver.detach();
    await this.#terminals.close();
  }

  /** After {@link close}: ends those agents that skep started. */
  stopAgents(): Promise<void> {
    return this.#terminals.stopServer();
  }

  /** Where a new agent of this node would live. Nothing is made before it is registered. */
  place(wanted: AgentWanted): Promise<AgentPlace | Refusal> {
    return placeOf(wanted, {
      drivers: this.#o.drivers,
      checkSession: (session) => this.#terminals.checkSession(session),
    });
  }

  /** Types a text and Enter, wherever the agent runs. Not sent: it is at work, has ended, or takes no words. */
  async send(agent: OpId, text: string): Promise<{ sent: boolean } | Refusal> {
    if (text.length > SEND_MAX_CHARS)
      return refusal('too_large', 'the text is too long to be typed', {
        expected: `at most ${SEND_MAX_CHARS} characters`,
        got: `${text.length}`,
      });
    return atAgentHome(agent, this.#o, {
      here: () => this.#sendHere(agent, text),
      method: 'agent.send',
      params: { agent, text },
      answer: sendAnswer,
    });
  }

  explain(agent: OpId): Promise<AgentExplained | Refusal> {
    return atAgentHome(agent, this.#o, {
      here: async () => this.#explainHere(agent),
      method: 'agent.explain',
      params: { agent },
      answer: explainAnswer,
    });
  }

  attach(agent: OpId): Promise<AgentAttach | Refusal> {
    return atAgentHome(agent, this.#o, {
      here: async () => this.#attachHere(agent),
      method: 'agent.attach',
      params: { agent },
      answer: attachAnswer,
    });
  }

  /** An agent of this node that has a terminal. */
  get(agent: OpId): TerminalAgent | undefined {
    return this.#terminals.get(agent);
  }

  /** Presses its keys for "stop", where it is seen at work. */
  async pressInterrupt(id: OpId): Promise<boolean> {
    const agent = this.#terminals.get(id);
    const state = agent?.standing().state;
    if (agent === undefined || (state !== 'running' && state !== 'retrying' && state !== 'waiting')) return false;
    for (const key of agent.tool.interruptKeys) if (!(await agent.press([key]))) return false;
    return true;
  }

  /** Ends its program and starts it anew in the same place. Nothing may be asked of it then. */
  async restart(id: OpId): Promise<Refusal | undefined> {
    const agent = this.#terminals.get(id);
    if (agent?.spec.owned !== true)
      return refusal('not_supported', 'its session is yours: skep neither starts nor ends what runs in it');
    const why = await this.#terminals.restart(id);
    return why === undefined ? undefined : refusal('driver_unavailable', `it could not be started anew: ${why}`);
  }

  /** The newest lines of its terminal, and the word for its state; undefined for an agent without one. */
  async look(agent: OpId, lines: number): Promise<{ status: string; output: string } | undefined> {
    const held = this.#terminals.get(agent);
    if (held === undefined) return undefined;
    const { state } = held.standing();
    return { status: state === 'exited' ? 'stopped' : state, output: await held.lines(lines) };
  }

  /** Whether its program may still run, or one that goes on with a conversation of it. */
  has(agent: OpId): boolean {
    if (this.#terminals.get(agent) !== undefined) return true;
    const where = { live: 1, node: this.#o.self };
    const live = this.#o.store.list('agent', { where, limit: AGENTS_MAX });
    return live.some(({ registered }) => registered?.opens?.agent === agent);
  }

  /** The agent whose hooks have this secret. */
  hookBearer(token: string): HookBearer | undefined {
    const id = this.#hooks.agentOf(token);
    const held = id === undefined ? undefined : this.#terminals.get(id)?.hooks;
    if (id === undefined || held === undefined) return undefined;
    return { agent: id, report: (report) => held.report(report), withdraw: (request) => held.withdraw(request) };
  }

  #keep(row: LiveAgent): void {
    const { tmuxSessionId, name, tool, sessionOwned, projectPath, opens } = row.registered;
    if (tmuxSessionId === null || !this.#states.begin(row.id)) return;
    this.#hooks.know(row.id);
    this.#o.tools.know(row.id);
    const cwd = projectPath ?? this.#ownFolder(tmuxSessionId, sessionOwned);
    const isOnce = opens !== null;
    this.#terminals.keep({ id: row.id, name, tool, session: tmuxSessionId, owned: sessionOwned, cwd, isOnce });
  }

  #ownFolder(session: string, owned: boolean): string {
    if (!owned) return homedir();
    const folder = join(this.#o.stateDir, 'agents', session);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  async #release(row: AgentRow): Promise<void> {
    const { id } = row;
    await this.#terminals.release(id);
    this.#hooks.forget(id);
    this.#o.tools.forget(id);
    this.#states.forget(id);
    this.#o.homes.sweep();
    if (row.registered?.opens) await this.#o.closed(row.registered.opens);
  }

  /** Words for an agent at work would be queued behind its turn, or end it, as the tool likes: nothing is typed then. */
  async #sendHere(id: OpId, text: string): Promise<{ sent: boolean }> {
    const agent = this.#terminals.get(id);
    const state = agent?.standing().state;
    // A script takes no messages. The seed's answer for text that reached nobody.
    if (agent === undefined || state === 'running' || state === 'retrying') return { sent: false };
    return { sent: await agent.type(text) };
  }

  #explainHere(id: OpId): AgentExplained {
    const held = this.#o.heldBack(id);
    const explained = this.#explainState(id);
    if (held === undefined || explained.state !== 'idle') return explained;
    return {
      ...explained,
      rule: `${explained.rule}; work waits that it leaves to others`,
      evidence: [{ zone: 'held back', text: held }, ...explained.evidence],
    };
  }

  #explainState(id: OpId): AgentExplained {
    const agent = this.#terminals.get(id);
    if (agent !== undefined) return { tool: agent.tool.tool, ...agent.standing(), sinceMs: this.#states.since(id) };
    return this.#o.explain(id, this.#o.store.get('agent', id)?.registered?.tool ?? '');
  }

  #attachHere(id: OpId): AgentAttach | Refusal {
    const command = this.#terminals.attachCommand(id);
    if (command === undefined)
      return refusal('not_supported', 'this agent has no terminal', {
        expected: 'an agent in a tmux session',
        got: id,
      });
    return { command, host: hostname(), user: userInfo().username, ssh: this.#o.ssh ?? null };
  }
}

/** Also where tmux does not know how: OpenCode may leave its terminal long before its process ends. */
const hasEndedWell = ({ code, signal }: PaneEnd): boolean => code === 0 || (code === null && signal === null);
