/** Heads of many logs: digests of parts are compared, and only the parts that differ are named. */
import { beforeAll, describe, expect, it } from 'vitest';
import { FRAME } from '#core/schema/frame.ts';
import { heads, headsIn, opsIn, other, pagesIn, peer } from './linked.ts';
import { Machine } from './machine.ts';
import { Table } from './table.ts';
import { Writer } from './writer.ts';

const AUTHORS = 300;
const writers = Array.from({ length: AUTHORS }, (_, index) => new Writer(1_000 + index));
const [first] = writers;

/** Machines 0 and 1; each holds one op of each author, the first one two more of one of them. */
let table: Table;
let part: string;

beforeAll(async () => {
  table = await Table.of(2);
  for (const writer of writers) {
    const frame = writer.frame([writer.hello()]);
    for (const machine of table.machines) await machine.receive(other, frame);
  }
  if (first === undefined) return;
  await table.at(0).receive(other, first.frame(first.posts(2)));
  part = first.node.slice(0, 1);
  for (const machine of table.machines) machine.takeSent();
});

describe('heads of more logs than one frame should name', () => {
  it('are compared by parts, and only what differs is named and sent', async () => {
    await table.link(0, 1);
    await table.settle();
    const said = table.delivered.filter(({ frame }) => frame.type === FRAME.heads);
    const frames = said.flatMap(({ frame }) => (frame.type === FRAME.heads ? [frame] : []));
    expect(frames.filter((frame) => frame.whole === true)).toEqual([]);
    expect(frames.slice(0, 2).map((frame) => Object.keys(frame.parts ?? {}).length)).toEqual([16, 16]);
    const own = table.machines.map(({ id }) => id.slice(0, 1));
    const named = new Set(frames.flatMap((frame) => frame.part ?? []));
    expect([...named].toSorted()).toEqual([...new Set([part, ...own])].toSorted());
    expect(opsIn(table.delivered.map((letter) => ({ to: letter.to.id, frame: letter.frame })))).toHaveLength(3);
    expect(table.at(0).core.headsDigest()).toBe(table.at(1).core.headsDigest());
    expect(table.at(0).store.digest()).toBe(table.at(1).store.digest());
  });

  it('a part that is equal is passed over, one that is empty there is named whole', async () => {
    const machine = table.at(0);
    await machine.linkUp(peer);
    const [opening] = headsIn(machine.takeSent());
    await machine.receive(peer, { type: FRAME.heads, digest: '0'.repeat(32), parts: opening?.parts ?? {} });
    expect(headsIn(machine.takeSent())).toEqual([]);
    await machine.receive(peer, { type: FRAME.heads, digest: '0'.repeat(32), parts: { [part]: '0'.repeat(32) } });
    const [named] = headsIn(machine.takeSent());
    expect(Object.keys(named?.heads ?? {}).every((node) => node.startsWith(part))).toBe(true);
    expect(named?.part).toBe(part);
    // The peer lacks one log of that part, and no other is spoken of.
    machine.nowMs += 3_000;
    const rest = Object.entries(named?.heads ?? {}).filter(([node]) => node !== first?.node);
    await machine.receive(peer, {
      type: FRAME.heads,
      digest: '0'.repeat(32),
      heads: Object.fromEntries(rest),
      part,
    });
    expect(pagesIn(machine.takeSent()).map((page) => page.ops.length)).toEqual([3]);
  });

  it('an older node answers as it always did: with all it holds', async () => {
    const machine = new Machine(7);
    await machine.register();
    await machine.linkUp(peer);
    machine.takeSent();
    // To it a frame without heads is a question, and one with some names those.
    await machine.receive(peer, heads({}));
    expect(headsIn(machine.takeSent())).toMatchObject([{ whole: true }]);
  });

  it('a node that starts hears of itself by an equal digest of its part, too', async () => {
    const machine = table.at(1).restart({ comparing: true });
    expect(machine.core.standing().state).toBe('comparing');
    // Only a node of the swarm counts: the author of one of the logs.
    const from = first?.node ?? peer;
    await machine.linkUp(from);
    const [opening] = headsIn(machine.takeSent(), from);
    const answered = machine.core.standing().answered;
    await machine.receive(from, { type: FRAME.heads, digest: '0'.repeat(32), parts: opening?.parts ?? {} });
    expect(machine.core.standing().answered).toBe(answered + 1);
    const unequal = { [machine.id.slice(0, 1)]: '0'.repeat(32) };
    const second = writers[1]?.node ?? peer;
    await machine.linkUp(second);
    await machine.receive(second, { type: FRAME.heads, digest: '0'.repeat(32), parts: unequal });
    expect(machine.core.standing().answered).toBe(answered + 1);
  });
});
