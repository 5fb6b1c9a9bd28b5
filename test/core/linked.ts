/** A machine with two linked peers that the test speaks for, and what it said to them. */
import type { NodeId } from '#core/brand.ts';
import type { Frame, OpsFrame } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { HeadsFrame } from '#core/schema/heads-frame.ts';
import type { Say } from './machine.ts';
import { Machine } from './machine.ts';
import { Writer } from './writer.ts';

export const peer = new Writer(1).node;
export const other = new Writer(2).node;
export const noDigest = '0'.repeat(32);

export const headsIn = (said: readonly Say[], to: NodeId = peer): HeadsFrame[] =>
  said.flatMap((one) => (one.to === to && one.frame.type === FRAME.heads ? [one.frame] : []));
export const pagesIn = (said: readonly Say[], to: NodeId = peer): OpsFrame[] =>
  said.flatMap((one) => (one.to === to && one.frame.type === FRAME.ops ? [one.frame] : []));
export const opsIn = (said: readonly Say[]): Frame[] =>
  said.map((one) => one.frame).filter((frame) => 'op' in frame || 'ops' in frame);
export const seqsOf = (frame: OpsFrame | undefined): number[] =>
  (frame?.ops ?? []).map(([header]) => Number(/"seq":(\d+)/.exec(header)?.[1]));
export const heads = (o: { heads?: Record<string, number>; whole?: boolean; digest?: string }): Frame => ({
  type: FRAME.heads,
  digest: o.digest ?? noDigest,
  ...(o.heads === undefined ? {} : { heads: o.heads }),
  ...(o.whole === undefined ? {} : { whole: o.whole }),
});

/** A machine linked with `peer`, holding `count` ops of a writer; what was said so far is forgotten. */
export async function holding(count: number): Promise<{ machine: Machine; writer: Writer }> {
  const machine = new Machine(0);
  await machine.register();
  const writer = new Writer(5);
  const ops = [writer.hello(), ...writer.posts(count - 1)];
  for (let from = 0; from < count; from += 256) await machine.receive(other, writer.frame(ops.slice(from, from + 256)));
  await machine.linkUp(peer);
  await machine.linkUp(other);
  machine.takeSent();
  return { machine, writer };
}
