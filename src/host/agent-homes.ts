/**
 * Homes of agents that have one of their own: a configuration directory for the tool, apart from its user's. It is seeded so that no dialog stands
 * before the first prompt. Its credential is whatever the node's environment holds; none is written here.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import type { OpId } from '#core/brand.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import type { AgentRow, LiveAgent } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import { commandOf } from './drivers.ts';

export type AgentHome = { dir: string; env: Record<string, string> };

type Seed = { path: string; text: string };
type Home = {
  /** What names the directory to the tool. */
  env: (dir: string) => Record<string, string>;
  /** Files that are made where there is none: what was changed since stays. */
  seeds: (o: { cwd: string | undefined; env: NodeJS.ProcessEnv }) => Seed[];
};

/** Claude Code knows a key that its user approved by so many of its last characters. */
const APPROVED_CHARS = 20;

/** Without the second it writes a handler of its links into the user's desktop, wherever its own directory is. */
const CLAUDE_SETTINGS = { skipDangerousModePermissionPrompt: true, disableDeepLinkRegistration: 'disable' };

const HOMES: Readonly<Record<string, Home>> = {
  claude: {
    env: (dir) => ({ CLAUDE_CONFIG_DIR: join(dir, 'claude') }),
    seeds: ({ cwd, env }) => [
      { path: 'claude/.claude.json', text: json(claudeState(cwd, env['ANTHROPIC_API_KEY'])) },
      { path: 'claude/settings.json', text: json(CLAUDE_SETTINGS) },
    ],
  },
  codex: {
    env: (dir) => ({ CODEX_HOME: join(dir, 'codex') }),
    seeds: ({ cwd, env }) => [{ path: 'codex/config.toml', text: codexConfig(cwd, env) }],
  },
  opencode: {
    env: (dir) =>
      Object.fromEntries(
        ['config', 'data', 'state', 'cache'].map((name) => [`XDG_${name.toUpperCase()}_HOME`, join(dir, name)]),
      ),
    seeds: () => [{ path: 'config/opencode/opencode.json', text: json({ autoupdate: false, share: 'disabled' }) }],
  },
  gemini: {
    env: (dir) => ({ GEMINI_CLI_HOME: join(dir, 'gemini') }),
    seeds: ({ env }) => [{ path: 'gemini/.gemini/settings.json', text: json(geminiSettings(env)) }],
  },
};

const programOf = (tool: string): string => basename(commandOf(tool).trim().split(/\s+/, 1)[0] ?? '');

/** Whether it is known how that tool is given a home of its own. */
export const hasHome = (tool: string): boolean => Object.hasOwn(HOMES, programOf(tool));

/** Tools for which it is. */
export const homeTools = (): string[] => Object.keys(HOMES);

type AgentHomesOptions = {
  stateDir: string;
  /** The node's own, which holds the credentials. */
  environment: NodeJS.ProcessEnv;
  row: (agent: OpId) => AgentRow | undefined;
  /** Whether a program of that agent may still run. */
  isAtWork: (agent: OpId) => boolean;
};

export class AgentHomes {
  readonly #directory: string;
  readonly #o: AgentHomesOptions;

  constructor(o: AgentHomesOptions) {
    this.#directory = join(o.stateDir, 'homes');
    this.#o = o;
  }

  /** Variables for the program of an agent in a terminal; none where it uses its user's configuration. */
  environmentOf(agent: OpId, cwd: string): Record<string, string> {
    const row = this.#o.row(agent);
    return isLive(row) ? (this.of(row, cwd)?.env ?? {}) : {};
  }

  /** The home of that agent, which is there then, and what names it to its tool; undefined for one that uses its user's. `cwd`: a folder to be trusted. */
  of({ id, registered }: Pick<LiveAgent, 'id' | 'registered'>, cwd?: string): AgentHome | undefined {
    const home = registered.home === 'own' ? HOMES[programOf(registered.tool)] : undefined;
    if (home === undefined) return undefined;
    const dir = this.#dir(registered.opens?.agent ?? id);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const env = home.env(dir);
    for (const folder of Object.values(env)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const { path, text } of home.seeds({ cwd, env: this.#o.environment })) seed(join(dir, path), text);
    return { dir, env: { ...env, ...this.#temporary(dir) } };
  }

  /**
   * Homes of agents that were withdrawn with the word that theirs is to go: looked for when one is withdrawn, when it is at nothing any more, and at
   * the start, for a program that goes on would make its files anew.
   */
  sweep(): void {
    if (!existsSync(this.#directory)) return;
    for (const name of readdirSync(this.#directory)) {
      const agent = opIdSchema.safeParse(name).data;
      const row = agent === undefined ? undefined : this.#o.row(agent);
      if (row?.homeRemoved !== true || !row.deregistered || this.#o.isAtWork(row.id)) continue;
      rmSync(this.#dir(row.id), { recursive: true, force: true });
    }
  }

  /** Codex runs no command where its home lies below the temporary directory; so that of the agent lies elsewhere then. */
  #temporary(dir: string): Record<string, string> {
    if (relative(tmpdir(), dir).startsWith('..')) return {};
    const own = join(dir, 'tmp');
    mkdirSync(own, { recursive: true, mode: 0o700 });
    return { TMPDIR: own };
  }

  #dir(agent: OpId): string {
    return join(this.#directory, agent);
  }
}

function seed(path: string, text: string): void {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** As after its first run, with the folder trusted. A key of the environment would be asked about; its end is what stands for a yes. */
const claudeState = (cwd: string | undefined, key: string | undefined): object => ({
  hasCompletedOnboarding: true,
  theme: 'dark',
  hasSeenAutoDefaultNotice: true,
  bypassPermissionsModeAccepted: true,
  ...(key === undefined || key === ''
    ? {}
    : { customApiKeyResponses: { approved: [key.slice(-APPROVED_CHARS)], rejected: [] } }),
  projects: cwd === undefined ? {} : { [cwd]: { hasTrustDialogAccepted: true, allowedTools: [] } },
});

/** Codex asks for a login unless a provider takes its key from the environment. */
function codexConfig(cwd: string | undefined, env: NodeJS.ProcessEnv): string {
  const hasKey = (env['OPENAI_API_KEY'] ?? '') !== '';
  const lines = [
    ...(hasKey ? ['model_provider = "environment"'] : []),
    'check_for_update_on_startup = false',
    ...(hasKey
      ? [
          '[model_providers.environment]',
          'name = "OpenAI"',
          `base_url = ${JSON.stringify(env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1')}`,
          'env_key = "OPENAI_API_KEY"',
          'wire_api = "responses"',
        ]
      : []),
    '[features]',
    'daemon_auto_start = false',
    // It would write the environment, and the keys in it, into its home.
    'shell_snapshot = false',
    ...(cwd === undefined ? [] : [`[projects.${JSON.stringify(cwd)}]`, 'trust_level = "trusted"']),
  ];
  return `${lines.join('\n')}\n`;
}

const geminiSettings = (env: NodeJS.ProcessEnv): object => ({
  security: {
    ...((env['GEMINI_API_KEY'] ?? '') === '' ? {} : { auth: { selectedType: 'gemini-api-key' } }),
    folderTrust: { enabled: false },
  },
  general: { enableAutoUpdate: false },
});
