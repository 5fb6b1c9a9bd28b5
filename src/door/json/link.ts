/** Links of this node in JSON. */
import { z } from 'zod';
import type { Door } from '../door.ts';
import { dateText } from './text.ts';

const count = z.number().int();

export const linkJsonSchema = z
  .object({
    node_id: z.string(),
    name: z.string(),
    address: z.string(),
    dialled: z.boolean().describe('By this node; else by the other one'),
    since: z.string(),
    round_trip_ms: z.number().nullable(),
    frames_in: count,
    frames_out: count,
    bytes_in: count,
    bytes_out: count,
    overflows: count.describe('Times its queue here was full and was dropped; repair sends what was in it'),
    batches: z
      .object({
        taken: count.describe('With something new in them'),
        relayed: count.describe('Of those, passed on to others'),
        repeated: count.describe('Of which all was known here'),
        gaps: count.describe('That came before what they follow'),
        refused: count.describe('That do not hold'),
      })
      .describe('Batches of ops that it sent since this node started, also over earlier links'),
  })
  .meta({ id: 'Link' });
export type LinkJson = z.output<typeof linkJsonSchema>;

/** By the name of the other node. */
export function linksJson({ node, roster }: Door): LinkJson[] {
  const tallies = node.tallies();
  return node
    .links()
    .map((link) => ({
      node_id: link.node,
      name: roster.nodeName(link.node),
      address: link.address,
      dialled: link.outbound,
      since: dateText(link.sinceMs),
      round_trip_ms: link.roundTripMs ?? null,
      frames_in: link.traffic.framesIn,
      frames_out: link.traffic.framesOut,
      bytes_in: link.traffic.bytesIn,
      bytes_out: link.traffic.bytesOut,
      overflows: link.traffic.overflows,
      batches: { taken: 0, relayed: 0, repeated: 0, gaps: 0, refused: 0, ...tallies.get(link.node) },
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
