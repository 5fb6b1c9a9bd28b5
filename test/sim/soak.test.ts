/** Races hold, and the literal rule does not; a soak keeps its results, goes on where it stopped, and sums them up. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LiteralRule } from '#sim/literal-rule.ts';
import { Races } from '#sim/races.ts';
import { ChunkFiles, runChunk } from '#sim/soak/chunks.ts';
import type { Kind } from '#sim/soak/kinds.ts';
import { lineOf, reportOf } from '#sim/soak/report.ts';

test('a hundred and fifty races, calm and rough, start each attempt once, and in calm the lowest claim wins', async () => {
  let faults = 0;
  for (let seed = 1; seed <= 3; seed++) {
    const { violations, races, startedTwice, bites } = await new Races({ seed }).run();
    expect(violations).toEqual([]);
    expect(races).toBeGreaterThan(40);
    expect(startedTwice).toBe(0);
    faults += bites.lost + bites.cuts + bites.crashes;
  }
  expect(faults).toBeGreaterThan(0);
});

test('the literal rule starts most races twice', async () => {
  const { races, startedTwice, violations } = await new Races({
    seed: 1,
    parts: { core: (options) => new LiteralRule(options) },
  }).run();
  expect(startedTwice).toBeGreaterThan(races / 2);
  expect(violations.some((violation) => violation.startsWith('always/started-once'))).toBe(true);
});

const kind: Kind = {
  seeds: 6,
  chunkSeeds: 2,
  mustHold: true,
  run: async (seed) => ({
    counts: { races: 10, startedTwice: seed === 3 ? 1 : 0 },
    bites: { lost: seed },
    violations: seed === 3 ? ['always/started-once: twice'] : [],
    agreeMs: seed * 100,
  }),
};

test('a chunk that has its result is done, and the report sums all of them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skep-soak-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = new ChunkFiles(folder);
  for (const from of [1, 3]) files.write(await runChunk({ name: 'races', kind, from, commit: `c${from}` }));
  expect(files.has({ kind: 'races', from: 3 })).toBe(true);
  expect(files.has({ kind: 'races', from: 5 })).toBe(false);
  expect(files.has({ kind: 'storms', from: 1 })).toBe(false);
  expect(readdirSync(folder)).toEqual(['races-000001.json', 'races-000003.json']);
  const report = reportOf('races', kind, new ChunkFiles(folder).all());
  expect(report).toMatchObject({
    seeds: 4,
    seedsWanted: 6,
    failedSeeds: 1,
    counts: { races: 40, startedTwice: 1 },
    bites: { lost: 10 },
    agreeMsMax: 400,
    commits: ['c1', 'c3'],
    failures: [{ seed: 3, violations: ['always/started-once: twice'] }],
  });
  expect(lineOf(report)).toMatch(/^races: 4 of 6 seeds, 1 failed, 40 races, 1 started twice/);
});
