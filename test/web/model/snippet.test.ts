import { expect, it } from 'vitest';
import { piecesOf } from '../../../web/src/model/snippet.ts';

it('a piece of a message is its text in order, with what was looked for marked', () => {
  const text = 'the <b>lexer</b> 🐝 is';
  const pieces = piecesOf({
    text,
    marks: [
      [0, 3],
      [7, 12],
      [20, 22],
    ],
  });
  expect(pieces.map((piece) => piece.text).join('')).toBe(text);
  expect(pieces.filter(({ isMarked }) => isMarked).map((piece) => piece.text)).toEqual(['the', 'lexer', 'is']);
  expect(piecesOf({ text: '', marks: [] })).toEqual([]);
});
