/**
 * Bearer tokens. `<data-dir>/token` holds the operator's own in plain text, for the tools of whoever owns the directory; all others are made
 * by name and only their SHA-256 is kept, in `<data-dir>/tokens.json`. Nodes that share a data directory share both files.
 */
import { hash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { userPrincipal } from '#core/brand.ts';
import type { Caller } from '#core/policy.ts';
import type { DoorRefusal } from './refusal.ts';
import { refused } from './refusal.ts';

/** Name of the token in `<data-dir>/token`, and of whoever uses it. */
export const OPERATOR_NAME = 'operator';

export const tokenNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'name is 1 to 64 letters, digits, dots, dashes or underscores');
export const tokenRoleSchema = z.enum(['operator', 'viewer']);

const entrySchema = z.object({
  name: tokenNameSchema,
  role: tokenRoleSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Milliseconds since 1970. */
  created: z.number(),
});
type Entry = z.output<typeof entrySchema>;
const fileSchema = z.object({ tokens: z.array(entrySchema) });

/** Far more than people and programs of one swarm. Each costs one comparison a request. */
const TOKENS_MAX = 256;
/** How long a change made by another node of the same directory may go unseen. */
const REREAD_AFTER_MS = 1_000;

export class Tokens {
  private readonly file: string;
  private readonly now: () => number;
  private readonly own: { name: string; role: 'operator'; digest: Buffer };
  private entries: readonly (Entry & { digest: Buffer })[] = [];
  private stamp = '';
  private checkedMs = 0;
  private writing: Promise<unknown> = Promise.resolve();

  private constructor(o: { file: string; now: () => number; token: string }) {
    this.file = o.file;
    this.now = o.now;
    this.own = { name: OPERATOR_NAME, role: 'operator', digest: digestOf(o.token) };
  }

  /**
   * Reads both files, and makes the operator's token when there is none yet. `environmentToken` (SKEP_TOKEN) stands in for that file.
   * Rejects when a file cannot be read or is not what this class writes: nothing has been changed then.
   */
  static async open(o: { dataDir: string; now: () => number; environmentToken?: string | undefined }): Promise<Tokens> {
    await mkdir(o.dataDir, { recursive: true, mode: 0o700 });
    const given = o.environmentToken ?? '';
    const token = given === '' ? await ownToken(join(o.dataDir, 'token')) : given;
    const tokens = new Tokens({ file: join(o.dataDir, 'tokens.json'), now: o.now, token });
    await tokens.read();
    return tokens;
  }

  /** True when {@link refresh} should be called before the next {@link verify}. */
  isDue(): boolean {
    return this.now() - this.checkedMs >= REREAD_AFTER_MS;
  }

  /** Takes in what another node of the same directory changed. Rejects when the file has become unreadable; nobody should be let in then. */
  async refresh(): Promise<void> {
    if (stampOf(this.file) !== this.stamp) await this.read();
    this.checkedMs = this.now();
  }

  /** Who presents this token; undefined for one that is not known. Takes the same time for every wrong token. */
  verify(token: string): Caller | undefined {
    const digest = digestOf(token);
    let found: { name: string; role: 'operator' | 'viewer' } | undefined;
    for (const one of [this.own, ...this.entries]) if (timingSafeEqual(digest, one.digest)) found = one;
    return found === undefined ? undefined : { principal: userPrincipal(found.name), role: found.role };
  }

  /** Name, role and age of all tokens; never the tokens. The operator's own first. */
  list(): { name: string; role: 'operator' | 'viewer'; createdMs: number | null }[] {
    const made = this.entries.map(({ name, role, created }) => ({ name, role, createdMs: created }));
    return [{ name: this.own.name, role: this.own.role, createdMs: null }, ...made];
  }

  /** Makes a token and shows it once. On disk when the promise resolves. */
  create(o: {
    name: string;
    role: 'operator' | 'viewer';
  }): Promise<{ token: string; createdMs: number } | DoorRefusal> {
    return this.change(async (entries) => {
      if (o.name === OPERATOR_NAME || entries.some((one) => one.name === o.name)) {
        return refused('conflict', `there is a token named ${o.name}`, { expected: 'another name', got: o.name });
      }
      if (entries.length >= TOKENS_MAX) {
        return refused('too_many', `there are ${TOKENS_MAX} tokens already`, { expected: 'one to be removed first' });
      }
      const token = `skep_${randomBytes(32).toString('base64url')}`;
      const createdMs = this.now();
      await this.write([...entries, { name: o.name, role: o.role, sha256: hash('sha256', token), created: createdMs }]);
      return { token, createdMs };
    });
  }

  /** Takes a token back, from its next use on. The operator's own is a file and is replaced there. */
  remove(name: string): Promise<'removed' | DoorRefusal> {
    return this.change(async (entries) => {
      if (name === OPERATOR_NAME) {
        const expected = 'the file `token` of the data directory to be removed, and the node to be restarted';
        return refused('conflict', 'this token cannot be removed over the API', { expected, got: name });
      }
      const kept = entries.filter((one) => one.name !== name);
      if (kept.length === entries.length) return refused('not_found', 'Token not found', { got: name });
      await this.write(kept);
      return 'removed';
    });
  }

  /** Changes run one after another, each on what is on disk at that moment. */
  private change<T>(make: (entries: readonly Entry[]) => Promise<T>): Promise<T> {
    const run = this.writing.then(async () => {
      await this.read();
      return make(this.entries.map(({ digest: _digest, ...entry }) => entry));
    });
    this.writing = run.catch(() => undefined);
    return run;
  }

  private async read(): Promise<void> {
    const stamp = stampOf(this.file);
    const text = await readFile(this.file, 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return '{"tokens":[]}';
      throw error;
    });
    const parsed = fileSchema.safeParse(jsonOf(text));
    if (!parsed.success) throw new Error(`${this.file} is not a list of tokens: move it away, then start again`);
    this.entries = parsed.data.tokens.map((one) => ({ ...one, digest: Buffer.from(one.sha256, 'hex') }));
    this.stamp = stamp;
  }

  private async write(tokens: readonly Entry[]): Promise<void> {
    const written = `${this.file}.${randomUUID()}`;
    await writeDurably(written, `${JSON.stringify({ tokens }, null, 2)}\n`);
    await rename(written, this.file);
    await this.read();
  }
}

/** The token in the file; made and written when there is none. Of several nodes starting at once, the first one's counts for all. */
async function ownToken(file: string): Promise<string> {
  const held = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (held !== undefined) {
    if (held.trim() === '') throw new Error(`${file} is empty: remove it, and the next start makes a new token`);
    return held.trim();
  }
  const token = `skep_${randomBytes(32).toString('base64url')}`;
  const written = `${file}.${randomUUID()}`;
  await writeDurably(written, `${token}\n`);
  try {
    // `link` refuses to replace: whoever comes second reads what the first one wrote.
    await link(written, file);
    return token;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return (await readFile(file, 'utf8')).trim();
  } finally {
    await rm(written, { force: true });
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Changes whenever the file does; empty while there is none. */
function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? '' : `${stat.ino}.${stat.mtimeNs}.${stat.size}`;
}

const digestOf = (token: string): Buffer => hash('sha256', token, 'buffer');

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
