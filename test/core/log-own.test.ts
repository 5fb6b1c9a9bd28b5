/** A node's own ops: numbered, stamped, cut into batches, signed. */
import { describe, expect, it } from 'vitest';
import { nodePrincipal } from '#core/brand.ts';
import type { Draft, Op } from '#core/op.ts';
import { BATCH_MAX_BYTES, BATCH_MAX_OPS } from '#core/op.ts';
import { Holder } from './holder.ts';
import { postBody, Writer } from './writer.ts';

describe('own ops', () => {
  const draft: Draft = { entity: undefined, by: nodePrincipal(new Holder().self), body: postBody('mine') };

  it('are numbered without gaps and stamped one after another; all or none', () => {
    const holder = new Holder();
    const huge: Draft = { ...draft, body: postBody('x'.repeat(70_000)) };
    expect(holder.log.append([draft, huge, draft], 5)).toBe('tooLarge');
    expect(holder.log.head(holder.self).seq).toBe(0);
    expect(holder.log.lamport()).toBe(0);
    const ops = holder.append([draft, draft, draft]);
    expect(ops.map((op) => [op.header.seq, op.header.lamport])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(ops.map((op) => op.sig !== undefined)).toEqual([false, false, true]);
  });

  it('are cut at 256 ops, each batch ending on a signature', () => {
    const holder = new Holder();
    const ops = holder.append(Array.from({ length: 2 * BATCH_MAX_OPS + 3 }, () => draft));
    const signed = ops.filter((op) => op.sig !== undefined).map((op) => op.header.seq);
    expect(signed).toEqual([BATCH_MAX_OPS, 2 * BATCH_MAX_OPS, 2 * BATCH_MAX_OPS + 3]);
  });

  it('are cut where the next op would pass the bytes of a batch', () => {
    const holder = new Holder();
    const big: Draft = { ...draft, body: postBody('x'.repeat(60_000)) };
    const ops = holder.append(Array.from({ length: 20 }, () => big));
    let bytes = 0;
    const sizes: number[] = [];
    for (const op of ops) {
      bytes += Buffer.byteLength(op.headerText) + Buffer.byteLength(op.bodyText);
      if (op.sig === undefined) continue;
      sizes.push(bytes);
      bytes = 0;
    }
    expect(bytes).toBe(0);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(BATCH_MAX_BYTES);
    expect(sizes).toHaveLength(3);
  });

  it('are taken by another node in the batches they were cut into', () => {
    const [author, reader] = [new Writer(1), new Holder()];
    const home = new Holder({ index: 1 });
    const hello: Draft = {
      ...draft,
      body: { type: 'node.registered', publicKey: author.publicKey, name: 'x', addresses: [], version: '1' },
    };
    const ops = home.append([hello, ...Array.from({ length: 300 }, () => draft)]);
    let batch: Op[] = [];
    for (const op of ops) {
      batch.push(op);
      if (op.sig === undefined) continue;
      expect(reader.one({ ops: batch.map((one) => [one.headerText, one.bodyText]), sig: op.sig })).toMatchObject({
        kind: 'new',
      });
      batch = [];
    }
    expect(reader.log.digest()).toBe(home.log.digest());
  });
});
