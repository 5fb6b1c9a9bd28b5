/** What every store of blobs keeps. Run by test/store on blobs in memory and in files. */
import { hash as hashBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Hash } from '#core/brand.ts';
import { hashOf } from '#core/brand.ts';
import type { BlobStore } from '#ports.ts';

export type BlobDisk = { open(): Promise<BlobStore>; remove(): Promise<void> };

export const sha256 = (bytes: Uint8Array): Hash => hashOf(hashBytes('sha256', bytes));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (piece: Uint8Array | undefined): string | undefined =>
  piece === undefined ? undefined : new TextDecoder().decode(piece);
const whole = { offset: 0, maxBytes: 1000 };

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const one of texts) yield bytes(one);
}

export function blobStoreContract(name: string, makeDisk: () => Promise<BlobDisk>): void {
  const disks: BlobDisk[] = [];
  afterEach(async () => {
    for (const disk of disks.splice(0)) await disk.remove();
  });
  async function start(): Promise<{ store: BlobStore; disk: BlobDisk }> {
    const disk = await makeDisk();
    disks.push(disk);
    return { store: await disk.open(), disk };
  }

  describe(`blob store: ${name}`, () => {
    putContract(start);
    receiveContract(start);
  });
}

type Start = () => Promise<{ store: BlobStore; disk: BlobDisk }>;

function putContract(start: Start): void {
  it('keeps bytes under their hash, whole or in pieces, also when opened again', async () => {
    const { store, disk } = await start();
    const one = await store.put(bytes('hello blob'));
    expect(one).toEqual({ hash: sha256(bytes('hello blob')), sizeBytes: 10 });
    expect(await store.put(pieces('hel', '', 'lo blob'))).toEqual(one);
    const empty = await store.put(pieces());
    for (const live of [store, await disk.open()]) {
      expect(await live.has(one.hash)).toBe(true);
      expect(await live.sizeBytes(one.hash)).toBe(10);
      expect(text(await live.read(one.hash, whole))).toBe('hello blob');
      expect(await live.sizeBytes(empty.hash)).toBe(0);
      expect(text(await live.read(empty.hash, whole))).toBe('');
    }
  });

  it('reads a part', async () => {
    const { store } = await start();
    const { hash } = await store.put(bytes('0123456789'));
    expect(text(await store.read(hash, { offset: 3, maxBytes: 4 }))).toBe('3456');
    expect(text(await store.read(hash, { offset: 8, maxBytes: 4 }))).toBe('89');
    expect(text(await store.read(hash, { offset: 10, maxBytes: 4 }))).toBe('');
    expect(text(await store.read(hash, { offset: 99, maxBytes: 4 }))).toBe('');
  });

  it('knows nothing of a blob that is not here', async () => {
    const { store } = await start();
    const hash = sha256(bytes('absent'));
    expect(await store.has(hash)).toBe(false);
    expect(await store.sizeBytes(hash)).toBeUndefined();
    expect(await store.read(hash, whole)).toBeUndefined();
    expect(await store.path(hash)).toBeUndefined();
  });

  it('takes many puts at once, of the same bytes too', async () => {
    const { store } = await start();
    const puts = Array.from({ length: 20 }, (_, at) => store.put(bytes(`blob ${at % 4}`)));
    expect(new Set((await Promise.all(puts)).map(({ hash }) => hash)).size).toBe(4);
    expect(text(await store.read(sha256(bytes('blob 3')), whole))).toBe('blob 3');
  });

  it('stores nothing when its source fails', async () => {
    const { store } = await start();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytes('half of ');
      throw new Error('the source broke');
    }
    await expect(store.put(broken())).rejects.toThrow('the source broke');
    expect(await store.has(sha256(bytes('half of ')))).toBe(false);
  });
}

function receiveContract(start: Start): void {
  it('receives in pieces and stores what has the right hash', async () => {
    const { store } = await start();
    const hash = sha256(bytes('in pieces'));
    const receiver = await store.receive(hash);
    expect(receiver.offset).toBe(0);
    await receiver.write(bytes('in '));
    expect(receiver.offset).toBe(3);
    expect(await store.has(hash)).toBe(false);
    await receiver.write(bytes('pieces'));
    expect(await receiver.finish()).toBe('stored');
    expect(text(await store.read(hash, whole))).toBe('in pieces');
    await expect(receiver.write(bytes('more'))).rejects.toThrow('ended');
    await expect(receiver.finish()).rejects.toThrow('ended');
    await receiver.abort();
    expect(await store.has(hash)).toBe(true);
  });

  it('goes on after an interruption where it stood', async () => {
    const { store, disk } = await start();
    const hash = sha256(bytes('resumed later'));
    const first = await store.receive(hash);
    await first.write(bytes('resu'));
    await first.abort();
    await first.abort();
    const second = await (await disk.open()).receive(hash);
    expect(second.offset).toBe(4);
    await second.write(bytes('med later'));
    expect(await second.finish()).toBe('stored');
    expect(text(await (await disk.open()).read(hash, whole))).toBe('resumed later');
  });

  it('stores nothing on a mismatch, and starts anew', async () => {
    const { store } = await start();
    const hash = sha256(bytes('right'));
    const wrong = await store.receive(hash);
    await wrong.write(bytes('wrong'));
    expect(await wrong.finish()).toBe('mismatch');
    expect(await store.has(hash)).toBe(false);
    const right = await store.receive(hash);
    expect(right.offset).toBe(0);
    await right.write(bytes('right'));
    expect(await right.finish()).toBe('stored');
  });

  it('has one receiver a blob at a time', async () => {
    const { store } = await start();
    const hash = sha256(bytes('twice'));
    const first = await store.receive(hash);
    await expect(store.receive(hash)).rejects.toMatchObject({ code: 'blob_busy' });
    await first.abort();
    await (await store.receive(hash)).abort();
  });

  it('ends nobody else’s receipt by an abort that comes after its own end', async () => {
    const { store } = await start();
    const hash = sha256(bytes('right'));
    const first = await store.receive(hash);
    await first.write(bytes('wrong'));
    expect(await first.finish()).toBe('mismatch');
    const second = await store.receive(hash);
    await first.abort();
    await expect(store.receive(hash)).rejects.toMatchObject({ code: 'blob_busy' });
    await second.abort();
  });

  it('leaves a blob alone that came another way meanwhile', async () => {
    const { store } = await start();
    const hash = sha256(bytes('both ways'));
    const receiver = await store.receive(hash);
    await store.put(bytes('both ways'));
    await receiver.write(bytes('both ways'));
    expect(await receiver.finish()).toBe('stored');
    expect(text(await store.read(hash, whole))).toBe('both ways');
  });
}
