/** A webhook in JSON, without its secret. */
import { z } from 'zod';
import type { Webhook } from '../webhook/book.ts';
import type { Door } from '../door.ts';
import { dateText } from './text.ts';

export const webhookJsonSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    channel: z.string(),
    direction: z.enum(['out', 'in']).describe('out: tells what is said; in: takes what is posted'),
    url: z.string().nullable().describe('Of out: where it is told'),
    allow_private: z.boolean().describe('Of out: may lead into the network of the node'),
    node_name: z.string().describe('The node that keeps it, and alone delivers'),
    created_by: z.string(),
    created_at: z.string(),
    state: z.enum(['active', 'retrying', 'stopped']).describe('stopped: it gave up, and waits for an operator'),
    handled: z.number().int().describe('Messages told, or taken, since the start of the node'),
    waiting: z.number().int().nullable().describe('Of out: messages to be told; null for more than 10,000'),
    cut: z.boolean().describe('Of out: it was more than 10,000 behind and went on with the last ones'),
    refusals: z.number().int().describe('Of in: requests that were refused since the start of the node'),
    trouble: z
      .object({
        message_id: z.string().nullable(),
        reason: z.string(),
        attempts: z.number().int().nullable(),
        at: z.string().nullable(),
      })
      .nullable()
      .describe('Why the message in hand is not taken, or why the last request was refused'),
  })
  .meta({ id: 'Webhook' });
export type WebhookJson = z.output<typeof webhookJsonSchema>;

export function webhookJson(webhook: Webhook, { webhooks, node }: Door): WebhookJson {
  const common = {
    id: webhook.id,
    name: webhook.name,
    channel: webhook.channel,
    node_name: node.info.name,
    created_by: webhook.by.slice(webhook.by.indexOf(':') + 1),
    created_at: dateText(webhook.createdMs),
  };
  if (webhook.direction === 'in') {
    const { handled = 0, refusals = 0, lastRefusal = null } = webhooks.open?.incoming(webhook.id) ?? {};
    const trouble = lastRefusal === null ? null : { message_id: null, reason: lastRefusal, attempts: null, at: null };
    const still = { url: null, allow_private: false, state: 'active' as const, waiting: 0, cut: false };
    return { ...common, ...still, direction: 'in', handled, refusals, trouble };
  }
  const out = webhooks.open?.outgoing(webhook.id);
  const { state, delivered, isCut, trouble } = out?.state() ?? STILL;
  return {
    ...common,
    direction: 'out',
    url: webhook.url,
    allow_private: webhook.allowPrivate,
    state,
    handled: delivered,
    waiting: out === undefined ? 0 : out.waiting(),
    cut: isCut,
    refusals: 0,
    trouble:
      trouble === null
        ? null
        : {
            message_id: trouble.message,
            reason: trouble.reason,
            attempts: trouble.attempts,
            at: dateText(trouble.atMs),
          },
  };
}

const STILL = { state: 'active' as const, delivered: 0, isCut: false, trouble: null };
