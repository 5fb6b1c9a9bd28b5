/**
 * The agents of this node that live in terminals. Each is kept as its registration says: its session is made, found again after a restart of this
 * node, and made anew when it ended. Sessions of the user's own server are only looked for.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OpId } from '#core/brand.ts';
import type { Viewer } from './pane.ts';
import type { OwnPane } from './own-server.ts';
import { OwnServer, saidBy } from './own-server.ts';
import { Terminal } from './terminal.ts';
import type { TerminalAgentSpec } from './terminal-agent.ts';
import { TerminalAgent } from './terminal-agent.ts';
import { commandOf } from './tool.ts';

const run = promisify(execFile);
const COMMAND_MAX_MS = 10_000;

/** A session that ended is made again after these waits; the last one repeats. A program that ends at once must not be started in a loop. */
const AGAIN_MS = [3_000, 15_000, 60_000, 300_000] as const;
/** One that lived for so long begins with the first wait again. */
const LIVED_MS = 10 * 60_000;

export type TerminalsOptions = {
  /** Of skep's own tmux server. */
  socket: string;
  /** Texts on their way into a pane lie here. Made with mode 0700, emptied at the start. */
  directory: string;
  /** What tmux itself runs with; `TMUX` in it names the user's server. */
  env: Readonly<Record<string, string>>;
  /** What an agent's program gets in its environment. */
  environmentOf: (agent: TerminalAgentSpec) => Promise<Readonly<Record<string, string>>>;
  /** Arguments by which its tool is told of skep's hooks and tools; none where it takes none. Called before each start of its program. */
  moreArguments: (agent: TerminalAgent) => readonly string[];
  now: () => number;
  onState: (agent: TerminalAgent) => void;
  viewerOf: (agent: OpId) => Viewer;
  log: (line: string) => void;
};

type Held = {
  agent: TerminalAgent;
  /** The work under way for it: one step at a time. */
  work: Promise<void>;
  timer: NodeJS.Timeout | undefined;
  tries: number;
  startedMs: number;
  isWanted: boolean;
};

export class Terminals {
  readonly #o: TerminalsOptions;
  readonly #server: OwnServer;
  readonly #held = new Map<OpId, Held>();
  /** Clients of the user's server, by session. */
  readonly #adopted = new Map<string, Terminal>();
  #isClosed = false;

  constructor(o: TerminalsOptions) {
    this.#o = o;
    const pasteDirectory = join(o.directory, 'paste');
    rmSync(pasteDirectory, { recursive: true, force: true });
    mkdirSync(pasteDirectory, { recursive: true, mode: 0o700 });
    this.#server = new OwnServer({
      socket: o.socket,
      env: o.env,
      pasteDirectory,
      now: o.now,
      onGone: (reason) => this.#serverGone(reason),
    });
  }

  /** Keeps this agent from now on. Idempotent. */
  keep(spec: TerminalAgentSpec): void {
    if (this.#held.has(spec.id) || this.#isClosed) return;
    const agent = new TerminalAgent(spec, {
      onState: (one) => this.#stateChanged(one),
      viewer: this.#o.viewerOf(spec.id),
      now: this.#o.now,
    });
    const held: Held = { agent, work: Promise.resolve(), timer: undefined, tries: 0, startedMs: 0, isWanted: true };
    this.#held.set(spec.id, held);
    this.#step(held, () => this.#place(held));
  }

  /** The agent was withdrawn: its own session ends, an adopted one is left alone. Resolves when that is done. */
  async release(id: OpId): Promise<void> {
    const held = this.#held.get(id);
    if (held === undefined) return;
    held.isWanted = false;
    clearTimeout(held.timer);
    this.#step(held, async () => {
      const { agent } = held;
      if (agent.spec.owned) await this.#server.kill(agent.spec.session);
      else await this.#leave(agent);
      agent.unsettle('the agent was withdrawn');
      this.#held.delete(id);
      if (![...this.#held.values()].some((one) => one.agent.spec.owned)) await this.#server.stop();
    });
    await held.work;
  }

  /** Ends the program of an agent's own session and starts it anew. Undefined when it runs; else why it does not, and it is tried again. */
  async restart(id: OpId): Promise<string | undefined> {
    const held = this.#held.get(id);
    if (held === undefined || this.#isClosed) return 'it is not kept here';
    clearTimeout(held.timer);
    held.timer = undefined;
    held.tries = 0;
    let why: string | undefined = 'it was withdrawn';
    this.#step(held, async () => {
      try {
        await this.#place(held, true);
        why = undefined;
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
        throw error;
      }
    });
    await held.work;
    return why;
  }

  get(id: OpId): TerminalAgent | undefined {
    return this.#held.get(id)?.agent;
  }

  /** The agent once it was looked for: at the start of a node its session is found within moments. */
  async found(id: OpId): Promise<TerminalAgent | undefined> {
    const held = this.#held.get(id);
    await held?.work;
    return held?.agent;
  }

  /** What a person types on this machine to look at the agent and type to it. */
  attachCommand(id: OpId): string[] | undefined {
    const spec = this.#held.get(id)?.agent.spec;
    if (spec === undefined) return undefined;
    return spec.owned
      ? this.#server.attachCommand(spec.session)
      : ['tmux', ...this.#usersServer(), 'attach-session', '-t', spec.session];
  }

  /** Whether the user's server has such a session; what tmux says when not. */
  async checkSession(target: string): Promise<string | undefined> {
    try {
      await this.#findAdopted(target);
      return undefined;
    } catch (error) {
      return saidBy(error);
    }
  }

  /** Agents go on; this node stops watching. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const held of this.#held.values()) clearTimeout(held.timer);
    await Promise.allSettled([...this.#held.values()].map((held) => held.work));
    await Promise.allSettled([this.#server.close(), ...[...this.#adopted.values()].map((one) => one.close())]);
  }

  /** Ends skep's own server with all agents in it. Only after {@link close}. */
  async stopServer(): Promise<void> {
    if ([...this.#held.values()].some((held) => held.agent.spec.owned)) await this.#server.stop();
  }

  #step(held: Held, work: () => Promise<void>): void {
    held.work = held.work.then(work).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      this.#o.log(`agent ${held.agent.spec.name}: ${why}`);
      held.agent.unsettle(why);
      this.#again(held);
    });
  }

  async #place(held: Held, anew = false): Promise<void> {
    if (!held.isWanted || this.#isClosed) return;
    const { agent } = held;
    held.startedMs = this.#o.now();
    if (agent.spec.owned) return this.#placeOwn(held, anew);
    const { terminal, number, pid } = await this.#adopt(agent.spec.session);
    agent.settle({ terminal, pid, pane: terminal.watch(number, agent.tool) });
  }

  async #placeOwn({ agent }: Held, anew: boolean): Promise<void> {
    const { spec } = agent;
    const { terminal, number, pid } = await this.#ownPane(agent, anew);
    // After a restart of its program the pane has the same number, and all that was known of it is over.
    if (agent.place !== undefined) terminal.forget(agent.place.pane);
    this.#o.log(`agent ${spec.name}: in tmux session ${spec.session}`);
    agent.settle({ terminal, pid, pane: terminal.watch(number, agent.tool) });
  }

  async #ownPane(agent: TerminalAgent, anew: boolean): Promise<OwnPane> {
    const { spec, tool } = agent;
    const { session, cwd } = spec;
    const there = await this.#server.find(session);
    if (there !== undefined && !anew && (!there.isDead || spec.isOnce)) return there;
    const command = commandOf(tool, spec.tool, this.#o.moreArguments(agent));
    const o = { session, cwd, command, env: await this.#o.environmentOf(spec) };
    return there === undefined ? this.#server.create(o) : this.#server.respawn(there, o);
  }

  async #adopt(target: string): Promise<{ terminal: Terminal; number: number; pid: number }> {
    const found = await this.#findAdopted(target);
    const held = this.#adopted.get(found.session);
    if (held !== undefined && !held.isGone) return { terminal: held, ...found };
    const terminal = new Terminal({
      server: this.#usersServer(),
      session: found.session,
      env: this.#o.env,
      linksMin: 1,
      pasteDirectory: join(this.#o.directory, 'paste'),
      now: this.#o.now,
      onGone: () => this.#adopted.delete(found.session),
    });
    this.#adopted.set(found.session, terminal);
    return { terminal, ...found };
  }

  async #findAdopted(target: string): Promise<{ session: string; number: number; pid: number }> {
    const format = '#{pane_id} #{pane_pid} #{session_name}';
    const args = [...this.#usersServer(), 'display-message', '-p', '-t', target, format];
    const { stdout } = await run('tmux', args, { env: this.#o.env, timeout: COMMAND_MAX_MS });
    const [, number, pid, session] = /^%(\d+) (\d+) (.*)$/.exec(stdout.trim()) ?? [];
    if (session === undefined) throw new Error(`there is no tmux session ${target}`);
    return { session, number: Number(number), pid: Number(pid) };
  }

  /** A session that nobody else of this node's agents is in is not watched any more. */
  async #leave(agent: TerminalAgent): Promise<void> {
    const terminal = agent.place?.terminal;
    if (terminal === undefined) return;
    if (agent.place !== undefined) terminal.forget(agent.place.pane);
    const others = [...this.#held.values()].filter((one) => one.agent !== agent);
    if (!others.some((one) => one.agent.place?.terminal === terminal)) await terminal.close();
  }

  #usersServer(): string[] {
    const socket = this.#o.env['TMUX']?.split(',', 1)[0];
    return socket === undefined || socket === '' ? [] : ['-S', socket];
  }

  #stateChanged(agent: TerminalAgent): void {
    this.#o.onState(agent);
    const held = this.#held.get(agent.spec.id);
    const end = agent.place?.pane.seen?.end;
    if (held === undefined || end === undefined || held.timer !== undefined || agent.spec.isOnce) return;
    this.#o.log(`agent ${agent.spec.name}: ${agent.standing().rule}`);
    this.#again(held);
  }

  #again(held: Held): void {
    if (!held.isWanted || this.#isClosed || held.timer !== undefined) return;
    if (this.#o.now() - held.startedMs >= LIVED_MS) held.tries = 0;
    const waitMs = AGAIN_MS[Math.min(held.tries, AGAIN_MS.length - 1)] ?? 0;
    held.tries += 1;
    held.timer = setTimeout(() => {
      held.timer = undefined;
      this.#step(held, () => this.#place(held));
    }, waitMs).unref();
  }

  #serverGone(reason: string): void {
    if (!this.#isClosed) this.#o.log(`the tmux server of this node's agents: ${reason}`);
  }
}
