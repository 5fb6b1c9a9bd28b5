/** skep's own tmux server of one node: it outlives the node, and the agents in it with it. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { quoted } from './control-client.ts';
import { Terminal } from './terminal.ts';

const run = promisify(execFile);

/** One command of tmux; a machine under load takes a while to start a process. */
const COMMAND_MAX_MS = 10_000;
/** A server that is ending answers nobody and takes up to a few seconds for hundreds of panes. */
const START_TRIES = 30;
const START_AGAIN_MS = 200;

/** Windows of agents are linked into this session, so that one client hears of all of them. */
const MONITOR = 'skep-monitor';
/** The rules know screens of this size; a person who attaches sees it in a corner of a larger terminal. */
const SIZE = { columns: 120, lines: 40 };

const OPTIONS: readonly (readonly string[])[] = [
  ['set-option', '-g', 'default-size', `${SIZE.columns}x${SIZE.lines}`],
  ['set-option', '-g', 'default-terminal', 'tmux-256color'],
  // Claude Code writes a hint over its input area without it.
  ['set-option', '-g', 'focus-events', 'on'],
  // What a program said last is what tells why it ended.
  ['set-option', '-g', 'remain-on-exit', 'on'],
  ['set-option', '-g', 'history-limit', '5000'],
  ['set-option', '-g', 'automatic-rename', 'off'],
  ['set-option', '-g', 'allow-rename', 'off'],
];

/**
 * A session's one pane. `pid`: the program in it; another one after a restart of the pane. `terminal`: where it was seen; the server may end and
 * begin again at any time, and gives the number to another pane then.
 */
export type OwnPane = { terminal: Terminal; number: number; pid: number; isDead: boolean };

export type ProgramOptions = {
  session: string;
  cwd: string;
  command: readonly string[];
  env: Readonly<Record<string, string>>;
};

export type OwnServerOptions = {
  /** Below 104 bytes. Its folder is there. */
  socket: string;
  env: Readonly<Record<string, string>>;
  pasteDirectory: string;
  now: () => number;
  /** Its client is gone, and with it every pane, as far as this node can know. */
  onGone: (reason: string) => void;
};

export class OwnServer {
  readonly #o: OwnServerOptions;
  #terminal: Terminal | undefined;
  #opening: Promise<Terminal> | undefined;

  constructor(o: OwnServerOptions) {
    this.#o = o;
  }

  /** What a person types to look at a session of it. */
  attachCommand(session: string): string[] {
    return ['tmux', '-S', this.#o.socket, 'attach-session', '-t', `=${session}`];
  }

  /** Starts the server where it does not run, and attaches to it. Throws when there is no tmux. */
  open(): Promise<Terminal> {
    if (this.#terminal !== undefined && !this.#terminal.isGone) return Promise.resolve(this.#terminal);
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #open(): Promise<Terminal> {
    await this.#start();
    const terminal = new Terminal({
      server: ['-S', this.#o.socket],
      session: MONITOR,
      env: this.#o.env,
      linksMin: 2,
      pasteDirectory: this.#o.pasteDirectory,
      now: this.#o.now,
      onGone: (reason) => {
        if (this.#terminal === terminal) this.#o.onGone(reason);
      },
    });
    this.#terminal = terminal;
    return terminal;
  }

  /** The pane of a session; undefined when there is no such session. */
  async find(session: string): Promise<OwnPane | undefined> {
    const terminal = await this.open();
    const format = quoted('#{session_name} #{pane_id} #{pane_pid} #{pane_dead}');
    for (const line of await terminal.ask(`list-panes -a -F ${format}`)) {
      const [name, id = '', pid, dead] = line.split(' ');
      if (name === session) return { terminal, number: Number(id.slice(1)), pid: Number(pid), isDead: dead === '1' };
    }
    return undefined;
  }

  /** Makes the session with this program in it, without a process of its own. One argument is a line for the shell, several are run as they are. */
  async create(o: ProgramOptions): Promise<OwnPane> {
    const terminal = await this.open();
    const size = `-x ${SIZE.columns} -y ${SIZE.lines}`;
    const [session, window] = [quoted(o.session), quoted(`=${o.session}:`)];
    await terminal.ask(`new-session -d -s ${session} ${size} ${placeOf(o)}`);
    // Attaching must not change the size that the rules were written for. As a default for all, tmux 3.3a dies of the next new session.
    await terminal.ask(`set-option -w -t ${window} window-size manual`);
    await terminal.ask(`link-window -d -s ${window} -t ${quoted(`${MONITOR}:`)}`);
    return this.#there(o.session);
  }

  /** Runs the program of a dead pane again, in the same place. */
  async respawn(pane: OwnPane, o: ProgramOptions): Promise<OwnPane> {
    await pane.terminal.ask(`respawn-pane -k -t %${pane.number} ${placeOf(o)}`);
    return this.#there(o.session);
  }

  async #there(session: string): Promise<OwnPane> {
    const pane = await this.find(session);
    if (pane === undefined) throw new Error(`the session ${session} ended at once`);
    return pane;
  }

  /** Ends the session with what runs in it. Without one there is nothing to do. */
  async kill(session: string): Promise<void> {
    const pane = await this.find(session);
    await pane?.terminal.ask(`kill-window -t %${pane.number}`);
  }

  /** Ends the server, where it runs, with everything in it. */
  async stop(): Promise<void> {
    await this.close();
    await this.#tmux(['kill-server']).catch(() => undefined);
  }

  /** Detaches; server and agents go on. Idempotent. */
  async close(): Promise<void> {
    const terminal = this.#terminal ?? (await this.#opening?.catch(() => undefined));
    this.#terminal = undefined;
    await terminal?.close();
  }

  async #start(): Promise<void> {
    const size = ['-x', String(SIZE.columns), '-y', String(SIZE.lines)];
    const line = ['new-session', '-d', '-s', MONITOR, ...size, 'cat', ...OPTIONS.flatMap((option) => [';', ...option])];
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#tmux(['-f', '/dev/null', ...line]);
        return;
      } catch (error) {
        const said = saidBy(error);
        if (said.includes('duplicate session')) return;
        if (isMissing(error) || tries === START_TRIES) throw new Error(`tmux cannot be started: ${said}`);
        await sleep(START_AGAIN_MS);
      }
    }
  }

  async #tmux(args: readonly string[]): Promise<void> {
    await run('tmux', ['-S', this.#o.socket, '-u', ...args], { env: this.#o.env, timeout: COMMAND_MAX_MS });
  }
}

/** What tmux said, not what it was asked: that is long, and nobody's business. */
export function saidBy(error: unknown): string {
  if (error instanceof Error && 'stderr' in error && String(error.stderr).trim() !== '')
    return String(error.stderr).trim();
  if (isMissing(error)) return 'there is no tmux on PATH';
  return error instanceof Error && 'killed' in error && error.killed === true ? 'it did not answer' : 'it failed';
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/**
 * Where and what runs, with its whole environment: a server keeps that of whoever started it, perhaps weeks ago. Through the pipe, because every
 * user of the machine can read command lines, and an environment holds keys.
 */
function placeOf({ cwd, env, command }: ProgramOptions): string {
  const variables = Object.entries(env).map(([name, value]) => `-e ${quoted(`${name}=${value}`)}`);
  return ['-c', quoted(cwd), ...variables, '--', ...command.map(quoted)].join(' ');
}
