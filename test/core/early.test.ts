/** Ops that come before the ones they follow. */
import { describe, expect, it } from 'vitest';
import { nodeIdOf } from '#core/brand.ts';
import { EarlyBatches } from '#core/early.ts';
import type { SignedBatch } from '#core/log.ts';
import { Holder } from './holder.ts';
import { present, Writer } from './writer.ts';

describe('a gap', () => {
  it('an op beyond head + 1 waits, asks for the gap, and is admitted with it', () => {
    const holder = new Holder();
    const writer = new Writer(1);
    const ops = [writer.hello(), ...writer.posts(3)];
    expect(holder.one(writer.batch(ops.slice(2)))).toEqual({ kind: 'gap', author: writer.node, after: 0 });
    expect(holder.log.head(writer.node).seq).toBe(0);
    expect(holder.log.allHeads()).toEqual({});
    const results = holder.admit(writer.batch(ops.slice(0, 2)));
    expect(results.map((result) => result.kind)).toEqual(['new', 'new']);
    expect(holder.log.head(writer.node).seq).toBe(4);
  });

  it('whatever order the batches came in, filling the first gap admits all of them', () => {
    const writer = new Writer(1);
    const ops = [writer.hello(), ...writer.posts(5)];
    const [first, ...late] = ops.map((op) => writer.batch([op]));
    const holder = new Holder();
    for (const batch of [late[3], late[0], late[4], late[2], late[1]]) {
      expect(holder.one(present(batch))).toMatchObject({ kind: 'gap', after: 0 });
    }
    holder.admit(present(first));
    expect(holder.log.head(writer.node).seq).toBe(6);
  });

  it('the same early batch twice takes one place, and a second filling finds nothing left', () => {
    const holder = new Holder();
    const writer = new Writer(1);
    const ops = [writer.hello(), ...writer.posts(200)];
    const early = writer.batch(ops.slice(2));
    holder.admit(early);
    holder.admit(early);
    expect(holder.admit(writer.batch(ops.slice(0, 2))).map((result) => result.kind)).toEqual(['new', 'new']);
    expect(holder.log.head(writer.node).seq).toBe(201);
  });

  it('at most 256 ops of one author wait; what did not fit is asked for again', () => {
    const holder = new Holder();
    const writer = new Writer(1);
    const ops = [writer.hello(), ...writer.posts(400)];
    for (let from = 2; from + 100 <= 400; from += 100) holder.admit(writer.batch(ops.slice(from, from + 100)));
    holder.admit(writer.batch(ops.slice(0, 2)));
    expect(holder.log.head(writer.node).seq).toBe(202);
    expect(holder.one(writer.batch(ops.slice(302, 401)))).toMatchObject({ kind: 'gap', after: 202 });
  });

  it('ops of ever new authors do not fill the memory', () => {
    const early = new EarlyBatches();
    const batch: SignedBatch = { ops: [['{}', '{}']], sig: 'x' };
    for (let n = 0; n < 1_500; n++) early.keep(nodeIdOf(String(n)), batch, 2);
    expect(early.authors()).toBe(1_024);
    expect(early.take(nodeIdOf('7'))).toEqual([batch]);
    early.keep(nodeIdOf('another'), batch, 2);
    expect(early.take(nodeIdOf('another'))).toEqual([batch]);
    expect(early.take(nodeIdOf('1400'))).toEqual([]);
  });

  it('a forged early batch does not keep the true one out once the gap is filled', () => {
    const holder = new Holder();
    const writer = new Writer(1);
    const ops = [writer.hello(), ...writer.posts(2)];
    holder.admit({ ...writer.batch(ops.slice(2)), sig: 'forged' });
    holder.admit(writer.batch(ops.slice(2)));
    expect(holder.admit(writer.batch(ops.slice(0, 2))).map((result) => result.kind)).toContain('invalid');
    expect(holder.log.head(writer.node).seq).toBe(3);
  });
});
