/** What goes wrong on the market at a hub, by mistake or by intent: nothing of it is double, lost, or in the log where it must not be. */
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parsedPrincipal } from '#core/brand.ts';
import { PENDING_MAX } from '#core/market/deal.ts';
import { receiptsIn } from '#core/market/ratings.ts';
import type { Chatter, Key } from './hub-rig.ts';
import { HubRig, makeKey, signed } from './hub-rig.ts';

const MIB = 1024 * 1024;
/** Frames of a connection that is logged in, in ten seconds. */
const FRAMES_MAX = 60;
const SECRET = `sk-ant-api03-${'a'.repeat(40)}`;

let rig: HubRig;
let annKey: Key;
let bobKey: Key;
let ann: Chatter;
let bob: Chatter;
beforeEach(async () => {
  rig = await HubRig.start();
  [annKey, bobKey] = [makeKey(), makeKey()];
  ann = await rig.member(annKey, 'ann');
  bob = await rig.member(bobKey, 'bob');
});
afterEach(() => rig.close());

const proposal = (task: string, key = annKey): object => ({
  type: 'PROPOSAL',
  to: bobKey.id,
  task,
  sig: signed(key, `${bobKey.id}|${task}|||||`),
});
const made = async (task: string): Promise<string> => String((await ann.ask({ ...proposal(task) }, 'PROPOSAL'))['id']);
const acceptOf = (id: string): Record<string, unknown> => ({
  type: 'ACCEPT',
  proposal_id: id,
  sig: signed(bobKey, `ACCEPT|${id}||`),
});
const deals = () => rig.node.store.list('proposal', { limit: 1_000 });

it('two completions at once complete it once, and leave one receipt', async () => {
  const id = await made('Write the lexer');
  await bob.ask(acceptOf(id), 'ACCEPT');
  rig.node.wallMs += 60_000;
  const complete = { type: 'COMPLETE', proposal_id: id, sig: signed(annKey, `COMPLETE|${id}|`) };
  ann.say(complete);
  ann.say(complete);
  expect(await ann.hear('COMPLETE')).toMatchObject({ status: 'completed' });
  expect(await ann.hear('ERROR')).toMatchObject({ code: 'INVALID_PROPOSAL', message: 'PROPOSAL_NOT_ACCEPTED' });
  expect(receiptsIn(rig.node.store)).toHaveLength(1);
});

it('a signature holds for the deal that it names, and for who made it', async () => {
  const [first, second] = [await made('one'), await made('two')];
  const replayed = { ...acceptOf(first), proposal_id: second };
  expect(await bob.ask(replayed, 'ERROR')).toMatchObject({ code: 'VERIFICATION_FAILED' });
  expect(await ann.ask({ ...proposal('three', bobKey) }, 'ERROR')).toMatchObject({ code: 'VERIFICATION_FAILED' });
  expect(deals().map(({ accepted }) => accepted)).toEqual([undefined, undefined]);
  await bob.ask(acceptOf(first), 'ACCEPT');
  expect(await bob.ask(acceptOf(first), 'ERROR')).toMatchObject({ message: 'PROPOSAL_NOT_PENDING' });
});

it('a key that is displaced twice in a second hears of its deals at its newest connection alone, once', async () => {
  const second = await rig.member(bobKey, 'bob');
  const third = await rig.member(bobKey, 'bob');
  for (const old of [bob, second])
    expect(await old.hear('SESSION_DISPLACED')).toMatchObject({ type: 'SESSION_DISPLACED' });
  const id = await made('Write the lexer');
  // The one that was displaced last, too.
  second.say(acceptOf(id));
  expect(await third.hear('PROPOSAL')).toMatchObject({ id });
  third.say({ type: 'PING' });
  const { type } = await third.next();
  expect([type, deals()[0]?.accepted]).toEqual(['PONG', undefined]);
  expect(await third.ask(acceptOf(id), 'ACCEPT')).toMatchObject({ status: 'accepted' });
});

it('what has the shape of a key is refused with the reason, in each text, and is nowhere in the log', async () => {
  const why = { code: 'INVALID_MSG', message: expect.stringContaining('shape of a secret') };
  expect(await ann.ask({ ...proposal(`use ${SECRET}`) }, 'ERROR')).toMatchObject(why);
  const id = await made('Write the lexer');
  await bob.ask(acceptOf(id), 'ACCEPT');
  const proof = { type: 'COMPLETE', proposal_id: id, proof: SECRET, sig: signed(bobKey, `COMPLETE|${id}|${SECRET}`) };
  expect(await bob.ask(proof, 'ERROR')).toMatchObject(why);
  const reason = { type: 'DISPUTE', proposal_id: id, reason: SECRET, sig: signed(annKey, `DISPUTE|${id}|${SECRET}`) };
  expect(await ann.ask(reason, 'ERROR')).toMatchObject(why);
  expect(JSON.stringify(deals())).not.toContain(SECRET);
});

it('a frame above 2 MiB ends its connection, one below it that says too much is refused, and nothing is stored', async () => {
  const long = 'x'.repeat(MIB);
  expect(await ann.ask({ ...proposal(long) }, 'ERROR')).toMatchObject({ code: 'INVALID_MSG' });
  ann.say({ ...proposal(long.repeat(2)) });
  await once(ann.client.socket, 'close');
  expect(deals()).toEqual([]);
});

it('a flood of proposals ends its connection; one at a time, no more wait for an answer than a bound says', async () => {
  const { market, wallMs } = rig.node;
  for (let n = 0; n <= FRAMES_MAX; n++) ann.say({ ...proposal(`flood ${n}`) });
  const [code] = await once(ann.client.socket, 'close');
  expect(code).toBe(1008);
  const kept = deals().length;
  expect(kept).toBeLessThanOrEqual(FRAMES_MAX);
  const none = { amount: null, currency: null, paymentCode: null, terms: null, capability: null, stake: 0, sig: null };
  const [by, to] = [parsedPrincipal(`user:${annKey.id}`), parsedPrincipal(`user:${bobKey.id}`)];
  for (let n = kept; n < PENDING_MAX; n++)
    await market.propose({ ...none, by, to, task: `${n}`, expiresMs: wallMs + 60_000, offers: null });
  const back = await rig.member(annKey, 'ann');
  expect(await back.ask({ ...proposal('one more') }, 'ERROR')).toMatchObject({ code: 'RATE_LIMITED' });
  expect(deals()).toHaveLength(PENDING_MAX);
});
