/** Bodies about skills, proposals and merges, drawn by small numbers. */
import type { OpId } from '#core/brand.ts';
import { hashOf, userPrincipal } from '#core/brand.ts';
import type { Body, BodyType } from '#core/schema/body.ts';

export type MarketType = Extract<
  BodyType,
  `proposal.${string}` | `file.${string}` | 'skills.registered' | 'work.merged'
>;

export const marketWeights: Record<MarketType, number> = {
  'skills.registered': 2,
  'proposal.made': 4,
  'proposal.accepted': 3,
  'proposal.rejected': 2,
  'proposal.expired': 2,
  'proposal.delivered': 2,
  'proposal.completed': 3,
  'proposal.disputed': 2,
  'proposal.settled': 2,
  'work.merged': 2,
  'file.offered': 2,
  'file.taken': 2,
};

export function marketBodyOf(
  { type, slot, pick }: { type: MarketType; slot: number; pick: number },
  { some }: { some: OpId },
): Body {
  const [sig, atMs] = [null, slot];
  switch (type) {
    case 'skills.registered':
      return { type, skills: [{ capability: `c${slot}`, description: null, rate: pick, currency: null }], sig };
    case 'proposal.made': {
      const rest = { currency: null, paymentCode: null, terms: null, capability: null, expiresMs: null, offers: null };
      return { type, to: userPrincipal(`m${pick}`), task: `t${slot}`, amount: pick, stake: slot, atMs, sig, ...rest };
    }
    case 'proposal.accepted':
      return { type, stake: slot, paymentCode: null, atMs, sig };
    case 'proposal.rejected':
      return { type, reason: `r${slot}`, sig };
    case 'proposal.expired':
      return { type };
    case 'proposal.delivered':
      return { type, proof: `p${slot}`, sig };
    case 'proposal.completed':
      return {
        type,
        proof: null,
        evidence: pick === 0 ? { kind: 'payer' } : { kind: 'task', task: some, attempt: 1 },
        atMs,
        sig,
      };
    case 'proposal.disputed':
      return { type, reason: `r${slot}`, atMs, sig };
    case 'proposal.settled':
      return { type, fault: pick === 0 ? 'payer' : 'both', note: `n${slot}`, atMs };
    case 'file.offered':
      return { type, to: `@${pick}`, name: `n${slot}`, sha256: hashOf(`${pick}`.repeat(64)), sizeBytes: slot };
    case 'file.taken':
      return { type, error: pick === 0 ? null : `e${slot}` };
    case 'work.merged':
      return { type, attempt: 1 + pick, into: 'main', commit: `${slot}`.repeat(40) };
  }
}
