/** What an operator does at the hub in AgentChat's frames: the key in them is an operator's token of this node. */
import type { Draft } from '#core/op.ts';
import { isRefusal } from '../refusal.ts';
import type { At } from './channels.ts';
import type { FrameOf, Refused } from './frames.ts';
import { bad } from './frames.ts';
import { identityOf, publicKeyOf, speakerOf } from './key.ts';

type Answer = Promise<Refused | undefined>;
/** Keys in one list. */
const LIST_MAX = 10_000;

async function act(key: string, at: At, o: { action: string; bodies: readonly Draft['body'][] }): Answer {
  const { door } = at.hub;
  if (door.tokens.isDue()) await door.tokens.refresh();
  const caller = door.tokens.verify(key);
  if (caller?.role !== 'operator') return bad('AUTH_REQUIRED', 'admin_key is no token of an operator');
  if (o.bodies.length > 0) {
    const by = caller.principal;
    const written = await door.node.append(o.bodies.map((body) => ({ entity: undefined, by, body })));
    if (isRefusal(written)) return bad('RATE_LIMITED', written.message);
  }
  return undefined;
}

const done = ({ session }: At, action: string, fields: object = {}): undefined =>
  session.send('ADMIN_RESULT', { action, success: true, ...fields }) ?? undefined;

export async function approve({ admin_key: key, pubkey, note }: FrameOf<'ADMIN_APPROVE'>, at: At): Answer {
  if (publicKeyOf(pubkey) === undefined) return bad('INVALID_MSG', 'Invalid public key: Ed25519 in PEM');
  const identity = identityOf(pubkey);
  const bodies: Draft['body'][] = [
    { type: 'identity.registered', identity, publicKey: pubkey, name: identity, invite: null },
    { type: 'identity.allowed', identity, allowed: true, note },
  ];
  return (await act(key, at, { action: 'approve', bodies })) ?? done(at, 'approve', { agent_id: `@${identity}` });
}

export async function revoke(frame: FrameOf<'ADMIN_REVOKE'>, at: At): Answer {
  const identity = frame.pubkey === undefined ? frame.agent_id?.slice(1) : identityOf(frame.pubkey);
  if (identity === undefined || !/^[0-9a-f]{16}$/.test(identity))
    return bad('INVALID_MSG', 'pubkey or agent_id of a key is expected');
  const body = { type: 'identity.allowed', identity, allowed: false, note: '' } as const;
  return (
    (await act(frame.admin_key, at, { action: 'revoke', bodies: [body] })) ??
    done(at, 'revoke', { agent_id: `@${identity}` })
  );
}

export async function list(frame: FrameOf<'ADMIN_LIST'>, at: At): Answer {
  const refused = await act(frame.admin_key, at, { action: 'list', bodies: [] });
  if (refused !== undefined) return refused;
  const rows = at.hub.door.node.store.list('identity', { where: { known: 1 }, limit: LIST_MAX });
  const entries = rows.map(({ id, key, allowed, banned }) => ({
    agent_id: `@${id}`,
    name: key?.value.name,
    allowed: allowed?.value.allowed ?? true,
    banned: banned?.value.banned ?? false,
    note: allowed?.value.note ?? '',
  }));
  return done(at, 'list', { entries });
}

export async function kick({ admin_key: key, agent_id: id, reason }: FrameOf<'ADMIN_KICK'>, at: At): Answer {
  const refused = await act(key, at, { action: 'kick', bodies: [] });
  if (refused !== undefined) return refused;
  if (!at.hub.expel(id, 'KICKED', reason ?? '')) {
    if (!isElsewhere(id, at)) return bad('AGENT_NOT_FOUND', `Agent ${id} is not here`);
    at.hub.far.say({ kind: 'kick', agent_id: id, reason: reason ?? '' });
  }
  return done(at, 'kick', { agent_id: id });
}

/** In a channel through another hub, or logged in there last. */
function isElsewhere(id: string, { hub }: At): boolean {
  const { store, info } = hub.door.node;
  const member = speakerOf(id);
  if (member === undefined) return false;
  const seen = store.get('identity', id.slice(1))?.session?.value;
  const isLoggedIn = seen !== undefined && seen !== info.self;
  return isLoggedIn || store.count('member', { member, joined: 1 }) > 0;
}

export async function ban(frame: FrameOf<'ADMIN_BAN' | 'ADMIN_UNBAN'>, at: At, banned: boolean): Answer {
  const identity = frame.agent_id.slice(1);
  if (!/^[0-9a-f]{16}$/.test(identity)) return bad('INVALID_MSG', 'who has no key is kicked, and cannot be banned');
  const reason = ('reason' in frame ? frame.reason : undefined) ?? '';
  const body = { type: 'identity.banned', identity, banned, reason } as const;
  const action = banned ? 'ban' : 'unban';
  return (await act(frame.admin_key, at, { action, bodies: [body] })) ?? done(at, action, { agent_id: frame.agent_id });
}
