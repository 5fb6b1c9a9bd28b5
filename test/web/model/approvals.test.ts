import { describe, expect, it } from 'vitest';
import { openApprovals } from '../../../web/src/model/approvals.ts';
import type { Approval, Frame } from '../../../web/src/model/frame.ts';
import { needsOf } from '../../../web/src/model/needs.ts';
import { fold, NOTHING } from '../../../web/src/model/swarm.ts';
import { agentOf, approvalOf, HOME, snapshotOf, taskEvent, taskOf } from './rows.ts';

const event = (data: Approval, name: string): Frame => ({
  type: 'approval_event',
  event: name,
  id: `${HOME}:${data.lamport_ts}`,
  entity: data.id,
  by: 'user:x',
  data,
});
const running = taskOf(1, { status: 'in_progress', attempt: 1 });

describe('what agents ask', () => {
  it('waits oldest first, and is gone as soon as it is decided anywhere', () => {
    const [one, two] = [approvalOf(7), approvalOf(8)];
    let swarm = fold(NOTHING, [snapshotOf({ tasks: [running], approvals: [two] })], 0);
    swarm = fold(swarm, [event(one, 'approval_requested')], 0);
    expect(openApprovals(swarm).map(({ id }) => id)).toEqual([one.id, two.id]);
    swarm = fold(swarm, [event({ ...one, state: 'denied' }, 'approval_decided')], 0);
    expect(openApprovals(swarm).map(({ id }) => id)).toEqual([two.id]);
    expect(swarm.log.map(({ event: name, title }) => [name, title])[0]).toEqual(['approval_decided', 'ann: make 7']);
  });

  it('is void with its attempt, although its node has not said so', () => {
    const swarm = fold(NOTHING, [snapshotOf({ tasks: [running], approvals: [approvalOf(7)] })], 0);
    for (const after of [
      taskOf(1, { status: 'pending', attempt: 1 }),
      taskOf(1, { status: 'in_progress', attempt: 2 }),
      taskOf(1, { status: 'cancelled', attempt: 1 }),
    ])
      expect(openApprovals(fold(swarm, [taskEvent('x', 9, after)], 0))).toEqual([]);
    expect(openApprovals(fold(swarm, [taskEvent('x', 9, running)], 0))).toHaveLength(1);
  });

  it('stands in the inbox alone: an agent that waits without words is a need of its own', () => {
    const agents = [agentOf('ann', { id: `${HOME}-2`, status: 'waiting' })];
    const needs = (approvals: Approval[]) =>
      needsOf(fold(NOTHING, [snapshotOf({ tasks: [running], agents, approvals })], 0)).map(({ kind }) => kind);
    expect(needs([])).toEqual(['waiting']);
    expect(needs([approvalOf(7)])).toEqual([]);
  });
});
