/** The one datagram of discovery: "this node's mesh listens here". As in the seed, with a proof that the sender knows the cluster secret. */
import { z } from 'zod';
import { nodeIdSchema } from './ids.ts';

/** The seed's code for it. Datagrams are no frames: they share no link and no length prefix, and their codes are their own. */
export const ANNOUNCEMENT = 1;

export const announcementSchema = z.object({
  type: z.literal(ANNOUNCEMENT),
  node_id: nodeIdSchema,
  /** Port of the sender's mesh; it is dialled at `host`. */
  p2p_port: z.number().int().min(1).max(65_535),
  /** The address this copy was sent from: heard from anywhere else, it is a copy of somebody else's. */
  host: z.ipv4(),
  /** Random at each start of the sender, as in HELLO. */
  boot: z.string().regex(/^[0-9a-f]{32}$/),
  /** Counts up with each announcement of this boot: an older one is a repetition. */
  count: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  /** Base64 HMAC-SHA256 over all of the above, by a key made of the cluster secret. */
  mac: z.string().max(64),
});
export type Announcement = z.output<typeof announcementSchema>;
