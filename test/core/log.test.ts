/** What a node takes into its log, and what it does not: every rule broken once. */
import { describe, expect, it } from 'vitest';
import { nodePrincipal } from '#core/brand.ts';
import { signedText } from '#core/chain.ts';
import type { SignedBatch } from '#core/log.ts';
import { LAMPORT_JUMP_MAX } from '#core/op.ts';
import { createIdentity, nodeCrypto } from '#fabric/identity.ts';
import { Holder } from './holder.ts';
import { batchOf, postBody, present, Writer } from './writer.ts';

/** `batch` with the texts of one op changed. */
function tampered(
  batch: SignedBatch,
  at: number,
  change: (texts: readonly [string, string]) => [string, string],
): SignedBatch {
  return { ...batch, ops: batch.ops.map((texts, index) => (index === at ? change(texts) : texts)) };
}

const setField =
  (name: string, value: unknown) =>
  ([header, body]: readonly [string, string]): [string, string] => [
    JSON.stringify({ ...JSON.parse(header), [name]: value }),
    body,
  ];

describe('taking ops in', () => {
  it('admits a signed batch once; its last op keeps the signature', () => {
    const holder = new Holder();
    const writer = new Writer(1);
    const ops = [writer.hello(), ...writer.posts(2)];
    const batch = writer.batch(ops);
    expect(holder.one(batch)).toMatchObject({ kind: 'new', author: writer.node, ops: [{}, {}, { sig: batch.sig }] });
    expect(holder.held(writer.node).map((op) => op.sig)).toEqual([undefined, undefined, batch.sig]);
    expect(holder.log.head(writer.node)).toEqual({ seq: 3, hash: ops[2]?.hash });
    expect(holder.one(batch)).toMatchObject({ kind: 'known', author: writer.node });
    expect(holder.one(writer.batch(ops.slice(0, 2)))).toMatchObject({ kind: 'known', author: writer.node });
  });

  it('takes only the new part of a batch that overlaps what is held, also while that is not on disk yet', () => {
    for (const commit of [true, false]) {
      const holder = new Holder();
      const writer = new Writer(1);
      const ops = [writer.hello(), ...writer.posts(5)];
      holder.admit(writer.batch(ops.slice(0, 4)), { commit });
      const results = holder.admit(writer.batch(ops.slice(1)), { commit });
      expect(results).toMatchObject([{ kind: 'new', ops: [{ hash: ops[4]?.hash }, { hash: ops[5]?.hash }] }]);
    }
  });

  it('raises its own clock above what it took, and stamps its next op later', () => {
    const holder = new Holder();
    const writer = new Writer(1);
    holder.admit(writer.batch([writer.hello({ lamport: 50 })]));
    expect(holder.log.lamport()).toBe(50);
    const [own] = holder.append([{ entity: undefined, by: nodePrincipal(holder.self), body: postBody('mine') }]);
    expect(own?.header.lamport).toBe(51);
  });

  it.each(['node', 'seq', 'lamport', 'entity', 'prev', 'bodyHash', 'wallMs', 'by'])(
    'drops a batch in which %s of an op was changed',
    (name) => {
      const values: Record<string, unknown> = {
        node: new Writer(2).node,
        seq: 7,
        lamport: 99,
        entity: `${new Writer(2).node}-1`,
        prev: 'f'.repeat(64),
        bodyHash: 'f'.repeat(64),
        wallMs: 1,
        by: 'user:mallory',
      };
      for (const at of [0, 1, 2]) {
        const holder = new Holder();
        const writer = new Writer(1);
        const batch = writer.batch([writer.hello(), ...writer.posts(2)]);
        const results = holder.admit(tampered(batch, at, setField(name, values[name])));
        expect(results).toMatchObject([{ kind: 'invalid' }]);
        expect(holder.log.authors()).toEqual([]);
        expect(holder.log.lamport()).toBe(0);
      }
    },
  );

  it('drops a batch whose bodies were swapped', () => {
    const writer = new Writer(1);
    const batch = writer.batch([writer.hello(), ...writer.posts(2)]);
    const bodies = batch.ops.map(([, body]) => body);
    const swapped = tampered(
      tampered(batch, 1, ([header]) => [header, present(bodies[2])]),
      2,
      ([header]) => [header, present(bodies[1])],
    );
    expect(new Holder().one(swapped)).toEqual({ kind: 'invalid', reason: 'not an op' });
  });

  it('drops what is no JSON, an empty batch, two authors in one batch, and a hole in it', () => {
    const [one, two] = [new Writer(1), new Writer(2)];
    const ops = [one.hello(), ...one.posts(2)];
    const other = [two.hello(), ...two.posts(1)];
    const holder = new Holder();
    const broken: SignedBatch[] = [
      { ops: [['nonsense', '{}']], sig: 'x' },
      { ops: [], sig: 'x' },
      batchOf([...ops, ...other.slice(1)], one.crypto),
      batchOf([present(ops[0]), present(ops[2])], one.crypto),
    ];
    for (const batch of broken) expect(holder.one(batch)).toMatchObject({ kind: 'invalid' });
    expect(holder.log.authors()).toEqual([]);
  });
});

describe('signatures and keys', () => {
  it('a batch without a valid signature over its last hash changes nothing', () => {
    const writer = new Writer(1);
    const ops = [writer.hello(), ...writer.posts(2)];
    const batch = writer.batch(ops);
    const sigs = [
      '',
      'x',
      new Writer(2).batch(ops).sig,
      writer.batch(ops.slice(0, 2)).sig,
      writer.crypto.sign(present(ops[2]).hash),
    ];
    for (const sig of sigs) {
      const holder = new Holder();
      expect(holder.one({ ...batch, sig })).toEqual({ kind: 'invalid', reason: 'wrong signature' });
      expect(holder.log.head(writer.node).seq).toBe(0);
      expect(holder.one(batch)).toMatchObject({ kind: 'new' });
    }
  });

  it('a log begins with the key that its author id is the hash of', () => {
    const holder = new Holder();
    const keyless = new Writer(1);
    expect(holder.one(keyless.batch(keyless.posts(1)))).toEqual({ kind: 'invalid', reason: 'no key of its author' });
    const borrowed = new Writer(2);
    const ops = [borrowed.hello({ publicKey: keyless.publicKey })];
    expect(holder.one(batchOf(ops, keyless.crypto))).toEqual({ kind: 'invalid', reason: 'no key of its author' });
    expect(holder.log.authors()).toEqual([]);
  });

  it('a later registration with another key does not change by which key the log is verified, also after a restart', () => {
    const holder = new Holder();
    const writer = new Writer(1);
    const thief = new Writer(2);
    holder.admit(writer.batch([writer.hello(), writer.hello({ publicKey: thief.publicKey })]));
    const again = holder.reopened();
    const next = writer.posts(1);
    expect(again.one(batchOf(next, thief.crypto))).toEqual({ kind: 'invalid', reason: 'wrong signature' });
    expect(again.one(writer.batch(next))).toMatchObject({ kind: 'new' });
  });

  it('holds with real Ed25519 keys', () => {
    const [author, other] = [createIdentity(), createIdentity()];
    const writer = Object.assign(new Writer(1), {
      node: author.node,
      crypto: nodeCrypto(author),
      publicKey: author.publicKey,
    });
    const ops = [writer.hello(), ...writer.posts(1)];
    const holder = new Holder({ crypto: nodeCrypto(other), self: other.node });
    const batch = writer.batch(ops);
    expect(holder.one({ ...batch, sig: nodeCrypto(other).sign(signedText(present(ops[1]).hash)) })).toMatchObject({
      kind: 'invalid',
      reason: 'wrong signature',
    });
    expect(holder.one({ ...batch, sig: `${batch.sig.slice(0, 20)}A${batch.sig.slice(21)}` })).toMatchObject({
      kind: 'invalid',
    });
    expect(holder.one(batch)).toMatchObject({ kind: 'new' });
  });
});

describe('the clock', () => {
  const far = LAMPORT_JUMP_MAX + 1;

  it('a stamp exactly at the bound counts, one above it is refused and moves nothing', () => {
    const holder = new Holder();
    const writer = new Writer(1);
    const before = writer.fork();
    expect(holder.one(before.batch([before.hello({ lamport: far })]))).toEqual({
      kind: 'invalid',
      reason: 'stamp too far ahead',
    });
    expect(holder.log.lamport()).toBe(0);
    expect(holder.one(writer.batch([writer.hello({ lamport: LAMPORT_JUMP_MAX })]))).toMatchObject({ kind: 'new' });
    expect(holder.log.lamport()).toBe(LAMPORT_JUMP_MAX);
  });

  it('no op in the middle of a batch carries the clock past the bound', () => {
    const holder = new Holder();
    const writer = new Writer(1);
    const ops = [
      writer.hello(),
      writer.next(postBody('far'), { lamport: 2 ** 50 }),
      writer.next(postBody('near'), { lamport: 5 }),
    ];
    expect(holder.one(writer.batch(ops))).toMatchObject({ kind: 'invalid' });
    expect(holder.log.lamport()).toBe(0);
  });

  it('is raised by what messages carry, within the same bound', () => {
    const { log } = new Holder();
    expect(log.witness(10)).toBe(true);
    expect(log.lamport()).toBe(10);
    expect(log.witness(3)).toBe(true);
    expect(log.lamport()).toBe(10);
    expect(log.witness(11 + LAMPORT_JUMP_MAX)).toBe(false);
    expect(log.lamport()).toBe(10);
  });
});

describe('heads', () => {
  it('have a digest of 16 bytes that says whether two nodes hold the same ops, whatever came first', () => {
    const [a, b] = [new Holder(), new Holder()];
    const [one, two] = [new Writer(1), new Writer(2)];
    const batches = [one.batch([one.hello()]), two.batch([two.hello(), ...two.posts(1)])];
    expect(a.log.digest()).toMatch(/^[0-9a-f]{32}$/);
    a.admit(present(batches[0]));
    expect(a.log.digest()).not.toBe(b.log.digest());
    a.admit(present(batches[1]));
    b.admit(present(batches[1]));
    b.admit(present(batches[0]));
    expect(a.log.digest()).toBe(b.log.digest());
    expect(a.log.allHeads()).toEqual({ [one.node]: 1, [two.node]: 2 });
  });

  it('differ where the numbers are equal but a history is not', () => {
    const [a, b] = [new Holder(), new Holder()];
    const writer = new Writer(1);
    const hello = writer.batch([writer.hello()]);
    const other = writer.fork();
    for (const holder of [a, b]) holder.admit(hello);
    a.admit(writer.batch([writer.next(postBody('one'))]));
    b.admit(other.batch([other.next(postBody('other'))]));
    expect(a.log.allHeads()).toEqual(b.log.allHeads());
    expect(a.log.digest()).not.toBe(b.log.digest());
  });
});
