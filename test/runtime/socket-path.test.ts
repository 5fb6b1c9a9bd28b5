import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { socketPath } from '#runtime/socket-path.ts';
import { temporaryDirectories } from './temporary.ts';

const makeDirectory = temporaryDirectories();
const long = (): string => join(makeDirectory(), 'x'.repeat(100));
let base = '';

beforeEach(() => {
  base = makeDirectory();
  vi.stubEnv('XDG_RUNTIME_DIR', base);
});
afterEach(() => vi.unstubAllEnvs());

describe('the path of a socket', () => {
  it('is in its directory where that fits', () => {
    const room = makeDirectory();
    const directory = join(room, 'x'.repeat(107 - room.length - '/'.length - '/a.sock'.length));
    expect(socketPath(directory, 'a.sock')).toBe(join(directory, 'a.sock'));
    expect(dirname(socketPath(directory, 'ab.sock'))).not.toBe(directory);
  });

  it('is else in a private place that is the same each time, and another for another directory', () => {
    const directory = long();
    const path = socketPath(directory, 'a.sock');
    expect(path.startsWith(base)).toBe(true);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(107);
    expect(socketPath(directory, 'a.sock')).toBe(path);
    expect(dirname(socketPath(directory, 'b.sock'))).toBe(dirname(path));
    expect(dirname(socketPath(long(), 'a.sock'))).not.toBe(dirname(path));
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  it('counts bytes and not characters', () => {
    const directory = join(makeDirectory(), 'é'.repeat(45));
    expect(socketPath(directory, 'a.sock').startsWith(base)).toBe(true);
  });

  it('is refused where others may write, or a link leads elsewhere', () => {
    const directory = long();
    const place = dirname(socketPath(directory, 'a.sock'));
    chmodSync(place, 0o770);
    expect(() => socketPath(directory, 'a.sock')).toThrow(expect.objectContaining({ code: 'socket_directory_unsafe' }));
    const other = long();
    const hashed = dirname(socketPath(other, 'a.sock'));
    const elsewhere = makeDirectory();
    vi.stubEnv('XDG_RUNTIME_DIR', elsewhere);
    mkdirSync(join(elsewhere, 'real'), { mode: 0o700 });
    symlinkSync(
      join(elsewhere, 'real'),
      join(elsewhere, readdirSync(base).find((name) => hashed.endsWith(name)) ?? ''),
    );
    expect(() => socketPath(other, 'a.sock')).toThrow(expect.objectContaining({ code: 'socket_directory_unsafe' }));
  });

  it('is refused where the name alone is too long', () => {
    expect(() => socketPath(long(), 'n'.repeat(100))).toThrow('longer than 107');
  });

  it('falls back to the directory for temporary files', () => {
    for (const useless of ['/no/such/directory', 'x'.repeat(120)]) {
      vi.stubEnv('XDG_RUNTIME_DIR', useless);
      vi.stubEnv('TMPDIR', base);
      expect(socketPath(long(), 'a.sock').startsWith(base)).toBe(true);
    }
  });
});
