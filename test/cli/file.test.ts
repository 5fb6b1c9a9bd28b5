import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EXIT } from '#cli/exit.ts';
import type { Rig } from './rig.ts';
import { Rigs } from './rig.ts';
import { skep } from './test-world.ts';

const rigs = new Rigs();
afterEach(() => rigs.close());

const TEXT = 'the lexer, whole\n';
const sha256 = hash('sha256', TEXT);
const id = `${'b'.repeat(32)}-7`;
const offered = {
  id,
  name: 'lexer.patch',
  size_bytes: TEXT.length,
  from: 'operator',
  to: '@bob',
  state: 'offered',
  offered_at: '2026-11-20T11:00:00Z',
};

/** A node that takes pieces, five bytes of what comes at a time, and offers what is whole. */
async function taking(): Promise<Rig & { asked: () => string[] }> {
  const rig = await rigs.make();
  let here = 0;
  rig.node
    .when('POST /api/files/pieces', ({ body }) => {
      const given = body !== null && typeof body === 'object' && 'data' in body ? String(body.data) : '';
      here += Math.min(5, Buffer.from(given, 'base64').length);
      return { status: 200, body: { offset: here, whole: here === TEXT.length } };
    })
    .on('POST /api/files', offered, 201);
  return { ...rig, asked: () => rig.node.seen.map(({ path }) => path).filter((path) => path.startsWith('/api/files')) };
}

describe('skep file send', () => {
  it('goes on from where the node says, and offers the file under its own name', async () => {
    const { node, world, cwd, asked } = await taking();
    mkdirSync(join(cwd, 'out'));
    writeFileSync(join(cwd, 'out', 'lexer.patch'), TEXT);
    expect(await skep(world, 'file', 'send', 'bob', join(cwd, 'out', 'lexer.patch'))).toBe(EXIT.ok);
    expect(world.said.out).toContain('Offered as bbbbbbbb-7');
    // The first piece asks how much is known.
    expect(asked()).toEqual([...Array.from({ length: 5 }, () => '/api/files/pieces'), '/api/files']);
    expect(node.seen.at(-1)?.body).toEqual({ to: 'bob', name: 'lexer.patch', sha256 });
  });

  it.each([
    ['a link to a file', (at: string) => symlinkSync('there.txt', at), 'a link is not sent: name the file itself'],
    ['a link to nothing', (at: string) => symlinkSync('nowhere', at), 'a link is not sent: name the file itself'],
    ['a link to a folder', (at: string) => symlinkSync('.', at), 'a link is not sent: name the file itself'],
    ['a folder', (at: string) => mkdirSync(at), 'is no file'],
    ['nothing', () => undefined, 'ENOENT'],
  ])('refuses %s, and asks the node nothing', async (_name, make, why) => {
    const { world, cwd, asked } = await taking();
    writeFileSync(join(cwd, 'there.txt'), TEXT);
    make(join(cwd, 'given'));
    expect(await skep(world, 'file', 'send', 'bob', join(cwd, 'given'))).toBe(EXIT.usage);
    expect(world.said.err).toContain(why);
    expect(asked()).toEqual([]);
  });
});

describe('skep file accept', () => {
  async function offering(piece: object): Promise<Rig & { folder: string; accept: () => Promise<number> }> {
    const rig = await rigs.make();
    const folder = join(rig.cwd, 'in');
    mkdirSync(folder);
    const whole = { name: 'lexer.patch', sha256, data: Buffer.from(TEXT).toString('base64'), last: true };
    rig.node.on(`GET /api/files/${id}/content`, { ...whole, ...piece });
    return { ...rig, folder, accept: () => skep(rig.world, 'file', 'accept', id, folder) };
  }

  it('writes what was offered', async () => {
    const { folder, accept } = await offering({});
    expect(await accept()).toBe(EXIT.ok);
    expect(readFileSync(join(folder, 'lexer.patch'), 'utf8')).toBe(TEXT);
  });

  it('writes through no link, and over nothing', async () => {
    const { cwd, folder, world, accept } = await offering({});
    const outside = join(cwd, 'outside');
    symlinkSync(outside, join(folder, 'lexer.patch'));
    expect(await accept()).toBe(EXIT.usage);
    expect(world.said.err).toContain('EEXIST');
    expect(existsSync(outside)).toBe(false);
    writeFileSync(outside, 'mine');
    expect(await accept()).toBe(EXIT.usage);
    expect(readFileSync(outside, 'utf8')).toBe('mine');
  });

  it.each([
    ['a name that leads elsewhere', { name: '../lexer.patch' }, 'is no name of a file'],
    ['a name of the folder above', { name: '..' }, 'is no name of a file'],
    ['a name that cannot be seen', { name: 'lexer\u202E.patch' }, 'is no name of a file'],
    ['other bytes', { data: Buffer.from('others').toString('base64') }, 'what came has another SHA-256'],
  ])('writes nothing of %s, which a node should have refused', async (_name, piece, why) => {
    const { cwd, folder, world, accept } = await offering(piece);
    const before = readdirSync(cwd);
    expect(await accept()).toBe(EXIT.usage);
    expect(world.said.err).toContain(why);
    expect([readdirSync(folder), readdirSync(cwd)]).toEqual([[], before]);
  });
});
