/** A swarm, the scripted model and a user with the real agent CLIs, for tests of what becomes of their tasks. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelServer, Served } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome } from '../agent-clis.ts';
import type { Recording } from '../recording.ts';
import { recording } from '../recording.ts';
import type { Json, Member } from './swarm.ts';
import { asJson, TestSwarm } from './swarm.ts';
import { addTask, untilStatus, untilThere } from './terminal-rig.ts';

const KEY = 'stub-key';
/** A TUI on a busy machine takes its time. */
export const TEST_MS = 300_000;

export type Cli = 'claude' | 'codex' | 'opencode';
const COMMANDS: Readonly<Record<Cli, string>> = {
  claude: 'claude --permission-mode bypassPermissions',
  codex: 'codex',
  opencode: 'opencode',
};
/** Codex leaves a command alone after 10 s, or after 30 where it is asked to, and asks the model what next. */
const PATIENCE: Readonly<Record<Cli, Json>> = { claude: {}, codex: { extra: { yield_time_ms: 30_000 } }, opencode: {} };

/** A node in this process, and one that is a process of its own. */
type Door = {
  request(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
};

const BEGUN = '.git/begun';
const GO_ON = '.git/go-on';
/** Ends with its folder, too: a program that is killed leaves its command behind. */
const GATE = `touch ${BEGUN}; until [ -e ${GO_ON} ] || [ ! -d .git ]; do sleep 0.1; done`;
const COMMIT = `${GATE}; echo two > two.txt && git add -A && git commit -qm two`;
/** A busy machine may be slower than the patience above. */
const COMMITTED = 'until git log --format=%s | grep -qx two; do sleep 0.1 && [ -d .git ] || exit 1; done';

export class AgentStage {
  readonly swarm = new TestSwarm();
  readonly served: readonly Served[];
  /** What the model was asked, whole. */
  readonly bodies: readonly string[];
  readonly home: AgentHome;
  readonly #model: ModelServer;
  readonly #between: Recording;
  readonly #before = { ...process.env };

  static async open(): Promise<AgentStage> {
    const served: Served[] = [];
    const model = await startModelServer({ port: 0, key: KEY, onServed: (one) => served.push(one) });
    const bodies: string[] = [];
    return new AgentStage({ model, served, bodies, between: await recording(model.url, bodies) });
  }

  private constructor(o: {
    model: ModelServer;
    served: readonly Served[];
    bodies: readonly string[];
    between: Recording;
  }) {
    this.#model = o.model;
    this.#between = o.between;
    this.served = o.served;
    this.bodies = o.bodies;
    this.home = new AgentHome({ url: o.between.url, key: KEY });
    // A program in a terminal gets the environment of its node. The second: no question whether a new folder is to be trusted.
    Object.assign(process.env, this.home.env, { CLAUDE_CODE_SANDBOXED: '1' });
  }

  /** Nodes first: what agents write must not come between. */
  async close(): Promise<void> {
    await this.swarm.close();
    this.#between.close();
    await this.#model.close();
    this.home.remove();
    for (const name of Object.keys(process.env)) if (!(name in this.#before)) delete process.env[name];
    Object.assign(process.env, this.#before);
  }

  /** Registers it there; resolves when `seenBy` sees it idle. */
  async agent(door: Door, o: { cli: Cli; name?: string; place: string; seenBy: Member }): Promise<Json> {
    const body = { name: o.name ?? o.cli, tool: COMMANDS[o.cli], capabilities: ['words'], project_path: o.place };
    const agent = asJson((await door.request('POST', '/api/swarm/agents', body)).body);
    await untilStatus(o.seenBy, agent, 'idle');
    return agent;
  }

  /** A commit, which each agent makes in its own folder once {@link letGo} was called for it; {@link atWork} tells when one waits for that. */
  gatedCommit(emperor: Member, cli: Cli): Promise<Json> {
    const step = (bash: string): Json => ({ preText: 'let me', bash, ...PATIENCE[cli] });
    return this.task(emperor, [step(COMMIT), step(COMMITTED), step(COMMITTED)]);
  }

  /** The steps, and then that it is done. */
  task(emperor: Member, steps: readonly Json[], o: Json = {}): Promise<Json> {
    const said = { text: 'TASK_RESULT: two is committed', chunks: 8, delayMs: 100 };
    return addTask(emperor, `commit <<stub ${JSON.stringify([...steps, said])}>>`, o);
  }
}

/** Resolves when the agent of that folder waits in the middle of its task. */
export const atWork = (place: string): Promise<void> => untilThere(join(place, BEGUN));

export const letGo = (place: string): void => writeFileSync(join(place, GO_ON), '');

export const subjects = (place: string): string[] =>
  execFileSync('git', ['log', '--all', '--format=%s'], { cwd: place, encoding: 'utf8' }).trim().split('\n');
