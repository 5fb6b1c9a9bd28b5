/** The contract of sealing: old ops take another form, and no answer shows it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { opId } from '#core/op.ts';
import type { Op } from '#core/op.ts';
import type { OpStore } from '#ports.ts';
import { Author, postBody, taskBody } from '../store/author.ts';
import { lives } from './lives.ts';
import type { Start } from './op-store.ts';

const signed = (author: Author, ops: readonly Op[]): Op[] =>
  ops.map((op, at) => (at === ops.length - 1 ? { ...op, sig: `signed by ${author.node} ${op.header.seq}` } : op));

/** All that a store says, but for the signatures. */
function said(store: OpStore, authors: readonly Author[]) {
  const texts = (ops: readonly Op[]) =>
    ops.map(({ headerText, bodyText, hash, header }) => [headerText, bodyText, hash, header]);
  const arrivals = store.arrivals({ after: 0, limit: 10_000 });
  const entities = new Set(arrivals.map(({ op }) => op.header.entity));
  return {
    heads: Object.fromEntries(store.heads()),
    lamport: store.lamport(),
    last: store.lastArrival(),
    arrivals: arrivals.map(({ n, op }) => [n, op.hash]),
    pages: [3, 50, 200].map((after) => store.arrivals({ after, limit: 7 }).map(({ n }) => n)),
    logs: authors.map(({ node }) => texts(store.opsOf(node, { from: 1, maxOps: 10_000, maxBytes: 10_000_000 }))),
    parts: authors.map(({ node }) => texts(store.opsOf(node, { from: 5, maxOps: 9, maxBytes: 3_000 }))),
    about: [...entities].map((entity) => texts(store.opsAbout(entity, 5))),
    digest: store.digest(),
  };
}

type Step = { author: number; ops: number; kind: 'post' | 'task' | 'claim' | 'unknown' };
const step: fc.Arbitrary<Step> = fc.record({
  author: fc.nat({ max: 2 }),
  ops: fc.integer({ min: 1, max: 12 }),
  kind: fc.constantFrom<Step['kind'][]>('post', 'task', 'claim', 'claim', 'unknown'),
});

/** Writes what the steps say, one signed batch each. */
async function fill(store: OpStore, authors: readonly Author[], steps: readonly Step[]): Promise<void> {
  const tasks: OpId[] = [];
  const next = (author: Author, kind: Step['kind'], at: number): Op => {
    const task = tasks[at % Math.max(1, tasks.length)];
    if (kind === 'unknown') return author.nextUnknown('later.thing');
    if (kind === 'post') return author.next(postBody(`ünïcode 🐝 ${at} "quoted"\n\u2028`));
    if (kind === 'task' || task === undefined) return author.next(taskBody({ voters: [author.node] }));
    return author.next({ type: 'task.claimed', slot: 1, agent: task }, { entity: task });
  };
  for (const [index, { author: which, ops: count, kind }] of steps.entries()) {
    const author = authors[which];
    if (author === undefined) continue;
    const ops = Array.from({ length: count }, (_, at) => next(author, kind, index + at));
    for (const op of ops) if (op.body.type === 'task.created') tasks.push(opId(op));
    await store.commit({ ops: signed(author, ops), rows: [] });
  }
}

async function sealAll(store: OpStore, o: { keep: number; atLeast: number }): Promise<number> {
  let sealed = 0;
  for (let run = 0; run < 1_000; run++) {
    const ops = await store.seal(o);
    if (ops === 0) return sealed;
    sealed += ops;
  }
  throw new Error('sealing does not end');
}

export function sealContract(start: Start): void {
  it('seals ops of any kind in any batches, and gives all of them back byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.nat({ max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        async (steps, keep, atLeast) => {
          const { store, reopen } = await start();
          const authors = ['a', 'b', 'c'].map((name) => new Author(name));
          await fill(store, authors, steps);
          const before = said(store, authors);
          const sealed = await sealAll(store, { keep, atLeast });
          expect(store.sealedOps()).toBe(sealed);
          // Of each of the three logs a batch may wait for its signature, and less than a run for more.
          expect(store.lastArrival() - sealed).toBeLessThanOrEqual(keep + 3 * (12 + atLeast));
          for await (const one of lives(store, reopen)) {
            expect(said(one, authors)).toEqual(before);
            expect(one.sealedOps()).toBe(sealed);
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  it('seals up to a signature and not beyond the newest; what follows is written as ever', async () => {
    const { store } = await start();
    const a = new Author('a');
    await fill(
      store,
      [a],
      [
        { author: 0, ops: 10, kind: 'post' },
        { author: 0, ops: 10, kind: 'post' },
      ],
    );
    expect(await store.seal({ keep: 0, atLeast: 21 })).toBe(0);
    expect(await sealAll(store, { keep: 5, atLeast: 1 })).toBe(10);
    expect(store.opsOf(a.node, { from: 1, maxOps: 10, maxBytes: 1_000_000 }).map((op) => op.sig !== undefined)).toEqual(
      [...Array.from({ length: 9 }, () => false), true],
    );
    await fill(store, [a], [{ author: 0, ops: 3, kind: 'post' }]);
    expect(store.heads().get(a.node)?.seq).toBe(23);
    expect(store.opsOf(a.node, { from: 9, maxOps: 6, maxBytes: 1_000_000 }).map((op) => op.header.seq)).toEqual([
      9, 10, 11, 12, 13, 14,
    ]);
  });

  it('of several batches in one run keeps the last signature, and a whole run is 256 ops', async () => {
    const { store } = await start();
    const a = new Author('a');
    await fill(
      store,
      [a],
      Array.from({ length: 60 }, () => ({ author: 0, ops: 5, kind: 'post' })),
    );
    expect(await store.seal({ keep: 0 })).toBe(255);
    expect(await store.seal({ keep: 0 })).toBe(0);
    const ops = store.opsOf(a.node, { from: 1, maxOps: 256, maxBytes: 1_000_000 });
    expect(ops.findLastIndex((op) => op.sig !== undefined)).toBe(254);
    expect(ops.filter((op) => op.sig !== undefined)).toHaveLength(1);
  });

  it('cuts a log also where it is sealed, and folds anew what that touched', async () => {
    // The one that is opened again is the last one.
    const other = await start();
    const one = await start();
    const steps: Step[] = Array.from({ length: 12 }, (_, at) => ({
      author: at % 2,
      ops: 7,
      kind: at % 3 === 0 ? 'task' : 'claim',
    }));
    const authors = ['a', 'b'].map((name) => new Author(name));
    await fill(one.store, authors, steps);
    await fill(
      other.store,
      ['a', 'b'].map((name) => new Author(name)),
      steps,
    );
    await sealAll(one.store, { keep: 3, atLeast: 1 });
    const [a] = authors;
    if (a === undefined) throw new Error('no author');
    for (const { store } of [one, other]) await store.truncateLog(a.node, 11);
    expect(said(one.store, authors)).toEqual(said(other.store, authors));
    expect(one.store.heads().get(a.node)?.seq).toBe(10);
    let last: OpStore = one.store;
    for await (const store of lives(one.store, one.reopen)) {
      expect(said(store, authors)).toEqual(said(other.store, authors));
      last = store;
    }
    // What is written in the place of what was cut is sealed like all else.
    const [tenth] = last.opsOf(a.node, { from: 10, maxOps: 1, maxBytes: 0 });
    if (tenth === undefined) throw new Error('the tenth op is gone');
    a.head = { seq: 10, hash: tenth.hash };
    await sealAll(last, { keep: 0, atLeast: 1 });
    await fill(last, [a], [{ author: 0, ops: 9, kind: 'post' }]);
    expect(await sealAll(last, { keep: 0, atLeast: 1 })).toBeGreaterThan(0);
    expect(last.heads().get(a.node)?.seq).toBe(19);
  });
}
