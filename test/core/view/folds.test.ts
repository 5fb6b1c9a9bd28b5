/** Every view, whatever the order of arrival and however often an op comes, gives the same rows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId, OpId } from '#core/brand.ts';
import { opIdOf } from '#core/brand.ts';
import { canonicalJson } from '#core/canonical.ts';
import type { KnownOp, Op } from '#core/op.ts';
import { opId } from '#core/op.ts';
import type { Body, BodyType, EndValue, GrantValue } from '#core/schema/body.ts';
import type { ViewSpec } from '#core/view/view.ts';
import { viewSpecs } from '#core/view/views.ts';
import { Author, taskBody } from '../../store/author.ts';
import { hubBodyOf, hubWeights } from './hub-bodies.ts';
import { messageOf, messageWeights } from './message-bodies.ts';

/** One op to be: small numbers are drawn so that authors, entities, slots and stamps meet. */
type Step = { author: number; kind: BodyType; about: number; slot: number; pick: number; clock: number };

/** Every type must be drawn here: the compiler says when one is missing. */
const weights: Record<BodyType, number> = {
  'node.registered': 1,
  'node.replaced': 1,
  'node.revoked': 1,
  'node.retired': 1,
  'log.forked': 1,
  'agent.registered': 2,
  'agent.deregistered': 1,
  'agent.paused': 2,
  'agent.budgeted': 2,
  'box.declared': 2,
  'agent.recipientsSet': 2,
  'agent.outsidersSet': 2,
  'agent.statusSet': 1,
  'project.registered': 2,
  'project.removed': 1,
  'task.created': 3,
  'task.allowed': 1,
  'task.claimed': 3,
  'task.claimWithdrawn': 1,
  'task.started': 2,
  'task.granted': 4,
  'task.ended': 4,
  'task.reported': 2,
  'usage.recorded': 2,
  'post.created': 1,
  'approval.requested': 3,
  'approval.decided': 3,
  'approval.closed': 2,
  'rule.added': 2,
  'rule.removed': 1,
  'cap.set': 3,
  ...messageWeights,
  ...hubWeights,
};

const kind: fc.Arbitrary<BodyType> = fc.oneof(
  ...Object.entries(weights).map(([type, weight]) => ({ arbitrary: fc.constantFrom(...typesLike(type)), weight })),
);

function typesLike(name: string): BodyType[] {
  const types: BodyType[] = Object.values(viewSpecs).flatMap((spec) => [...spec.types]);
  return types.filter((type) => type === name);
}

const step: fc.Arbitrary<Step> = fc.record({
  author: fc.nat({ max: 2 }),
  kind,
  about: fc.nat({ max: 5 }),
  slot: fc.integer({ min: 1, max: 4 }),
  pick: fc.nat({ max: 2 }),
  clock: fc.nat({ max: 3 }),
});

function bodyOf({ kind: type, slot, pick }: Step, o: { authors: readonly Author[]; seen: readonly OpId[] }): Body {
  const node = (o.authors[pick] ?? new Author('nobody')).node;
  const some = o.seen[pick % Math.max(1, o.seen.length)] ?? opIdOf(node, 1);
  switch (type) {
    case 'node.registered':
      return { type, publicKey: `key ${pick}`, name: `name ${pick}`, addresses: [`h:${slot}`], version: '1' };
    case 'node.replaced':
      return { type, old: node, lastSeq: slot };
    case 'node.revoked':
    case 'node.retired':
      return { type, node, lastSeq: slot };
    case 'log.forked':
      return { type, node, seq: slot + 2, proof: '' };
    case 'agent.registered':
      return {
        type,
        name: `n${pick}`,
        tool: 'shell',
        capabilities: ['x'],
        projectPath: null,
        tmuxSessionId: null,
        maxConcurrentTasks: 1,
        paused: slot === 2,
        ...(slot === 3 ? { budgetUsdDay: 9 } : {}),
      };
    case 'agent.paused':
      return { type, paused: pick % 2 === 0 };
    case 'agent.budgeted':
      return { type, usdDay: pick === 0 ? null : pick };
    case 'box.declared':
      return {
        type,
        agent: some,
        runtime: pick === 0 ? 'sandbox' : 'container',
        image: null,
        mounts: [],
        limits: { memoryBytes: null, cpus: null, processes: pick + 8 },
        secretNames: [],
        ...(pick === 0 ? {} : { egress: [`n${pick}.example:443`] }),
      };
    case 'agent.recipientsSet':
      return { type, allow: slot === 1 ? null : [`n${pick}`] };
    case 'agent.outsidersSet':
      return { type, allow: [`@${pick}`] };
    case 'agent.statusSet':
      return { type, text: `s${slot}` };
    case 'agent.deregistered':
    case 'project.removed':
    case 'task.allowed':
      return { type };
    case 'project.registered':
      return { type, name: `p${pick}`, origin: '/x', base: null, setup: null };
    case 'task.created':
      return taskBody({
        voters: [node],
        title: `t${pick}`,
        priority: pick,
        attemptsMax: 1 + pick,
        dependsOn: [some],
        claims: slot % 2 === 0 ? 'optimistic' : 'decided',
      });
    case 'task.claimed':
      return { type, slot, agent: some };
    case 'task.claimWithdrawn':
      return { type, claim: some };
    case 'task.started':
      return { type, slot };
    case 'task.granted':
      return { type, slot, value: grantOf(some, node) };
    case 'task.ended':
    case 'task.reported':
      return { type, slot, value: slot < 3 ? endOf(pick) : { ...endOf(pick), grant: grantOf(some, node) } };
    case 'usage.recorded': {
      const tokens = { inputTokens: pick, cachedTokens: slot, outputTokens: 1, reasoningTokens: 0 };
      return { type, attempt: 1, agent: some, model: null, ids: [`${pick}`], ...tokens, costUsd: null, pricedBy: null };
    }
    case 'post.created':
      return { type, content: `c${pick}`, author: 'x' };
    case 'approval.requested':
      return { ...asked, paths: [], type, task: some, attempt: 1 + pick, agent: some, request: `r${pick}` };
    case 'approval.decided':
      return { type, decision: pick === 0 ? 'allow' : 'deny', note: `n${slot}`, rule: pick === 2 ? some : null };
    case 'approval.closed':
      return { type, reason: pick === 0 ? 'withdrawn' : 'ended' };
    case 'rule.added':
      return { type, effect: 'allow', tool: `t${pick}`, command: null, path: null, agent: null, note: '' };
    case 'rule.removed':
      return { type };
    case 'cap.set':
      return { type, kind: 'tool', name: `t${pick}`, max: slot === 4 ? null : slot };
    case 'message.sent':
    case 'message.acknowledged':
    case 'message.bounced':
    case 'question.closed':
      return messageOf({ type, slot, pick }, { node, some });
    default:
      return hubBodyOf({ type, slot, pick }, { node, some });
  }
}

const asked = {
  kind: 'command',
  tool: 'Bash',
  title: 'make',
  detail: 'make',
  cwd: null,
  why: 'no rule allows it',
} as const;

const grantOf = (some: OpId, node: NodeId): GrantValue => ({
  kind: 'granted',
  attempt: 1,
  claim: some,
  node,
  agent: some,
});

function endOf(pick: number): EndValue {
  const kinds = ['completed', 'failed', 'released'] as const;
  const rest = { reason: null, error: null, work: null, by: null };
  return { kind: kinds[pick] ?? 'lost', attempt: 1, result: `r${pick}`, ...rest };
}

/** Ops of three authors, each a chain with rising stamps, about a few entities that everybody may write about, also by mistake. */
function opsOf(steps: readonly Step[]): KnownOp[] {
  const authors = ['a', 'b', 'c'].map((name) => new Author(name));
  const ops: KnownOp[] = [];
  const seen: OpId[] = [];
  for (const one of steps) {
    const author = authors[one.author] ?? new Author('nobody');
    const entity = one.about === 0 ? undefined : (seen[one.about - 1] ?? undefined);
    const made: Op = author.next(bodyOf(one, { authors, seen }), { entity, lamport: author.lamport + 1 + one.clock });
    if (made.body.type === 'unknown') throw new Error('made by this test, so known');
    ops.push({ ...made, body: made.body });
    seen.push(opId(made));
  }
  return ops;
}

/** The rows and their columns, in canonical form. */
function folded<Row>(spec: ViewSpec<Row>, ops: readonly KnownOp[]): string {
  const rows = new Map<string, Row>();
  for (const op of ops) {
    if (!spec.types.includes(op.body.type)) continue;
    const key = spec.key(op);
    rows.set(key, spec.fold(rows.get(key), op));
  }
  return canonicalJson(Object.fromEntries([...rows].map(([key, row]) => [key, { row, columns: spec.columns(row) }])));
}

/** The same ops as they may arrive elsewhere: in the order of the drawn numbers, those with an odd one twice. */
function rearranged(ops: readonly KnownOp[], picks: readonly number[]): KnownOp[] {
  const placed = ops.flatMap((op, at) => {
    const pick = picks[at % picks.length] ?? 0;
    return pick % 2 === 0
      ? [{ op, pick }]
      : [
          { op, pick },
          { op, pick: (pick * 7) % PICKS },
        ];
  });
  return placed.toSorted((a, b) => a.pick - b.pick).map(({ op }) => op);
}

const PICKS = 101;
const steps = fc.array(step, { minLength: 1, maxLength: 25 });
const picks = fc.array(fc.nat({ max: PICKS - 1 }), { minLength: 1, maxLength: 25 });

function check<Row>(spec: ViewSpec<Row>): void {
  describe(`view ${spec.name}`, () => {
    it('gives the same rows for any order and any repetition of the same ops', () => {
      fc.assert(
        fc.property(steps, picks, (drawn, order) => {
          const ops = opsOf(drawn);
          expect(folded(spec, rearranged(ops, order))).toBe(folded(spec, ops));
        }),
        { numRuns: 500 },
      );
    });

    it('changes no row in place, and fills exactly the columns it names', () => {
      fc.assert(
        fc.property(steps, (drawn) => {
          let row: Row | undefined;
          for (const op of opsOf(drawn).filter(({ body }) => spec.types.includes(body.type))) {
            const before = canonicalJson(row ?? null);
            const next = spec.fold(row, op);
            expect(canonicalJson(row ?? null)).toBe(before);
            expect(Object.keys(spec.columns(next)).toSorted()).toEqual([...spec.columnNames].toSorted());
            row = next;
          }
        }),
        { numRuns: 100 },
      );
    });
  });
}

it('draws every type that some view folds', () => {
  const folded = Object.values(viewSpecs).flatMap((spec): BodyType[] => [...spec.types]);
  expect(new Set(folded)).toEqual(new Set(Object.keys(weights)));
});

const every: { [N in keyof typeof viewSpecs]: () => void } = {
  node: () => check(viewSpecs.node),
  agent: () => check(viewSpecs.agent),
  project: () => check(viewSpecs.project),
  task: () => check(viewSpecs.task),
  post: () => check(viewSpecs.post),
  approval: () => check(viewSpecs.approval),
  rule: () => check(viewSpecs.rule),
  usage: () => check(viewSpecs.usage),
  cap: () => check(viewSpecs.cap),
  message: () => check(viewSpecs.message),
  channel: () => check(viewSpecs.channel),
  member: () => check(viewSpecs.member),
  identity: () => check(viewSpecs.identity),
  invite: () => check(viewSpecs.invite),
  cursor: () => check(viewSpecs.cursor),
  skill: () => check(viewSpecs.skill),
  proposal: () => check(viewSpecs.proposal),
  merge: () => check(viewSpecs.merge),
  file: () => check(viewSpecs.file),
};
for (const checkView of Object.values(every)) checkView();
