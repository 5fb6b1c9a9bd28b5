/**
 * What a person is asked to allow must be seen: characters that move a terminal's cursor, turn the direction of a text around or show as nothing are
 * spelled out, `\u{202e}`. Line feeds and tabs stay.
 */
const HIDDEN = /[^\P{C}\n\t]|[\u2028\u2029\u3164\u115f\u1160\uffa0]/gu;

export const visible = (text: string): string =>
  text.replace(HIDDEN, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
