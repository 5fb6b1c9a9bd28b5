import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../web/src/model/frame.ts';
import { deliveredOf, needsOf } from '../../../web/src/model/needs.ts';
import { fold, NOTHING } from '../../../web/src/model/swarm.ts';
import { agentOf, HOME, nodeOf, snapshotOf, taskOf } from './rows.ts';

const swarmOf = (o: Partial<Extract<Frame, { type: 'snapshot' }>>) => fold(NOTHING, [snapshotOf(o)], 0);
const textsOf = (o: Partial<Extract<Frame, { type: 'snapshot' }>>): string[] =>
  needsOf(swarmOf(o)).map(({ kind, title, text }) => `${kind}: ${title}: ${text}`);

describe('what needs a person', () => {
  it('is nothing while all goes its way', () => {
    const passing = ['waits for x', 'every agent that could take it is busy', null];
    const tasks = passing.map((reason, n) => taskOf(n, { pending_reason: reason }));
    const nodes = [
      nodeOf(HOME, { status: 'self' }),
      nodeOf('b', { status: 'dead' }),
      nodeOf('c', { status: 'replaced' }),
      nodeOf('d', { status: 'left', agents: 1 }),
    ];
    expect(textsOf({ tasks, nodes, agents: [agentOf('x'), agentOf('y', { status: 'offline' })] })).toEqual([]);
  });

  it('comes in the order of what presses most', () => {
    const late = { attempt: 1, node: HOME, kind: 'completed', late: true, commits: 2, at: '' };
    const tasks = [
      taskOf(1, { status: 'completed', reports: [late] }),
      taskOf(2, { pending_reason: 'no agent has: design' }),
      taskOf(3, { status: 'failed', error: 'first\nlast line\n', attempt: 3 }),
      taskOf(4, { status: 'failed', reason: 'timed_out', attempt: 1 }),
      taskOf(5, { status: 'in_progress', assigned_node: 'b' }),
      taskOf(6, { conflicts: [1] }),
    ];
    const nodes = [nodeOf('b', { status: 'dead', agents: 1 }), nodeOf('c', { status: 'suspect', agents: 2 })];
    const agents = [agentOf('asker', { status: 'waiting', current_task_id: tasks[0]?.id ?? '' })];
    expect(textsOf({ tasks, nodes, agents })).toEqual([
      'alarm: task 6: was decided in two ways: a bug, please report it',
      'waiting: asker: asks something while at work on task 1',
      'unreachable: node b: cannot be reached, with 1 task under way; what it had is given to others after two minutes',
      'unreachable: node c: is silent, with 2 agents; what it had is given to others after two minutes',
      'failed: task 3: last line',
      'failed: task 4: failed after 1 attempt: timed out',
      'stuck: task 2: no agent has: design',
      'late: task 1: attempt 1 ended after it was given up; its work is kept',
    ]);
  });

  it('goes away when somebody retried what failed', () => {
    const failed = taskOf(1, { status: 'failed', error: 'x' });
    expect(textsOf({ tasks: [failed] })).toHaveLength(1);
    expect(textsOf({ tasks: [failed, taskOf(2, { supersedes: failed.id })] })).toEqual([]);
  });

  it('says why this node does nothing yet after its start', () => {
    const snapshot = snapshotOf();
    const boot = { state: 'comparing' as const, answered: 1, needed: 2, waits_for: ['b', 'c'] };
    const swarm = fold(NOTHING, [{ ...snapshot, node: { ...snapshot.node, boot_check: boot } }], 0);
    expect(needsOf(swarm)[0]?.text).toBe(
      'has 1 of 2 answers after its start: it decides and writes nothing yet; waits for b, c',
    );
    expect(swarm.isStatusDue).toBe(false);
    expect(
      fold(swarm, [{ type: 'node_event', event: 'node_alive', entity: 'b', data: nodeOf('b') }], 0).isStatusDue,
    ).toBe(true);
  });

  it('says that this node is cut off when it sees none of those it heard', () => {
    const last_heard_at = '2026-02-12T10:00:00Z';
    const dead = (id: string) => nodeOf(id, { status: 'dead', last_heard_at });
    expect(textsOf({ nodes: [dead('b'), dead('c')] })).toEqual([
      expect.stringMatching(/^unreachable: hive, this node, is cut off: sees none of 2 other nodes/),
    ]);
    expect(textsOf({ nodes: [dead('b'), nodeOf('c', { status: 'alive' })] })).toEqual([]);
    expect(textsOf({ nodes: [dead('b'), nodeOf('c', { status: 'dead' })] })).toEqual([]);
  });

  it('sees a log that was signed twice', () => {
    expect(textsOf({ nodes: [nodeOf('b', { forked: true })] })[0]).toMatch(/^alarm: node b: its log was signed twice/);
  });
});

describe('what was delivered', () => {
  it('is completed work of projects, newest first', () => {
    const work = { branch: 'b', base: '1', head: '2', commits: 1, size_bytes: 1 };
    const of = (n: number, o: object) =>
      taskOf(n, { status: 'completed', project: 'p', work, updated_at: `2026-01-0${n}`, ...o });
    const tasks = [
      of(1, {}),
      of(2, {}),
      of(3, { project: null }),
      of(4, { work: { ...work, commits: 0 } }),
      of(5, { status: 'failed' }),
    ];
    expect(deliveredOf(swarmOf({ tasks })).map(({ title }) => title)).toEqual(['task 2', 'task 1']);
  });
});
