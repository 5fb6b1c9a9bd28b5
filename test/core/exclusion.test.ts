/** Nodes that an operator took out: their logs count up to one number on every node, in whichever order the news comes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Body } from '#core/schema/body.ts';
import { Machine } from './machine.ts';
import { Table } from './table.ts';
import { postBody, Writer } from './writer.ts';

const word = (node: Writer, lastSeq: number, type: 'node.revoked' | 'node.retired' = 'node.revoked'): Body => ({
  type,
  node: node.node,
  lastSeq,
});
const posts = (machine: Machine): string[] => machine.store.list('post', { limit: 100 }).map((post) => post.content);

describe('a node that was taken out', () => {
  it('counts up to the number that was said, and what comes later is refused', async () => {
    const machine = new Machine(0);
    await machine.register();
    const [gone, other] = [new Writer(7), new Writer(8)];
    await machine.receive(other.node, gone.frame([gone.hello(), ...gone.posts(3)]));
    await machine.receive(other.node, other.frame([other.hello(), other.next(word(gone, 2))]));
    await machine.run();
    expect(machine.store.heads().get(gone.node)?.seq).toBe(2);
    expect(posts(machine)).toHaveLength(1);
    await machine.receive(other.node, gone.frame(gone.posts(2)));
    expect(machine.store.heads().get(gone.node)?.seq).toBe(2);
    expect(machine.actions).toContainEqual({ kind: 'excluded', node: gone.node });
  });

  it('is the same on every node, in any order of its ops and of two words about it', async () => {
    const [gone, one, two] = [new Writer(7), new Writer(8), new Writer(9)];
    const theirs = [gone.hello(), ...gone.posts(5)];
    const frames = [
      gone.frame(theirs.slice(0, 2)),
      gone.frame(theirs.slice(2, 4)),
      gone.frame(theirs.slice(4)),
      one.frame([one.hello(), one.next(word(gone, 4, 'node.retired'))]),
      two.frame([two.hello(), two.next(word(gone, 3))]),
      two.frame([two.next(postBody('goes on'))]),
    ];
    const result = async (order: readonly number[]): Promise<unknown> => {
      const machine = new Machine(0);
      await machine.register();
      // Twice: what came too early the first time has its gap filled by the second, as repair would.
      for (const index of [...order, ...frames.keys()]) {
        const frame = frames[index];
        if (frame !== undefined) await machine.receive(one.node, frame);
      }
      await machine.run();
      expect(machine.failure).toBeUndefined();
      const row = machine.store.get('node', gone.node);
      return [machine.store.digest(), machine.core.headsDigest(), row?.excluded, machine.store.heads().get(gone.node)];
    };
    const expected = await result([...frames.keys()]);
    expect(expected).toMatchObject({ 2: { how: 'revoked', lastSeq: 3 }, 3: { seq: 3 } });
    const orders = fc.shuffledSubarray([...frames.keys()], { minLength: frames.length });
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        expect(await result(order)).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it('leaves the compared heads once all that counts of its log is held, and not before', async () => {
    const machine = new Machine(0);
    await machine.register();
    const before = machine.core.headsDigest();
    const [gone, other] = [new Writer(7), new Writer(8)];
    const theirs = [gone.hello(), ...gone.posts(3)];
    await machine.receive(other.node, gone.frame(theirs.slice(0, 2)));
    await machine.receive(other.node, other.frame([other.hello(), other.next(word(gone, 3))]));
    const lacking = machine.core.headsDigest();
    await machine.receive(other.node, gone.frame(theirs.slice(2)));
    expect(machine.core.headsDigest()).not.toBe(lacking);
    expect(machine.store.heads().get(gone.node)?.seq).toBe(3);
    expect(machine.core.headsDigest()).not.toBe(before);
  });

  it('is asked for no vote on a new task, and its agents are given none', async () => {
    const table = await Table.linked(4, { settings: { votersMax: 3 } });
    const [home, out] = [table.at(0), table.at(3)];
    await out.agent();
    await table.settle();
    await home.create({ type: 'node.retired', node: out.id, lastSeq: out.store.heads().get(out.id)?.seq ?? 0 });
    for (let n = 0; n < 20; n++) expect(home.core.votersForNewTask()).not.toContain(out.id);
    const task = await home.task();
    await home.run();
    expect(home.chain(task).status).toBe('pending');
  });

  it('stops when it hears of it, and does not start again', async () => {
    const machine = new Machine(0);
    await machine.register();
    const [self, other] = [new Writer(0), new Writer(8)];
    await machine.receive(other.node, other.frame([other.hello(), other.next(word(self, 1))]));
    expect(String(machine.failure)).toMatch(/was revoked by an operator.*join-code/s);
    expect(() => machine.restart()).toThrow(/was revoked by an operator/);
  });

  it('is back where the word about it falls away with the log of its author', async () => {
    const machine = new Machine(0);
    await machine.register();
    const [gone, liar, other] = [new Writer(7), new Writer(8), new Writer(9)];
    const theirs = [gone.hello(), ...gone.posts(3)];
    await machine.receive(other.node, gone.frame(theirs));
    await machine.receive(other.node, liar.frame([liar.hello(), liar.next(word(gone, 2))]));
    expect(machine.store.heads().get(gone.node)?.seq).toBe(2);
    await machine.receive(other.node, other.frame([other.hello(), other.next(word(liar, 1))]));
    await machine.run();
    expect(machine.store.get('node', gone.node)?.excluded).toBeUndefined();
    await machine.receive(other.node, gone.frame(theirs.slice(2)));
    expect(machine.store.heads().get(gone.node)?.seq).toBe(4);
  });
});
