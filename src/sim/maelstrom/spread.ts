/** Maelstrom's workloads `broadcast` and `g-set`: values that must be read everywhere in the end, what they cost in messages, and how soon they are there. */
import type { Answer } from '#maelstrom/message.ts';
import type { LabKnobs } from './lab.ts';
import { MaelstromLab } from './lab.ts';
import { PARTITIONS, partitionOf } from './partitions.ts';

export type SpreadWorkload = LabKnobs & {
  workload: 'broadcast' | 'g-set';
  /** Operations a second over all nodes; half of them read. */
  rate: number;
  seconds: number;
  /** A partition every ten seconds for ten seconds, as Maelstrom's nemesis does. */
  partitions: boolean;
};

export type SpreadOutcome = {
  /** Those that were answered with success; reads count, as they do in Maelstrom. */
  operations: number;
  messages: number;
  /** Over the whole test, start and quiet end included, as Maelstrom counts. */
  messagesPerOperation: number;
  /** While operations come. */
  messagesPerOperationAtWork: number;
  dropped: number;
  /** From the acknowledgement of each value until the last node shows it; ascending. */
  latenciesMs: number[];
  /** Values that were acknowledged and are missing somewhere at the end; and those read that nobody wrote. */
  lost: number;
  unexpected: number;
  problems: string[];
};

/** Maelstrom waits so long before its last reads. */
const QUIET_MS = 10_000;
const NEMESIS_MS = 10_000;
const START_MS = 1_000;
const LAST_READS_MS = 1_000;

type Value = { ackMs: number | undefined; shownAt: Set<string>; lastMs: number };

export async function spreadWorkload(o: SpreadWorkload): Promise<SpreadOutcome> {
  const values = new Map<number, Value>();
  const lab = new MaelstromLab(o, (node, value) => {
    const held = typeof value === 'number' ? values.get(value) : undefined;
    held?.shownAt.add(node);
    if (held !== undefined) held.lastMs = lab.time.nowMs;
  });
  let operations = 0;
  const isBroadcast = o.workload === 'broadcast';
  lab.start({ topology: isBroadcast });
  const write = (node: string): void => {
    const value = values.size;
    const held: Value = { ackMs: undefined, shownAt: new Set(), lastMs: 0 };
    values.set(value, held);
    const body = isBroadcast ? { type: 'broadcast', message: value } : { type: 'add', element: value };
    lab.request(node, body, (answer) => {
      if (answer.type === 'error') return;
      held.ackMs = lab.time.nowMs;
      operations += 1;
    });
  };
  const count = o.rate * o.seconds;
  for (let n = 0; n < count; n++) {
    lab.time.after(START_MS + ((n + lab.random.unit()) * 1_000) / o.rate, () => {
      const node = lab.names[n % lab.names.length] ?? '';
      if (lab.random.chance(0.5)) write(node);
      else lab.request(node, { type: 'read' }, (answer) => void (operations += answer.type === 'read_ok' ? 1 : 0));
    });
  }
  const endMs = START_MS + o.seconds * 1_000;
  if (o.partitions) partitionEvery(lab, endMs);
  await lab.run(START_MS);
  const before = lab.messages;
  await lab.run(endMs);
  const atWork = lab.messages - before;
  await lab.run(endMs + QUIET_MS);
  const { messages } = lab;
  const reads = await lastReads(lab);
  const acked = [...values].filter(([, { ackMs }]) => ackMs !== undefined);
  return {
    operations,
    messages,
    messagesPerOperation: messages / operations,
    messagesPerOperationAtWork: atWork / operations,
    dropped: lab.dropped,
    latenciesMs: acked
      .filter(([, { shownAt }]) => shownAt.size === lab.names.length)
      .map(([, { ackMs = 0, lastMs }]) => Math.max(0, lastMs - ackMs))
      .toSorted((a, b) => a - b),
    lost: acked.filter(([value]) => reads.some((read) => !read.has(value))).length,
    unexpected: reads.flatMap((read) => [...read]).filter((value) => typeof value !== 'number' || !values.has(value))
      .length,
    problems: lab.problems,
  };
}

/** Cuts and heals in turns, and heals at the end. */
export function partitionEvery(lab: MaelstromLab, endMs: number): void {
  for (let atMs = NEMESIS_MS / 2, n = 0; atMs < endMs; atMs += NEMESIS_MS, n++) {
    const kind = PARTITIONS[Math.floor(n / 2) % PARTITIONS.length] ?? 'one';
    lab.time.after(atMs, () => (n % 2 === 0 ? lab.cut(partitionOf(kind, lab.names, lab.random)) : lab.heal()));
  }
  lab.time.after(endMs, () => lab.heal());
}

async function lastReads(lab: MaelstromLab): Promise<ReadonlySet<unknown>[]> {
  const reads: ReadonlySet<unknown>[] = [];
  for (const node of lab.names)
    lab.request(node, { type: 'read' }, (answer: Answer) => {
      const shown = answer['messages'] ?? answer['value'];
      reads.push(new Set(Array.isArray(shown) ? shown : []));
    });
  await lab.run(lab.time.nowMs + LAST_READS_MS);
  if (reads.length !== lab.names.length)
    lab.problems.push(`${reads.length} of ${lab.names.length} last reads answered`);
  return reads;
}
