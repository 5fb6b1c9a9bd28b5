/** The local row of a message that was handed out, and the letter that a message is in its reader's mailbox. */
import { z } from 'zod';
import type { OpId } from '../brand.ts';
import type { KnownMessage } from '../view/message.ts';
import type { CoreStore } from '../world.ts';
import { isReadByCursor } from './address.ts';
import type { Letter } from './mailbox.ts';

/**
 * How often each open message was handed out, by message; in a channel by message and reader. Removed with the op that closes it. `handled`: of a
 * channel, and its reader's cursor does not cover it yet.
 */
const leaseSchema = z.object({
  agent: z.string(),
  deliveries: z.number().int().positive(),
  handled: z.boolean().optional(),
});
export type Leases = Map<string, z.output<typeof leaseSchema> | undefined>;

/** It was handled, and its reader's cursor does not cover it yet. Of the row as it lies there. */
export const isHandled = (row: unknown): boolean => leaseSchema.safeParse(row).data?.handled === true;

export const leaseOf = (message: OpId, agent: OpId, channel: string): string =>
  isReadByCursor(channel) ? `${message} ${agent}` : message;

export const leasesIn = (store: CoreStore): Leases =>
  new Map(store.localRows('lease').map(({ key, value }) => [key, leaseSchema.safeParse(value).data]));

export const letterOf = ({ id, sent }: KnownMessage, agent: OpId, deliveries: number): Letter => ({
  id,
  channel: sent.channel,
  lease: leaseOf(id, agent, sent.channel),
  stamp: sent.stamp,
  hops: sent.hops,
  dueMs: sent.dueMs,
  deliveries,
  leasedMs: undefined,
});
