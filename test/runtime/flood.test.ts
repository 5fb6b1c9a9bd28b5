import { describe, expect, it } from 'vitest';
import { expectBounded } from './flood.ts';

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
