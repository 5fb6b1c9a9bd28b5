/** New ops on their way: when they leave, and to whom. */
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#core/brand.ts';
import { FRAME } from '#core/schema/frame.ts';
import { headsIn, holding, opsIn, other, peer } from './linked.ts';
import { Table } from './table.ts';
import { postBody, present, Writer } from './writer.ts';

describe('new ops', () => {
  it('of this node leave after they are on disk, signed, to every link', async () => {
    const { machine } = await holding(2);
    machine.holdDisk();
    await machine.create(postBody('mine'));
    expect(opsIn(machine.takeSent())).toEqual([]);
    await machine.releaseDisk();
    const said = machine.takeSent().filter(({ frame }) => 'op' in frame);
    expect(said.map(({ to }) => to).toSorted()).toEqual([peer, other].toSorted());
    expect(said[0]?.frame).toMatchObject({ type: FRAME.post, sig: expect.any(String) });
  });

  it('of others are passed on before they are on disk', async () => {
    const { machine, writer } = await holding(2);
    machine.holdDisk();
    await machine.receive(peer, writer.frame(writer.posts(1)));
    expect(machine.takeSent().map(({ to, frame }) => [to, 'op' in frame])).toEqual([[other, true]]);
    expect(machine.store.heads().get(writer.node)).toMatchObject({ seq: 2 });
    await machine.releaseDisk();
    expect(machine.store.heads().get(writer.node)).toMatchObject({ seq: 3 });
    expect(opsIn(machine.takeSent())).toEqual([]);
  });

  it('are passed on only to links that are linked neither with the author nor with the sender', async () => {
    const { machine, writer } = await holding(2);
    const [third, fourth] = [new Writer(3).node, new Writer(4).node];
    for (const node of [third, fourth, writer.node]) await machine.linkUp(node);
    const beat = (node: NodeId, links: NodeId[]): Promise<void> =>
      machine.receive(node, { type: FRAME.agentHeartbeat, node_id: node, beat: 1, lamport_ts: 1, links, agents: [] });
    await beat(other, [writer.node]);
    await beat(third, [peer]);
    await beat(fourth, [other]);
    machine.takeSent();
    await machine.receive(peer, writer.frame(writer.posts(1)));
    expect(opsIn(machine.takeSent().filter(({ to }) => to !== fourth))).toEqual([]);
    await machine.receive(peer, writer.frame(writer.posts(1)));
    expect(
      machine
        .takeSent()
        .filter(({ frame }) => 'op' in frame)
        .map(({ to }) => to),
    ).toEqual([fourth]);
  });

  it('known ones are not passed on again', async () => {
    const { machine, writer } = await holding(2);
    const frame = writer.frame(writer.posts(1));
    await machine.receive(peer, frame);
    machine.takeSent();
    await machine.receive(other, frame);
    expect(machine.takeSent()).toEqual([]);
  });

  it('reach everybody along a chain of nodes', async () => {
    const table = await Table.of(5);
    for (let at = 0; at < 4; at++) await table.link(at, at + 1);
    await table.settle();
    await table.at(0).create(postBody('far'));
    await table.settle();
    expect(table.machines.map((machine) => machine.store.count('post', {}))).toEqual([1, 1, 1, 1, 1]);
  });

  it('that are early make this node ask once for what lies below, and are not counted until then', async () => {
    const { machine, writer } = await holding(2);
    machine.nowMs += 10_000;
    const [missing, early, later] = writer.posts(3);
    const digest = machine.core.headsDigest();
    await machine.receive(peer, writer.frame([present(early)]));
    await machine.receive(peer, writer.frame([present(later)]));
    const said = machine.takeSent();
    expect(headsIn(said)).toEqual([{ type: FRAME.heads, digest, heads: { [writer.node]: 2 } }]);
    expect(opsIn(said)).toEqual([]);
    await machine.receive(peer, writer.frame([present(missing)]));
    expect(machine.store.heads().get(writer.node)).toMatchObject({ seq: 5 });
    expect(opsIn(machine.takeSent())).toHaveLength(3);
  });

  it('that are invalid are dropped, nothing is passed on, and the relay is counted', async () => {
    const { machine, writer } = await holding(2);
    const frame = writer.frame(writer.posts(1));
    const forged = 'ops' in frame ? { ...frame, sig: 'forged' } : frame;
    await machine.receive(peer, forged);
    await machine.receive(peer, forged);
    expect(machine.takeSent()).toEqual([]);
    expect(machine.core.tallies().get(peer)).toMatchObject({ refused: 2 });
    await machine.receive(peer, frame);
    expect(machine.store.heads().get(writer.node)).toMatchObject({ seq: 3 });
    await machine.receive(peer, frame);
    writer.posts(1);
    await machine.receive(peer, writer.frame(writer.posts(1)));
    expect(machine.core.tallies().get(peer)).toEqual({ taken: 1, relayed: 1, repeated: 1, gaps: 1, refused: 2 });
  });
});
