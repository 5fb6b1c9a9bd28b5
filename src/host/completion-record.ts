/** The files by which a restarted node still knows its agents' calls and what they said: one an attempt, for the node's user alone. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const saidSchema = z.object({
  /** `unanswered`: it asked people, and was told that nobody answers. */
  kind: z.enum(['completed', 'failed', 'asks', 'unanswered']),
  text: z.string(),
});
export type Said = z.output<typeof saidSchema>;

const recordSchema = z.object({
  /** The secret of the attempt. It is nowhere else but in the environment of the agent's tool server. */
  token: z.string().regex(/^skep_attempt_[\w-]{43}$/),
  said: saidSchema.nullable(),
  /** What is to follow on the end of that turn, as long as it is not known that the agent has it. */
  next: z.object({ turn: z.string(), text: z.string() }).nullable(),
  /** Turns whose end was followed by a further prompt. */
  turns: z.array(z.string()),
  reminded: z.boolean(),
  /** Questions so far. */
  asked: z.number().int().nonnegative(),
});
export type CompletionRecord = z.output<typeof recordSchema>;

const fresh = (): CompletionRecord => ({
  token: `skep_attempt_${randomBytes(32).toString('base64url')}`,
  said: null,
  next: null,
  turns: [],
  reminded: false,
  asked: 0,
});

export class CompletionRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The record of that name; made, and on disk, when there is none. One that cannot be read is made anew: its agent's calls are refused then. */
  async open(name: string): Promise<CompletionRecord> {
    const text = await readFile(this.#path(name), 'utf8').catch(() => undefined);
    const held = text === undefined ? undefined : recordIn(text);
    if (held !== undefined) return held;
    const made = fresh();
    await this.save(name, made);
    return made;
  }

  /** Whole or not at all, and on disk when it resolves. */
  async save(name: string, record: CompletionRecord): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const draft = `${this.#path(name)}.${randomBytes(4).toString('hex')}`;
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(record));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path(name));
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  #path(name: string): string {
    return join(this.#directory, `${name}.json`);
  }
}

function recordIn(text: string): CompletionRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
