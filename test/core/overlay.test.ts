/** With whom a node keeps links, in a swarm that is larger than full links reach. */
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#core/brand.ts';
import { FRAME } from '#core/schema/frame.ts';
import { Machine } from './machine.ts';
import { present, Writer } from './writer.ts';

const options = { settings: { fullLinksMax: 3 } };

/** A machine that knows `count` other members, and is linked with the first of them, which told of all. */
async function among(count: number): Promise<{ machine: Machine; members: NodeId[] }> {
  const machine = new Machine(0, options);
  await machine.register();
  const writers = Array.from({ length: count }, (_, n) => new Writer(n + 1));
  const first = present(writers[0]).node;
  await machine.linkUp(first);
  for (const writer of writers) await machine.receive(first, writer.frame([writer.hello()]));
  machine.takeSent();
  return { machine, members: writers.map(({ node }) => node) };
}

/** Whom it was last told to keep; undefined: all. */
const kept = (machine: Machine): readonly NodeId[] | undefined =>
  machine.actions.findLast((action) => action.kind === 'keepLinks')?.nodes;

async function pass(machine: Machine, ms: number): Promise<void> {
  for (const endMs = machine.nowMs + ms; machine.nowMs < endMs;) {
    machine.nowMs = Math.min(endMs, machine.core.nextWakeMs() ?? endMs);
    await machine.tick();
  }
}

describe('links', () => {
  it('are kept to all while there are few members: nothing is ever said', async () => {
    const { machine } = await among(2);
    expect(machine.actions.filter(({ kind }) => kind === 'keepLinks')).toEqual([]);
  });

  it('are kept to six neighbours at most, and to whoever linked just now', async () => {
    const { machine, members } = await among(40);
    const first = present(members[0]);
    expect(kept(machine)?.length).toBeLessThanOrEqual(7);
    expect(kept(machine)?.length).toBeGreaterThanOrEqual(5);
    expect(kept(machine)).toContain(first);
    const near = new Set(kept(machine)?.filter((node) => node !== first));
    for (const node of near) await machine.linkUp(node);
    await pass(machine, 61_000);
    expect(kept(machine)?.filter((node) => node !== first)).toEqual([...near].toSorted());
  });

  it('go to the next on the ring, where the nearest cannot be reached, and back when it comes', async () => {
    const { machine } = await among(40);
    const before = new Set(kept(machine));
    await pass(machine, 10_000);
    const wider = kept(machine)?.filter((node) => !before.has(node)) ?? [];
    expect(wider.length).toBeGreaterThan(0);
    for (const node of before) await machine.linkUp(node);
    await pass(machine, 61_000);
    expect(kept(machine)?.every((node) => before.has(node))).toBe(true);
  });
});

describe('a call to a node that is not linked', () => {
  it('dials it, waits for the link and leaves', async () => {
    const { machine, members } = await among(40);
    const far = present(members.find((node) => kept(machine)?.includes(node) === false));
    const answers: unknown[] = [];
    machine.core.call(
      { to: far, method: 'm', params: {}, deadlineMs: 10_000, done: (answer) => answers.push(answer) },
      machine.clock(),
    );
    await machine.run();
    expect(kept(machine)).toContain(far);
    expect(machine.takeSent().filter(({ frame }) => frame.type === FRAME.call)).toEqual([]);
    await machine.linkUp(far);
    const [call] = machine.takeSent().filter(({ frame }) => frame.type === FRAME.call);
    expect(call).toMatchObject({ to: far, frame: { method: 'm', to: far } });
    expect(answers).toEqual([]);
  });

  it('fails when the node cannot be dialled, long before its deadline; and at once where nobody knows the node', async () => {
    const { machine, members } = await among(40);
    const far = present(members.find((node) => kept(machine)?.includes(node) === false));
    const codes: string[] = [];
    const call = (to: NodeId): void =>
      machine.core.call(
        {
          to,
          method: 'm',
          params: {},
          deadlineMs: 60_000,
          done: (answer) => codes.push(answer.ok ? 'ok' : answer.code),
        },
        machine.clock(),
      );
    call(new Writer(99).node);
    expect(codes).toEqual(['unreachable']);
    call(far);
    await pass(machine, 2_000);
    expect(codes).toHaveLength(1);
    await pass(machine, 3_000);
    expect(codes).toEqual(['unreachable', 'unreachable']);
  });
});
