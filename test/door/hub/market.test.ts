/** The market in AgentChat's words: a conversation of two clients, frame by frame, as `market.jsonl` has it. */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { userPrincipal } from '#core/brand.ts';
import { follow } from '../fake-market.ts';
import type { Chatter, Key } from './hub-rig.ts';
import { HubRig, makeKey, signed } from './hub-rig.ts';

let rig: HubRig;
beforeEach(async () => (rig = await HubRig.start()));
afterEach(() => rig.close());

const who = z.enum(['ann', 'bob', 'eve']);
const frame = z.record(z.string(), z.unknown());
const lineSchema = z.union([
  /** `signs`: what the frame's signature is of. */
  z.object({ who, say: frame, signs: z.string().optional() }),
  z.object({ who, hear: frame }),
  z.object({ later: z.number() }),
  z.object({ follow: z.literal(true) }),
  z.object({ operator: z.string(), about: z.string() }),
  z.object({ note: z.string() }),
]);

/** The key of a seed of one byte, repeated: so ids are the same each time. */
function keyOf(byte: number): Key {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, byte)]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  return { publicKey, privateKey, id: `@${createHash('sha256').update(publicKey).digest('hex').slice(0, 16)}` };
}

/** Ids of deals and signatures by the names that the lines have for them, `$deal1`, `$sig1`, in the order in which they come up. */
class Names {
  private readonly byValue = new Map<string, string>();
  private readonly counts = new Map<string, number>();

  learn(kind: string, value: string): void {
    if (this.byValue.has(value)) return;
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    this.byValue.set(value, `$${kind}${count}`);
  }

  named = (text: string): string => [...this.byValue].reduce((all, [value, name]) => all.replaceAll(value, name), text);
  /** A later name may begin with an earlier one. */
  meant = (text: string): string =>
    [...this.byValue].toReversed().reduce((all, [value, name]) => all.replaceAll(name, value), text);
}

async function decide(approvalAbout: string, note: string): Promise<void> {
  const [asked] = rig.node.store.list('approval', { where: { task: approvalAbout }, limit: 1 });
  if (asked === undefined) throw new Error('nobody was asked');
  const body = { type: 'approval.decided', decision: 'allow', note, rule: null } as const;
  await rig.node.append([{ entity: asked.id, by: userPrincipal('operator'), body }]);
  await follow(rig.node);
}

const lines = readFileSync(new URL('market.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => lineSchema.parse(JSON.parse(line)));

it('each frame of skills and deals is as the lines have it', async () => {
  const keys = { ann: keyOf(1), bob: keyOf(2), eve: keyOf(3) };
  const clients: Record<'ann' | 'bob' | 'eve', Chatter> = {
    ann: await rig.member(keys.ann, 'ann'),
    bob: await rig.member(keys.bob, 'bob'),
    eve: await rig.member(keys.eve, 'eve'),
  };
  const names = new Names();
  const heardFrames: unknown[] = [];
  for (const line of lines) {
    if ('say' in line) {
      const said = frame.parse(JSON.parse(names.meant(JSON.stringify(line.say))));
      if (line.signs !== undefined) {
        said['sig'] = signed(keys[line.who], names.meant(line.signs));
        names.learn('sig', String(said['sig']));
      }
      clients[line.who].say(said);
    } else if ('hear' in line) {
      const heard = await clients[line.who].next();
      if (heard['type'] === 'PROPOSAL') names.learn('deal', String(heard['id']));
      heardFrames.push({ who: line.who, hear: JSON.parse(names.named(JSON.stringify(heard))) });
    } else if ('later' in line) rig.node.wallMs += line.later;
    else if ('follow' in line) await follow(rig.node);
    else if ('operator' in line) await decide(names.meant(line.about), line.operator);
  }
  expect(heardFrames).toEqual(lines.filter((line) => 'hear' in line));
  expect(rig.faults).toEqual([]);
});

it('a client without a key has no market', async () => {
  const ann = await rig.guest('ann');
  const bob = await rig.member(makeKey(), 'bob');
  const proposal = { type: 'PROPOSAL', to: bob.id, task: 'x', sig: 'eA==' };
  expect(await ann.ask(proposal, 'ERROR')).toMatchObject({ code: 'SIGNATURE_REQUIRED' });
  const skills = { type: 'REGISTER_SKILLS', skills: [{ capability: 'x' }], sig: 'eA==' };
  expect(await ann.ask(skills, 'ERROR')).toMatchObject({ code: 'SIGNATURE_REQUIRED' });
});

it('who was away is shown what waits for it at its next login', async () => {
  const [ann, away] = [makeKey(), makeKey()];
  const here = await rig.member(ann, 'ann');
  const gone = await rig.member(away, 'bob');
  gone.client.socket.terminate();
  const text = `${away.id}|Write it|||||`;
  const proposal = { type: 'PROPOSAL', to: away.id, task: 'Write it', sig: signed(ann, text) };
  const { id } = await here.ask(proposal, 'PROPOSAL');
  const back = await rig.member(away, 'bob');
  expect(await back.hear('PROPOSAL')).toMatchObject({ id, status: 'pending', replay: true });
});

it('/health counts deals', async () => {
  const [ann, bob] = [makeKey(), makeKey()];
  const here = await rig.member(ann, 'ann');
  await rig.member(bob, 'bob');
  await here.ask({ type: 'PROPOSAL', to: bob.id, task: 'x', sig: signed(ann, `${bob.id}|x|||||`) }, 'PROPOSAL');
  const health: unknown = await (await fetch(`${rig.hub.url.replace('ws:', 'http:')}/health`)).json();
  expect(health).toMatchObject({ proposals: { total: 1, byStatus: { pending: 1 }, agents: 0 } });
});

it('nobody proposes to a guest, who could neither accept nor reject', async () => {
  const ann = makeKey();
  const [client, guest] = [await rig.member(ann, 'ann'), await rig.guest('bob')];
  const sig = signed(ann, `${guest.id}|Write it|||||`);
  const refused = await client.ask({ type: 'PROPOSAL', to: guest.id, task: 'Write it', sig }, 'ERROR');
  expect(refused).toMatchObject({ code: 'NOT_ALLOWED', message: expect.stringContaining('has no key') });
  expect(rig.node.store.list('proposal', { limit: 1 })).toEqual([]);
});
