/** Ballots of one slot, ordered. Round 0 belongs to one owner alone: home for a grant, the granted node for an end. */
import { z } from 'zod';
import type { NodeId } from '../brand.ts';
import { nodeIdSchema } from '../schema/ids.ts';

export type Ballot = { round: number; node: NodeId };

export const ballotSchema: z.ZodType<Ballot> = z.object({
  round: z.number().int().min(0).max(1_000_000_000),
  node: nodeIdSchema,
});

export const compareBallots = (a: Ballot, b: Ballot): number =>
  a.round === b.round ? (a.node === b.node ? 0 : a.node < b.node ? -1 : 1) : a.round - b.round;

export const majorityOf = (voters: readonly NodeId[]): number => Math.floor(voters.length / 2) + 1;
