/** The chain of slots: which status each row of decisions has, whatever order they came in, and what shows as a conflict. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { opIdOf } from '#core/brand.ts';
import type { KnownOp } from '#core/op.ts';
import { opId } from '#core/op.ts';
import type { Body, EndValue, SlotValue } from '#core/schema/body.ts';
import type { Chain, TaskStatus } from '#core/view/chain.ts';
import { attemptOfSlot, grantSlotOf, isGrantSlot, taskChain } from '#core/view/chain.ts';
import type { TaskRow } from '#core/view/task.ts';
import { openClaims, taskView } from '#core/view/task.ts';
import { Author, taskBody } from '../../store/author.ts';
import { ended, granted, other, third } from '../register/values.ts';
import { present } from '../writer.ts';

/** A home that writes ops of one task of at most two attempts. */
class Home {
  readonly author = new Author('home');
  readonly created: KnownOp;
  readonly task: OpId;

  constructor(attemptsMax = 2) {
    this.created = known(this.author.next(taskBody({ voters: [this.author.node], attemptsMax })));
    this.task = opId(this.created);
  }

  op(body: Body, lamport?: number): KnownOp {
    return known(this.author.next(body, { entity: this.task, ...(lamport === undefined ? {} : { lamport }) }));
  }

  decided(slot: number, value: SlotValue, lamport?: number): KnownOp {
    return this.op(
      value.kind === 'granted' ? { type: 'task.granted', slot, value } : { type: 'task.ended', slot, value },
      lamport,
    );
  }
}

function known(op: ReturnType<Author['next']>): KnownOp {
  const { body } = op;
  if (body.type === 'unknown') throw new Error('unknown body');
  return { ...op, body };
}

function folded(ops: readonly KnownOp[]): TaskRow {
  let row: TaskRow | undefined;
  for (const op of ops) row = taskView.fold(row, op);
  return present(row);
}

const E = (kind: EndValue['kind'], attempt = 1): EndValue => ended(kind, attempt);
const G = granted;

const table: [string, SlotValue[], { started?: number[] }, Partial<Chain> & { status: TaskStatus }][] = [
  ['nothing', [], {}, { status: 'pending', slot: 1, attempt: 0, running: undefined, ended: undefined }],
  ['cancelled while pending', [E('cancelled', 0)], {}, { status: 'cancelled', slot: 1, attempt: 0 }],
  ['granted', [G(1)], {}, { status: 'claimed', slot: 2, attempt: 1 }],
  ['granted and started', [G(1)], { started: [1] }, { status: 'in_progress', slot: 2, attempt: 1 }],
  [
    'completed',
    [G(1), E('completed')],
    { started: [1] },
    { status: 'completed', slot: 2, attempt: 1, running: undefined },
  ],
  ['cancelled while it ran', [G(1), E('cancelled')], { started: [1] }, { status: 'cancelled', slot: 2, attempt: 1 }],
  ['failed once', [G(1), E('failed')], { started: [1] }, { status: 'pending', slot: 3, attempt: 1, ended: undefined }],
  ['lost once', [G(1), E('lost')], {}, { status: 'pending', slot: 3, attempt: 1 }],
  ['released once', [G(1), E('released')], {}, { status: 'pending', slot: 3, attempt: 1 }],
  ['failed, then cancelled', [G(1), E('failed'), E('cancelled', 1)], {}, { status: 'cancelled', slot: 3, attempt: 1 }],
  ['failed, then granted', [G(1), E('failed'), G(2)], { started: [1] }, { status: 'claimed', slot: 4, attempt: 2 }],
  ['failed twice of two', [G(1), E('failed'), G(2), E('failed', 2)], {}, { status: 'failed', slot: 4, attempt: 2 }],
  [
    'released of the last attempt',
    [G(1), E('lost'), G(2), E('released', 2)],
    {},
    { status: 'failed', slot: 4, attempt: 2 },
  ],
  [
    'completed at the second attempt',
    [G(1), E('lost'), G(2), E('completed', 2)],
    {},
    { status: 'completed', slot: 4, attempt: 2 },
  ],
];

describe('a task whose slots were decided as', () => {
  it.each(table)('%s', (_name, values, { started = [] }, chain) => {
    const home = new Home();
    const ops = [
      home.created,
      ...values.map((value, at) => home.decided(at + 1, value)),
      ...started.map((slot) => home.op({ type: 'task.started', slot })),
    ];
    expect(taskChain(folded(ops))).toMatchObject(chain);
    expect(taskChain(folded(ops.toReversed()))).toMatchObject(chain);
    expect(taskChain(folded([...ops, ...ops])).status).toBe(chain.status);
    expect(folded(ops).conflicts).toEqual({});
  });

  it('something, while its creation has not arrived, is unknown', () => {
    const home = new Home();
    for (const values of [[], [G(1)], [G(1), E('failed')]]) {
      const ops = [
        home.op({ type: 'task.started', slot: 1 }),
        ...values.map((value, at) => home.decided(at + 1, value)),
      ];
      expect(taskChain(folded(ops))).toMatchObject({ status: 'unknown', ended: undefined });
    }
    const final = [home.decided(1, G(1)), home.decided(2, E('completed'))];
    expect(taskChain(folded(final))).toMatchObject({ status: 'unknown', ended: { value: { kind: 'completed' } } });
  });

  it('a hole counts up to the hole, until it is filled', () => {
    const home = new Home();
    const later = [home.decided(2, E('failed')), home.decided(3, G(2))];
    expect(taskChain(folded([home.created, ...later]))).toMatchObject({ status: 'pending', slot: 1 });
    expect(taskChain(folded([home.created, ...later, home.decided(1, G(1))]))).toMatchObject({
      status: 'claimed',
      slot: 4,
      attempt: 2,
    });
  });

  it('numbers slots 2n - 1 and 2n for attempt n', () => {
    expect([1, 2, 3, 4, 5].map(attemptOfSlot)).toEqual([1, 1, 2, 2, 3]);
    expect([1, 2, 3].map(grantSlotOf)).toEqual([1, 3, 5]);
    expect([1, 2, 3].map(isGrantSlot)).toEqual([true, false, true]);
  });
});

describe('decisions', () => {
  it('fold by slot: an end with a lower stamp than its grant ends it', () => {
    const home = new Home();
    const ops = [home.created, home.decided(1, G(1), 90), home.decided(2, E('completed'), 7)];
    expect(taskChain(folded(ops)).status).toBe('completed');
  });

  it('twice with one value: the copy with the lowest stamp stands, no conflict', () => {
    const home = new Home();
    const [late, early] = [home.decided(1, G(1), 50), home.decided(1, G(1), 20)];
    for (const ops of [
      [home.created, late, early],
      [home.created, early, late],
    ]) {
      expect(folded(ops).grants[1]?.stamp.lamport).toBe(20);
      expect(folded(ops).conflicts).toEqual({});
    }
  });

  it('with one value whose fields came in another order are no conflict', () => {
    const home = new Home();
    const { kind, attempt, ...rest } = G(1);
    expect(
      folded([home.created, home.decided(1, G(1)), home.decided(1, { ...rest, attempt, kind })]).conflicts,
    ).toEqual({});
  });

  it.each([
    ['two grants', G(1, other), G(1, third)],
    ['a grant and a cancellation', G(1), E('cancelled', 0)],
    ['two ends', E('completed'), E('lost')],
    ['two results', E('completed'), { ...E('completed'), result: 'another' }],
  ] as const)('of one slot that differ (%s) show a conflict, the same on every node', (_name, a, b) => {
    const home = new Home();
    const slot = a.kind === 'granted' ? 1 : 2;
    const [one, two] = [home.decided(slot, a), home.decided(slot, b)];
    const rows = [folded([home.created, one, two]), folded([home.created, two, one])];
    expect(rows[0]?.conflicts).toEqual({ [slot]: true });
    expect(rows[0]).toEqual(rows[1]);
  });
});

describe('claims', () => {
  it('count for the open slot alone, lowest stamp first, without those withdrawn', () => {
    const home = new Home();
    const agent = opIdOf(other, 1);
    const claims = [9, 4, 6].map((lamport) => home.op({ type: 'task.claimed', slot: 1, agent }, lamport));
    const ids = claims.map(opId);
    const gone = home.op({ type: 'task.claimWithdrawn', claim: present(ids[1]) }, 20);
    expect(openClaims(folded([home.created, ...claims])).map(({ id }) => id)).toEqual([ids[1], ids[2], ids[0]]);
    expect(openClaims(folded([gone, home.created, ...claims])).map(({ id }) => id)).toEqual([ids[2], ids[0]]);
    const failed = [home.decided(1, G(1)), home.decided(2, E('failed'))];
    expect(openClaims(folded([home.created, ...claims, ...failed]))).toEqual([]);
    const again = home.op({ type: 'task.claimed', slot: 3, agent });
    expect(openClaims(folded([home.created, ...claims, ...failed, again])).map(({ id }) => id)).toEqual([opId(again)]);
  });
});
