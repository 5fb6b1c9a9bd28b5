import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../web/src/model/frame.ts';
import { fold, NOTHING } from '../../../web/src/model/swarm.ts';
import { agentOf, HOME, nodeOf, snapshotOf, taskEvent, taskOf } from './rows.ts';

const AT_MS = 1_000;

describe('the picture of the swarm', () => {
  it('is the snapshot, then every change, with the counts and the cursor that go with it', () => {
    const first = fold(NOTHING, [snapshotOf({ tasks: [taskOf(1)], counts: { total: 1, pending: 1 } })], AT_MS);
    expect([first.cursor, first.node?.tasks.pending]).toEqual([`${HOME}:1`, 1]);
    const running = taskOf(1, { status: 'in_progress' });
    const next = fold(first, [taskEvent('task_created', 2, taskOf(2)), taskEvent('task_started', 3, running)], AT_MS);
    expect(next.cursor).toBe(`${HOME}:3`);
    expect(next.node?.tasks).toMatchObject({ total: 2, pending: 1, in_progress: 1 });
    expect(next.tasks.get(running.id)).toBe(running);
    expect(next.log.map(({ event, title }) => `${event} ${title}`)).toEqual([
      'task_started task 1',
      'task_created task 2',
    ]);
    expect(new Set(next.log.map(({ key }) => key)).size).toBe(2);
    // What was before is as it was.
    expect([first.tasks.size, first.log]).toEqual([1, []]);
  });

  it('changes only the maps that a frame is about, so that whoever reads another is not drawn anew', () => {
    const first = fold(NOTHING, [snapshotOf({ tasks: [taskOf(1)], agents: [agentOf('x')] })], AT_MS);
    const created = (n: number, status: 'idle' | 'busy'): Frame => ({
      type: 'task_event',
      event: 'task_created',
      id: `${HOME}:${n}`,
      entity: taskOf(n).id,
      data: taskOf(n),
      agent: { ...agentOf('x'), status },
    });
    const next = fold(first, [created(2, 'idle')], AT_MS);
    expect(next.tasks).not.toBe(first.tasks);
    for (const name of ['agents', 'nodes', 'projects', 'approvals', 'progress'] as const)
      expect(next[name]).toBe(first[name]);
    expect(fold(next, [created(3, 'busy')], AT_MS).agents).not.toBe(next.agents);
  });

  it('counts what happens on the market, and asks nobody about what is not of it', () => {
    const op = (event: string): Frame => ({ type: 'op_event', event, entity: `${HOME}-9` });
    const first = fold(NOTHING, [snapshotOf()], AT_MS);
    for (const event of ['proposal_made', 'skills_registered', 'file_offered', 'file_taken'])
      expect([event, fold(first, [op(event)], AT_MS).marketChanged]).toEqual([event, first.marketChanged + 1]);
    const other = fold(first, [op('message_sent'), op('cap_set')], AT_MS);
    expect([other.marketChanged, other.settingsChanged]).toEqual([first.marketChanged, first.settingsChanged + 1]);
    // It may have missed some.
    expect(fold(first, [snapshotOf()], AT_MS).marketChanged).toBe(first.marketChanged + 1);
  });

  it('adds what comes behind a large snapshot, and goes on nowhere before all of it is here', () => {
    const { id, ...first } = snapshotOf({ tasks: [taskOf(1)] });
    const before = fold(NOTHING, [snapshotOf()], AT_MS);
    const half = fold(before, [first, { type: 'tasks', tasks: [taskOf(2)] }], AT_MS);
    expect([half.cursor, half.tasks.size]).toEqual([undefined, 2]);
    const whole = fold(half, [{ type: 'tasks', id: `${HOME}:9`, tasks: [taskOf(3)] }], AT_MS);
    expect([id, whole.cursor, whole.tasks.size]).toEqual([`${HOME}:1`, `${HOME}:9`, 3]);
  });

  it('counts a task once, however often it is told of, and asks again about one that it did not hold', () => {
    const made = taskEvent('task_created', 2, taskOf(2, { status: 'completed' }));
    const swarm = fold(
      NOTHING,
      [snapshotOf(), made, taskEvent('task_completed', 3, taskOf(2, { status: 'completed' }))],
      0,
    );
    expect(swarm.node?.tasks).toMatchObject({ total: 1, completed: 1 });
    expect(swarm.isStatusDue).toBe(false);
    const other = fold(swarm, [taskEvent('task_failed', 4, taskOf(9, { status: 'failed' }))], 0);
    expect(other.isStatusDue).toBe(true);
    expect(other.node?.tasks.failed).toBe(0);
  });

  it('keeps the last line of what is at work, and forgets it at the end, also when it comes late', () => {
    const id = taskOf(1).id;
    const glimpse = (output: string) =>
      ({ type: 'task_event', event: 'task_progress', data: { task_id: id, agent_id: 'x', output } }) as const;
    const running = fold(NOTHING, [snapshotOf({ tasks: [taskOf(1, { status: 'in_progress' })] }), glimpse('a')], 0);
    expect(running.progress.get(id)).toBe('a');
    const over = fold(running, [taskEvent('task_completed', 2, taskOf(1, { status: 'completed' })), glimpse('b')], 0);
    expect(over.progress.size).toBe(0);
    expect(over.log.map(({ event }) => event)).toEqual(['task_completed']);
  });

  it('changes agents and nodes, and takes them out when they are gone', () => {
    const told = { entity: agentOf('x').id, by: 'user:x' };
    const swarm = fold(
      NOTHING,
      [
        snapshotOf(),
        { type: 'agent_event', event: 'agent_registered', data: agentOf('x'), ...told },
        { type: 'node_event', event: 'node_dead', data: nodeOf('b'), entity: 'b' },
      ],
      0,
    );
    expect([swarm.agents.size, swarm.nodes.get('b')?.id]).toEqual([1, 'b']);
    expect(
      fold(swarm, [{ type: 'agent_event', event: 'agent_deregistered', data: null, ...told }], 0).agents.size,
    ).toBe(0);
    const back = fold(swarm, [{ type: 'presence', nodes: [], agents: [agentOf('y')] }], 0);
    expect([[...back.agents.keys()], back.nodes.size]).toEqual([[agentOf('y').id], 0]);
  });

  it('holds open tasks for ever, and of the ended ones the newest', () => {
    const ended = Array.from({ length: 650 }, (_, n) =>
      taskOf(n + 10, { status: 'completed', updated_at: new Date(n * 1_000).toISOString() }),
    );
    const swarm = fold(NOTHING, [snapshotOf({ tasks: [taskOf(1), ...ended] })], 0);
    expect(swarm.tasks.size).toBe(501);
    expect(swarm.tasks.has(taskOf(1).id)).toBe(true);
    expect(swarm.tasks.has(taskOf(10).id)).toBe(false);
    expect(swarm.tasks.has(taskOf(659).id)).toBe(true);
  });

  it('takes what only newer nodes say without a word', () => {
    const frame = { type: 'op_event', event: 'deal_made', id: `${HOME}:7`, entity: 'x' } as const;
    expect(fold(NOTHING, [snapshotOf(), frame], 0)).toMatchObject({ cursor: `${HOME}:7` });
  });
});
