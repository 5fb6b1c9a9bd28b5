/** A piece of a message as a search gives it: its text in parts, of which some are what was looked for. */
export type Piece = { text: string; isMarked: boolean };

export function piecesOf({ text, marks }: { text: string; marks: readonly (readonly [number, number])[] }): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const [start, end] of marks) {
    pieces.push({ text: text.slice(at, start), isMarked: false }, { text: text.slice(start, end), isMarked: true });
    at = end;
  }
  pieces.push({ text: text.slice(at), isMarked: false });
  return pieces.filter((piece) => piece.text !== '');
}
