/** What every transport keeps, whatever lies under it. Run by test/fabric on the mesh and on the fabric in memory. */
import { afterEach, describe, expect, it } from 'vitest';
import type { NodeId } from '#core/brand.ts';
import type { Frame, Goodbye } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { LinkTraffic } from '#core/tally.ts';
import type { Transport } from '#ports.ts';
import { Witness } from './transport-witness.ts';

/** One node of a fabric under test. */
export type TransportPeer = {
  transport: Transport;
  node: NodeId;
  /** Where it can be dialled; known once it is started. */
  address: () => string;
};

export type TransportFabric = {
  /** A node that is not started. A name that was used before means the same node at the same address; its earlier transport is closed. */
  make(name: string): TransportPeer;
};

type Started = TransportPeer & { witness: Witness };

const forked: Goodbye = { type: FRAME.goodbye, code: 'forked', message: 'a test says so' };

const callWith = (from: TransportPeer, to: TransportPeer, params: unknown): Frame => ({
  type: FRAME.call,
  id: 'c',
  from: from.node,
  to: to.node,
  method: 'm',
  lamport: 1,
  deadline_ms: 5,
  params,
});

/** A small frame that carries a number. */
export const numbered = (n: number): Frame => ({ type: FRAME.watch, topics: [String(n)] });
export const numbersOf = (frames: readonly Frame[]): number[] =>
  frames.flatMap((frame) => (frame.type === FRAME.watch ? frame.topics.map(Number) : []));

/** What went over the first one's link to the second. */
function trafficOf(one: TransportPeer, other: TransportPeer): LinkTraffic {
  const link = one.transport.links().find(({ node }) => node === other.node);
  if (link === undefined) throw new Error('the test expected a link');
  return link.traffic;
}

export function transportContract(name: string, open: () => TransportFabric): void {
  const made: TransportPeer[] = [];
  afterEach(async () => {
    await Promise.all(made.splice(0).map(({ transport }) => transport.close()));
  });

  function maker(): { make: (peer: string) => TransportPeer; start: (peer: string) => Promise<Started> } {
    const fabric = open();
    const make = (peer: string): TransportPeer => {
      const one = fabric.make(peer);
      made.push(one);
      return one;
    };
    return {
      make,
      start: async (peer) => {
        const one = make(peer);
        const witness = new Witness();
        await one.transport.start(witness);
        return { ...one, witness };
      },
    };
  }

  const expectLinked = (a: Started, b: Started): Promise<unknown> =>
    Promise.all([
      a.witness.until('linked', () => a.transport.links().some(({ node }) => node === b.node)),
      b.witness.until('linked', () => b.transport.links().some(({ node }) => node === a.node)),
    ]);

  async function pair(): Promise<[Started, Started]> {
    const { start } = maker();
    const [a, b] = [await start('a'), await start('b')];
    a.transport.learn(b.address());
    await expectLinked(a, b);
    return [a, b];
  }

  describe(`${name}: links`, () => {
    it('come up on both ends, and say with whom and who dialled', async () => {
      const [a, b] = await pair();
      expect(a.transport.links()).toMatchObject([{ node: b.node, outbound: true, address: b.address() }]);
      expect(b.transport.links()).toMatchObject([{ node: a.node, outbound: false }]);
      expect(a.witness.ups).toHaveLength(1);
      expect(b.witness.ups).toHaveLength(1);
    });

    it('are found through a common peer', async () => {
      const { start } = maker();
      const [a, b, c] = [await start('a'), await start('b'), await start('c')];
      a.transport.learn(b.address());
      await expectLinked(a, b);
      c.transport.learn(b.address());
      await expectLinked(c, a);
      await expectLinked(c, b);
    });

    it('wait for an address at which nobody is yet', async () => {
      const { start } = maker();
      const early = await start('b');
      const address = early.address();
      await early.transport.close();
      const a = await start('a');
      a.transport.learn(address);
      await expectLinked(a, await start('b'));
    });

    it('are never made with oneself', async () => {
      const [a, b] = await pair();
      a.transport.learn(a.address());
      b.transport.send([a.node], numbered(1));
      await a.witness.until('a frame came', () => a.witness.frames.length === 1);
      expect(a.transport.links().map(({ node }) => node)).toEqual([b.node]);
    });

    it('count what goes over them, each for itself', async () => {
      const [a, b] = [...(await pair())];
      const before = { a: trafficOf(a, b), b: trafficOf(b, a) };
      for (const n of [1, 2, 3]) a.transport.send([b.node], numbered(n));
      await b.witness.until('three frames came', () => b.witness.frames.length === 3);
      const after = { a: trafficOf(a, b), b: trafficOf(b, a) };
      expect(after.a.framesOut - before.a.framesOut).toBeGreaterThanOrEqual(3);
      expect(after.b.framesIn - before.b.framesIn).toBeGreaterThanOrEqual(3);
      expect(after.a.bytesOut - before.a.bytesOut).toBeGreaterThan(60);
      expect(after.b.bytesIn - before.b.bytesIn).toBeGreaterThan(60);
      expect(after.a.overflows).toBe(0);
    });

    it('are dialled and kept only to those that are wanted, once not all are', async () => {
      const { start } = maker();
      const [a, b, c] = [await start('a'), await start('b'), await start('c')];
      a.transport.learn(b.address(), b.node);
      await expectLinked(a, b);
      a.transport.keep(new Set([c.node]));
      await a.witness.until('down', () => a.witness.downs.length === 1);
      await b.witness.until('down', () => b.witness.downs.length === 1);
      expect(b.witness.downs).toEqual([expect.stringContaining('idle')]);
      a.transport.learn(b.address(), b.node);
      a.transport.learn(c.address(), c.node);
      await expectLinked(a, c);
      expect(a.transport.links().map(({ node }) => node)).toEqual([c.node]);
      a.transport.keep(undefined);
      await expectLinked(a, b);
    });

    it('that the other end dialled are its own to keep', async () => {
      const [a, b] = await pair();
      b.transport.keep(new Set());
      a.transport.send([b.node], numbered(1));
      await b.witness.until('it came', () => b.witness.frames.length === 1);
      expect(b.transport.links()).toHaveLength(1);
    });

    it('are one when both dial at once', async () => {
      const { start } = maker();
      const [a, b] = [await start('a'), await start('b')];
      a.transport.learn(b.address());
      b.transport.learn(a.address());
      await expectLinked(a, b);
      a.transport.send([b.node], numbered(1));
      b.transport.send([a.node], numbered(2));
      await a.witness.until('settled', () => isSettled(a, 2));
      await b.witness.until('settled', () => isSettled(b, 1));
      expect(a.transport.links()).toHaveLength(1);
      expect(b.transport.links()).toHaveLength(1);
    });

    /** A link that is replaced may lose what was queued on it, and says so by going down and up: then the log is compared anew. */
    const isSettled = ({ witness }: Started, n: number): boolean =>
      witness.ups.length === witness.downs.length + 1 &&
      (numbersOf(witness.frames).includes(n) || witness.ups.length > 1);

    it('start once', async () => {
      const [a] = await pair();
      await expect(a.transport.start(new Witness())).rejects.toThrow('once');
    });
  });

  describe(`${name}: frames`, () => {
    it('arrive in order, both ways, many in one turn', async () => {
      const [a, b] = await pair();
      const numbers = Array.from({ length: 2_000 }, (_, n) => n);
      for (const n of numbers) {
        expect(a.transport.send([b.node], numbered(n))).toEqual([]);
        expect(b.transport.send([a.node], numbered(-n))).toEqual([]);
      }
      await b.witness.until('all came', () => b.witness.frames.length === numbers.length);
      await a.witness.until('all came', () => a.witness.frames.length === numbers.length);
      expect(numbersOf(b.witness.frames)).toEqual(numbers);
      expect(numbersOf(a.witness.frames)).toEqual(numbers.map((n) => Number(String(-n))));
    });

    it('do not arrive in the turn in which they are sent', async () => {
      const [a, b] = await pair();
      a.transport.send([b.node], numbered(1));
      expect(b.witness.frames).toEqual([]);
    });

    it('name the nodes that are not linked, and reach the others', async () => {
      const [a, b] = await pair();
      const { make } = maker();
      const stranger = make('stranger').node;
      expect(a.transport.send([stranger, b.node], numbered(7))).toEqual([stranger]);
      await b.witness.until('it came', () => b.witness.frames.length === 1);
    });

    it('carry what can be written as JSON, as a copy', async () => {
      const [a, b] = await pair();
      const params = { kept: [1, 'ä \u2028'], gone: undefined };
      const call = callWith(a, b, params);
      a.transport.send([b.node], call);
      params.kept.push('too late');
      await b.witness.until('it came', () => b.witness.frames.length === 1);
      expect(b.witness.frames).toStrictEqual([{ ...call, params: { kept: [1, 'ä \u2028'] } }]);
    });

    it('may be as large as a mebibyte', async () => {
      const [a, b] = await pair();
      const frames = [10_000, 100_000, 1_040_000].map((length) => callWith(a, b, 'x'.repeat(length)));
      for (const frame of frames) a.transport.send([b.node], frame);
      await b.witness.until('all came', () => b.witness.frames.length === frames.length);
      expect(b.witness.frames).toEqual(frames);
    });

    it('above a mebibyte are a bug of the sender', async () => {
      const [a, b] = await pair();
      const params = 'x'.repeat(1024 * 1024);
      const call = callWith(a, b, params);
      expect(() => a.transport.send([b.node], call)).toThrow(RangeError);
    });
  });

  describe(`${name}: ends`, () => {
    it('are told to both, once, and after what was sent before', async () => {
      const [a, b] = await pair();
      a.transport.send([b.node], numbered(1));
      await a.transport.close();
      await b.witness.until('down', () => b.witness.downs.length > 0);
      expect(numbersOf(b.witness.frames)).toEqual([1]);
      expect(b.witness.downs).toEqual([expect.stringContaining('shutdown')]);
      expect(a.witness.count('down')).toBe(1);
      expect(b.transport.links()).toEqual([]);
      expect(b.transport.send([a.node], numbered(2))).toEqual([a.node]);
      expect(a.transport.send([b.node], numbered(2))).toEqual([b.node]);
    });

    it('by `disconnect` carry the reason, and the address is dialled again', async () => {
      const [a, b] = await pair();
      b.transport.disconnect(a.node, forked);
      expect(b.transport.links()).toEqual([]);
      await a.witness.until('down', () => a.witness.downs.length > 0);
      expect(a.witness.downs).toEqual(['forked: a test says so']);
      await expectLinked(a, b);
      expect(a.witness.ups).toHaveLength(2);
    });

    it('are mended when the peer comes back at its address', async () => {
      const { start } = maker();
      const [a, b] = [await start('a'), await start('b')];
      a.transport.learn(b.address());
      await expectLinked(a, b);
      await b.transport.close();
      await a.witness.until('down', () => a.witness.downs.length > 0);
      const again = await start('b');
      await expectLinked(a, again);
      again.transport.send([a.node], numbered(3));
      await a.witness.until('it came', () => a.witness.frames.length === 1);
    });

    it('come twice without harm, before the start as well', async () => {
      const [a, b] = await pair();
      await Promise.all([a.transport.close(), a.transport.close()]);
      await a.transport.close();
      await b.witness.until('down', () => b.witness.downs.length > 0);
      a.transport.learn(b.address());
      a.transport.disconnect(b.node, forked);
      const { make } = maker();
      const never = make('never');
      await never.transport.close();
      await expect(never.transport.start(new Witness())).rejects.toThrow('once');
      expect(a.witness.count('down')).toBe(1);
    });
  });
}
