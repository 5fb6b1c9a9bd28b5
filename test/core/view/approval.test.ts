/** Who decides a request: only the node that asked, and only once. The order of arrival is the matter of `folds.test.ts`. */
import { describe, expect, it } from 'vitest';
import { opIdOf } from '#core/brand.ts';
import type { Op } from '#core/op.ts';
import { isKnown, opId } from '#core/op.ts';
import type { Body } from '#core/schema/body.ts';
import type { ApprovalRow } from '#core/view/approval.ts';
import { approvalState, approvalView } from '#core/view/approval.ts';
import { Author } from '../../store/author.ts';

const owner = new Author('owner');
const other = new Author('other');

const asked: Body = {
  type: 'approval.requested',
  task: opIdOf(other.node, 1),
  attempt: 1,
  agent: opIdOf(owner.node, 1),
  request: 'toolu_1',
  kind: 'command',
  tool: 'Bash',
  title: 'make',
  detail: 'make',
  cwd: null,
  paths: [],
  why: '',
};
const decided = (decision: 'allow' | 'deny'): Body => ({ type: 'approval.decided', decision, note: '', rule: null });
const closed: Body = { type: 'approval.closed', reason: 'ended' };

const request = owner.next(asked, {});
const about = { entity: opId(request) };

function stateAfter(...ops: readonly Op[]): string {
  let row: ApprovalRow | undefined;
  for (const op of ops) if (isKnown(op)) row = approvalView.fold(row, op);
  return row === undefined ? 'none' : approvalState(row);
}

describe('a request', () => {
  it('is open until the node that asked has decided it', () => {
    expect(stateAfter(request)).toBe('open');
    expect(stateAfter(request, other.next(decided('allow'), about))).toBe('open');
    expect(stateAfter(request, other.next(closed, about))).toBe('open');
    expect(stateAfter(request, owner.next(decided('deny'), about))).toBe('denied');
  });

  it('keeps the first word of that node, also when the second arrives first', () => {
    const [first, second] = [owner.next(decided('allow'), about), owner.next(decided('deny'), about)];
    const third = owner.next(closed, about);
    expect(stateAfter(request, first, second, third)).toBe('allowed');
    expect(stateAfter(third, second, first, request)).toBe('allowed');
    expect(stateAfter(second)).toBe('unknown');
  });

  it('is made by no op that names another entity', () => {
    expect(stateAfter(owner.next(asked, about))).toBe('unknown');
  });
});
