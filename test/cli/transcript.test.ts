/** What an agent did, as the command line shows it. */
import { expect, it } from 'vitest';
import { transcriptSchema, transcriptText } from '#cli/transcript.ts';

const text = (said: string) => ({ text: said, chars: said.length });
const place = { n: 1, change: 1, at: '2026-02-12T10:00:00Z' };

it('has a line or more for each turn, word, call, question and end, and nothing that moves the cursor', () => {
  const output = Array.from({ length: 14 }, (_, n) => `line ${n}`).join('\n');
  const { entries } = transcriptSchema.parse({
    attempt: 1,
    more: false,
    entries: [
      { ...place, kind: 'turn', turn: 't', prompt: text('Do it.\nNow.') },
      { ...place, kind: 'text', stream: 'thought', text: 'Hm.\nYes.' },
      { ...place, kind: 'text', stream: 'said', text: 'let me\u001b[31m\n' },
      {
        ...place,
        kind: 'tool',
        id: 'a',
        name: 'bash',
        title: 'bash: ls',
        state: 'completed',
        input: null,
        output: text(output),
        ended_at: null,
      },
      {
        ...place,
        kind: 'tool',
        id: 'b',
        name: 'bash',
        title: 'bash: rm x',
        state: 'denied',
        input: null,
        output: null,
        ended_at: null,
      },
      {
        ...place,
        kind: 'permission',
        request: 'r',
        about: 'command',
        tool: 'bash',
        title: 'rm x',
        detail: text('rm x'),
        state: 'denied',
        note: 'not that',
      },
      { ...place, kind: 'person', text: text('rather this') },
      { ...place, kind: 'of a newer node' },
      {
        ...place,
        kind: 'end',
        turn: 't',
        outcome: 'failed',
        text: text('the model is away'),
        ms: 3_000,
        usage: { input_tokens: 9, cached_tokens: 0, output_tokens: 4, cost_usd: null },
      },
    ],
  });
  expect(transcriptText(entries).split('\n')).toEqual([
    '',
    '> Do it. Now.',
    '~ Hm.',
    '~ Yes.',
    'let me',
    '* bash: ls',
    ...Array.from({ length: 10 }, (_, n) => `    line ${n}`),
    '    … 4 more lines',
    '* bash: rm x (denied)',
    '? rm x: denied (not that)',
    '> a person: rather this',
    '= failed, 3s, 9 tokens in, 4 out: the model is away',
    '',
  ]);
});
