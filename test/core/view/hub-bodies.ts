/** Bodies about channels and identities, drawn by small numbers: few names, so that words about one thing meet. */
import type { NodeId, OpId } from '#core/brand.ts';
import { hashOf, userPrincipal } from '#core/brand.ts';
import type { Body, BodyType } from '#core/schema/body.ts';
import type { MarketType } from './market-bodies.ts';
import { marketBodyOf, marketWeights } from './market-bodies.ts';

type HubType =
  | Extract<BodyType, `channel.${string}` | `identity.${string}` | 'read.advanced' | 'invite.created'>
  | MarketType;

export const hubWeights: Record<HubType, number> = {
  'channel.created': 3,
  'channel.joined': 3,
  'channel.left': 2,
  'channel.invited': 2,
  'channel.kicked': 2,
  'channel.banned': 3,
  'channel.muted': 2,
  'channel.roleSet': 2,
  'channel.topicSet': 2,
  'channel.slowSet': 2,
  'read.advanced': 3,
  'identity.registered': 3,
  'identity.allowed': 2,
  'identity.banned': 2,
  'identity.nickSet': 2,
  'identity.opened': 2,
  'invite.created': 1,
  ...marketWeights,
};

export function hubBodyOf(
  { type, slot, pick }: { type: HubType; slot: number; pick: number },
  { node, some }: { node: NodeId; some: OpId },
): Body {
  const channel = slot % 2 === 0 ? '#general' : '#a';
  const member = userPrincipal(`m${pick}`);
  const identity = `${pick}`.repeat(16);
  switch (type) {
    case 'channel.created':
      return { type, channel, inviteOnly: slot === 1, verifiedOnly: pick === 2 };
    case 'channel.joined':
      return { type, channel, member, name: `n${slot}` };
    case 'channel.left':
    case 'channel.invited':
      return { type, channel, member };
    case 'channel.kicked':
      return { type, channel, member, reason: `r${slot}` };
    case 'channel.banned':
      return { type, channel, member, banned: slot < 3, reason: '' };
    case 'channel.muted':
      return { type, channel, member, muted: slot < 3 };
    case 'channel.roleSet':
      return { type, channel, member, role: slot < 3 ? 'operator' : 'member' };
    case 'channel.topicSet':
      return { type, channel, topic: `t${pick}` };
    case 'channel.slowSet':
      return { type, channel, seconds: slot };
    case 'read.advanced':
      return { type, channel, reader: member, upTo: { [node]: slot } };
    case 'identity.registered':
      return { type, identity, publicKey: `k${slot}`, name: `n${slot}`, invite: pick === 1 ? some : null };
    case 'identity.allowed':
      return { type, identity, allowed: slot < 3, note: '' };
    case 'identity.banned':
      return { type, identity, banned: slot < 3, reason: `r${slot}` };
    case 'identity.nickSet':
      return { type, identity, nick: `n${slot}` };
    case 'identity.opened':
      return { type, identity };
    case 'invite.created':
      return { type, sha256: hashOf(`${slot}`.repeat(64)), usesMax: slot, expiresMs: pick };
    default:
      return marketBodyOf({ type, slot, pick }, { some });
  }
}
