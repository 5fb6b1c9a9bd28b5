/** How nodes come to hold the same ops: what is said at a link, what is answered, and what is never said twice. */
import { describe, expect, it } from 'vitest';
import { FRAME } from '#core/schema/frame.ts';
import { heads, headsIn, holding, opsIn, other, pagesIn, peer, seqsOf } from './linked.ts';
import { Machine } from './machine.ts';
import { Table } from './table.ts';
import { postBody, Writer } from './writer.ts';

describe('at a link', () => {
  it('both ends name all their heads', async () => {
    const { machine, writer } = await holding(3);
    await machine.linkDown(peer);
    await machine.linkUp(peer);
    expect(headsIn(machine.takeSent())).toEqual([
      {
        type: FRAME.heads,
        digest: machine.core.headsDigest(),
        heads: { [machine.id]: 1, [writer.node]: 3 },
        whole: true,
        count: 0,
        yours: 0,
      },
    ]);
  });

  it('and after an overflow of the queue again', async () => {
    const { machine } = await holding(3);
    machine.core.drained(peer, machine.clock());
    await machine.run();
    expect(headsIn(machine.takeSent())).toMatchObject([{ whole: true }]);
    machine.core.drained(new Writer(77).node, machine.clock());
    await machine.run();
    expect(machine.takeSent()).toEqual([]);
  });
});

describe('heads that arrive', () => {
  it('equal: nothing is said, whole or as a question', async () => {
    const { machine, writer } = await holding(3);
    const digest = machine.core.headsDigest();
    await machine.receive(peer, heads({ digest }));
    await machine.receive(peer, heads({ digest, heads: { [machine.id]: 1, [writer.node]: 3 }, whole: true }));
    expect(machine.takeSent()).toEqual([]);
  });

  it('a digest alone that differs is answered with all heads', async () => {
    const { machine } = await holding(3);
    await machine.receive(peer, heads({}));
    const said = machine.takeSent();
    expect(headsIn(said)).toMatchObject([{ whole: true }]);
    expect(pagesIn(said)).toEqual([]);
  });

  it('whole ones that lack an author are answered with its log', async () => {
    const { machine, writer } = await holding(3);
    await machine.receive(peer, heads({ heads: { [writer.node]: 1 }, whole: true }));
    const said = opsIn(machine.takeSent());
    expect(said).toHaveLength(2);
    expect(said).toMatchObject([{ op: [expect.stringContaining('"seq":1'), expect.anything()] }, { ops: [{}, {}] }]);
  });

  it('partial ones say nothing of an author they do not name', async () => {
    const { machine, writer } = await holding(3);
    await machine.receive(peer, heads({ heads: { [writer.node]: 2 } }));
    expect(opsIn(machine.takeSent())).toMatchObject([{ op: [expect.stringContaining('"seq":3'), expect.anything()] }]);
  });

  it('higher ones are asked for, once', async () => {
    const { machine, writer } = await holding(3);
    machine.nowMs += 10_000;
    for (let n = 0; n < 3; n++)
      await machine.receive(peer, heads({ heads: { [writer.node]: 9, [other]: 4 }, whole: true }));
    expect(headsIn(machine.takeSent()).filter((frame) => frame.whole !== true)).toMatchObject([
      { heads: { [writer.node]: 3, [other]: 0 } },
    ]);
    machine.nowMs += 2_000;
    await machine.receive(peer, heads({ heads: { [writer.node]: 9 } }));
    expect(headsIn(machine.takeSent())).toMatchObject([{ heads: { [writer.node]: 3 } }]);
  });

  it("are not asked for while the answer to this node's own heads is on its way; a lost one is noticed soon", async () => {
    const { machine, writer } = await holding(3);
    await machine.receive(peer, heads({ heads: { [writer.node]: 9 } }));
    expect(machine.takeSent()).toEqual([]);
    machine.nowMs += 2_000;
    await machine.tick();
    const said = machine.takeSent();
    expect(headsIn(said)).toEqual([{ type: FRAME.heads, digest: machine.core.headsDigest() }]);
    expect(JSON.stringify(headsIn(said)[0]).length).toBeLessThanOrEqual(64);
  });

  it('with names that are no ids do no harm', async () => {
    const { machine } = await holding(3);
    machine.nowMs += 10_000;
    await machine.receive(peer, heads({ heads: { __proto__: 4, constructor: 7, '': 1 }, whole: true }));
    await machine.run();
    expect(machine.failure).toBeUndefined();
  });

  it('with equal numbers under another digest lead to the op where a log parts, also below', async () => {
    const table = await Table.of(2);
    const writer = new Writer(7);
    const base = [writer.hello(), ...writer.posts(1)];
    const twin = writer.fork();
    await table.at(0).receive(other, writer.frame([...base, ...writer.posts(3)]));
    await table
      .at(1)
      .receive(other, twin.frame([...base, ...Array.from({ length: 3 }, () => twin.next(postBody('otherwise')))]));
    table.machines.forEach((machine) => machine.takeSent());
    await table.link(0, 1);
    await table.advance(10_000);
    for (const machine of table.machines) expect(machine.store.get('node', writer.node)).toMatchObject({ forkedAt: 3 });
    expect(table.at(0).store.digest()).toBe(table.at(1).store.digest());
  });
});

describe('a page', () => {
  it('holds at most 256 ops and ends on a signed one; the last of an answer asks what is held now', async () => {
    const { machine, writer } = await holding(600);
    await machine.receive(peer, heads({ heads: { [writer.node]: 0 } }));
    const pages = pagesIn(machine.takeSent());
    expect(pages.map((page) => seqsOf(page).length)).toEqual([256, 256, 88]);
    expect(pages.map((page) => page.more)).toEqual([undefined, undefined, true]);
    // The rest is on its way; what the peer says it holds is the receipt.
    await machine.receive(peer, heads({ heads: { [writer.node]: 100 } }));
    expect(pagesIn(machine.takeSent())).toEqual([]);
    machine.nowMs += 2_000;
    await machine.receive(peer, heads({ heads: { [writer.node]: 512 } }));
    const [last] = pagesIn(machine.takeSent());
    expect(seqsOf(last)).toHaveLength(88);
    expect(last?.more).toBeUndefined();
  });

  it('of large ops fits a frame', async () => {
    const machine = new Machine(0);
    const writer = new Writer(5);
    const ops = [writer.hello(), ...Array.from({ length: 20 }, () => writer.next(postBody('"'.repeat(30_000))))];
    for (const op of ops) await machine.receive(other, writer.frame([op]));
    await machine.linkUp(peer);
    machine.takeSent();
    await machine.receive(peer, heads({ heads: { [writer.node]: 0 } }));
    const pages = pagesIn(machine.takeSent());
    expect(pages.map((page) => page.more)).toEqual([undefined, true]);
    for (const page of pages) expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(1024 * 1024);
  });

  it('that says `more` is followed by a question for the rest, to that peer alone', async () => {
    const machine = new Machine(0);
    await machine.linkUp(peer);
    await machine.linkUp(other);
    machine.takeSent();
    const writer = new Writer(5);
    await machine.receive(peer, writer.frame([writer.hello(), ...writer.posts(9)], true));
    const said = machine.takeSent();
    expect(headsIn(said)).toMatchObject([{ heads: { [writer.node]: 10 } }]);
    expect(headsIn(said, other)).toEqual([]);
  });

  it('a log answers whole heads, and twenty authors arrive, each op once', async () => {
    const [full, empty] = [new Machine(0), new Machine(1)];
    for (let index = 10; index < 30; index++) {
      const writer = new Writer(index);
      await full.receive(other, writer.frame([writer.hello(), ...writer.posts(3)]));
    }
    full.takeSent();
    await full.linkUp(empty.id);
    await full.receive(empty.id, heads({ heads: {}, whole: true }));
    expect(opsIn(full.takeSent())).toHaveLength(20);

    const table = new Table();
    table.machines.push(full, empty);
    await table.link(0, 1);
    await table.settle();
    expect(empty.store.heads().size).toBe(20);
    expect(empty.core.headsDigest()).toBe(full.core.headsDigest());
    expect(
      new Set(
        table.delivered
          .filter(({ to, frame }) => to === empty && frame.type === FRAME.ops)
          .map(({ frame }) => JSON.stringify(frame)),
      ).size,
    ).toBe(20);
  });
});

describe('two nodes that come together', () => {
  it('send each op once in either direction, whatever they hold', async () => {
    const table = await Table.of(2);
    for (const [index, machine] of table.machines.entries()) {
      for (let author = 0; author < 12; author++) {
        const writer = new Writer(100 + index * 20 + author);
        const ops = [writer.hello(), ...writer.posts(299)];
        await machine.receive(other, writer.frame(ops.slice(0, 200)));
        await machine.receive(other, writer.frame(ops.slice(200)));
      }
      machine.takeSent();
    }
    await table.link(0, 1);
    await table.settle();
    const sent = table.delivered.flatMap(({ frame }) => ('ops' in frame ? frame.ops : 'op' in frame ? [frame.op] : []));
    expect(sent).toHaveLength(2 * (12 * 300 + 1));
    expect(table.at(0).core.headsDigest()).toBe(table.at(1).core.headsDigest());
    const before = table.delivered.length;
    await table.advance(5_000);
    expect(
      table.delivered.slice(before).filter(({ frame }) => frame.type === FRAME.heads && frame.heads !== undefined),
    ).toEqual([]);
  });

  it('repair what was lost from a link within seconds of its overflow', async () => {
    const table = await Table.linked(2);
    await table.advance(10_000);
    let lost = 0;
    table.passes = ({ frame }) => {
      if ('op' in frame) lost += 1;
      return !('op' in frame);
    };
    await table.at(0).create(postBody('lost at first'));
    await table.settle();
    table.passes = () => true;
    expect(lost).toBe(1);
    table.at(0).core.drained(table.at(1).id, table.at(0).clock());
    await table.at(0).run();
    await table.advance(100);
    expect(table.at(1).store.list('post', { limit: 1 })).toHaveLength(1);
  });

  it('repair an answer that was lost right after the link came up, too', async () => {
    const table = await Table.of(2);
    await table.at(0).create(postBody('wanted'));
    table.at(0).takeSent();
    table.passes = ({ frame }) => !('op' in frame || 'ops' in frame);
    await table.link(0, 1);
    await table.settle();
    table.passes = () => true;
    table.at(0).core.drained(table.at(1).id, table.at(0).clock());
    await table.at(0).run();
    await table.advance(5_000);
    expect(table.at(1).store.list('post', { limit: 1 })).toHaveLength(1);
  });

  it('notice what was lost without anybody knowing within a minute', async () => {
    const table = await Table.linked(2);
    table.passes = ({ frame }) => !('op' in frame);
    await table.at(0).create(postBody('lost'));
    await table.settle();
    table.passes = () => true;
    await table.advance(61_000);
    expect(table.at(1).store.list('post', { limit: 1 })).toHaveLength(1);
  });
});
