/** One author, two histories: found where they part, proven by an op, cut there everywhere; and a node whose own log is forked stops. */
import { describe, expect, it } from 'vitest';
import { ForgottenError } from '#core/boot-check.ts';
import { z } from 'zod';
import type { NodeId } from '#core/brand.ts';
import { signedText } from '#core/chain.ts';
import type { Op } from '#core/op.ts';
import { parseHeader } from '#core/schema/header.ts';
import { simCrypto } from '#sim/crypto.ts';
import { Holder } from './holder.ts';
import { Machine } from './machine.ts';
import { Table } from './table.ts';
import { postBody, present, Writer } from './writer.ts';

/** A log of `shared` ops, then two ways it goes on: `mine` and `theirs` more. */
function forked(o: { shared: number; mine: number; theirs: number }): {
  node: NodeId;
  writer: Writer;
  other: Writer;
  base: Op[];
  mine: Op[];
  theirs: Op[];
} {
  const writer = new Writer(1);
  const base = [writer.hello(), ...writer.posts(o.shared - 1)];
  const other = writer.fork();
  const mine = writer.posts(o.mine);
  const theirs = Array.from({ length: o.theirs }, (_, at) => other.next(postBody(`otherwise ${at}`)));
  return { node: writer.node, writer, other, base, mine, theirs };
}

describe('where two histories part', () => {
  it.each([true, false])('is found in a batch that overlaps what is held (on disk: %s)', (commit) => {
    const { node, writer, other, base, mine, theirs } = forked({ shared: 3, mine: 4, theirs: 3 });
    const holder = new Holder();
    holder.admit(writer.batch([...base, ...mine]), { commit });
    const results = holder.admit(other.batch([...base.slice(1), ...theirs]), { commit });
    expect(results).toMatchObject([
      { kind: 'fork', author: node, seq: 4, theirs: [{ hash: theirs[0]?.hash }, {}, { sig: expect.any(String) }] },
    ]);
    expect(holder.log.head(node).seq).toBe(7);
  });

  it('is found in a batch that is wholly below the head, and in one that goes beyond it', () => {
    for (const count of [2, 9]) {
      const { writer, other, base, mine, theirs } = forked({ shared: 2, mine: 5, theirs: count });
      const holder = new Holder();
      holder.admit(writer.batch([...base, ...mine]));
      expect(holder.one(other.batch(theirs))).toMatchObject({ kind: 'fork', seq: 3 });
    }
  });

  it('is found at the very first op', () => {
    const writer = new Writer(1);
    const other = writer.fork();
    const holder = new Holder();
    holder.admit(writer.batch([writer.hello(), ...writer.posts(1)]));
    expect(holder.one(other.batch([other.hello({ lamport: 9 })]))).toMatchObject({ kind: 'fork', seq: 1 });
  });

  it('lies below a batch that does not follow: asked for page by page, to the exact op', () => {
    const { node, writer, other, base, mine, theirs } = forked({ shared: 10, mine: 600, theirs: 700 });
    const holder = new Holder();
    for (const ops of [base, mine.slice(0, 256), mine.slice(256, 512), mine.slice(512)])
      holder.admit(writer.batch(ops));
    const all = [...base, ...theirs];
    let result = holder.one(other.batch(theirs.slice(600)));
    const asked: number[] = [];
    while (result.kind === 'gap' || result.kind === 'known') {
      const after = present(result.after);
      asked.push(after);
      if (asked.length > 20) throw new Error(`asked for ${asked.join(', ')}`);
      result = holder.one(other.batch(all.slice(after, after + 60)));
    }
    expect(result).toMatchObject({ kind: 'fork', author: node, seq: 11 });
    expect(asked[0]).toBe(610 - 256);
  });

  it('is not believed without a signature of the author', () => {
    const { node, writer, other, base, mine, theirs } = forked({ shared: 2, mine: 3, theirs: 2 });
    const holder = new Holder();
    holder.admit(writer.batch([...base, ...mine]));
    expect(holder.one({ ...other.batch(theirs), sig: new Writer(2).batch(theirs).sig })).toMatchObject({
      kind: 'invalid',
    });
    expect(holder.one(writer.batch(writer.posts(1)))).toMatchObject({ kind: 'new' });
    expect(holder.log.head(node).seq).toBe(6);
  });
});

describe('a log marked as forked', () => {
  it('counts up to there, leaves the hash, and takes nothing in beyond', () => {
    const { node, writer, other, base, mine, theirs } = forked({ shared: 3, mine: 2, theirs: 2 });
    const holder = new Holder();
    const empty = holder.log.digest();
    holder.admit(writer.batch([...base, ...mine]));
    holder.log.markForked(node, 4);
    expect(holder.log.head(node)).toEqual({ seq: 3, hash: base[2]?.hash });
    expect(holder.log.digest()).toBe(empty);
    for (const batch of [other.batch(theirs), writer.batch(mine), writer.batch(writer.posts(1))]) {
      expect(holder.one(batch)).toEqual({ kind: 'known', author: node, after: undefined });
    }
    expect(holder.log.allHeads()).toEqual({ [node]: 3 });
  });

  it('still takes in what counts, out of a batch whose signature lies beyond', () => {
    const { node, writer, base, mine } = forked({ shared: 5, mine: 3, theirs: 1 });
    const holder = new Holder();
    holder.admit(writer.batch(base.slice(0, 2)));
    holder.log.markForked(node, 6);
    expect(holder.one(writer.batch([...base.slice(2), ...mine]))).toMatchObject({ kind: 'new', ops: [{}, {}, {}] });
    expect(holder.log.head(node)).toEqual({ seq: 5, hash: base[4]?.hash });
  });

  it('counts up to the lowest of two forks, also where the ops are not on disk yet', () => {
    const { node, writer, base, mine } = forked({ shared: 3, mine: 6, theirs: 1 });
    const holder = new Holder();
    holder.admit(writer.batch([...base, ...mine]), { commit: false });
    holder.log.markForked(node, 8);
    expect(holder.log.head(node)).toEqual({ seq: 7, hash: mine[3]?.hash });
    holder.log.markForked(node, 4);
    holder.log.markForked(node, 9);
    expect(holder.log.head(node)).toEqual({ seq: 3, hash: base[2]?.hash });
  });
});

const proofSchema = z.object({
  held: z.object({ headers: z.array(z.string()), sig: z.string() }),
  theirs: z.object({ headers: z.array(z.string()), sig: z.string() }),
});

describe('a swarm that sees a fork', () => {
  it('proves it by an op that anybody can check, and agrees on what counts', async () => {
    const table = await Table.linked(2);
    const [one, two] = [table.at(0), table.at(1)];
    const { node, writer, other, base, mine, theirs } = forkedBy(7);
    await one.receive(two.id, writer.frame([...base, ...mine]));
    await two.receive(one.id, other.frame([...base, ...theirs]));
    await table.advance(130_000);
    for (const machine of [one, two]) {
      expect(machine.store.get('node', node)).toMatchObject({ forkedAt: 3 });
      expect(machine.store.heads().get(node)).toEqual({ seq: 2, hash: base[1]?.hash });
      expect(machine.store.list('post', { limit: 10 }).map((post) => post.content)).toEqual(['post 2']);
    }
    expect(one.store.digest()).toBe(two.store.digest());
    expect(one.core.headsDigest()).toBe(two.core.headsDigest());
    checkProof(proofIn(table, node), node);
  });

  it('stops talking about it: no page goes round for ever', async () => {
    const table = await Table.linked(3);
    const { node, writer, other, base, mine, theirs } = forkedBy(7);
    await table.at(0).receive(table.at(1).id, writer.frame([...base, ...mine]));
    await table.at(2).receive(table.at(1).id, other.frame([...base, ...theirs]));
    await table.advance(200_000);
    expect(new Set(table.machines.map((machine) => machine.store.digest())).size).toBe(1);
    const before = table.delivered.length;
    await table.advance(60_000);
    const said = table.delivered
      .slice(before)
      .filter(({ frame }) => 'ops' in frame || ('heads' in frame && frame.heads !== undefined));
    expect(said).toEqual([]);
    expect(table.at(1).store.heads().get(node)).toMatchObject({ seq: 2 });
  });

  it('cuts the log at the next start when it was killed between the proof and the cut', async () => {
    const machine = new Machine(0);
    await machine.register();
    const { node, writer, base, mine } = forkedBy(7);
    await machine.receive(new Writer(8).node, writer.frame([...base, ...mine]));
    const prover = new Writer(8);
    const ops = [prover.hello(), prover.next({ type: 'log.forked', node, seq: 3, proof: '' })];
    await machine.store.commit({ ops, rows: [] });
    expect(machine.store.heads().get(node)).toMatchObject({ seq: 6 });
    const again = machine.restart();
    await again.run();
    expect(again.store.heads().get(node)).toMatchObject({ seq: 2 });
    expect(again.store.list('post', { limit: 10 })).toHaveLength(1);
  });
});

describe('a node whose own log was continued elsewhere', () => {
  it('stops with a message that says what to do, before anything it wrote has been sent', async () => {
    const machine = new Machine(0);
    await machine.register();
    const twin = new Writer(0);
    const [opening] = machine.store.opsOf(machine.id, { from: 1, maxOps: 1, maxBytes: 0 });
    twin.head = { seq: 1, hash: present(opening).hash };
    await machine.create(postBody('here'));
    await machine.linkUp(new Writer(1).node);
    machine.takeSent();
    await machine.receive(new Writer(1).node, twin.frame(twin.posts(1)));
    expect(String(machine.failure)).toMatch(/was continued elsewhere from number 2 on.*new data directory/s);
    expect(machine.takeSent()).toEqual([]);
  });

  it('stops when another node proves it, and does not start again', async () => {
    const machine = new Machine(0);
    await machine.register();
    await machine.create(postBody('here'));
    const prover = new Writer(1);
    const ops = [prover.hello(), prover.next({ type: 'log.forked', node: machine.id, seq: 2, proof: '' })];
    await machine.receive(prover.node, prover.frame(ops));
    expect(String(machine.failure)).toMatch(/continued elsewhere from number 2/);
    expect(() => machine.restart()).toThrow(/continued elsewhere from number 2/);
  });

  it('stops, and takes nothing of it, where it is told of ops of its own that it forgot', async () => {
    const machine = new Machine(0);
    const before = new Writer(0);
    await machine.receive(new Writer(1).node, before.frame([before.hello(), ...before.posts(2)]));
    expect(machine.failure).toBeInstanceOf(ForgottenError);
    expect(machine.store.heads().size).toBe(0);
  });
});

function forkedBy(index: number) {
  const writer = new Writer(index);
  const base = [writer.hello(), ...writer.posts(1)];
  const other = writer.fork();
  const mine = writer.posts(4);
  const theirs = Array.from({ length: 3 }, (_, at) => other.next(postBody(`otherwise ${at}`)));
  return { node: writer.node, writer, other, base, mine, theirs };
}

function proofIn(table: Table, node: NodeId): string {
  for (const { op } of table.at(0).store.arrivals({ after: 0, limit: 1_000 })) {
    if (op.body.type === 'log.forked' && op.body.node === node && typeof op.body.proof === 'string')
      return op.body.proof;
  }
  throw new Error('no proof');
}

/** As an outsider would: two chains of headers that begin with one number, after one hash, and differ; each ends under a signature. */
function checkProof(text: string, node: NodeId): void {
  const crypto = simCrypto(7);
  const proof = proofSchema.parse(JSON.parse(text));
  const sides = [proof.held, proof.theirs].map(({ headers, sig }) => {
    const read = headers.map((header) => present(parseHeader(header)));
    const hashes = headers.map((header) => crypto.sha256(header));
    expect(new Set(read.map((header) => header.node))).toEqual(new Set([node]));
    expect(read.slice(1).map((header) => header.prev)).toEqual(hashes.slice(0, -1));
    expect(sig).toBe(crypto.sign(signedText(present(hashes.at(-1)))));
    return present(read[0]);
  });
  expect(sides[0]).toMatchObject({ seq: 3, prev: sides[1]?.prev });
  expect(sides[0]?.bodyHash).not.toBe(sides[1]?.bodyHash);
}
