/** The pinned agent CLIs in tools/agents, with a home of their own that leads straight to their prompt. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** npm writes it last: older than the lock file, it tells of other pins. */
const INSTALLED = 'node_modules/.package-lock.json';
const TOOLS = fileURLToPath(new URL('../tools/agents', import.meta.url));

/** Where `claude`, `codex`, `opencode` and `gemini` are; brings them when they, or newer pins, are not there (once, 1.2 GB). */
export function agentBin(): string {
  if (!isInstalled()) {
    // Test files run side by side: one installs, the others wait and find it done. Claude Code puts its own program in place by a script; npm
    // hands the setting of the repository down to what it runs.
    const install = `test ${INSTALLED} -nt package-lock.json || npm ci --ignore-scripts=false --no-audit --no-fund --loglevel=error`;
    execFileSync('sh', ['-c', `exec 9<package.json && flock 9 && { ${install}; }`], { cwd: TOOLS, stdio: 'pipe' });
  }
  return join(TOOLS, 'node_modules/.bin');
}

function isInstalled(): boolean {
  const installed = statSync(join(TOOLS, INSTALLED), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return installed > statSync(join(TOOLS, 'package-lock.json')).mtimeMs;
}

/**
 * A user with the CLIs set up for a model server. It lies in the real user's home: Codex refuses to put its auxiliary programs below the
 * temporary directory, and then runs no command.
 */
export class AgentHome {
  readonly dir: string;
  readonly project: string;
  readonly env: Record<string, string>;

  constructor(o: { url: string; key: string }) {
    const cache = join(homedir(), '.cache');
    mkdirSync(cache, { recursive: true });
    this.dir = realpathSync(mkdtempSync(join(cache, 'sk-agents-')));
    this.project = join(this.dir, 'project');
    this.env = {
      HOME: this.dir,
      PATH: `${agentBin()}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      LANG: 'C.UTF-8',
      IS_SANDBOX: '1',
      CLAUDE_CONFIG_DIR: join(this.dir, 'claude'),
      ANTHROPIC_BASE_URL: o.url,
      ANTHROPIC_AUTH_TOKEN: o.key,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL: '1',
      CLAUDE_CODE_MAX_RETRIES: '2',
      DISABLE_AUTOUPDATER: '1',
      CODEX_HOME: join(this.dir, 'codex'),
      STUB_KEY: o.key,
      ...Object.fromEntries(XDG.map((name) => [`XDG_${name}_HOME`, join(this.dir, name.toLowerCase())])),
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
      GEMINI_CLI_HOME: join(this.dir, 'gemini'),
      GEMINI_API_KEY: o.key,
      GOOGLE_GEMINI_BASE_URL: o.url,
    };
    this.write('.gitconfig', '[user]\nname = Agent\nemail = agent@localhost\n[init]\ndefaultBranch = main\n');
    this.write('claude/.claude.json', JSON.stringify(claudeState(this.project)));
    this.write('claude/settings.json', JSON.stringify({ skipDangerousModePermissionPrompt: true }));
    this.write('codex/config.toml', codexConfig(o.url));
    this.write('config/opencode/opencode.json', JSON.stringify(openCodeConfig(o)));
    this.write('gemini/.gemini/settings.json', JSON.stringify(GEMINI_SETTINGS));
    this.addProject('project');
  }

  /** A repository with one commit, which Codex trusts; Claude Code asks for each but {@link project}. The path. */
  addProject(name: string): string {
    const path = join(this.dir, name);
    this.write(`${name}/README.md`, '# A project\n');
    const git = (...args: string[]): void =>
      void execFileSync('git', args, { cwd: path, env: this.env, stdio: 'pipe' });
    git('init', '-q');
    // Gemini CLI hides the user's git configuration from its commands.
    git('config', 'user.name', 'Agent');
    git('config', 'user.email', 'agent@localhost');
    git('add', '-A');
    git('commit', '-qm', 'Begin');
    appendFileSync(join(this.dir, 'codex/config.toml'), `[projects."${path}"]\ntrust_level = "trusted"\n`);
    return path;
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.project, env: this.env, encoding: 'utf8' });
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  private write(path: string, text: string): void {
    const file = join(this.dir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

const XDG = ['CONFIG', 'DATA', 'STATE', 'CACHE'];

const openCodeConfig = (o: { url: string; key: string }): object => ({
  model: 'stub/stub-model',
  small_model: 'stub/stub-model',
  autoupdate: false,
  share: 'disabled',
  provider: {
    stub: {
      npm: '@ai-sdk/openai-compatible',
      options: { baseURL: `${o.url}/v1`, apiKey: o.key },
      models: {
        'stub-model': {
          tool_call: true,
          limit: { context: 128_000, output: 8_192 },
          cost: { input: 1, output: 2 },
        },
      },
    },
  },
});

const GEMINI_SETTINGS = {
  // Without it a model is asked first which model is to be asked, and a script is no answer to that.
  model: { name: 'stub-model' },
  security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
  general: { enableAutoUpdate: false },
};

const claudeState = (project: string): object => ({
  hasCompletedOnboarding: true,
  theme: 'dark',
  hasSeenAutoDefaultNotice: true,
  bypassPermissionsModeAccepted: true,
  projects: { [project]: { hasTrustDialogAccepted: true, allowedTools: [] } },
});

const codexConfig = (url: string): string => `model = "stub-model"
model_provider = "stub"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
[model_providers.stub]
name = "stub"
base_url = "${url}/v1"
wire_api = "responses"
env_key = "STUB_KEY"
request_max_retries = 1
stream_max_retries = 1
supports_websockets = false
[analytics]
enabled = false
[features]
daemon_auto_start = false
`;
