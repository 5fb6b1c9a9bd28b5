/** The hooks of this node's agents in terminals: by which secret an agent's are known, and how its tool is told of them. */
import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { OpId } from '#core/brand.ts';
import type { TerminalAgent } from '#driver/tmux/terminal-agent.ts';
import { claudeSettings, codexArguments } from '#driver/tmux/hook-setup.ts';
import { agentSocketPath } from './tool-desk.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/hook.mjs', import.meta.url));
/** A question is withdrawn by this node before the tool gives its hook up. */
const MORE_SECONDS = 60;

/** What a hook reads. `holds`: it waits for the answer to what its tool asks, for the tool shows its own dialog meanwhile. */
const secretSchema = z.object({
  token: z.string().regex(/^skep_hook_[\w-]{43}$/),
  socket: z.string(),
  holds: z.boolean(),
});

export class HookDesk {
  readonly #directory: string;
  readonly #socket: string;
  readonly #patienceMs: number;
  /** By the SHA-256 of the secret: comparing takes no time that tells anything. */
  readonly #bySecret = new Map<string, OpId>();

  constructor(o: { stateDir: string; patienceMs: number }) {
    this.#directory = join(o.stateDir, 'hooks');
    this.#socket = agentSocketPath(o.stateDir);
    this.#patienceMs = o.patienceMs;
  }

  /** This agent's hooks are known from now on: a program that was started by an earlier life of this node goes on to tell. */
  know(agent: OpId): void {
    const token = this.#tokenOf(agent);
    if (token !== undefined) this.#bySecret.set(hash('sha256', token), agent);
  }

  /** Arguments for the program of the agent, which is about to start; the files that they name are written. */
  argumentsFor({ spec, tool }: Pick<TerminalAgent, 'spec' | 'tool'>): string[] {
    // Whoever names settings of their own means these: a tool takes them once.
    if (tool.hooks === undefined || /\s--settings\b/.test(spec.tool)) return [];
    const token = this.#tokenOf(spec.id) ?? `skep_hook_${randomBytes(32).toString('base64url')}`;
    // Codex shows no dialog while its hook runs: held there, a question could be answered everywhere but where it is asked.
    const holds = tool.hooks === 'claude' && this.#patienceMs > 0;
    this.#write(this.#secretPath(spec.id), JSON.stringify({ token, socket: this.#socket, holds }));
    this.know(spec.id);
    const command = [process.execPath, PROGRAM, this.#secretPath(spec.id)];
    if (tool.hooks === 'codex') return codexArguments({ command });
    const answerMaxSeconds = Math.ceil(this.#patienceMs / 1000) + MORE_SECONDS;
    this.#write(this.#settingsPath(spec.id), claudeSettings({ command, answerMaxSeconds }));
    return ['--settings', this.#settingsPath(spec.id)];
  }

  /** Whose hooks have this secret. */
  agentOf(token: string): OpId | undefined {
    return this.#bySecret.get(hash('sha256', token));
  }

  /** The agent was withdrawn: its secret is worth nothing any more. */
  forget(agent: OpId): void {
    for (const [secret, one] of this.#bySecret) if (one === agent) this.#bySecret.delete(secret);
    rmSync(this.#secretPath(agent), { force: true });
    rmSync(this.#settingsPath(agent), { force: true });
  }

  /** A file that cannot be read is none: the next start of the program makes another secret. */
  #tokenOf(agent: OpId): string | undefined {
    try {
      return secretSchema.parse(JSON.parse(readFileSync(this.#secretPath(agent), 'utf8'))).token;
    } catch {
      return undefined;
    }
  }

  #write(path: string, text: string): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  }

  #secretPath(agent: OpId): string {
    return join(this.#directory, `${agent}.json`);
  }

  #settingsPath(agent: OpId): string {
    return join(this.#directory, `${agent}.settings.json`);
  }
}
