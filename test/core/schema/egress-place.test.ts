import { describe, expect, it } from 'vitest';
import { egressPlaceSchema } from '#core/schema/box-body.ts';

describe('a place that a box may reach', () => {
  it.each([
    'github.com:443',
    'registry.npmjs.org:443',
    'localhost:80',
    'xn--bcher-kva.example:8443',
    '127.0.0.9:4873',
    '[::1]:80',
  ])('may be %s', (text) => expect(egressPlaceSchema.safeParse(text).success).toBe(true));

  it.each([
    'github.com',
    'github.com:0',
    'github.com:65536',
    'github.com:0443',
    'GitHub.com:443',
    '*.github.com:443',
    'https://github.com:443',
    'user@github.com:443',
    'github.com.:443',
    'github.com:443/x',
    '127.1:80',
    '2130706433:80',
    '0x7f000001:80',
    '0177.0.0.1:80',
    '::1:80',
    'a b:80',
    ':443',
    `${'x'.repeat(64)}.example:443`,
  ])('may not be %s', (text) => expect(egressPlaceSchema.safeParse(text).success).toBe(false));
});
