/** Files handed over at one hub: what goes wrong, and what goes on after it. The words themselves are in `golden.txt`. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hearFile, hearWord, offerOf, sayChunk, sayWord, sha256 } from './file-talk.ts';
import type { Chatter } from './hub-rig.ts';
import { HubRig, makeKey } from './hub-rig.ts';

let rig: HubRig;
let ann: Chatter;
let bob: Chatter;
beforeEach(async () => {
  rig = await HubRig.start();
  [ann, bob] = [await rig.guest('ann'), await rig.guest('bob')];
});
afterEach(async () => {
  await rig.close();
  assert.deepEqual(rig.faults, []);
});

const offered = async (tid: string, data: string | Buffer, to = bob): Promise<unknown> => {
  sayWord(ann, to.id, offerOf(tid, data));
  return (await hearWord(ann, 'have'))['offset'];
};
const complete = (tid: string, data: string | Buffer, to = bob): void =>
  sayWord(ann, to.id, { _ft: 'complete', tid, sha256: sha256(data) });

describe('the sender', () => {
  it('is told of a wrong hash, and so is the reader; nothing of it is kept', async () => {
    await offered('t1', 'abc');
    await hearWord(bob, 'offer');
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, data: 'abX' });
    expect(await hearWord(ann, 'ack')).toMatchObject({ ok: false, error: 'it has another SHA-256' });
    expect(await ann.hear('ERROR')).toMatchObject({ code: 'INVALID_MSG' });
    expect(await hearWord(bob, 'ack')).toMatchObject({ ok: false });
    expect(await offered('t2', 'abc')).toBe(0);
    complete('t2', 'abcd');
    expect(await hearWord(ann, 'ack')).toMatchObject({ ok: false, error: 'it was offered with another SHA-256' });
    expect(rig.node.store.list('file', { limit: 10 })).toEqual([]);
  });

  it('is told of more than was offered', async () => {
    await offered('t1', 'abc');
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, data: 'abcd' });
    expect(await hearWord(ann, 'ack')).toMatchObject({ ok: false, error: 'it was offered with 3 bytes' });
  });

  it('is told which chunk is expected, out of order, and one that it sends again counts once', async () => {
    await offered('t1', 'abc');
    sayChunk(ann, bob.id, { tid: 't1', idx: 1, data: 'b' });
    expect(await ann.hear('ERROR')).toMatchObject({ message: 'chunk 0 is expected, not 1' });
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, offset: 2, data: 'c' });
    expect(await ann.hear('ERROR')).toMatchObject({ message: 'bytes from 0 on are expected, not 2' });
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, data: 'ab' });
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, data: 'ab' });
    complete('t1', 'abc');
    expect(await ann.hear('ERROR')).toMatchObject({ message: expect.stringContaining('2 of 3 bytes are here') });
    sayChunk(ann, bob.id, { tid: 't1', idx: 1, data: 'c' });
    complete('t1', 'abc');
    expect(await hearWord(ann, 'have')).toMatchObject({ offset: 3, id: expect.any(String) });
  });

  it('goes on after a cut with the byte it stopped at, or sends all again where it does not know how', async () => {
    const key = makeKey();
    ann = await rig.member(key, 'kim');
    await offered('t1', 'abcdef');
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, data: 'ab' });
    await ann.ask({ type: 'PING' }, 'PONG');
    ann.client.socket.terminate();
    ann = await rig.member(key, 'kim');
    expect(await offered('t1', 'abcdef')).toBe(2);
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, offset: 2, data: 'cd' });
    await ann.ask({ type: 'PING' }, 'PONG');
    ann.client.socket.terminate();
    // An old client begins from the beginning.
    ann = await rig.member(key, 'kim');
    expect(await offered('t1', 'abcdef')).toBe(4);
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, data: 'abc' });
    sayChunk(ann, bob.id, { tid: 't1', idx: 1, data: 'def' });
    complete('t1', 'abcdef');
    expect(await hearWord(ann, 'have')).toMatchObject({ offset: 6, id: expect.any(String) });
    sayWord(bob, key.id, { _ft: 'accept', tid: 't1' });
    expect((await hearFile(bob)).toString()).toBe('abcdef');
  });

  it('cannot bring a piece of the file of another', async () => {
    await offered('t1', 'abc');
    const eve = await rig.guest('eve');
    sayChunk(eve, bob.id, { tid: 't1', idx: 0, data: 'not' });
    expect(await eve.hear('ERROR')).toMatchObject({ message: `you have offered no file t1 to ${bob.id}` });
    sayWord(eve, bob.id, { _ft: 'complete', tid: 't1', sha256: sha256('abc') });
    expect(await eve.hear('ERROR')).toMatchObject({ code: 'INVALID_MSG' });
    sayWord(eve, ann.id, { _ft: 'accept', tid: 't1' });
    expect(await eve.hear('ERROR')).toMatchObject({ message: `${ann.id} has offered you no file t1` });
  });

  it('has at most 16 files under way, until they are forgotten after half an hour', async () => {
    for (let n = 0; n < 16; n += 1) {
      rig.node.wallMs += 1_000;
      await offered(`t${n}`, `file ${n}`);
    }
    rig.node.wallMs += 1_000;
    sayWord(ann, bob.id, offerOf('more', 'more'));
    expect(await ann.hear('ERROR')).toMatchObject({ code: 'RATE_LIMITED' });
    rig.node.wallMs += 1_800_000;
    expect(await offered('more', 'more')).toBe(0);
  });

  it('learns at the end that a guest is gone', async () => {
    await offered('t1', 'abc');
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, data: 'abc' });
    await ann.ask({ type: 'PING' }, 'PONG');
    bob.client.socket.close();
    await rig.untilGone(bob.id);
    complete('t1', 'abc');
    expect(await hearWord(ann, 'ack')).toMatchObject({ ok: false, error: `${bob.id} is gone` });
  });
});

describe('the reader', () => {
  /** Bytes that are no text, text of several bytes a character, and more than one chunk of either. */
  const binary = Buffer.from(Array.from({ length: 600_001 }, (_one, n) => (n * 7) % 256));
  const text = 'ä😀x'.repeat(80_000);

  it.each([
    ['bytes', binary],
    ['text', Buffer.from(text)],
    ['nothing', Buffer.alloc(0)],
  ])('takes %s whole, from the disk', async (_name, data) => {
    const put = await rig.node.files.put(data);
    expect(put).toMatchObject({ sizeBytes: data.length });
    expect(await offered('t1', data)).toBe(data.length);
    complete('t1', data);
    expect(await hearWord(bob, 'offer')).toMatchObject({ tid: 't1', totalSize: data.length });
    sayWord(bob, ann.id, { _ft: 'accept', tid: 't1' });
    expect((await hearFile(bob)).equals(data)).toBe(true);
    sayWord(bob, ann.id, { _ft: 'ack', tid: 't1', ok: true });
    expect(await hearWord(ann, 'ack')).toEqual({ _ft: 'ack', tid: 't1', ok: true });
  });

  it('that goes in the middle goes on where it stood', async () => {
    const key = makeKey();
    bob = await rig.member(key, 'kim');
    await rig.node.files.put(binary);
    await offered('t1', binary);
    complete('t1', binary);
    await hearWord(bob, 'offer');
    sayWord(bob, ann.id, { _ft: 'accept', tid: 't1' });
    const first: { data: string; encoding: string } = JSON.parse(String((await bob.hear('FILE_CHUNK'))['content']));
    const had = Buffer.from(first.data, 'base64');
    bob.client.socket.terminate();
    await rig.untilGone(key.id);
    bob = await rig.member(key, 'kim');
    expect(await hearWord(bob, 'offer')).toMatchObject({ tid: 't1' });
    sayWord(bob, ann.id, { _ft: 'accept', tid: 't1', offset: had.length });
    expect(Buffer.concat([had, await hearFile(bob)]).equals(binary)).toBe(true);
  });

  it('that accepted in time is passed the chunks as they come, and the end of what it missed', async () => {
    await offered('t1', 'abcdef');
    await hearWord(bob, 'offer');
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, data: 'ab' });
    await ann.ask({ type: 'PING' }, 'PONG');
    sayWord(bob, ann.id, { _ft: 'accept', tid: 't1', offset: 2 });
    await bob.ask({ type: 'PING' }, 'PONG');
    sayChunk(ann, bob.id, { tid: 't1', idx: 1, data: 'cd' });
    expect(JSON.parse(String((await bob.hear('FILE_CHUNK'))['content']))).toMatchObject({ idx: 1, data: 'cd' });
    sayChunk(ann, bob.id, { tid: 't1', idx: 2, data: 'ef' });
    complete('t1', 'abcdef');
    expect((await hearFile(bob)).toString()).toBe('ef');
  });

  it('is shown several files as the archive that they come in', async () => {
    const files = [
      { path: 'src/a.ts', size: 1 },
      { path: 'src/b.ts', size: 2 },
    ];
    sayWord(ann, bob.id, { ...offerOf('t1', 'abc'), files });
    await hearWord(bob, 'offer');
    sayChunk(ann, bob.id, { tid: 't1', idx: 0, data: 'abc' });
    complete('t1', 'abc');
    expect(await hearWord(bob, 'offer')).toMatchObject({ files });
    const [row] = rig.node.store.list('file', { limit: 1 });
    expect(row?.offered).toMatchObject({ name: 'archive-of-2-files.slurp', files });
  });
});
