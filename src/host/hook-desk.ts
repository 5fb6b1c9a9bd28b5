/** The hooks of this node's agents in terminals: by which secret an agent's are known, and how its tool is told of them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpId } from '#core/brand.ts';
import type { TerminalAgent } from '#driver/tmux/terminal-agent.ts';
import { claudeSettings, codexArguments } from '#driver/tmux/hook-setup.ts';
import { AgentSecrets } from './agent-secrets.ts';
import { toolOf } from '#driver/tmux/tool.ts';
import { agentSocketPath } from './agent-socket-path.ts';
import { openCodeConfigIn } from './opencode-config.ts';

/** What OpenCode loads: it takes no command for a hook. */
const PLUGIN = new URL('../../bin/opencode-plugin.mjs', import.meta.url).href;
const PROGRAM = fileURLToPath(new URL('../../bin/hook.mjs', import.meta.url));
/** A question is withdrawn by this node before the tool gives its hook up. */
const MORE_SECONDS = 60;

export class HookDesk {
  readonly #directory: string;
  readonly #socket: string;
  readonly #patienceMs: number;
  readonly #secrets: AgentSecrets;

  constructor(o: { stateDir: string; patienceMs: number }) {
    this.#directory = join(o.stateDir, 'hooks');
    this.#socket = agentSocketPath(o.stateDir);
    this.#patienceMs = o.patienceMs;
    this.#secrets = new AgentSecrets({ directory: this.#directory, prefix: 'skep_hook_' });
  }

  /** This agent's hooks are known from now on: a program that was started by an earlier life of this node goes on to tell. */
  know(agent: OpId): void {
    this.#secrets.know(agent);
  }

  /** Arguments for the program of the agent, which is about to start; the files that they name are written. */
  argumentsFor({ spec, tool }: Pick<TerminalAgent, 'spec' | 'tool'>): string[] {
    // Whoever names settings of their own means these: a tool takes them once.
    if (tool.hooks === undefined || tool.hooks === 'opencode' || /\s--settings\b/.test(spec.tool)) return [];
    // It waits for the answer to what its tool asks where that shows its own dialog meanwhile. Codex shows none while its hook runs: held there, a
    // question could be answered everywhere but where it is asked.
    const holds = tool.hooks === 'claude' && this.#patienceMs > 0;
    const command = [process.execPath, PROGRAM, this.#secrets.write(spec.id, { socket: this.#socket, holds })];
    if (tool.hooks === 'codex') return codexArguments({ command });
    const answerMaxSeconds = Math.ceil(this.#patienceMs / 1000) + MORE_SECONDS;
    this.#secrets.writeFile(this.#settingsPath(spec.id), claudeSettings({ command, answerMaxSeconds }));
    return ['--settings', this.#settingsPath(spec.id)];
  }

  /**
   * The variables with those by which OpenCode takes hooks: a plugin beside its user's own, which is told where its secret lies. Text for it that is no
   * JSON is left as it is, and its screen is all there is.
   */
  environmentFor(spec: TerminalAgent['spec'], given: Readonly<Record<string, string>>): Record<string, string> {
    if (toolOf(spec.tool).hooks !== 'opencode') return { ...given };
    const config = openCodeConfigIn(given['OPENCODE_CONFIG_CONTENT'] ?? process.env['OPENCODE_CONFIG_CONTENT']);
    if (config === undefined) return { ...given };
    const secret = this.#secrets.write(spec.id, { socket: this.#socket });
    const plugin = [...(config.plugin ?? []), [PLUGIN, { secret, holds: this.#patienceMs > 0 }]];
    return { ...given, OPENCODE_CONFIG_CONTENT: JSON.stringify({ ...config, plugin }) };
  }

  /** Whose hooks have this secret. */
  agentOf(token: string): OpId | undefined {
    return this.#secrets.agentOf(token);
  }

  /** The agent was withdrawn: its secret is worth nothing any more. */
  forget(agent: OpId): void {
    this.#secrets.forget(agent);
    rmSync(this.#settingsPath(agent), { force: true });
  }

  #settingsPath(agent: OpId): string {
    return join(this.#directory, `${agent}.settings.json`);
  }
}
