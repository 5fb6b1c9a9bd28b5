/** What somebody typed: a query, or what is wrong with it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSearch, QUERY_MAX_CHARS } from '#core/search/query.ts';

const term = (words: string, o: { isPrefix?: boolean; isExcluded?: boolean } = {}) => ({
  words: words.split(' '),
  isPrefix: false,
  isExcluded: false,
  ...o,
});
const none = { from: undefined, in: undefined, afterMs: undefined, beforeMs: undefined };
const refusalOf = (line: string): string | undefined => {
  const parsed = parseSearch(line);
  return 'refused' in parsed ? parsed.message : undefined;
};

describe('a search', () => {
  it('is words, phrases, beginnings, and what is excluded', () => {
    expect(parseSearch(' The "lexer IS" pars* -fast -"not in" e-mail “so so” ')).toEqual({
      ...none,
      terms: [
        term('the'),
        term('lexer is'),
        term('pars', { isPrefix: true }),
        term('fast', { isExcluded: true }),
        term('not in', { isExcluded: true }),
        term('e mail'),
        term('so so'),
      ],
    });
  });

  it('names who, where and when', () => {
    expect(parseSearch('from:"my agent" IN:#help after:2026-11-01 before:2026-11-02T10:30+02:00')).toEqual({
      terms: [],
      from: 'my agent',
      in: '#help',
      afterMs: Date.UTC(2026, 10, 1),
      beforeMs: Date.UTC(2026, 10, 2, 8, 30),
    });
    expect(parseSearch('x in:operator after:2026-11-01T09:00')).toMatchObject({ afterMs: Date.UTC(2026, 10, 1, 9) });
  });

  it('takes other colons, signs and capitals for what they are', () => {
    expect(parseSearch('std::vector http://a.b && NOT')).toMatchObject({
      terms: [term('std vector'), term('http a b'), term('not')],
    });
  });

  it.each([
    ['', 'there is nothing to look for'],
    ['*** "" ()', 'there is nothing to look for'],
    ['-only -"these two"', 'there is nothing to look for'],
    ['after:2026-11-01', 'there is nothing to look for'],
    ['word "open', 'a quotation mark is not closed'],
    ['le*', 'at least 3 letters stand before *'],
    ['word in:', 'a name is missing'],
    ['word in:""', 'a name is missing'],
    ['-from:ann word', 'from: cannot be excluded'],
    ['in:#a in:#b', 'in: is said once'],
    ['word after:tomorrow', 'a date is not one'],
    ['word before:2026-13-45', 'a date is not one'],
    ['a b c d e f g h i j k l m n o p q', 'these are too many words'],
    ['aaa* bbb* ccc* ddd* eee*', 'too many words are left open'],
    ['x'.repeat(QUERY_MAX_CHARS + 1), 'this is too long'],
  ])('refuses %j: %s', (line, message) => {
    expect(refusalOf(line)).toContain(message);
  });

  it('reads any line at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (line) => {
        const parsed = parseSearch(line);
        expect('refused' in parsed || Array.isArray(parsed.terms)).toBe(true);
      }),
    );
    const signs = fc.array(
      fc.constantFrom('"', '*', '-', ':', ' ', 'from:', 'in:', 'ab', 'NEAR(', ')', '^', '\0', '\u202e', '🐝'),
    );
    fc.assert(fc.property(signs, (parts) => void parseSearch(parts.join(''))));
  });
});
