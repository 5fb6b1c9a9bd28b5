/** Secrets of agents in terminals, a file each for the node's user alone: what an agent's program starts reads it, and is known by it for as long as the agent is registered. */
import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { OpId } from '#core/brand.ts';

const secretSchema = z.object({ token: z.string() });

export class AgentSecrets {
  readonly #directory: string;
  readonly #prefix: string;
  /** By the SHA-256 of the secret: comparing takes no time that tells anything. */
  readonly #bySecret = new Map<string, OpId>();

  /** `prefix`: how its secrets begin. */
  constructor(o: { directory: string; prefix: string }) {
    this.#directory = o.directory;
    this.#prefix = o.prefix;
  }

  /** Known from now on, where there is one: a program that was started by an earlier life of this node goes on. */
  know(agent: OpId): void {
    const token = this.#tokenOf(agent);
    if (token !== undefined) this.#bySecret.set(hash('sha256', token), agent);
  }

  /** Writes the file of the agent, whose program is about to start, with `more` beside the secret. Its path. */
  write(agent: OpId, more: Readonly<Record<string, unknown>>): string {
    const token = this.#tokenOf(agent) ?? `${this.#prefix}${randomBytes(32).toString('base64url')}`;
    const path = this.#path(agent);
    this.writeFile(path, JSON.stringify({ token, ...more }));
    this.know(agent);
    return path;
  }

  /** Whose secret it is. */
  agentOf(token: string): OpId | undefined {
    return this.#bySecret.get(hash('sha256', token));
  }

  has(agent: OpId): boolean {
    return this.#bySecret.values().some((one) => one === agent);
  }

  /** The agent was withdrawn: its secret is worth nothing any more. */
  forget(agent: OpId): void {
    for (const [secret, one] of this.#bySecret) if (one === agent) this.#bySecret.delete(secret);
    rmSync(this.#path(agent), { force: true });
  }

  /** Another file beside them, whole or not at all. */
  writeFile(path: string, text: string): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  }

  /** A file that cannot be read is none: the next start of the program makes another secret. */
  #tokenOf(agent: OpId): string | undefined {
    try {
      const { token } = secretSchema.parse(JSON.parse(readFileSync(this.#path(agent), 'utf8')));
      return token.startsWith(this.#prefix) && token.length === this.#prefix.length + SECRET_CHARS ? token : undefined;
    } catch {
      return undefined;
    }
  }

  #path(agent: OpId): string {
    return join(this.#directory, `${agent}.json`);
  }
}

/** 32 bytes in base64url. */
const SECRET_CHARS = 43;
