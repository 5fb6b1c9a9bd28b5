/**
 * The tools of skep for agents in terminals. Their program outlives their attempts, so its tool server is known by a secret of the agent, and each
 * call counts for the attempt that the agent is in then.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpId } from '#core/brand.ts';
import type { TerminalAgent } from '#driver/tmux/terminal-agent.ts';
import { toolOf } from '#driver/tmux/tool.ts';
import { AgentSecrets } from './agent-secrets.ts';
import { agentSocketPath } from './agent-socket-path.ts';
import { openCodeConfigIn } from './opencode-config.ts';

/** What `skep mcp` is started with. */
const PROGRAM = fileURLToPath(new URL('../../bin/skep.mjs', import.meta.url));
export const TOOL_SERVER: readonly [string, ...string[]] = [process.execPath, PROGRAM, 'mcp'];
/** How the secrets begin by which such agents are known. */
export const TOOLS_PREFIX = 'skep_tools_';

type Agent = Pick<TerminalAgent, 'spec' | 'tool'>;

export class TerminalTools {
  readonly #socket: string;
  readonly #secrets: AgentSecrets;

  constructor(o: { stateDir: string }) {
    this.#socket = agentSocketPath(o.stateDir);
    this.#secrets = new AgentSecrets({ directory: join(o.stateDir, 'tools'), prefix: TOOLS_PREFIX });
  }

  know(agent: OpId): void {
    this.#secrets.know(agent);
  }

  forget(agent: OpId): void {
    this.#secrets.forget(agent);
  }

  agentOf(token: string): OpId | undefined {
    return this.#secrets.agentOf(token);
  }

  /** Whether its program was started with the tools. */
  has(agent: OpId): boolean {
    return this.#secrets.has(agent);
  }

  /**
   * Variables for the program of an agent that is about to start, where its tool takes a tool server by them: OpenCode, beside what its user's files and
   * the same variable of the node say. Text there that is no JSON is left as it is, and the agent without the tools.
   */
  environmentFor(spec: Agent['spec'], given = process.env['OPENCODE_CONFIG_CONTENT']): Record<string, string> {
    if (toolOf(spec.tool).tool !== 'opencode') return {};
    const config = openCodeConfigIn(given);
    if (config === undefined) return {};
    const environment = { SKEP_MCP_SECRET: this.#secrets.write(spec.id, { socket: this.#socket }) };
    const skep = { type: 'local', command: TOOL_SERVER, environment, enabled: true };
    return { OPENCODE_CONFIG_CONTENT: JSON.stringify({ ...config, mcp: { ...config.mcp, skep } }) };
  }

  /** Arguments for the program of an agent that is about to start. In none of them is the secret: only where it lies. */
  argumentsFor({ spec, tool }: Agent): string[] {
    // The tools that take hooks by their command line take a tool server, too.
    if (tool.hooks === undefined || tool.hooks === 'opencode') return [];
    const [command, ...args] = TOOL_SERVER;
    const env = { SKEP_MCP_SECRET: this.#secrets.write(spec.id, { socket: this.#socket }) };
    if (tool.hooks === 'codex')
      return Object.entries({
        command: JSON.stringify(command),
        args: JSON.stringify(args),
        env: `{SKEP_MCP_SECRET=${JSON.stringify(env.SKEP_MCP_SECRET)}}`,
        default_tools_approval_mode: '"approve"',
      }).flatMap(([key, value]) => ['-c', `mcp_servers.skep.${key}=${value}`]);
    // With `=`: as words of their own these would take whatever follows for more of the same.
    const mcpServers = { skep: { type: 'stdio', command, args, env } };
    return [`--mcp-config=${JSON.stringify({ mcpServers })}`, '--allowedTools=mcp__skep'];
  }
}
