// Needs: ip, nft, root
/** Five nodes on five hosts that nobody introduced to one another, and what is left of their swarm after silent partitions. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { onLab } from '../nemesis/directed.ts';
import type { LabSwarm } from '../nemesis/lab-swarm.ts';
import { until } from '../nemesis/lab-swarm.ts';
import type { LabNode } from '../nemesis/node.ts';
import { agreement, createTask, marksIn, recorded, sharing, taskAt, taskWhen } from '../nemesis/tasks.ts';

/** As long as links take to be found dead by every means there is, and votes, leases and dials to be tried many times. */
const PARTITION_MS = 120_000;
/** One task is created so often, at one node after the other. */
const TASK_EVERY_MS = 4_000;
/** What is promised; the aim is one second, and `npm run bench -- heal` prints what it is. */
const AGREE_WITHIN_MS = 10_000;
/** Tasks of the half that could decide nothing are decided and run one after the other. */
const ALL_OVER_WITHIN_MS = 120_000;

/** Cuts the swarm in two for {@link PARTITION_MS} while tasks are created and run on both sides; the tasks. */
async function partition(swarm: LabSwarm, left: readonly number[], right: readonly number[]): Promise<string[]> {
  const file = join(swarm.dir, 'marks');
  const droppedBefore = await swarm.lab.dropped();
  await swarm.lab.setRule('half', { kind: 'partition', left, right });
  const ids: string[] = [];
  for (let passedMs = 0; passedMs < PARTITION_MS; passedMs += TASK_EVERY_MS) {
    const home = swarm.node((ids.length % swarm.nodes.length) + 1);
    ids.push((await createTask(home, { title: `task ${ids.length}`, description: recorded(file, 'sleep 1') })).id);
    await sleep(TASK_EVERY_MS);
  }
  expect(await swarm.lab.dropped()).toBeGreaterThan(droppedBefore);
  const majority = swarm.node((left.length > right.length ? left : right)[0] ?? 0);
  const doneThere = await Promise.all(ids.map((id) => doneAt(majority, id)));
  expect(doneThere.filter(Boolean).length).toBeGreaterThan(ids.length / 4);
  await swarm.lab.setRule('half', undefined);
  return ids;
}

/** The other half's tasks are not even known there. */
async function doneAt(node: LabNode, id: string): Promise<boolean> {
  return (await isKnownAt(node, id)) && (await taskAt(node, id)).status === 'completed';
}

async function isKnownAt(node: LabNode, id: string): Promise<boolean> {
  return (await node.request('GET', `/api/swarm/tasks/${id}`)).status === 200;
}

/** What becomes of a datagram to everybody on the wire that does not leave from an address of its own, as a node's do. */
const TO_ALL = `
const socket = require('node:dgram').createSocket('udp4');
socket.bind(0, () => {
  socket.setBroadcast(true);
  socket.send('x', 6101, '255.255.255.255', (error) => {
    console.log(error === null ? 'sent' : error.code);
    socket.close();
  });
});`;

describe('two nodes on two hosts', () => {
  it('find one another where no route leads to 255.255.255.255', { timeout: 120_000 }, (context) =>
    onLab(context, { nodes: [{}, {}], hasSeeds: false, leaseSeconds: 60 }, async (swarm) => {
      const host = swarm.lab.host(1);
      expect(await host.run([process.execPath, '-e', TO_ALL])).toBe('ENETUNREACH\n');
      await swarm.linked();
      expect(swarm.troubles).toEqual([]);
    }),
  );
});

describe('five nodes on five hosts, without seeds', () => {
  it('find one another, go on in either half for two minutes, and agree after it', { timeout: 900_000 }, (context) =>
    onLab(context, { nodes: [{}, {}, {}, {}, {}], hasSeeds: false, leaseSeconds: 60 }, async (swarm) => {
      await swarm.linked();
      for (const [left, right] of [
        [
          [1, 2],
          [3, 4, 5],
        ],
        [
          [1, 2, 3],
          [4, 5],
        ],
      ] as const) {
        const ids = await partition(swarm, left, right);
        const tookMs = await sharing(swarm.nodes, { withinMs: AGREE_WITHIN_MS });
        console.log(`agreed ${Math.round(tookMs)} ms after the heal`);
        for (const id of ids) {
          const isSo = ({ status }: { status: string }): boolean => status === 'completed';
          const task = await taskWhen(swarm.node(1), { id, what: 'is over', withinMs: ALL_OVER_WITHIN_MS, isSo });
          expect(task).toMatchObject({ conflicts: [] });
        }
        await agreement(swarm.nodes, AGREE_WITHIN_MS);
      }
      const starts = marksIn(join(swarm.dir, 'marks')).filter(({ what }) => what === 'start');
      expect(new Set(starts.map(({ task, attempt }) => `${task} ${attempt}`)).size).toBe(starts.length);
      expect(swarm.troubles).toEqual([]);
    }),
  );

  it('find one again whose interface went away and came back with another address', { timeout: 300_000 }, (context) =>
    onLab(
      context,
      { nodes: [{ agents: 0 }, { agents: 0, bind: '0.0.0.0' }], hasSeeds: false, leaseSeconds: 60 },
      async (swarm) => {
        await swarm.linked();
        const [stays, moves] = [swarm.node(1), swarm.node(2)];
        await moves.host.run(['ip', 'link', 'set', 'eth0', 'down']);
        // Longer than the time between two announcements: the network refuses at least one.
        await sleep(12_000);
        const moved = '10.77.0.42';
        const change = `ip addr flush dev eth0; ip addr add ${moved}/24 brd + dev eth0; ip link set eth0 up`;
        await moves.host.run(['sh', '-ec', change]);
        await until(`${stays.name} is linked with ${moved}`, 120_000, async () => {
          const connections = await stays.host.run(['ss', '-Htn', 'state', 'established']);
          return connections.includes(moved);
        });
        const { id } = await createTask(moves, { title: 'after the move', description: 'true' });
        await until('the task is known at the other', AGREE_WITHIN_MS, () => isKnownAt(stays, id));
        expect(swarm.troubles).toEqual([]);
      },
    ),
  );
});
