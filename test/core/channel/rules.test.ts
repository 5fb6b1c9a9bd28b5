/** Who may join and speak, as folded from what was said about channels and members. */
import { describe, expect, it } from 'vitest';
import {
  channelOf,
  isChannelOperator,
  isMember,
  joinBar,
  memberCount,
  publicChannels,
  speakBar,
} from '#core/channel/rules.ts';
import { userPrincipal } from '#core/brand.ts';
import type { Body } from '#core/schema/body.ts';
import { FakeNode, OTHER, SELF } from '../../door/fake-node.ts';

const [ann, bob] = [userPrincipal('ann'), userPrincipal('bob')];
const open = { inviteOnly: false, verifiedOnly: false };

type Said = readonly (readonly [by: typeof ann, body: Body])[];

async function said(...bodies: Said): Promise<FakeNode> {
  const node = new FakeNode();
  for (const [by, body] of bodies) await node.commit(SELF, [{ entity: undefined, by, body }]);
  return node;
}
const created = (channel: string, o: Partial<typeof open> = {}): Body => ({
  type: 'channel.created',
  channel,
  ...open,
  ...o,
});
const about = { channel: '#x', member: bob };
const joined: Body = { type: 'channel.joined', ...about, name: 'bob' };

describe('a channel', () => {
  it('is there when somebody made it, or from the start', async () => {
    const { store } = await said([ann, created('#x')], [ann, { type: 'channel.topicSet', channel: '#y', topic: 't' }]);
    expect(channelOf(store, '#x')?.created?.value).toBe(ann);
    expect(channelOf(store, '#general')).toBeDefined();
    expect(channelOf(store, '#y')).toBeUndefined();
    expect(publicChannels(store, 100).map(({ id }) => id)).toEqual(expect.arrayContaining(['#x', '#general']));
  });

  it('that two nodes made is as closed as either wanted, and owned by the first', async () => {
    const node = await said([ann, created('#x')]);
    await node.commit(OTHER, [{ entity: undefined, by: bob, body: created('#x', { inviteOnly: true }) }]);
    const { store } = node;
    expect(channelOf(store, '#x')).toMatchObject({ inviteOnly: true, created: { value: ann } });
    expect(publicChannels(store, 100).map(({ id }) => id)).not.toContain('#x');
    expect(isChannelOperator(store, about)).toBe(false);
  });
});

describe('joining', () => {
  const bar = async (...bodies: Said) => joinBar((await said(...bodies)).store, { ...about, isVerified: false });

  it('is free in an open channel', async () => {
    expect(await bar([ann, created('#x')])).toBeUndefined();
    expect(await bar()).toBe('unknown');
  });

  it('needs an invitation where it is by invitation, which a kick takes back', async () => {
    const closed = created('#x', { inviteOnly: true });
    const invited: Body = { type: 'channel.invited', ...about };
    expect(await bar([ann, closed])).toBe('not_invited');
    expect(await bar([ann, closed], [ann, invited])).toBeUndefined();
    expect(await bar([bob, closed])).toBeUndefined();
    expect(await bar([ann, closed], [ann, invited], [ann, { type: 'channel.kicked', ...about, reason: '' }])).toBe(
      'not_invited',
    );
  });

  it('needs a proven key where it is for verified ones', async () => {
    const { store } = await said([ann, created('#x', { verifiedOnly: true })]);
    expect(joinBar(store, { ...about, isVerified: false })).toBe('not_verified');
    expect(joinBar(store, { ...about, isVerified: true })).toBeUndefined();
  });

  it('is barred by a ban until it is taken back', async () => {
    const ban = (banned: boolean): Body => ({ type: 'channel.banned', ...about, banned, reason: '' });
    expect(await bar([ann, created('#x')], [bob, joined], [ann, ban(true)])).toBe('banned');
    expect(await bar([ann, created('#x')], [ann, ban(true)], [ann, ban(false)])).toBeUndefined();
  });
});

describe('speaking', () => {
  const bar = async (sinceMs: number, ...bodies: Said) =>
    speakBar((await said(...bodies)).store, { ...about, sinceMs });

  it('is for members', async () => {
    expect(await bar(0)).toBe('unknown');
    expect(await bar(0, [ann, created('#x')])).toBe('not_member');
    expect(await bar(0, [ann, created('#x')], [bob, joined])).toBeUndefined();
    expect(await bar(0, [bob, joined], [bob, { type: 'channel.left', ...about }], [ann, created('#x')])).toBe(
      'not_member',
    );
  });

  it('hides nothing that joining shows, too: a channel by invitation is one that strangers are not in', async () => {
    expect(await bar(0, [ann, created('#x', { inviteOnly: true })])).toBe('not_member');
  });

  it('is not for the muted, nor at any pace in slow mode, but for operators', async () => {
    const start = [
      [ann, created('#x')],
      [bob, joined],
    ] as const;
    const slow: Body = { type: 'channel.slowSet', channel: '#x', seconds: 10 };
    const operator: Body = { type: 'channel.roleSet', ...about, role: 'operator' };
    expect(await bar(99_999, ...start, [ann, { type: 'channel.muted', ...about, muted: true }])).toBe('muted');
    expect(await bar(9_999, ...start, [ann, slow])).toBe('slow');
    expect(await bar(10_000, ...start, [ann, slow])).toBeUndefined();
    expect(await bar(0, ...start, [ann, slow], [ann, operator])).toBeUndefined();
  });

  it('ends with a kick and a ban, which take one out of the members', async () => {
    for (const type of ['channel.kicked', 'channel.banned'] as const) {
      const body: Body =
        type === 'channel.kicked' ? { type, ...about, reason: '' } : { type, ...about, banned: true, reason: '' };
      const { store } = await said([ann, created('#x')], [bob, joined], [ann, body]);
      expect(isMember(store, about)).toBe(false);
      expect(memberCount(store, '#x')).toBe(0);
    }
  });
});
