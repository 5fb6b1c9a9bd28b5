/**
 * What a router keeps over its own death: how far each outbox was told, the swarms it launched, and what agents ask. Written before something is
 * told and after, so that a router that was killed in between tells it again with the mark, and nothing else twice.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { MailboxPosition } from '#runtime/shared-mailbox/follower.ts';
import { codeOf } from '#runtime/refusal.ts';

const position = z.object({ inode: z.string(), offset: z.number().int().nonnegative() });

const swarm = z.object({
  job: z.string(),
  nodes: z.number().int().positive(),
  prompt: z.string(),
  alias: z.string().nullable(),
  provider: z.string(),
  state: z.enum(['launched', 'terminating', 'terminated']),
  /** Milliseconds since 1970. */
  terminatedMs: z.number().nullable(),
});
export type Swarm = z.output<typeof swarm>;

const approval = z.object({
  mailbox: z.string(),
  approval: z.string(),
  call: z.string(),
  asked: z.record(z.string(), z.unknown()),
});
export type OpenApproval = z.output<typeof approval>;

export const routerState = z.object({
  /** Behind what was told. */
  told: z.record(z.string(), position).default({}),
  /** Behind what was being told when this was written; a router that was killed then may have told it or not. */
  telling: z.record(z.string(), position).default({}),
  /** By mailbox, the newest worker of that name that has begun. */
  restarts: z.record(z.string(), z.number().int().nonnegative()).default({}),
  swarms: z.record(z.string(), swarm).default({}),
  approvals: z.array(approval).default([]),
  /** Of mailboxes that codeswarm's own worker writes. */
  dialects: z.record(z.string(), z.record(z.string(), z.enum(['event', 'item']))).default({}),
});
export type RouterState = z.output<typeof routerState>;

/** A value that is kept in a file, as JSON. */
export class JsonFile<T extends z.ZodType> {
  readonly #path: string;
  readonly state: z.output<T>;

  /** Throws what the file system throws, and for a file that holds no such value. */
  constructor(path: string, schema: T) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.state = schema.parse(contentOf(path));
  }

  /** In the file when it returns: it outlives this process, not the machine. */
  save(): void {
    writeFileSync(`${this.#path}.new`, JSON.stringify(this.state), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function contentOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    throw error;
  }
}

export const isSamePlace = (a: MailboxPosition | undefined, b: MailboxPosition | undefined): boolean =>
  a?.inode === b?.inode && a?.offset === b?.offset;
