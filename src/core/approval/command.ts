/**
 * Shell commands, read in two ways. What is to be allowed by a pattern is read strictly: each part must be seen exactly, or nothing is. What is to be
 * asked about or denied is read loosely: anything that might be run counts. Neither is a boundary against an agent that hides what it does; a box is.
 */
import { oneBlank } from './glob.ts';

/** A command longer than this is not read: it is asked about. */
export const COMMAND_MAX_CHARS = 16 * 1024;
/** Parts of one command that are looked at. */
const PARTS_MAX = 200;

/** Output may go there without being looked at. */
const HARMLESS_TARGET = /^[ \t]*(?:&[0-9-]|\/dev\/null)(?![^\s;&|])/;
const CONTROL = /[^\P{Cc}\n\t]/u;

/**
 * The simple commands of a compound one, each as it stands. Undefined: it cannot be split safely, because it has an expansion, a substitution, a group, a
 * here-document, a comment, a backslash, output to a file, quotes left open, or control characters.
 */
export function strictParts(command: string): string[] | undefined {
  if (command.length > COMMAND_MAX_CHARS || CONTROL.test(command)) return undefined;
  const parts = [''];
  const add = (text: string): void => void parts.push(`${parts.pop() ?? ''}${text}`);
  for (let at = 0; at < command.length; at++) {
    const char = command[at] ?? '';
    if (char === "'" || char === '"') {
      const end = command.indexOf(char, at + 1);
      const quoted = command.slice(at, end + 1);
      if (end === -1 || (char === '"' && /[$`\\]/.test(quoted))) return undefined;
      add(quoted);
      at = end;
    } else if (';&|\n'.includes(char)) parts.push('');
    else if (char === '>') {
      const target = HARMLESS_TARGET.exec(command.slice(at + 1, at + 64))?.[0];
      if (target === undefined) return undefined;
      add(`>${target}`);
      at += target.length;
    } else if ('$`\\(){}#!'.includes(char) || (char === '<' && command[at + 1] !== ' ')) return undefined;
    else add(char);
    if (parts.length > PARTS_MAX) return undefined;
  }
  const said = parts.map(oneBlank).filter((part) => part !== '');
  return said.length === 0 ? undefined : said;
}

/** Words that run the words after them. */
const WRAPPERS: ReadonlySet<string> = new Set(
  'bash builtin command dash do doas else env eval exec if nice nohup setsid sh stdbuf sudo then time timeout while xargs zsh'.split(
    ' ',
  ),
);

/** Everything in the text that might be a command of its own, as words without quotes. Some of it is none: a quoted text is read like the rest. */
export function looseParts(command: string): string[][] {
  return command
    .slice(0, COMMAND_MAX_CHARS)
    .replaceAll(/\\\n/g, ' ')
    .split(/[;&|\n(){}`]/)
    .map((part) =>
      part
        .replaceAll(/["'\\]/g, '')
        .split(/\s+/)
        .filter((word) => word !== ''),
    )
    .filter((words) => words.length > 0);
}

/** The same command without what stands before it: `A=1 sudo -u x git push` may be `git push`. Each reading that may be meant. */
export function readings(words: readonly string[]): string[][] {
  const found = [[...words]];
  for (let at = 0; at < words.length && at < READINGS_MAX; at++) {
    const word = words[at] ?? '';
    const isPassed = /^[A-Za-z_]\w*\+?=/.test(word) || WRAPPERS.has(word) || (at > 0 && /^(?:-|\d)/.test(word));
    const isArgument = at > 0 && (words[at - 1] ?? '').startsWith('-');
    if (!isPassed && !isArgument) break;
    found.push(words.slice(at + 1));
  }
  return found.filter((one) => one.length > 0);
}

/** Words before a command that are passed over. */
const READINGS_MAX = 12;
