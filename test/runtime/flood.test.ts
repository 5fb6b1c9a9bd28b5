import { describe, expect, it } from 'vitest';
import { script } from '../contract/runtime.ts';
import { expectBounded, HOLDER_MAX_MB, holderPeakMb } from './flood.ts';
import { makeLocalHome } from './local-home.ts';

describe('a flood of output fills neither disk nor memory', () => {
  it.each([
    { what: '20 MB of lines', text: `yes ${'x'.repeat(90)} | head -c 20000000` },
    { what: 'one line of 20 MB', text: `head -c 20000000 /dev/zero | tr '\\0' x` },
    { what: 'two million empty lines', text: `yes '' | head -c 2000000` },
    { what: '5 MB that JSON writes six times as long', text: `head -c 5000000 /dev/zero | tr '\\0' '\\001'` },
    { what: '20 MB of noise', text: 'head -c 20000000 /dev/urandom' },
  ])('$what', async ({ text }) => {
    await expectBounded(text);
    expect.hasAssertions();
  });
});

describe('input that nobody reads', () => {
  it('stays on disk', async () => {
    const home = makeLocalHome();
    const runtime = home.open();
    try {
      const proc = await runtime.start(script('sleep 600'));
      for (let line = 0; line < 150; line += 1) await proc.write('x'.repeat(1_000_000));
      // The answer comes after all those doorbells.
      expect(await runtime.list()).toEqual([proc.id]);
      expect(holderPeakMb(home.directory)).toBeLessThan(HOLDER_MAX_MB);
      await proc.kill(100);
    } finally {
      await runtime.close();
      await home.remove();
    }
  });
});
