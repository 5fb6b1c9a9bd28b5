/** Presence: when a node speaks of itself and its agents, and whose word is taken. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import type { Heartbeat } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import { finish } from './task/scene.ts';
import { Machine } from './machine.ts';
import { Table } from './table.ts';
import { postBody, Writer } from './writer.ts';

const peer = new Writer(1).node;
const other = new Writer(2).node;

const beatsIn = (machine: Machine): Heartbeat[] =>
  machine.takeSent().flatMap(({ frame }) => (frame.type === FRAME.agentHeartbeat ? [frame] : []));
const beat = (o: Partial<Heartbeat> = {}): Heartbeat => ({
  type: FRAME.agentHeartbeat,
  node_id: peer,
  beat: 1,
  lamport_ts: 1,
  links: [],
  agents: [],
  ...o,
});

async function linked(): Promise<Machine> {
  const machine = new Machine(0);
  await machine.register();
  await machine.linkUp(peer);
  machine.takeSent();
  return machine;
}

describe('a node says how it is', () => {
  it('every 15 seconds, counting, as long as anybody is linked', async () => {
    const machine = await linked();
    const beats: number[] = [];
    for (let n = 0; n < 3; n++) {
      machine.nowMs += 15_000;
      await machine.tick();
      beats.push(...beatsIn(machine).map((frame) => frame.beat));
    }
    expect(beats).toEqual([2, 3, 4]);
    await machine.linkDown(peer);
    machine.nowMs += 15_000;
    await machine.tick();
    expect(beatsIn(machine)).toEqual([]);
  });

  it('at once when an agent comes, starts or ends work, and not when nothing changed', async () => {
    const machine = await linked();
    const states = (): unknown => beatsIn(machine).map((frame) => frame.agents.map((one) => [one.status, one.attempt]));
    await machine.agent();
    expect(states()).toEqual([[['idle', null]]]);
    const task: OpId = await machine.task();
    expect(states()).toEqual([[['busy', 1]]]);
    await machine.task({ requiredCapabilities: ['none'] });
    expect(states()).toEqual([]);
    await finish(machine, task);
    machine.core.attemptGone({ task, attempt: 1 }, machine.clock());
    await machine.run();
    expect(states()).toEqual([[['idle', null]]]);
  });

  it('at once when a link comes or goes, with whom it is linked', async () => {
    const machine = await linked();
    await machine.linkUp(other);
    expect(beatsIn(machine)[0]?.links).toEqual([peer, other]);
    await machine.linkDown(peer);
    expect(beatsIn(machine).at(-1)?.links).toEqual([other]);
  });
});

describe('the word of a node', () => {
  it('is taken from itself alone, and an older one changes nothing', async () => {
    const machine = await linked();
    await machine.receive(peer, beat({ beat: 5, links: [other] }));
    await machine.receive(peer, beat({ beat: 4, links: [] }));
    await machine.receive(other, beat({ beat: 9, links: [] }));
    expect(machine.core.presences().get(peer)?.links).toEqual([other]);
    expect(machine.core.presences().get(other)).toBeUndefined();
  });

  it('begins anew after its link came back: its next life counts from one', async () => {
    const machine = await linked();
    await machine.receive(peer, beat({ beat: 50, links: [other] }));
    await machine.linkDown(peer);
    expect(machine.core.presences().get(peer)?.links).toEqual([]);
    await machine.linkUp(peer);
    await machine.receive(peer, beat({ beat: 1, links: [other] }));
    expect(machine.core.presences().get(peer)?.links).toEqual([other]);
  });

  it('raises the clock, within bounds', async () => {
    const machine = await linked();
    const stamp = async (): Promise<number | undefined> =>
      (await machine.append([{ entity: undefined, by: userPrincipal('x'), body: postBody('now') }]))[0]?.header.lamport;
    await machine.receive(peer, beat({ lamport_ts: 40 }));
    expect(await stamp()).toBe(41);
    await machine.receive(peer, beat({ beat: 2, lamport_ts: 2 ** 50 }));
    expect(await stamp()).toBe(42);
  });
});

describe('idle nodes', () => {
  it('say nothing but heartbeats, one small comparison a minute, and whether they are there', async () => {
    const table = await Table.linked(3);
    await table.advance(30_000);
    const before = table.delivered.length;
    await table.advance(600_000);
    const frames = table.delivered.slice(before).map(({ frame }) => frame);
    const probing = new Set<number>([FRAME.probe, FRAME.probeAnswer]);
    const rest = frames.filter((frame) => !probing.has(frame.type));
    expect(new Set(rest.map((frame) => frame.type))).toEqual(new Set([FRAME.agentHeartbeat, FRAME.heads]));
    // Each node asks at most two others a half second, and each asks back.
    expect(frames.length - rest.length).toBeLessThanOrEqual(3 * 2 * 2 * 2 * 600);
    expect(frames.filter((frame) => frame.type === FRAME.heads && frame.heads !== undefined)).toEqual([]);
    expect(frames.filter((frame) => frame.type === FRAME.heads)).toHaveLength(3 * 2 * 10);
    expect(frames.filter((frame) => frame.type === FRAME.agentHeartbeat)).toHaveLength(3 * 2 * 40);
  });
});
