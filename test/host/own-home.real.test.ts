// Needs: tmux, npm, 1.2 GB of disk for the agent CLIs
/** Real agents with a configuration of their own: theirs is used, that of their user stays as it is, byte for byte. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import { AgentStage, subjects, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { untilStatus } from './terminal-rig.ts';

const WAIT_MS = 120_000;
const COMMIT = 'echo two > two.txt && git add -A && git commit -qm two';
/** As skep runs it when it has nothing else to say; a command is not asked about here. */
const BY_TERMINAL = {
  claude: 'claude --permission-mode bypassPermissions',
  codex: 'codex -m stub-model -a never -s danger-full-access',
};

let stage: AgentStage;
let emperor: Member;
let worker: Member;
beforeEach(async () => {
  stage = await AgentStage.open();
  // The person's directories are where tools look by themselves; their credential is in the environment.
  const { dir, env } = stage.home;
  const url = String(env['ANTHROPIC_BASE_URL']);
  for (const name of [
    'CLAUDE_CONFIG_DIR',
    'CODEX_HOME',
    'XDG_CONFIG_HOME',
    'XDG_DATA_HOME',
    'XDG_STATE_HOME',
    'XDG_CACHE_HOME',
  ])
    delete process.env[name];
  delete process.env['CLAUDE_CODE_SANDBOXED'];
  Object.assign(process.env, {
    HOME: dir,
    OPENAI_API_KEY: String(env['STUB_KEY']),
    OPENAI_BASE_URL: `${url}/v1`,
    OPENCODE_CONFIG_CONTENT: JSON.stringify(openCode(`${url}/v1`)),
  });
  const { swarm } = stage;
  [emperor, worker] = [await swarm.add(), await swarm.add()];
  await swarm.linked();
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

/** The key is named, and read from the environment. */
const openCode = (baseURL: string): object => ({
  model: 'stub/stub-model',
  small_model: 'stub/stub-model',
  provider: {
    stub: {
      npm: '@ai-sdk/openai-compatible',
      options: { baseURL, apiKey: '{env:STUB_KEY}' },
      models: { 'stub-model': { tool_call: true, limit: { context: 128_000, output: 8_192 } } },
    },
  },
});

/** Every file below, by its content; folders that are not there count, too. */
function fingerprint(folders: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    folders.flatMap((folder) => {
      if (!existsSync(folder)) return [[folder, 'absent'] as const];
      return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
        const path = join(folder, name);
        const isFile = lstatSync(path).isFile();
        return [path, isFile ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'folder'] as const;
      });
    }),
  );
}

/** Where tools look when nothing is said, and where this test's own user had them. */
const persons = (): string[] =>
  ['.claude', '.claude.json', '.codex', '.config', '.local', 'claude', 'codex', 'config', 'data', 'state']
    .map((name) => join(stage.home.dir, name))
    .filter((path) => !existsSync(path) || lstatSync(path).isDirectory());

const homeOf = (agent: Json): string =>
  join(stateDirOf(worker.options.dataDir, worker.options.p2pPort), 'homes', String(agent['id']));

async function untilGone(path: string): Promise<void> {
  for (const untilMs = Date.now() + WAIT_MS; existsSync(path); await sleep(100))
    if (Date.now() > untilMs) throw new Error(`${path} is still there`);
}

async function does(task: Promise<Json>): Promise<void> {
  expect(await emperor.ended(String((await task)['id']))).toMatchObject({ status: 'completed', work: { commits: 1 } });
}

const remove = (agent: Json, query = ''): Promise<unknown> =>
  worker.request('DELETE', `/api/swarm/agents/${String(agent['id'])}${query}`);

describe.each(['claude', 'codex'] as const)('the real %s in a terminal', (cli) => {
  it(
    'starts without a question, works from its own home, and leaves the other one alone',
    { timeout: TEST_MS },
    async () => {
      const before = fingerprint(persons());
      const body = {
        name: cli,
        tool: BY_TERMINAL[cli],
        home: 'own',
        capabilities: ['words'],
        project_path: stage.home.project,
      };
      const agent = await worker.post('/api/swarm/agents', body);
      expect(agent).toMatchObject({ home: 'own' });
      await untilStatus(emperor, agent, 'idle');
      await does(stage.task(emperor, [{ bash: COMMIT }]));
      expect(subjects(stage.home.project)).toEqual(['two', 'Begin']);
      expect(fingerprint(persons())).toEqual(before);
      const home = homeOf(agent);
      expect(readdirSync(join(home, cli), { recursive: true, encoding: 'utf8' }).join('\n')).toMatch(/\.jsonl/);
      keepsNoKey(home);
      await remove(agent, '?home=removed');
      await untilGone(home);
    },
  );
});

describe.each(['claude', 'codex', 'opencode'] as const)('the real %s by its protocol', (cli) => {
  it(
    'works from its own home, which is there after a restart and goes only when asked to',
    { timeout: TEST_MS },
    async () => {
      const before = fingerprint(persons());
      const { id: project } = await worker.post('/api/swarm/projects', {
        name: 'work',
        origin: stage.home.project,
        base: 'main',
      });
      await emperor.post('/api/rules', { effect: 'allow', tool: '*' });
      const agent = await worker.post('/api/swarm/agents', {
        name: cli,
        tool: cli,
        drive: 'protocol',
        home: 'own',
        capabilities: ['words'],
      });
      // Codex offers its own models tools that the scripted one does not know. A file that is there is left as it is.
      if (cli === 'codex') choose(homeOf(agent));
      const work = (file: string): Promise<Json> =>
        emperor.post('/api/swarm/tasks', {
          title: file,
          description: `Do. <<stub ${JSON.stringify([
            { bash: `echo ${file} > ${file} && git add -A && git commit -qm ${file}` },
            {
              tool: ['mcp__skep__task_complete', 'skep_task_complete', 'task_complete'],
              namespace: 'mcp__skep',
              input: { summary: 'done' },
            },
            { text: 'done' },
          ])}>>`,
          required_capabilities: ['words'],
          project,
          attempts_max: 1,
        });
      await does(work('two'));
      const home = homeOf(agent);
      const first = readdirSync(home, { recursive: true, encoding: 'utf8' });
      expect(first.length).toBeGreaterThan(1);
      await worker.restart();
      await stage.swarm.linked();
      await does(work('three'));
      expect(existsSync(home)).toBe(true);
      await untilLeft(home);
      expect(fingerprint(persons())).toEqual(before);
      keepsNoKey(home);
      await remove(agent);
      await emperor.until(async () => ((await emperor.list('/api/swarm/agents')).length === 0 ? true : undefined));
      expect(existsSync(home)).toBe(true);
    },
  );
});

function choose(home: string): void {
  const provider = 'name = "stub"\nenv_key = "OPENAI_API_KEY"\nwire_api = "responses"';
  const url = String(process.env['OPENAI_BASE_URL']);
  mkdirSync(join(home, 'codex'), { recursive: true });
  const text = `model = "stub-model"\nmodel_provider = "stub"\n[model_providers.stub]\nbase_url = "${url}"\n${provider}\n`;
  writeFileSync(join(home, 'codex', 'config.toml'), text);
}

/** Resolves when no process works with that home any more: Codex takes links of its own away when it ends, after its task has. */
async function untilLeft(home: string): Promise<void> {
  for (const untilMs = Date.now() + WAIT_MS; isUsed(home); await sleep(100))
    if (Date.now() > untilMs) throw new Error(`a process still works with ${home}`);
}

function isUsed(home: string): boolean {
  return readdirSync('/proc').some((name) => {
    try {
      return /^[0-9]+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'latin1').includes(home);
    } catch {
      // It has ended since the listing.
      return false;
    }
  });
}

/** What is in the environment stays there. An agent in a terminal goes on meanwhile, and takes files of its own away. */
function keepsNoKey(home: string): void {
  const key = String(stage.home.env['STUB_KEY']);
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' }).map((name) => join(home, name));
  expect(files.filter((path) => holds(path, key))).toEqual([]);
}

function holds(path: string, key: string): boolean {
  try {
    return lstatSync(path).isFile() && readFileSync(path).includes(key);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

it('is refused for a tool of which it is not known how, and nothing is registered', async () => {
  for (const tool of ['bash', 'shell']) {
    const { status, body } = await worker.request('POST', '/api/swarm/agents', { name: 'one', tool, home: 'own' });
    expect([status, body]).toMatchObject([400, { code: 'invalid', expected: 'claude, codex, opencode, gemini' }]);
  }
  expect(await emperor.list('/api/swarm/agents')).toEqual([]);
});
