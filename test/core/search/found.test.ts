/** Words of a text, and the piece that is shown of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { snippetOf } from '#core/search/found.ts';
import { parseSearch } from '#core/search/query.ts';
import { wordsIn } from '#core/search/words.ts';

const termsOf = (line: string) => {
  const parsed = parseSearch(line);
  if ('refused' in parsed) throw new Error(parsed.message);
  return parsed.terms;
};
const marked = (text: string, line: string): string[] => {
  const snippet = snippetOf(text, termsOf(line));
  return snippet.marks.map(([start, end]) => snippet.text.slice(start, end));
};

describe('words', () => {
  it('stand where they stand in the text', () => {
    const text = '<b>Käse</b> 🚀検索 x_y ½';
    expect(wordsIn(text).map(({ word }) => word)).toEqual(['b', 'kase', 'b', '🚀', '検', '索', 'x', 'y', '1⁄2']);
    for (const { start, end } of wordsIn(text)) expect(text.slice(start, end)).not.toBe('');
    expect(wordsIn(text).map(({ start, end }) => text.slice(start, end))[1]).toBe('Käse');
  });
});

describe('the piece that is shown', () => {
  it('is the text, with places of what was found, and never tags', () => {
    const text = '<script>alert("lexer")</script>\nthe  lexers';
    const snippet = snippetOf(text, termsOf('lex* -nothing'));
    expect(snippet.text).toBe('<script>alert("lexer")</script> the  lexers');
    expect(marked(text, 'lexer')).toEqual(['lexer']);
    expect(marked(text, 'lex*')).toEqual(['lexer', 'lexers']);
    expect(marked('the lexer is in the lexer', '"lexer is in" lexer')).toEqual(['lexer is in', 'lexer']);
  });

  it('is a short piece of a long text, around the first place', () => {
    const text = `${'before '.repeat(100)}needle ${'behind '.repeat(100)}`;
    const snippet = snippetOf(text, termsOf('needle'));
    expect(snippet.text.length).toBeLessThan(210);
    expect(snippet.text).toMatch(/^… before .* needle behind .* …$/);
    expect(marked(text, 'needle')).toEqual(['needle']);
  });

  it('has its marks within it, whatever the text is', () => {
    const unit = fc.constantFrom('needle', ' ', '🐝', 'é', '\u202e', 'שלום', '\ud83d', '<', '\n', 'x'.repeat(70));
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 60 }), (parts) => {
        const { text, marks } = snippetOf(parts.join(''), termsOf('needle*'));
        let last = 0;
        for (const [start, end] of marks) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          expect(text.slice(start, end)).toMatch(/^needle/);
          last = end;
        }
        expect(last).toBeLessThanOrEqual(text.length);
        expect(text.length).toBeLessThanOrEqual(210);
        expect(text).not.toMatch(/\p{Surrogate}/u);
      }),
    );
  });
});
