import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { FileBlobStore } from '#store/blobs.ts';
import { FileReceiver } from '#store/blob-receiver.ts';
import { blobStoreContract, sha256 } from '../contract/blob-store.ts';

async function tempDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'skep-blobs-'));
}

blobStoreContract('files', async () => {
  const dir = await tempDir();
  return { open: () => FileBlobStore.open(join(dir, 'blobs')), remove: () => rm(dir, { recursive: true }) };
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function started(): Promise<{ dir: string; store: FileBlobStore }> {
  const dir = await tempDir();
  onTestFinished(() => rm(dir, { recursive: true }));
  return { dir, store: await FileBlobStore.open(dir) };
}

it('shows the file of a blob, named by its hash', async () => {
  const { dir, store } = await started();
  const { hash } = await store.put(bytes('a bundle'));
  const path = await store.path(hash);
  expect(path).toBe(join(dir, hash.slice(0, 2), hash.slice(2)));
  expect(await readFile(path ?? '', 'utf8')).toBe('a bundle');
});

it('leaves no half-made file behind, whatever happened', async () => {
  const { dir, store } = await started();
  await store.put(bytes('one'));
  await store.put(bytes('one'));
  const wrong = await store.receive(sha256(bytes('right')));
  await wrong.write(bytes('wrong'));
  await wrong.finish();
  // A file where the folder of the blob should be: as a disk that refuses.
  const hash = sha256(bytes('two'));
  await writeFile(join(dir, hash.slice(0, 2)), '');
  await expect(store.put(bytes('two'))).rejects.toThrow('ENOTDIR');
  expect(await readdir(join(dir, 'new'))).toEqual([]);
  expect(await readdir(join(dir, 'incoming'))).toEqual([]);
});

it('clears at its start what a killed put left, and keeps the newest interrupted receipts', async () => {
  const dir = await tempDir();
  onTestFinished(() => rm(dir, { recursive: true }));
  await mkdir(join(dir, 'new'), { recursive: true });
  await mkdir(join(dir, 'incoming'));
  await writeFile(join(dir, 'new', 'half'), 'x');
  for (let at = 0; at < 70; at++) {
    const path = join(dir, 'incoming', sha256(bytes(String(at))));
    await writeFile(path, 'x');
    await utimes(path, 1000 + at, 1000 + at);
  }
  const store = await FileBlobStore.open(dir);
  expect(await readdir(join(dir, 'new'))).toEqual([]);
  expect(await readdir(join(dir, 'incoming'))).toHaveLength(64);
  expect((await store.receive(sha256(bytes('69')))).offset).toBe(1);
});

it('finds bytes that a power cut spoilt at the end of a resumed receipt', async () => {
  const { dir, store } = await started();
  const hash = sha256(bytes('good bytes'));
  await writeFile(join(dir, 'incoming', hash), '\0\0\0\0');
  const receiver = await store.receive(hash);
  expect(receiver.offset).toBe(4);
  await receiver.write(bytes(' bytes'));
  expect(await receiver.finish()).toBe('mismatch');
  expect(await store.has(hash)).toBe(false);
});

it('ends a receipt with the first write that the disk refuses', async () => {
  const ended: string[] = [];
  const receiver = new FileReceiver({
    file: await open('/dev/full', 'a'),
    path: '/dev/full',
    hash: sha256(bytes('x')),
    sum: createHash('sha256'),
    offset: 0,
    keep: async () => {},
    ended: () => ended.push('ended'),
  });
  await expect(receiver.write(bytes('x'))).rejects.toThrow('ENOSPC');
  await expect(receiver.write(bytes('x'))).rejects.toThrow('ended');
  await expect(receiver.finish()).rejects.toThrow('ended');
  expect(ended).toEqual(['ended']);
});
