import { describe, expect, it } from 'vitest';
import { skillOf } from '../../../web/src/model/skills.ts';

describe('a line that says what one can do', () => {
  it.each([
    [
      'rust: parsers and lexers; 5 USD',
      { capability: 'rust', description: 'parsers and lexers', rate: 5, currency: 'USD' },
    ],
    ['rust', { capability: 'rust' }],
    ['  code review ; 2.5', { capability: 'code review', rate: 2.5 }],
    ['rust:', { capability: 'rust' }],
  ])('%s', (line, skill) => {
    expect(skillOf(line)).toEqual(skill);
  });

  it.each([': nothing', '; 5 USD', 'rust; five', 'rust; 5 USD extra'])('%s is none, and says which', (line) => {
    expect(() => skillOf(line)).toThrow(`cannot read “${line}”`);
  });
});
