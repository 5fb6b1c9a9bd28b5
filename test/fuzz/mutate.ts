/** Small changes to good input, as bytes and as JSON: what a broken disk, a newer version or an enemy would send. */
import { parseJson } from '#core/schema/header.ts';
import type { Random } from '#sim/random.ts';

const CHANGES_MAX = 4;
/** JSON nests at most so deep when it is made on purpose: beyond every limit there is. */
const DEEP = 100_000;
/** What was made deep could not be written again by this process. */
export const JSON_MAX_BYTES = 150_000;
const NUMBERS = [0, -1, 0.5, 1e20, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e308, -0];
const TEXTS = [
  '',
  '\u0000',
  '\ud800',
  '🐝'.repeat(300),
  '__proto__',
  'constructor',
  '../../etc/passwd',
  'x'.repeat(70_000),
];

/** One input made of another, `other` lending pieces. `jsonShare`: how much of it is changed as JSON, so that it stays JSON. */
export function mutate(o: { input: Buffer; other: Buffer; jsonShare: number; random: Random }): Buffer {
  const { other, jsonShare, random } = o;
  let made = o.input;
  const changes = random.between(1, CHANGES_MAX);
  for (let change = 0; change < changes; change += 1) {
    made = random.chance(jsonShare) ? mutateJson(made, random) : mutateBytes(made, other, random);
  }
  return made;
}

function mutateBytes(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const at = random.between(0, bytes.length);
  const end = random.between(at, Math.min(bytes.length, at + 64));
  const piece = other.subarray(random.between(0, other.length)).subarray(0, 256);
  const changed = Buffer.from(bytes);
  switch (random.between(0, 5)) {
    case 0:
      if (at < changed.length) changed[at] = random.between(0, 255);
      return changed;
    case 1:
      return changed.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    default:
      return Buffer.concat([bytes, other]);
  }
}

/** Bytes that are no JSON, or already too much of it, stay as they are. */
function mutateJson(bytes: Buffer, random: Random): Buffer {
  const value = bytes.length > JSON_MAX_BYTES ? undefined : parseJson(bytes.toString());
  if (value === undefined) return bytes;
  const text = JSON.stringify(change(value, random));
  return Buffer.from(random.chance(0.01) ? deepened(text, random) : text);
}

function change(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.1)) return another(value, random);
  if (Array.isArray(value)) return changeList(value, random);
  const entries = Object.entries(value);
  const at = random.between(0, Math.max(0, entries.length - 1));
  const [key = 'type', held] = entries[at] ?? [];
  switch (random.between(0, 4)) {
    case 0:
      return Object.fromEntries(entries.filter((_, index) => index !== at));
    case 1:
      return { ...value, [random.pick(TEXTS) ?? '']: held };
    default:
      return { ...value, [key]: change(held, random) };
  }
}

function changeList(list: readonly unknown[], random: Random): unknown[] {
  if (list.length === 0) return [null];
  const at = random.between(0, list.length - 1);
  switch (random.between(0, 4)) {
    case 0:
      return list.toSpliced(at, 1);
    case 1:
      return list.toSpliced(at, 0, ...list.slice(at, at + 1));
    case 2:
      return list.toReversed();
    case 3:
      return Array.from({ length: random.between(0, 400) }, () => list[at]);
    default:
      return list.with(at, change(list[at], random));
  }
}

function another(value: unknown, random: Random): unknown {
  if (typeof value === 'number' && random.chance(0.5)) return value + random.between(-2, 2);
  if (typeof value === 'string' && random.chance(0.5)) return changeText(value, random);
  return random.pick([null, true, [], {}, random.pick(NUMBERS), random.pick(TEXTS), value]);
}

/** Texts may hold JSON again: the texts of an op do. */
function changeText(text: string, random: Random): string {
  if (text.startsWith('{') && random.chance(0.7)) return JSON.stringify(change(parseJson(text) ?? text, random));
  const at = random.between(0, text.length);
  const digit = random.between(0, 15).toString(16);
  return random.chance(0.5) ? text.slice(0, at) + digit + text.slice(at + 1) : text.slice(0, at);
}

const deepened = (text: string, random: Random): string => {
  const [open, close] = random.chance(0.5) ? ['[', ']'] : ['{"x":', '}'];
  return text.replace(/:[^:]*$/, `:${open.repeat(DEEP)}1${close.repeat(DEEP)}}`);
};
