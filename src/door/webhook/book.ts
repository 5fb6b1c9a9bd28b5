/**
 * The webhooks of one node, with their secrets: `<state directory>/webhooks.json`, for its owner alone. A secret signs, so it is kept as it is; it is
 * shown once, and never in the log, in an op or in a backup. So one node has each webhook, and only that one delivers.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { channelNameSchema } from '#core/schema/channel-body.ts';
import { opIdSchema, principalSchema } from '#core/schema/ids.ts';

/** What a webhook is called; one that posts speaks as `@hook-<name>`. */
export const webhookNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,23}$/, 'name is 1 to 24 small letters, digits or dashes');

const stoppedSchema = z.object({
  message: opIdSchema,
  reason: z.string(),
  attempts: z.number().int(),
  /** Milliseconds since 1970. */
  atMs: z.number(),
});

const common = {
  id: z.string().regex(/^[0-9a-f]{12}$/),
  name: webhookNameSchema,
  channel: channelNameSchema,
  secret: z.string().min(32),
  by: principalSchema,
  createdMs: z.number(),
};
const outSchema = z.object({
  ...common,
  direction: z.literal('out'),
  url: z.string(),
  /** May lead into the network of this node: an operator's word. */
  allowPrivate: z.boolean(),
  /** It gave up at this message, and waits for an operator. */
  stopped: stoppedSchema.nullable(),
});
const inSchema = z.object({
  ...common,
  direction: z.literal('in'),
  /** Of the last part of its URL. */
  tokenSha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const webhookSchema = z.discriminatedUnion('direction', [outSchema, inSchema]);
const fileSchema = z.object({ webhooks: z.array(webhookSchema) });

export type OutWebhook = z.output<typeof outSchema>;
export type InWebhook = z.output<typeof inSchema>;
export type Webhook = z.output<typeof webhookSchema>;

export class WebhookBook {
  readonly #path: string;
  readonly #byId = new Map<string, Webhook>();

  /** Throws when the file is there and is not what this class writes. */
  constructor(path: string) {
    this.#path = path;
    for (const webhook of readFile(path)) this.#byId.set(webhook.id, webhook);
  }

  all(): Webhook[] {
    return [...this.#byId.values()];
  }

  get(id: string): Webhook | undefined {
    return this.#byId.get(id);
  }

  /** On disk when it returns. Throws when the disk fails: nothing was changed then. */
  put(webhook: Webhook): void {
    this.#write(new Map(this.#byId).set(webhook.id, webhook));
  }

  /** Its secret is worth nothing afterwards. */
  remove(id: string): void {
    const rest = new Map(this.#byId);
    rest.delete(id);
    this.#write(rest);
  }

  #write(next: ReadonlyMap<string, Webhook>): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const written = `${this.#path}.${randomUUID()}`;
    const text = JSON.stringify({ webhooks: [...next.values()] }, null, 2);
    writeFileSync(written, `${text}\n`, { mode: 0o600, flush: true });
    renameSync(written, this.#path);
    this.#byId.clear();
    for (const [id, webhook] of next) this.#byId.set(id, webhook);
  }
}

function readFile(path: string): Webhook[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  const parsed = fileSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data.webhooks;
  // Not the text itself, which holds secrets.
  throw new Error(`${path} is not a list of webhooks: move it away, then start again`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
