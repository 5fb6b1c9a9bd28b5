/** Tasks that wait for others: woken by the end that they wait for, wherever it comes from. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { Machine } from '../machine.ts';
import { cancel, cleanUp, finish } from './scene.ts';

async function withAgent(): Promise<Machine> {
  const machine = new Machine(0);
  await machine.register();
  await machine.agent();
  return machine;
}

async function work(machine: Machine, task: OpId, kind: 'completed' | 'failed' = 'completed'): Promise<void> {
  expect(machine.started().at(-1)).toBe(`${task}/1`);
  await finish(machine, task, { kind });
  await cleanUp(machine);
}

describe('a dependent', () => {
  it('starts when the last of several has completed, whatever their order', async () => {
    const machine = await withAgent();
    const [first, second] = [await machine.task(), await machine.task()];
    const last = await machine.task({ dependsOn: [first, second] });
    await work(machine, first);
    await work(machine, second);
    expect(machine.started().at(-1)).toBe(`${last}/1`);
  });

  it('in a chain of twenty starts in its turn', async () => {
    const machine = await withAgent();
    const chain: OpId[] = [];
    for (let n = 0; n < 20; n++) chain.push(await machine.task({ dependsOn: chain.slice(-1) }));
    for (const task of chain) await work(machine, task);
    expect(machine.started()).toHaveLength(20);
  });

  it('starts when a task that supersedes its dependency completes', async () => {
    const machine = await withAgent();
    const first = await machine.task({ attemptsMax: 1 });
    const last = await machine.task({ dependsOn: [first] });
    const heir = await machine.task({ supersedes: first, attemptsMax: 1 });
    await work(machine, first, 'failed');
    await work(machine, heir);
    expect(machine.started().at(-1)).toBe(`${last}/1`);
  });

  it('is cancelled when the last task that could stand in for its dependency failed as well', async () => {
    const machine = await withAgent();
    const first = await machine.task({ attemptsMax: 1 });
    const last = await machine.task({ dependsOn: [first] });
    const heir = await machine.task({ supersedes: first, attemptsMax: 1 });
    await work(machine, first, 'failed');
    expect(machine.chain(last).status).toBe('pending');
    await work(machine, heir, 'failed');
    expect(machine.chain(last)).toMatchObject({ status: 'cancelled', ended: { value: { reason: 'dependency' } } });
  });

  it('is woken also when its dependency ended while the node was down, or just before', async () => {
    const machine = await withAgent();
    const first = await machine.task();
    const last = await machine.task({ dependsOn: [first] });
    await finish(machine, first);
    const again = machine.restart();
    await again.run();
    await cleanUp(again);
    expect(again.started()).toEqual([`${last}/1`]);
  });

  it('that is cancelled itself is woken by nothing', async () => {
    const machine = await withAgent();
    const first = await machine.task();
    const last = await machine.task({ dependsOn: [first] });
    cancel(machine, last);
    await machine.run();
    await work(machine, first);
    expect(machine.chain(last).status).toBe('cancelled');
    expect(machine.started()).toHaveLength(1);
  });
});
