/** What one can do, as it is typed. */

/** `rust: parsers and lexers; 5 USD` */
const LINE = /^([^:;]+)(?::([^;]*))?(?:;\s*([0-9]+(?:\.[0-9]+)?)\s*(\S{1,16})?\s*)?$/;

type Wanted = { capability: string; description?: string; rate?: number; currency?: string };

/** Throws with the line that cannot be read. */
export function skillOf(line: string): Wanted {
  const [, capability, description = '', rate, currency] = LINE.exec(line) ?? [];
  if (capability === undefined) throw new Error(`cannot read “${line}” (expected: rust: what of it; 5 USD)`);
  return {
    capability: capability.trim(),
    ...(description.trim() === '' ? {} : { description: description.trim() }),
    ...(rate === undefined ? {} : { rate: Number(rate) }),
    ...(currency === undefined ? {} : { currency }),
  };
}
