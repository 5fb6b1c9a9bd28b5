/** What a peer lacks comes to it, whatever the link does, and never more at once than an answer: gaps, losses, orders and sizes are drawn at random. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANSWER_MAX_BYTES } from '#core/answers.ts';
import { BATCH_MAX_BYTES } from '#core/op.ts';
import type { Frame } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import { heads, headsIn, other, pagesIn, peer } from './linked.ts';
import { Machine } from './machine.ts';
import { Table } from './table.ts';
import { postBody, Writer } from './writer.ts';

/** Op texts of one answer, JSON's escapes and prefixes included; every body here is of letters. */
const IN_FLIGHT_MAX_BYTES = 1.25 * (ANSWER_MAX_BYTES + BATCH_MAX_BYTES);

type History = { ops: number; batch: number; bodyBytes: number; heldByLacking: number; cut: boolean };

const history: fc.Arbitrary<History> = fc
  .record({
    ops: fc.integer({ min: 1, max: 300 }),
    batch: fc.constantFrom(1, 7, 64, 256),
    bodyBytes: fc.constantFrom(10, 10, 300, 8_000),
    held: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.boolean(),
  })
  .map(({ ops, batch, bodyBytes, held, cut }) => ({
    ops,
    // An author's own batch fits one.
    batch: bodyBytes > 1_000 ? Math.min(batch, 32) : batch,
    bodyBytes,
    heldByLacking: Math.floor(held * ops),
    cut,
  }));

/** Fills two machines: the first holds all of each history, the second its beginning, and of every third the other way round. */
async function fill(histories: readonly History[], [a, b]: readonly [Machine, Machine]): Promise<Writer[]> {
  const writers: Writer[] = [];
  for (const [index, one] of histories.entries()) {
    const writer = new Writer(100 + index);
    writers.push(writer);
    const [whole, lacking] = index % 3 === 2 ? [b, a] : [a, b];
    for (let made = 0; made < one.ops; made += one.batch) {
      const count = Math.min(one.batch, one.ops - made);
      const ops = Array.from({ length: count }, (_, at) =>
        made + at === 0 ? writer.hello() : writer.next(postBody('x'.repeat(one.bodyBytes))),
      );
      const frame = writer.frame(ops);
      await whole.receive(other, frame);
      if (made + count <= one.heldByLacking) await lacking.receive(other, frame);
    }
    if (!one.cut) continue;
    // An operator's word that this log counts only up to a batch of its first half, known to one of them.
    const lastSeq = Math.floor(one.ops / 2 / one.batch) * one.batch;
    const body = { type: 'node.revoked' as const, node: writer.node, lastSeq, reason: 'test' };
    await a.create(body);
  }
  for (const machine of [a, b]) machine.takeSent();
  return writers;
}

const opBytes = (frame: Frame): number => ('ops' in frame || 'op' in frame ? JSON.stringify(frame).length : 0);

type Letter = { from: Machine; to: Machine; frame: Frame };

/** Two machines with a link that keeps what it carries until the test lets it pass, loses some, and may change the order. */
class Wire {
  readonly machines: readonly [Machine, Machine];
  private readonly queue: Letter[] = [];
  mostBytes = 0;

  constructor(machines: readonly [Machine, Machine]) {
    this.machines = machines;
  }

  collect(): void {
    for (const [index, from] of this.machines.entries()) {
      const to = this.machines[1 - index];
      if (to === undefined) continue;
      for (const { frame, to: node } of from.takeSent()) if (node === to.id) this.queue.push({ from, to, frame });
      const waiting = this.queue.filter((letter) => letter.from === from);
      this.mostBytes = Math.max(
        this.mostBytes,
        waiting.reduce((sum, { frame }) => sum + opBytes(frame), 0),
      );
    }
  }

  /** One letter passes or is lost: the oldest, or another of the first few. False when nothing is under way. */
  async step(o: { skip: number; lose: boolean }): Promise<boolean> {
    this.collect();
    const [letter] = this.queue.splice(Math.min(o.skip, this.queue.length - 1), 1);
    if (letter === undefined) return false;
    if (!o.lose) await letter.to.receive(letter.from.id, letter.frame);
    return true;
  }

  async passTime(ms: number): Promise<void> {
    for (const machine of this.machines) {
      machine.nowMs += ms;
      await machine.tick();
    }
  }
}

describe('repair', () => {
  it('gives both nodes the same logs after any loss, in any order, with any gaps, pages and cut logs; in flight is one answer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(history, { minLength: 1, maxLength: 12 }),
        fc.array(
          fc.record({ skip: fc.constantFrom(0, 0, 0, 1, 3), lose: fc.constantFrom(false, false, false, true) }),
          {
            maxLength: 200,
          },
        ),
        fc.integer({ min: 0, max: 900 }),
        async (histories, weather, slownessMs) => {
          const table = await Table.of(2);
          const [a, b] = [table.at(0), table.at(1)];
          await fill(histories, [a, b]);
          const wire = new Wire([a, b]);
          await a.linkUp(b.id);
          await b.linkUp(a.id);
          for (const one of weather) {
            await wire.step(one);
            await wire.passTime(slownessMs);
          }
          for (let minute = 0; minute < 4; minute++) {
            for (let step = 0; step < 10_000 && (await wire.step({ skip: 0, lose: false })); step++);
            for (let second = 0; second < 61; second++) {
              await wire.passTime(1_000);
              for (let step = 0; step < 10_000 && (await wire.step({ skip: 0, lose: false })); step++);
            }
          }
          expect(a.failure ?? b.failure).toBeUndefined();
          expect(a.core.headsDigest()).toBe(b.core.headsDigest());
          expect(a.store.digest()).toBe(b.store.digest());
          expect(wire.mostBytes).toBeLessThan(2 * IN_FLIGHT_MAX_BYTES);
          expect(Object.fromEntries(a.store.heads())).toEqual(Object.fromEntries(b.store.heads()));
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('a peer that reads slowly', () => {
  it('is owed the rest, but gets one answer at a time, however long it takes and whatever it asks meanwhile', async () => {
    const table = await Table.of(2);
    const [a, b] = [table.at(0), table.at(1)];
    const one = { ops: 200, batch: 8, bodyBytes: 8_000, heldByLacking: 0, cut: false };
    const writers = await fill([one, one], [a, b]);
    await a.linkUp(b.id);
    a.takeSent();
    let waiting = 0;
    let most = 0;
    let arrived = 0;
    const take = (): Frame[] =>
      a.takeSent().flatMap(({ frame, to }) => (to === b.id && opBytes(frame) > 0 ? [frame] : []));
    await a.receive(b.id, heads({ heads: {}, whole: true }));
    const link: Frame[] = take();
    for (let second = 0; second < 600 && (link.length > 0 || second === 0); second++) {
      // One page in three seconds, and each second a question of which the answer is on its way.
      a.nowMs += 1_000;
      if (second % 3 === 2) {
        const frame = link.shift();
        if (frame !== undefined && 'ops' in frame) {
          arrived += frame.ops.length;
          const author = writers.find(({ node }) => frame.ops[0]?.[0].includes(node));
          const held = Number(/"seq":(\d+)/.exec(frame.ops.at(-1)?.[0] ?? '')?.[1]);
          if (frame.more === true && author !== undefined)
            await a.receive(b.id, heads({ heads: { [author.node]: held } }));
        }
      } else await a.receive(b.id, heads({}));
      link.push(...take());
      waiting = link.reduce((sum, frame) => sum + opBytes(frame), 0);
      most = Math.max(most, waiting);
    }
    expect(arrived).toBeGreaterThanOrEqual(400);
    expect(most).toBeGreaterThan(ANSWER_MAX_BYTES);
    expect(most).toBeLessThan(IN_FLIGHT_MAX_BYTES);
  });

  it('that says nothing gets nothing more', async () => {
    const machine = new Machine(0);
    await machine.register();
    const [spare] = (await Table.of(2)).machines.slice(1);
    await fill([{ ops: 300, batch: 10, bodyBytes: 8_000, heldByLacking: 0, cut: false }], [machine, spare ?? machine]);
    await machine.linkUp(peer);
    await machine.receive(peer, heads({ heads: {}, whole: true }));
    const bytes = pagesIn(machine.takeSent()).reduce((sum, frame) => sum + opBytes(frame), 0);
    expect(bytes).toBeLessThan(IN_FLIGHT_MAX_BYTES);
    for (let minute = 0; minute < 10; minute++) {
      machine.nowMs += 60_000;
      await machine.tick();
    }
    expect(pagesIn(machine.takeSent())).toEqual([]);
  });
});

describe('a long answer', () => {
  it('is taken from one peer: others are told that none is wanted of them', async () => {
    const machine = new Machine(0);
    await machine.linkUp(peer);
    machine.takeSent();
    const writer = new Writer(5);
    await machine.receive(peer, writer.frame([writer.hello(), ...writer.posts(9)], true));
    await machine.linkUp(other);
    const said = machine.takeSent();
    expect(headsIn(said, peer)).toMatchObject([{ heads: { [writer.node]: 10 } }]);
    expect(headsIn(said, other)).toMatchObject([{ whole: true, asks: false }]);
    // Nor does it ask that one for what it holds more.
    await machine.receive(other, heads({ heads: { [writer.node]: 99 }, whole: true }));
    expect(headsIn(machine.takeSent(), other)).toEqual([]);
    // Once nothing comes any more, all are compared with.
    machine.nowMs += 2_000;
    await machine.tick();
    expect(headsIn(machine.takeSent(), other)).toHaveLength(1);
  });

  it('is not given to who does not ask', async () => {
    const machine = new Machine(0);
    await machine.register();
    await machine.linkUp(peer);
    machine.takeSent();
    await machine.receive(peer, { type: FRAME.heads, digest: '0'.repeat(32), heads: {}, whole: true, asks: false });
    expect(machine.takeSent().filter(({ frame }) => opBytes(frame) > 0)).toEqual([]);
  });
});
