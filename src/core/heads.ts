/**
 * Heads as they are compared: up to some logs by naming all of them; beyond by parts, each with the logs whose node ids begin alike. Digests of
 * parts are compared first, and only heads of parts that differ are named.
 */
import type { NodeId } from './brand.ts';
import { nodeIdOf } from './brand.ts';
import type { Log } from './log.ts';
import type { HeadsFrame } from './schema/heads-frame.ts';

/** Up to so many logs a part: some 11 KB of heads. */
const PART_AUTHORS = 256;
/** Hexadecimal digits that name a part: one digit is 16 parts, two are 256. */
const DIGITS_MAX = 2;
/** Heads in one frame; 45 bytes each. A part is larger only where somebody chose the ids. */
const HEADS_MAX = 16_384;
const DIGITS = Array.from({ length: 16 }, (_, digit) => digit.toString(16));

/** How finely the heads of so many logs are parted: 0 where all are named at once. */
function digitsFor(authors: number): number {
  for (let digits = 0; digits < DIGITS_MAX; digits++) if (authors <= PART_AUTHORS * 16 ** digits) return digits;
  return DIGITS_MAX;
}

const partNames = (digits: number): string[] =>
  digits === 0 ? [''] : partNames(digits - 1).flatMap((name) => DIGITS.map((digit) => `${name}${digit}`));

/** What a comparison begins with: all heads, or the digests of their parts. */
export function openingOf(log: Log): Pick<HeadsFrame, 'digest' | 'heads' | 'whole' | 'parts'> {
  const digits = digitsFor(log.authors().length);
  const digest = log.digest();
  if (digits === 0) return { digest, heads: log.allHeads(), whole: true };
  return { digest, parts: Object.fromEntries(partNames(digits).map((name) => [name, log.digest(name)])) };
}

/** The heads of each part whose digest is another here. */
export function differingParts(
  log: Log,
  parts: Readonly<Record<string, string>>,
): Pick<HeadsFrame, 'digest' | 'heads' | 'part'>[] {
  return Object.entries(parts).flatMap(([part, theirs]) => {
    const digest = log.digest(part);
    if (digest === theirs) return [];
    const heads = Object.entries(log.allHeads(part));
    if (heads.length <= HEADS_MAX) return [{ digest, heads: Object.fromEntries(heads), part }];
    return [{ digest, heads: Object.fromEntries(heads.slice(0, HEADS_MAX)) }];
  });
}

/** What the sender holds of each log that it names. */
export const namedHeads = (frame: HeadsFrame): Map<NodeId, number> =>
  new Map(Object.entries(frame.heads ?? {}).map(([node, seq]) => [nodeIdOf(node), seq]));

/** Which logs the frame speaks of beside those it names, by the beginning of their node ids: the sender holds nothing of them. */
export function coveredBy(frame: HeadsFrame): string | undefined {
  if (frame.heads === undefined) return undefined;
  return frame.whole === true ? '' : frame.part;
}

/** True when the frame says what its sender holds of that log, if only by a digest that equals this node's. */
export function tellsOf(frame: HeadsFrame, node: NodeId, log: Log): boolean {
  const covered = coveredBy(frame);
  if (covered !== undefined) return node.startsWith(covered);
  return Object.entries(frame.parts ?? {}).some(
    ([part, digest]) => node.startsWith(part) && digest === log.digest(part),
  );
}
