/**
 * A sealed run: consecutive ops of one author, written without what follows from the rest. The author, the numbers, `prev`, the hashes and the hash of
 * each body are computed when it is read, clocks are differences, and of the signatures only the last is kept: it covers all before it. The texts that
 * come out are, byte for byte, those that went in; what would not come out so is kept as it is.
 */
import { z } from 'zod';
import type { Hash, NodeId, OpId, Principal } from '#core/brand.ts';
import { opIdOf } from '#core/brand.ts';
import type { Crypto } from '#core/crypto.ts';
import type { Header, Op } from '#core/op.ts';
import { BATCH_MAX_BYTES, BATCH_MAX_OPS, opId } from '#core/op.ts';
import { hashSchema, nodeIdSchema, opIdSchema, principalSchema } from '#core/schema/ids.ts';
import { StoreError } from './errors.ts';
import { opOfTexts } from './stored-op.ts';

/** As a store holds an op: its place in the order of arrival, and the name of its type. */
export type Entry = { n: number; type: string; op: Op };

export const typeNameOf = ({ body }: Op): string => (body.type === 'unknown' ? body.typeName : body.type);

/** A run is at most one page of an answer: whoever asks for its first op gets all of it in one frame. */
export const RUN_OPS = BATCH_MAX_OPS;

const numbers = z.array(z.number().int());

/** All but the bodies, which stand behind it in one text. */
const runSchema = z.object({
  node: nodeIdSchema,
  first: z.number().int().min(1),
  prev: hashSchema,
  sig: z.string(),
  /** The value of the first op, then what each adds to the one before. */
  n: numbers,
  lamport: numbers,
  wallMs: numbers,
  /** Place in `types`, `by` and `entities`; -1 for an op that creates its own entity. */
  type: numbers,
  by: numbers,
  entity: numbers,
  types: z.array(z.string()),
  principals: z.array(principalSchema),
  entities: z.array(opIdSchema),
  /** Length of each body, in UTF-16 units. */
  bodies: numbers,
  /** Headers that are not what their fields give: of a newer version. By place. */
  headers: z.record(z.string(), z.string()),
});
type Run = z.output<typeof runSchema>;

const differences = (values: readonly number[]): number[] =>
  values.map((value, at) => value - (at === 0 ? 0 : (values[at - 1] ?? 0)));

function sums(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => (sum += value));
}

/** Places of values in the list of those that differ. */
function places<T>(values: readonly T[]): { distinct: T[]; at: number[] } {
  const found = new Map<T, number>();
  const at = values.map((value) => {
    const held = found.get(value) ?? found.size;
    found.set(value, held);
    return held;
  });
  return { distinct: [...found.keys()], at };
}

/** How many of these ops, which follow one another in their log, make the next run: up to a signature, within a page. 0 where none does. */
export function runLength(entries: readonly Entry[], crypto: Pick<Crypto, 'byteLength'>): number {
  let [bytes, length] = [0, 0];
  for (const [at, { op }] of entries.slice(0, RUN_OPS).entries()) {
    bytes += crypto.byteLength(op.headerText) + crypto.byteLength(op.bodyText);
    if (bytes > BATCH_MAX_BYTES) break;
    if (op.sig !== undefined) length = at + 1;
  }
  return length;
}

/** The run as one text. Throws a RangeError for ops that are no run: nothing was changed. */
export function writeRun(entries: readonly Entry[]): string {
  const [first] = entries;
  const sig = entries.at(-1)?.op.sig;
  if (first === undefined || sig === undefined) throw new RangeError('a run ends on a signed op');
  const ops = entries.map((entry) => entry.op);
  const types = places(entries.map((entry) => entry.type));
  const principals = places(ops.map((op) => op.header.by));
  const others = places(ops.flatMap((op) => (op.header.entity === opId(op) ? [] : [op.header.entity])));
  const entities = new Map(others.distinct.map((entity, at) => [entity, at]));
  const run: Run = {
    node: first.op.header.node,
    first: first.op.header.seq,
    prev: first.op.header.prev,
    sig,
    n: differences(entries.map((entry) => entry.n)),
    lamport: differences(ops.map((op) => op.header.lamport)),
    wallMs: differences(ops.map((op) => op.header.wallMs)),
    type: types.at,
    by: principals.at,
    entity: ops.map((op) => (op.header.entity === opId(op) ? -1 : (entities.get(op.header.entity) ?? -1))),
    types: types.distinct,
    principals: principals.distinct,
    entities: others.distinct,
    bodies: ops.map((op) => op.bodyText.length),
    headers: Object.fromEntries(
      ops.flatMap((op, at) => (JSON.stringify(op.header) === op.headerText ? [] : [[String(at), op.headerText]])),
    ),
  };
  return `${JSON.stringify(run)}\n${ops.map((op) => op.bodyText).join('')}`;
}

/** The ops of a run. Throws a StoreError where the text is not one. */
export function readRun(text: string, crypto: Pick<Crypto, 'sha256'>): Entry[] {
  const end = text.indexOf('\n');
  const run = parseRun(text.slice(0, end));
  const [n, lamport, wallMs] = [sums(run.n), sums(run.lamport), sums(run.wallMs)];
  const entries: Entry[] = [];
  let prev = run.prev;
  let from = end + 1;
  for (const [at, length] of run.bodies.entries()) {
    const bodyText = text.slice(from, from + length);
    from += length;
    const header: Header = {
      node: run.node,
      seq: run.first + at,
      lamport: need(lamport[at]),
      entity: entityOf(run, at),
      prev,
      bodyHash: crypto.sha256(bodyText),
      wallMs: need(wallMs[at]),
      by: need<Principal>(run.principals[need(run.by[at])]),
    };
    const kept = run.headers[at];
    const headerText = kept ?? JSON.stringify(header);
    const hash: Hash = crypto.sha256(headerText);
    const sig = at === run.bodies.length - 1 ? run.sig : undefined;
    const op = opOfTexts({ headerText, bodyText, hash, sig }, kept === undefined ? header : undefined);
    entries.push({ n: need(n[at]), type: need(run.types[need(run.type[at])]), op });
    prev = hash;
  }
  return entries;
}

function entityOf(run: Run, at: number): OpId {
  const place = need(run.entity[at]);
  return place < 0 ? opIdOf(run.node, run.first + at) : need(run.entities[place]);
}

function parseRun(text: string): Run {
  try {
    return runSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(cause);
  }
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw damaged(undefined);
  return value;
}

const damaged = (cause: unknown): StoreError =>
  new StoreError('store_damaged', 'A sealed run of ops cannot be read.', { cause });

/** What a store remembers of a run beside its text. */
export type RunPlace = { node: NodeId; first: number; last: number; firstN: number; lastN: number };

export function placeOf(entries: readonly Entry[]): RunPlace | undefined {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const { node, seq } = first.op.header;
  return { node, first: seq, last: last.op.header.seq, firstN: first.n, lastN: last.n };
}
