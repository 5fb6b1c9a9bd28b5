/** Calls: one answer each, along a link or one hop, within their time. */
import { describe, expect, it } from 'vitest';
import type { CallAnswer } from '#core/calls.ts';
import type { NodeId } from '#core/brand.ts';
import type { CallFrame, Frame, ReplyFrame } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import { Machine } from './machine.ts';
import { Table } from './table.ts';
import { present, Writer } from './writer.ts';

const peer = new Writer(1).node;
const far = new Writer(2).node;

/** Calls, and keeps every answer: there must be one. */
function call(machine: Machine, o: { to: NodeId; deadlineMs?: number; params?: unknown }): CallAnswer[] {
  const answers: CallAnswer[] = [];
  machine.core.call(
    {
      to: o.to,
      method: 'test.ask',
      params: o.params ?? null,
      deadlineMs: o.deadlineMs ?? 1_000,
      done: (answer) => void answers.push(answer),
    },
    machine.clock(),
  );
  return answers;
}

const callIn = (machine: Machine): CallFrame =>
  present(machine.takeSent().flatMap(({ frame }) => (frame.type === FRAME.call ? [frame] : []))[0], 'a call');
const reply = (to: CallFrame, o: Partial<ReplyFrame> = {}): Frame => ({
  type: FRAME.reply,
  id: to.id,
  from: to.to,
  to: to.from,
  lamport: 1,
  result: 'yes',
  ...o,
});

/** Every machine of `table` answers with its own number and what it was asked. */
async function serve(table: Table): Promise<void> {
  for (const machine of table.machines) {
    for (const action of machine.takeActions()) {
      if (action.kind !== 'serve') continue;
      machine.core.reply(action.call, { ok: true, result: [machine.index, action.call.params] }, machine.clock());
    }
    await machine.run();
  }
  await table.settle();
}

describe('a call', () => {
  it('to a linked node is answered once, with what that node said', async () => {
    const table = await Table.linked(2);
    const answers = call(table.at(0), { to: table.at(1).id, params: { x: 1 } });
    await table.at(0).run();
    await table.settle();
    expect(answers).toEqual([]);
    await serve(table);
    expect(answers).toEqual([{ ok: true, result: [1, { x: 1 }] }]);
    await table.advance(5_000);
    expect(answers).toHaveLength(1);
  });

  it('to nobody in reach is refused at once', async () => {
    const machine = new Machine(0);
    expect(call(machine, { to: far })).toMatchObject([{ ok: false, code: 'unreachable' }]);
    await machine.linkUp(peer);
    const wakeMs = machine.core.nextWakeMs();
    expect(call(machine, { to: far })).toMatchObject([{ ok: false, code: 'unreachable' }]);
    expect(machine.core.nextWakeMs()).toBe(wakeMs);
  });

  it('to a node that a neighbour is linked with takes one hop there and one back', async () => {
    const table = await Table.of(3);
    await table.link(0, 1);
    await table.link(1, 2);
    await table.settle();
    const answers = call(table.at(0), { to: table.at(2).id });
    await table.at(0).run();
    await table.settle();
    await serve(table);
    expect(answers).toMatchObject([{ ok: true, result: [2, null] }]);
  });

  it('does not travel two hops, and is not passed on for a node that passes it on itself', async () => {
    const middle = new Machine(1);
    await middle.linkUp(peer);
    await middle.linkUp(far);
    middle.takeSent();
    const relayed: Frame = {
      type: FRAME.call,
      id: 'c',
      from: new Writer(7).node,
      to: far,
      method: 'm',
      lamport: 1,
      deadline_ms: 10,
      params: null,
    };
    await middle.receive(peer, relayed);
    expect(middle.takeSent()).toEqual([]);
    await middle.receive(peer, { ...relayed, from: peer });
    expect(middle.takeSent().map(({ to }) => to)).toEqual([far]);
    await middle.receive(peer, { ...relayed, from: peer, to: new Writer(8).node });
    expect(middle.takeSent()).toEqual([]);
  });

  it('without an answer is over at its deadline, not before; what comes later is dropped', async () => {
    const machine = new Machine(0);
    await machine.linkUp(peer);
    machine.takeSent();
    const answers = call(machine, { to: peer, deadlineMs: 500 });
    await machine.run();
    const asked = callIn(machine);
    machine.nowMs += 499;
    await machine.tick();
    expect(answers).toEqual([]);
    machine.nowMs += 1;
    await machine.tick();
    expect(answers).toMatchObject([{ ok: false, code: 'timeout' }]);
    await machine.receive(peer, reply(asked));
    expect(answers).toHaveLength(1);
  });

  it('takes no answer from another node, and none to another question', async () => {
    const machine = new Machine(0);
    await machine.linkUp(peer);
    await machine.linkUp(far);
    machine.takeSent();
    const answers = call(machine, { to: peer });
    await machine.run();
    const asked = callIn(machine);
    await machine.receive(far, reply(asked, { from: far }));
    await machine.receive(peer, reply(asked, { id: 'other' }));
    await machine.receive(peer, reply(asked, { to: far }));
    expect(answers).toEqual([]);
    await machine.receive(peer, reply(asked));
    await machine.receive(peer, reply(asked, { result: 'no' }));
    expect(answers).toEqual([{ ok: true, result: 'yes' }]);
  });

  it('is over when the link goes down along which it was asked, long before its deadline', async () => {
    const machine = new Machine(0);
    await machine.linkUp(peer);
    await machine.linkUp(far);
    machine.takeSent();
    const [lost, stands] = [call(machine, { to: peer, deadlineMs: 300_000 }), call(machine, { to: far })];
    await machine.run();
    const asked = callIn(machine);
    await machine.linkDown(peer);
    expect(lost).toMatchObject([{ ok: false, code: 'unreachable' }]);
    await machine.linkUp(peer);
    await machine.receive(peer, reply(asked));
    expect(lost).toHaveLength(1);
    expect(stands).toEqual([]);
  });

  it('is over when the neighbour that passes it on has lost the other node, or is lost itself', async () => {
    for (const breaks of [1, 0]) {
      const table = await Table.of(3);
      await table.link(0, 1);
      await table.link(1, 2);
      await table.settle();
      const answers = call(table.at(0), { to: table.at(2).id, deadlineMs: 300_000 });
      await table.at(0).run();
      await table.settle();
      expect(answers).toEqual([]);
      await table.unlink(breaks, breaks + 1);
      await table.settle();
      expect(answers).toMatchObject([{ ok: false, code: 'unreachable' }]);
    }
  });

  it('of an earlier life is not answered to this one', async () => {
    const before = new Machine(0);
    await before.linkUp(peer);
    before.takeSent();
    call(before, { to: peer });
    await before.run();
    const asked = callIn(before);
    const machine = before.restart({ random: () => 0.25 });
    await machine.linkUp(peer);
    machine.takeSent();
    const answers = call(machine, { to: peer });
    await machine.run();
    expect(callIn(machine).id).not.toBe(asked.id);
    await machine.receive(peer, reply(asked, { result: 'late' }));
    expect(answers).toEqual([]);
  });

  it('that fails over there says so', async () => {
    const machine = new Machine(0);
    await machine.linkUp(peer);
    machine.takeSent();
    const answers = call(machine, { to: peer });
    await machine.run();
    await machine.receive(peer, reply(callIn(machine), { error: { code: 'nope', message: 'because' } }));
    expect(answers).toEqual([{ ok: false, code: 'nope', message: 'because' }]);
  });

  it('above ten thousand under way is refused at once, and taken again when one is answered', async () => {
    const machine = new Machine(0);
    await machine.linkUp(peer);
    machine.takeSent();
    let refused = 0;
    for (let n = 0; n < 10_005; n++) refused += call(machine, { to: peer })[0]?.ok === false ? 1 : 0;
    expect(refused).toBe(5);
    expect(call(machine, { to: peer })).toMatchObject([{ ok: false, code: 'busy' }]);
    await machine.run();
    await machine.receive(peer, reply(callIn(machine)));
    expect(call(machine, { to: peer })).toEqual([]);
  });

  it('carries the clock there and back', async () => {
    const machine = new Machine(0);
    await machine.linkUp(peer);
    machine.takeSent();
    call(machine, { to: peer });
    await machine.run();
    await machine.receive(peer, reply(callIn(machine), { lamport: 70 }));
    call(machine, { to: peer });
    await machine.run();
    expect(callIn(machine).lamport).toBe(70);
    const frame: Frame = {
      type: FRAME.call,
      id: 'c',
      from: peer,
      to: machine.id,
      method: 'm',
      lamport: 90,
      deadline_ms: 10,
      params: null,
    };
    await machine.receive(peer, frame);
    call(machine, { to: peer });
    await machine.run();
    expect(callIn(machine).lamport).toBe(90);
  });
});
