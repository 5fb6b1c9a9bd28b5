/** The account of a program that ends by itself: how long it waits, when it is given up, and that this outlives the node. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentEvent } from '#agent-ports.ts';
import { opIdOf } from '#core/brand.ts';
import { CrashWatch } from '#host/crash-watch.ts';
import { simNodeId } from '#sim/crypto.ts';

type TurnEnded = Extract<AgentEvent, { kind: 'turn_ended' }>;

const gone = (o: Partial<TurnEnded> = {}): TurnEnded => ({
  kind: 'turn_ended',
  turn: 't',
  outcome: 'failed',
  text: 'it ended',
  exit: { code: null, signal: 'SIGKILL', error: null },
  failure: 'agent_gone',
  ...o,
});

const AGENT = opIdOf(simNodeId(1), 2);
const OTHER = opIdOf(simNodeId(1), 3);

let directory: string;
let nowMs: number;
let changes: (string | undefined)[];
let lines: string[];
const path = (): string => join(directory, 'given-up.json');
const watch = (): CrashWatch =>
  new CrashWatch({
    path: path(),
    nowMs: () => nowMs,
    changed: (_agent, why) => changes.push(why),
    log: (line) => lines.push(line),
  });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'skep-crash-'));
  [nowMs, changes, lines] = [0, [], []];
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a program that ends by itself', () => {
  it('waits twice as long each time, at most five minutes, and is given up after ten quick deaths', () => {
    const all = watch();
    for (const seconds of [5, 10, 20, 40, 80, 160, 300, 300, 300, 300]) {
      // Each attempt asks anew: the account is the agent's.
      expect(all.of(AGENT).ended(gone())).toBe(seconds * 1_000);
      all.of(AGENT).started();
      expect(all.whyGivenUp(AGENT)).toBeUndefined();
    }
    expect(all.of(AGENT).ended(gone({ text: 'no key\nmore' }))).toBeUndefined();
    expect(all.whyGivenUp(AGENT)).toMatch(/11 times in a row.*the last time: no key$/);
    expect(all.whyGivenUp(OTHER)).toBeUndefined();
    expect(changes).toEqual([all.whyGivenUp(AGENT)]);
  });

  it('begins anew after five minutes, and after a turn that it completed', () => {
    const crashes = watch().of(AGENT);
    crashes.ended(gone());
    expect(crashes.ended(gone())).toBe(10_000);
    crashes.started();
    nowMs += 299_999;
    expect(crashes.ended(gone())).toBe(20_000);
    crashes.started();
    nowMs += 300_000;
    expect(crashes.ended(gone())).toBe(5_000);
    crashes.ended(gone({ outcome: 'completed', exit: undefined, failure: undefined }));
    expect(crashes.ended(gone())).toBe(5_000);
  });

  it('is given up at once where it does not know its arguments', () => {
    const all = watch();
    expect(all.of(AGENT).ended(gone({ exit: { code: 2, signal: null, error: null } }))).toBeUndefined();
    expect(all.whyGivenUp(AGENT)).toContain('exit code 2');
  });

  it('is given up, too, where it does not even start, and is not started again within its task', () => {
    const all = watch();
    for (let n = 0; n < 10; n += 1) expect(all.of(AGENT).ended(gone({ failure: 'start_failed' }))).toBeUndefined();
    expect(all.whyGivenUp(AGENT)).toBeUndefined();
    all.of(AGENT).ended(gone({ failure: 'start_failed' }));
    expect(all.whyGivenUp(AGENT)).toContain('11 times');
  });

  it.each([
    { what: 'did not die', ended: gone({ failure: 'model' }) },
    { what: 'was stopped', ended: gone({ outcome: 'interrupted' }) },
    { what: 'had no more time', ended: gone({ outcome: 'timed_out' }) },
    { what: 'lost its holder', ended: gone({ exit: { code: null, signal: null, error: 'holder_lost' } }) },
    { what: 'was stopped with its node', ended: gone({ exit: { code: null, signal: null, error: 'holder_stopped' } }) },
  ])('is not one that $what', ({ ended }) => {
    const all = watch();
    for (let n = 0; n < 20; n += 1) expect(all.of(AGENT).ended(ended)).toBeUndefined();
    expect(all.whyGivenUp(AGENT)).toBeUndefined();
    expect(all.of(AGENT).ended(gone())).toBe(5_000);
  });
});

describe('an agent that was given up', () => {
  const bad = gone({ exit: { code: 2, signal: null, error: null } });

  it('is so after a restart of the node, and begins anew when somebody mended it', () => {
    watch().of(AGENT).ended(bad);
    const next = watch();
    expect(next.whyGivenUp(AGENT)).toContain('exit code 2');
    next.forgive(AGENT);
    next.forgive(AGENT);
    expect(changes).toEqual([expect.any(String), undefined]);
    expect(next.of(AGENT).ended(gone())).toBe(5_000);
    expect(watch().whyGivenUp(AGENT)).toBeUndefined();
  });

  it('is found out again where the file of it is broken, and held though the disk takes nothing', () => {
    writeFileSync(path(), '{"x');
    const all = watch();
    expect([all.whyGivenUp(AGENT), lines]).toEqual([undefined, [expect.stringContaining('left aside')]]);
    rmSync(directory, { recursive: true });
    all.of(AGENT).ended(bad);
    expect(all.whyGivenUp(AGENT)).toContain('exit code 2');
    expect(lines).toHaveLength(2);

    all.forgive(AGENT);
    expect(all.whyGivenUp(AGENT)).toBeUndefined();
    directory = mkdtempSync(join(tmpdir(), 'skep-crash-'));
  });
});
