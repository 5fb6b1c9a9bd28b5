/** Which value may stand in which slot, and when a slot is open to votes: every line of both tables. */
import { describe, expect, it } from 'vitest';
import { opIdOf } from '#core/brand.ts';
import { fitsSlot, standingOf } from '#core/register/admissible.ts';
import type { EndValue, SlotValue } from '#core/schema/body.ts';
import type { TaskRow } from '#core/view/task.ts';
import { taskView } from '#core/view/task.ts';
import { Author, taskBody } from '../../store/author.ts';
import { present } from '../writer.ts';
import { ended, granted, other, third } from './values.ts';

const KINDS: EndValue['kind'][] = ['completed', 'failed', 'released', 'lost', 'cancelled'];

describe('a value fits', () => {
  it.each([1, 2, 3, 4, 5, 6])('slot %i as the table says', (slot) => {
    const attempt = Math.ceil(slot / 2);
    for (let named = 0; named <= 4; named++) {
      expect(fitsSlot(granted(named), slot)).toBe(slot % 2 === 1 && named === attempt);
      for (const kind of KINDS) {
        const isEndOfAttempt = slot % 2 === 0 && named === attempt;
        const isCancelOfPending = slot % 2 === 1 && kind === 'cancelled' && named === attempt - 1;
        expect(fitsSlot(ended(kind, named), slot)).toBe(isEndOfAttempt || isCancelOfPending);
      }
    }
  });
});

/** A task of three attempts whose slots were decided as `values`, in order. */
function taskWith(
  values: readonly SlotValue[],
  o: { voters?: Parameters<typeof taskBody>[0]['voters']; attemptsMax?: number } = {},
): TaskRow {
  const author = new Author('home');
  const created = author.next(
    taskBody({ voters: o.voters ?? [author.node, other, third], attemptsMax: o.attemptsMax ?? 3 }),
  );
  const entity = opIdOf(author.node, 1);
  const ops = values.map((value, at) =>
    value.kind === 'granted'
      ? author.next({ type: 'task.granted', slot: at + 1, value }, { entity })
      : author.next({ type: 'task.ended', slot: at + 1, value }, { entity }),
  );
  let row: TaskRow | undefined;
  for (const op of [created, ...ops])
    row = taskView.fold(row, { ...op, body: present(op.body.type === 'unknown' ? undefined : op.body) });
  return present(row);
}

const homeOf = (row: TaskRow) => present(row.created).home;

describe('a slot', () => {
  it('of a task that is unknown here, or on which this node does not vote, is answered with silence', () => {
    expect(standingOf({ row: undefined, self: other, slot: 1, carry: null })).toMatchObject({ kind: 'silent' });
    expect(standingOf({ row: taskWith([], { voters: [third] }), self: other, slot: 1, carry: null })).toMatchObject({
      kind: 'silent',
    });
  });

  it('1 is open to home', () => {
    const row = taskWith([]);
    expect(standingOf({ row, self: other, slot: 1, carry: null })).toEqual({
      kind: 'open',
      owner: homeOf(row),
      before: null,
    });
  });

  it('that is decided says as what', () => {
    expect(standingOf({ row: taskWith([granted()]), self: other, slot: 1, carry: null })).toEqual({
      kind: 'decided',
      value: granted(),
    });
    expect(standingOf({ row: taskWith([ended('cancelled', 0)]), self: other, slot: 1, carry: null })).toMatchObject({
      kind: 'decided',
    });
  });

  it('k + 1 stays silent while k is open, and opens to a message that carries its decision', () => {
    const row = taskWith([]);
    expect(standingOf({ row, self: other, slot: 2, carry: null })).toMatchObject({ kind: 'silent' });
    expect(standingOf({ row, self: other, slot: 2, carry: granted(1, third) })).toEqual({
      kind: 'open',
      owner: third,
      before: granted(1, third),
    });
  });

  it('of an end belongs to the granted node, of the next grant to home', () => {
    const row = taskWith([granted(1, third), ended('failed')]);
    expect(standingOf({ row: taskWith([granted(1, third)]), self: other, slot: 2, carry: null })).toMatchObject({
      owner: third,
    });
    expect(standingOf({ row, self: other, slot: 3, carry: null })).toMatchObject({ kind: 'open', owner: homeOf(row) });
  });

  it('whose slot before was decided otherwise than a message says is a conflict', () => {
    const row = taskWith([granted(1, other)]);
    expect(standingOf({ row, self: other, slot: 2, carry: granted(1, third) })).toMatchObject({ kind: 'conflict' });
    expect(standingOf({ row, self: other, slot: 2, carry: granted(1, other) })).toMatchObject({ kind: 'open' });
  });

  it.each(KINDS)('3 after an attempt that ended %s is as the table says', (kind) => {
    const opens = kind === 'failed' || kind === 'lost' || kind === 'released';
    const standing = standingOf({ row: taskWith([granted(), ended(kind)]), self: other, slot: 3, carry: null });
    expect(standing.kind).toBe(opens ? 'open' : 'silent');
  });

  it('2 does not open after a cancellation, and no slot opens beyond the last attempt', () => {
    expect(standingOf({ row: taskWith([ended('cancelled', 0)]), self: other, slot: 2, carry: null })).toMatchObject({
      kind: 'silent',
    });
    const over = taskWith([granted(), ended('failed')], { attemptsMax: 1 });
    expect(standingOf({ row: over, self: other, slot: 3, carry: null })).toMatchObject({
      kind: 'silent',
      reason: 'the task has no such slot',
    });
  });
});
