/** Codex by its structured protocol: `codex app-server` on pipes, one process and one thread for many turns. */
import type { SessionSpec } from '#agent-ports.ts';
import { LineDriver } from '../line/driver.ts';
import { isToBeCopied, type LineTool } from '../line/open.ts';
import type { LineLimits } from '../line/tool-process.ts';
import { CodexDialect } from './dialect.ts';

export type CodexDriverOptions = {
  /** What skep calls itself. */
  version: string;
  /** Wall clock: a turn's limit goes on while this node is down. */
  nowMs: () => number;
  limits?: LineLimits;
};

export class CodexDriver extends LineDriver {
  readonly tool = 'codex';
  readonly #o: CodexDriverOptions;

  constructor(o: CodexDriverOptions) {
    super();
    this.#o = o;
  }

  protected lineTool(spec: SessionSpec): LineTool {
    const servers = spec.servers.map(({ name }) => name);
    const thread = threadOf(spec);
    return {
      ...this.#o,
      tool: this.tool,
      dialect: (resume) =>
        new CodexDialect({
          cwd: spec.cwd,
          version: this.#o.version,
          thread,
          servers,
          resume,
          isFork: isToBeCopied(spec, resume),
        }),
      command: () => ['codex', ...providerOf(spec), 'app-server', '--listen', 'stdio://'],
      closed: () => {},
    };
  }
}

/** In a box there is one way to a model. It takes any key, and adds its node's. */
const providerOf = ({ relayUrl }: SessionSpec): string[] =>
  relayUrl === undefined
    ? []
    : Object.entries({
        model_provider: '"skep"',
        'model_providers.skep.name': '"the relay of this box"',
        'model_providers.skep.base_url': `"${relayUrl}/v1"`,
        'model_providers.skep.env_key': '"OPENAI_API_KEY"',
        'model_providers.skep.wire_api': '"responses"',
        'model_providers.skep.supports_websockets': 'false',
      }).flatMap(([key, value]) => ['-c', `${key}=${value}`]);

/**
 * Codex itself waits ten seconds, which a first start on a busy machine takes, and then begins without the tools: nothing would end its task. Well below
 * what it has to answer `thread/start` (60 s): a tool server that is too slow is told by its name, not as a Codex that hangs.
 */
const AWAITED = { startup_timeout_sec: 30, required: true } as const;

/**
 * Each command that Codex does not know to be harmless is asked for, and runs in its sandbox: the worktree, and the repository that it belongs to,
 * can be written to. Only these keys of the person's own configuration are overridden.
 */
function threadOf({ cwd, instructions, servers, writable, relayUrl }: SessionSpec): Record<string, unknown> {
  const offered = servers.map(
    ({ name, command: [command, ...args], env }) => [name, { command, args, env, ...AWAITED }] as const,
  );
  const config = {
    ...(writable.length === 0 ? {} : { sandbox_workspace_write: { writable_roots: writable } }),
    ...(offered.length === 0 ? {} : { mcp_servers: Object.fromEntries(offered) }),
  };
  return {
    cwd,
    approvalPolicy: 'untrusted',
    // Codex's own needs what a box does not give.
    sandbox: relayUrl === undefined ? 'workspace-write' : 'danger-full-access',
    ...(instructions === '' ? {} : { developerInstructions: instructions }),
    ...(Object.keys(config).length === 0 ? {} : { config }),
  };
}
