// Needs: root (it mounts a small file system), and a minute
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LocalRuntime } from '#runtime/local.ts';
import { iteratorOf, lineWith, restOf, script, soon } from '../contract/runtime.ts';
import { expectBounded } from './flood.ts';
import { temporaryDirectories } from './temporary.ts';

const makeDirectory = temporaryDirectories();

describe('a flood of output fills neither disk nor memory', () => {
  it.each([
    { what: '100 MB of lines', text: `yes ${'x'.repeat(90)} | head -c 100000000` },
    { what: 'one line of 100 MB', text: `head -c 100000000 /dev/zero | tr '\\0' x` },
  ])(
    '$what',
    async ({ text }) => {
      await expectBounded(text);
      expect.hasAssertions();
    },
    120_000,
  );
});

describe('a full disk', () => {
  it('stops no process: what was not written is counted, and what comes later is there', async () => {
    const directory = join(makeDirectory(), 'small');
    mkdirSync(directory);
    const mount = spawnSync('/usr/bin/env', ['mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory]);
    expect(mount.stderr.toString()).toBe('');
    const runtime = new LocalRuntime({ directory: join(directory, 'runtime') });
    try {
      // Its gates lie elsewhere: on the full disk no inbox takes a line either.
      const spec = script(
        'mkfifo one printed two; echo early; read -r line <one; seq 1 50000; echo >printed; read -r line <two; echo late; exit 3',
        { cwd: makeDirectory() },
      );
      const proc = await runtime.start(spec);
      const lines = iteratorOf(proc.lines);
      await lineWith(lines, 'early');
      expect(spawnSync('sh', ['-c', `cat /dev/zero > ${directory}/filler`]).status).not.toBe(0);
      const refused = script('true');
      await expect(runtime.start(refused)).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(await runtime.attach(refused.id)).toBeUndefined();
      writeFileSync(join(spec.cwd, 'one'), 'go\n');
      readFileSync(join(spec.cwd, 'printed'));
      rmSync(join(directory, 'filler'));
      writeFileSync(join(spec.cwd, 'two'), 'go\n');
      expect(await soon('the exit', proc.exited)).toEqual({ code: 3, signal: null, error: null });
      const said = (await restOf(lines)).join('\n');
      expect(said).toMatch(/^\[skep: \d+ bytes of output are not kept\]$/m);
      expect(said).toMatch(/^late$/m);
    } finally {
      await runtime.stop(100);
      await runtime.close();
      spawnSync('/usr/bin/env', ['umount', '-l', directory]);
    }
  });
});
