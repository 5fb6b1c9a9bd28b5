/** The views' part of the contract of op stores: folds, queries, logs that are cut back, the digest. */
import { expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { opId } from '#core/op.ts';
import type { Op } from '#core/op.ts';
import type { Body } from '#core/schema/body.ts';
import type { Query } from '#core/view/view.ts';
import type { OpStore } from '#ports.ts';
import { Author, postBody, taskBody } from '../store/author.ts';
import type { Start } from './op-store.ts';
import { lives } from './lives.ts';

const write = (store: OpStore, ...ops: Op[]) => store.commit({ ops, rows: [] });
const registered = (name: string): Body => ({
  type: 'node.registered',
  publicKey: `key of ${name}`,
  name,
  addresses: [],
  version: '1',
});
const granted = (attempt: number, o: { claim: Op; agent: OpId }): Body => ({
  type: 'task.granted',
  slot: attempt * 2 - 1,
  value: { kind: 'granted', attempt, claim: opId(o.claim), node: o.claim.header.node, agent: o.agent },
});

/** Tasks of two authors in all kinds of states, with decisions of one author about tasks of the other. */
function history(): { a: Author; b: Author; ops: Op[]; open: Op; done: Op } {
  const [a, b] = [new Author('a'), new Author('b')];
  const ops = [a.next(registered('a')), b.next(registered('b'))];
  const open = a.next(taskBody({ voters: [a.node], title: 'open', priority: 3 }));
  const done = b.next(taskBody({ voters: [b.node], title: 'done' }));
  const claim = a.next({ type: 'task.claimed', slot: 1, agent: opId(open) }, { entity: opId(done), lamport: 40 });
  ops.push(open, done, claim, b.next(granted(1, { claim, agent: opId(open) }), { entity: opId(done), lamport: 30 }));
  ops.push(a.next({ type: 'task.started', slot: 1 }, { entity: opId(done) }), a.next(postBody('a post')));
  const value = {
    kind: 'completed',
    attempt: 1,
    reason: null,
    result: 'ok',
    error: null,
    work: null,
    by: null,
  } as const;
  ops.push(a.next({ type: 'task.ended', slot: 2, value }, { entity: opId(done) }), b.next(registered('b again')));
  return { a, b, ops, open, done };
}

/** Another order in which the same ops may arrive: all of one author first. */
const byAuthor = (ops: readonly Op[], first: Author): Op[] =>
  ops.toSorted((x, y) => Number(y.header.node === first.node) - Number(x.header.node === first.node));

export function viewContract(start: Start): void {
  it('folds ops that come late, and rows of ops before their creation', async () => {
    const { store } = await start();
    const { a, b, ops, done } = history();
    await write(store, ...ops.filter((op) => op.header.node === a.node));
    expect(store.get('task', opId(done))?.created).toBeUndefined();
    expect(store.count('task', { status: 'unknown' })).toBe(1);
    await write(store, ...ops.filter((op) => op.header.node === b.node));
    expect(store.get('task', opId(done))?.created?.title).toBe('done');
    expect(store.count('task', { status: 'completed' })).toBe(1);
    expect(store.get('node', b.node)?.name).toBe('b again');
  });

  it('gives the same digest for every order of arrival, and another one for other ops', async () => {
    const { ops, a, b } = history();
    const digests: string[] = [];
    for (const order of [ops, byAuthor(ops, a), byAuthor(ops, b)]) {
      const { store, reopen } = await start();
      for (const op of order) await write(store, op);
      digests.push(store.digest(), (await reopen()).digest());
    }
    expect(new Set(digests).size).toBe(1);
    const { store } = await start();
    await write(store, ...ops.slice(0, -1));
    expect(store.digest()).not.toBe(digests[0]);
  });

  it('keeps everything when it is opened again', async () => {
    const { store, reopen } = await start();
    const { a, b, ops, open } = history();
    await write(store, ...ops);
    const again = await reopen();
    expect(again.get('task', opId(open))?.created?.title).toBe('open');
    expect(again.get('task', 'no such key')).toBeUndefined();
    expect(again.lastArrival()).toBe(ops.length);
    expect(again.heads()).toEqual(
      new Map([
        [a.node, a.head],
        [b.node, b.head],
      ]),
    );
  });

  it('lists by columns, in order, then by key, page by page', async () => {
    const { store } = await start();
    const [a, b] = [new Author('a'), new Author('b')];
    const tasks: Op[] = [];
    for (const [at, priority] of [1, 5, 5, -3, 1, 5].entries()) {
      const author = at % 2 === 0 ? a : b;
      tasks.push(
        author.next(taskBody({ voters: [a.node], priority, title: `t${at}`, alias: at < 2 ? `alias-${at}` : null })),
      );
    }
    await write(store, ...tasks);
    const titles = (query: Query) => store.list('task', query).map((row) => row.created?.title);
    const order = [
      ['priority', 'desc'],
      ['created', 'asc'],
    ] as const;
    const [t0, t1, t2, t3, t4, t5] = ['t0', 't1', 't2', 't3', 't4', 't5'];
    // t1 and t2 have different stamps; t0 (a, 1) and t1 (b, 1) share one, and so do the pairs behind them.
    expect(titles({ order, limit: 10 })).toEqual([t1, t2, t5, t0, t4, t3]);
    expect(titles({ order, limit: 2, offset: 1 })).toEqual([t2, t5]);
    expect(titles({ order, limit: 0 })).toEqual([]);
    expect(titles({ where: { priority: 5, status: 'pending' }, order: [['created', 'desc']], limit: 1 })).toEqual([t5]);
    expect(titles({ where: { alias: 'alias-1' }, limit: 5 })).toEqual([t1]);
    expect(titles({ where: { alias: null, priority: 1 }, limit: 5 })).toEqual([t4]);
    const keys = store.list('task', { order: [['status', 'asc']], limit: 10 }).map((row) => row.id);
    expect(keys).toEqual(tasks.map(opId).toSorted());
    expect(store.count('task', {})).toBe(6);
    expect(store.count('task', { priority: 5 })).toBe(3);
    expect(store.count('task', { agent: null })).toBe(6);
  });

  it('orders null before numbers, numbers before texts, and texts by code point', async () => {
    const { store } = await start();
    const a = new Author('a');
    const names = ['B', 'a', 'ａ', '🐝', 'Ba', '12'];
    const project = (name: string): Body => ({
      type: 'project.registered',
      name,
      origin: '/x',
      base: null,
      setup: null,
    });
    const ops = names.map((name) => a.next(project(name)));
    const entity = opId(new Author('else').next(postBody('never seen')));
    await write(store, ...ops, a.next({ type: 'project.removed' }, { entity }));
    const sorted = store.list('project', { order: [['name', 'asc']], limit: 10 }).map((row) => row.registered?.name);
    expect(sorted).toEqual([undefined, '12', 'B', 'Ba', 'a', 'ａ', '🐝']);
    expect(store.count('project', { name: '12' })).toBe(1);
  });

  it('refuses to look for columns that a view does not have', async () => {
    const { store } = await start();
    expect(() => store.list('task', { where: { colour: 'red' }, limit: 1 })).toThrow(/no column "colour"/);
    expect(() => store.list('task', { order: [['key', 'asc']], limit: 1 })).toThrow(/no column "key"/);
    expect(() => store.count('post', { status: 'x' })).toThrow(/no column "status"/);
    expect(() => store.list('post', { limit: -1 })).toThrow(/from 0/);
  });

  it('cuts a log back: what is left is as if the ops had never come', async () => {
    const { ops, a, b } = history();
    for (const [author, seq] of [
      [a, 3],
      [a, 1],
      [b, 3],
      [b, 2],
    ] as const) {
      const kept = ops.filter((op) => op.header.node !== author.node || op.header.seq < seq);
      const clean = await start();
      await write(clean.store, ...kept);
      const expected = clean.store.digest();
      const { store, reopen } = await start();
      await write(store, ...ops);
      await store.truncateLog(author.node, seq);
      for await (const one of lives(store, reopen)) {
        expect(one.digest()).toBe(expected);
        expect(one.heads()).toEqual(clean.store.heads());
        expect(one.opsOf(author.node, { from: 1, maxOps: 100, maxBytes: 1e6 })).toHaveLength(seq - 1);
        expect(one.arrivals({ after: 0, limit: 100 }).map(({ op }) => opId(op))).toEqual(kept.map(opId));
        // Numbers and stamps that were handed out are never handed out again.
        expect(one.lastArrival()).toBe(ops.length);
        expect(one.lamport()).toBe(Math.max(...ops.map((op) => op.header.lamport)));
      }
    }
  });

  it('cuts in the order of the turn, and goes on from there', async () => {
    const { store, disk } = await start();
    const a = new Author('a');
    const first = a.next(postBody('1'));
    const head = a.head;
    const second = a.next(postBody('2'));
    const before = disk.transactions();
    const turn = [write(store, first, second), store.truncateLog(a.node, 2)];
    a.head = head;
    const other = a.next(postBody('another second'));
    turn.push(write(store, other));
    await Promise.all(turn);
    expect(disk.transactions() - before).toBe(1);
    expect(store.list('post', { order: [['lamport', 'asc']], limit: 9 }).map((row) => row.content)).toEqual([
      '1',
      'another second',
    ]);
    expect(store.arrivals({ after: 1, limit: 9 }).map(({ n }) => n)).toEqual([3]);
    expect(store.heads().get(a.node)).toEqual({ seq: 2, hash: other.hash });
    await store.truncateLog(a.node, 9);
    expect(store.heads().get(a.node)?.seq).toBe(2);
  });
}
