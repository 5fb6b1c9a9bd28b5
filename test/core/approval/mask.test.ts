import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { masked } from '#core/approval/mask.ts';
import { visible } from '#core/approval/visible.ts';

/** Put together here, so that no scanner takes this file for a leak. */
const x = (count: number): string => 'aB3dE6gH9jK2mN5p'.repeat(8).slice(0, count);

describe('masked', () => {
  it.each([
    [`curl -H "Authorization: Bearer ${x(40)}" https://x`, 'curl -H "Authorization: Bearer [masked]" https://x'],
    [`ANTHROPIC_API_KEY=${x(30)} claude`, 'ANTHROPIC_API_KEY=[masked] claude'],
    [`export DB_PASSWORD='${x(12)}'; make`, "export DB_PASSWORD='[masked]'; make"],
    [`tool --token ${x(20)} run`, 'tool --token [masked] run'],
    [`tool --api-key=${x(20)}`, 'tool --api-key=[masked]'],
    [`git clone https://me:${x(20)}@example.org/x.git`, 'git clone https://me:[masked]@example.org/x.git'],
    [`{"apiKey": "${x(20)}", "n": 1}`, '{"apiKey": "[masked]", "n": 1}'],
    [`echo ghp_${x(36)}`, 'echo ghp_[masked]'],
    [`echo sk-ant-${x(40)}`, 'echo sk-ant-[masked]'],
    [`echo AKIA${x(16)}`, 'echo AKIA[masked]'],
    [`echo eyJ${x(20)}.eyJ${x(20)}.${x(30)}`, 'echo eyJ[masked]'],
    [`skep up --join skep-join-${x(40)}`, 'skep up --join skep-join-[masked]'],
    [`-----BEGIN OPENSSH PRIVATE KEY-----\n${x(60)}\n-----END OPENSSH PRIVATE KEY-----`, '[masked]'],
  ])('%#: hides what has the shape of a secret', (text, expected) => {
    expect(masked(text)).toBe(expected);
    expect(masked(expected)).toBe(expected);
  });

  it.each([
    'npm test -- --grep token',
    'echo "the password is wrong"',
    'git log --format=%H',
    'max_tokens: 4',
    'export TOKEN=$TOKEN',
    'cat src/secret-store.ts | wc -l',
    'git clone https://example.org/x.git',
  ])('leaves alone: %s', (text) => expect(masked(text)).toBe(text));

  it('gives an answer to every text, and changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), (text) => {
        expect(masked(masked(text))).toBe(masked(text));
      }),
    );
  });
});

describe('visible', () => {
  it('spells out what would move the cursor, turn the text around or show as nothing', () => {
    expect(visible('rm \u001b[2Jx\r')).toBe('rm \\u{1b}[2Jx\\u{d}');
    expect(visible('a\u202eb\u200bc\ufeff\u2028\ue000')).toBe('a\\u{202e}b\\u{200b}c\\u{feff}\\u{2028}\\u{e000}');
    expect(visible('Grüße,\n\t世界 🙂')).toBe('Grüße,\n\t世界 🙂');
  });
});
