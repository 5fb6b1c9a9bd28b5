/** Letting others come to the hub. What they do there is said in its own protocol. */
import { hash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { hashOf } from '#core/brand.ts';
import { appendOne } from '../append.ts';
import { dateText } from '../json/text.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none } from './input.ts';

const TTL_MAX_S = 366 * 86_400;
const TTL_DEFAULT_S = 7 * 86_400;

const invite = jsonRoute({
  method: 'POST',
  path: '/api/hub/invites',
  summary: 'Make a code that lets so many unknown keys into the hub; it is shown this once',
  action: 'hub.invite',
  params: none,
  query: none,
  body: z.object({
    uses: z.number().int().min(1).max(10_000),
    ttl_seconds: z.number().int().min(1).max(TTL_MAX_S).default(TTL_DEFAULT_S),
  }),
  answer: z.object({ code: z.string(), uses: z.number().int(), expires_at: z.string() }),
  status: 201,
  handle: async ({ body: { uses, ttl_seconds: seconds }, by, door }) => {
    const code = `skep-hub-${randomBytes(16).toString('hex')}`;
    const expiresMs = door.now() + seconds * 1_000;
    const sha256 = hashOf(hash('sha256', code));
    const body = { type: 'invite.created', sha256, usesMax: uses, expiresMs } as const;
    const written = await appendOne({ entity: undefined, by, body }, door);
    return isRefusal(written) ? written : { code, uses, expires_at: dateText(expiresMs) };
  },
});

export const hubRoutes: readonly Route[] = [invite];
