/** Storms over the real core: what is promised holds in every history, and every fault bites. */
import { expect, test } from 'vitest';
import type { Bites } from '#sim/bites.ts';
import { addBites, idleFaults } from '#sim/bites.ts';
import type { StormKnobs } from '#sim/storm-knobs.ts';
import {
  DECISION_STORM,
  MAIL_STORM,
  OPTIMISTIC_STORM,
  ROLLBACK_STORM,
  ROUGH_STORM,
  SEALED_STORM,
  SKELETON_STORM,
  SPARSE_STORM,
} from '#sim/storm-knobs.ts';
import type { Verdict } from '#sim/storm.ts';
import { Storm } from '#sim/storm.ts';

/** Virtual time does not mind a busy machine; so much real time is more than the longest run takes beside thirty others. */
const RUN_MAX_MS = 600_000;

async function storms(knobs: StormKnobs, seeds: number): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (let seed = 1; seed <= seeds; seed++) verdicts.push(await new Storm({ seed, knobs }).run());
  return verdicts;
}

/** What broke, with the command that shows it again. */
const broken = (verdicts: readonly Verdict[], storm: string): string[] =>
  verdicts
    .filter((verdict) => verdict.violations.length > 0)
    .map(
      ({ seed, violations }) => `npm run sim -- --storm ${storm} --seed ${seed} --trace\n  ${violations.join('\n  ')}`,
    );

/** A fault that never bites tests nothing. */
function neverBit(verdicts: readonly Verdict[], knobs: StormKnobs): string[] {
  const sum: Bites = new Map();
  for (const verdict of verdicts) addBites(sum, verdict);
  return idleFaults(sum, knobs);
}

test(
  '80 storms on three nodes break no promise',
  async () => {
    const verdicts = await storms(SKELETON_STORM, 80);
    expect(broken(verdicts, 'skeleton')).toEqual([]);
    expect(neverBit(verdicts, SKELETON_STORM)).toEqual([]);
  },
  RUN_MAX_MS,
);

test(
  '60 storms on five nodes, with machines that die for good, break no promise',
  async () => {
    const verdicts = await storms(DECISION_STORM, 60);
    expect(broken(verdicts, 'decision')).toEqual([]);
    expect(neverBit(verdicts, DECISION_STORM)).toEqual([]);
  },
  RUN_MAX_MS,
);

test(
  '40 rough storms, of nodes that go down often and come back at once, break no promise',
  async () => {
    const verdicts = await storms(ROUGH_STORM, 40);
    expect(broken(verdicts, 'rough')).toEqual([]);
    expect(neverBit(verdicts, ROUGH_STORM)).toEqual([]);
  },
  RUN_MAX_MS,
);

test(
  '40 storms of messages, whose readers and nodes go down with what they have in hand, break no promise',
  async () => {
    const verdicts = await storms(MAIL_STORM, 40);
    expect(broken(verdicts, 'mail')).toEqual([]);
    expect(neverBit(verdicts, MAIL_STORM)).toEqual([]);
  },
  RUN_MAX_MS,
);

test(
  '20 storms in which a disk goes back in time break no promise',
  async () => {
    const verdicts = await storms(ROLLBACK_STORM, 20);
    expect(broken(verdicts, 'rollback')).toEqual([]);
    expect(neverBit(verdicts, ROLLBACK_STORM)).toEqual([]);
  },
  RUN_MAX_MS,
);

test(
  '20 storms of which half the tasks may run twice break no other promise',
  async () => {
    const verdicts = await storms(OPTIMISTIC_STORM, 20);
    expect(broken(verdicts, 'optimistic')).toEqual([]);
    expect(neverBit(verdicts, OPTIMISTIC_STORM)).toEqual([]);
  },
  RUN_MAX_MS,
);

test(
  '10 storms on twelve nodes of which none is linked with all break no promise',
  async () => {
    const verdicts = await storms(SPARSE_STORM, 10);
    expect(broken(verdicts, 'sparse')).toEqual([]);
    // In ten storms a machine need not die for good, nor be away for longer than a lease in the middle of an attempt, nor at the end of one.
    const rare = new Set(['deaths', 'lostAttempts', 'reports']);
    expect(neverBit(verdicts, SPARSE_STORM).filter((fault) => !rare.has(fault))).toEqual([]);
  },
  RUN_MAX_MS,
);

test('a storm of which nothing came would break no promise either: every one gets work done', async () => {
  for (const verdict of await storms(SKELETON_STORM, 10)) expect(verdict.tasks.completed).toBeGreaterThan(2);
});

test('one seed is one history', async () => {
  const trace = async (): Promise<string> => {
    const lines: string[] = [];
    const verdict = await new Storm({ seed: 7, knobs: DECISION_STORM, trace: (line) => void lines.push(line) }).run();
    return [...lines, JSON.stringify(verdict)].join('\n');
  };
  expect(await trace()).toBe(await trace());
});

test(
  '20 storms in which nodes seal what they hold break no promise',
  async () => {
    const verdicts = await storms(SEALED_STORM, 20);
    expect(broken(verdicts, 'sealed')).toEqual([]);
    expect(neverBit(verdicts, SEALED_STORM)).toEqual([]);
  },
  RUN_MAX_MS,
);
