import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeIdentity } from '#cli/chat/identity.ts';

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'skep-identity-'))));
afterEach(() => rmSync(dir, { recursive: true }));

it('hides a folder of its own from git, and leaves one that was there as it is', () => {
  makeIdentity(join(dir, 'ann.json'), 'ann');
  expect(existsSync(join(dir, '.gitignore'))).toBe(false);
  makeIdentity(join(dir, 'keys/bob.json'), 'bob');
  expect(readFileSync(join(dir, 'keys/.gitignore'), 'utf8')).toBe('*\n');
});
