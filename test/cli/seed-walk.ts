/** A user on a machine of his own with a clean clone, who reads a seed's README and types its commands. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ResultPromise } from 'execa';
import { execa } from 'execa';
import { AgentHome } from '../agent-clis.ts';
import { Lab } from '../nemesis/lab.ts';
import type { Substitution } from './seed-readme.ts';
import { commandsOf, inOurWords } from './seed-readme.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KEY = 'stub-key';
/** Of `skep model-server`. */
const MODEL_PORT = 8787;
const LOOK_MS = 250;

export type Ran = { code: number | undefined; stdout: string; stderr: string };
type Where = { cwd?: string };

export class SeedWalk {
  readonly home: AgentHome;
  /** Of what is committed; a clone has nothing else. */
  readonly clone: string;
  readonly #lab: Lab;
  readonly #left: string[];
  readonly #substitutions: readonly Substitution[];
  readonly #env: Record<string, string>;

  /** The ports that the README names are free there: it is a network namespace. */
  static async open(o: {
    readme: string;
    substitutions: (home: AgentHome) => readonly Substitution[];
  }): Promise<SeedWalk> {
    return new SeedWalk(o, await Lab.open({ hosts: 1, retries: () => undefined }));
  }

  private constructor(o: { readme: string; substitutions: (home: AgentHome) => readonly Substitution[] }, lab: Lab) {
    this.#lab = lab;
    this.#left = commandsOf(o.readme);
    this.home = new AgentHome({ url: `http://127.0.0.1:${MODEL_PORT}`, key: KEY });
    this.#substitutions = o.substitutions(this.home);
    this.clone = join(this.home.dir, 'skep');
    this.#env = {
      ...this.home.env,
      TMUX_TMPDIR: this.home.dir,
      // No question whether a folder is to be trusted.
      CLAUDE_CODE_SANDBOXED: '1',
    };
    execFileSync('git', ['clone', '-q', ROOT, this.clone], { stdio: 'pipe' });
  }

  /** Ends all that runs on the machine. */
  async close(): Promise<void> {
    await this.#lab.close();
    this.home.remove();
  }

  /** Commands of the README that nobody has typed yet. */
  get left(): readonly string[] {
    return this.#left;
  }

  /** The next command of the README, in our words. Throws when it does not begin with these. */
  next(theirs: string): string {
    const line = this.#left.shift();
    if (line?.startsWith(theirs) !== true) throw new Error(`the README goes on with ${line}, not with ${theirs}`);
    return inOurWords(line, this.#substitutions);
  }

  /** On this machine and as its user, who reaches the registry: for what is fetched. */
  async fetch(line: string): Promise<Ran> {
    return this.#ended(execa('bash', ['-c', line], { cwd: this.clone, reject: false }));
  }

  async run(line: string, where: Where = {}): Promise<Ran> {
    return this.#ended(this.#start(line, where));
  }

  /** Runs until it is stopped. */
  background(line: string, where: Where = {}): Running {
    const child = this.#start(`exec ${line}`, where);
    return {
      stop: async () => {
        child.kill('SIGTERM');
        return this.#ended(child);
      },
    };
  }

  /** What a line of curl printed, which answers JSON. Throws with all that it said otherwise. */
  async json(line: string): Promise<unknown> {
    const { stdout, stderr } = await this.run(line);
    try {
      return JSON.parse(stdout);
    } catch {
      throw new Error(`${line}: ${stdout}${stderr}`);
    }
  }

  /** Asks a route with the token, as the README would. */
  ask(port: number, path: string, o: { method?: string; body?: object } = {}): Promise<unknown> {
    const body = o.body === undefined ? '' : ` -H 'Content-Type: application/json' -d '${JSON.stringify(o.body)}'`;
    const line = `curl -X ${o.method ?? 'GET'} 'http://localhost:${port}${path}'${body}`;
    return this.json(inOurWords(line, this.#substitutions));
  }

  /** `skep model-server`, until the walk is over. */
  async startModel(): Promise<void> {
    this.background(`bin/skep model-server --port ${MODEL_PORT} --key ${KEY}`);
    await this.until(async () => (await this.run(`curl -sf http://127.0.0.1:${MODEL_PORT}/`)).code === 0);
  }

  /** Ends a demo as the demo says, and waits for its nodes. */
  async endDemo(session: string): Promise<void> {
    await this.run(`tmux kill-session -t ${session}`);
    const nodes = (): string[] =>
      this.#lab
        .host(1)
        .pids()
        .map(commandLine)
        .filter((words) => /bin\/skep\.mjs (?:swarm|demo)\b/.test(words));
    await this.until(async () => nodes().length === 0);
  }

  /** The bound is the test's own. */
  async until(ask: () => Promise<boolean>): Promise<void> {
    while (!(await ask().catch(() => false))) await sleep(LOOK_MS);
  }

  #start(line: string, { cwd = this.clone }: Where): ResultPromise<{ reject: false }> {
    // Whoever enters the mounts of another machine stands at its root.
    const [program, args] = this.#lab.host(1).enter(['/bin/bash', '-c', `cd ${cwd} && ${line}`]);
    return execa(program, args, { env: this.#env, extendEnv: false, reject: false });
  }

  async #ended(child: ResultPromise<{ reject: false }>): Promise<Ran> {
    const { exitCode, stdout, stderr } = await child;
    return { code: exitCode, stdout: String(stdout), stderr: String(stderr) };
  }
}

export type Running = { stop: () => Promise<Ran> };

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
