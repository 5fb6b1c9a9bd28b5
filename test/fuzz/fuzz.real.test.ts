// Needs: a minute
/** What anybody can send to a node, changed at random and led by coverage. `npm run fuzz` does it for ten minutes. */
import { afterEach, describe, expect, it } from 'vitest';
import type { FuzzReport } from './fuzz.ts';
import { fuzz } from './fuzz.ts';
import { liveTarget } from './live.ts';
import type { Target } from './targets.ts';
import { announcementTarget, coreTarget, decoderTarget } from './targets.ts';

/** Four targets: a minute in all. */
const FOR_MS = 15_000;
/** What may be kept of inputs and of blocks reached; a leak of a kilobyte an input would be far more. */
const MEMORY_MAX_MIB = 512;

const opened: Target[] = [];
afterEach(async () => {
  for (const target of opened.splice(0)) await target.close?.();
});

async function fuzzed(target: Target): Promise<FuzzReport> {
  opened.push(target);
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 1_000_000));
  const report = await fuzz(target, { seed, forMs: FOR_MS });
  console.log(JSON.stringify(report));
  expect(report.flaw, `FUZZ_SEED=${seed}`).toBeUndefined();
  expect(report.memoryMiB.end - report.memoryMiB.early).toBeLessThan(MEMORY_MAX_MIB);
  expect(report.blocks.end).toBeGreaterThan(report.blocks.corpus);
  return report;
}

describe('hostile input', { timeout: 120_000 }, () => {
  it('to the decoder: each frame is one, unknown or refused, whatever the chunks', async () => {
    const { counts } = await fuzzed(decoderTarget());
    for (const kind of ['frame', 'unknown', 'bad']) expect(counts[kind]).toBeGreaterThan(0);
  });

  it('to the discovery port: nothing is believed that nobody made', async () => {
    const { counts } = await fuzzed(announcementTarget());
    for (const kind of ['malformed', 'foreign']) expect(counts[kind]).toBeGreaterThan(0);
  });

  it('from a linked peer to the core: what does not hold is counted, honest ops are taken in', async () => {
    const { counts } = await fuzzed(coreTarget());
    for (const kind of ['frames', 'dropped', 'invalid']) expect(counts[kind]).toBeGreaterThan(0);
  });

  it('to the port of a mesh, before and after the handshake: it stays up, and so does another link', async () => {
    const { counts } = await fuzzed(await liveTarget());
    for (const kind of ['badFrames', 'refused', 'failedHandshakes']) expect(counts[kind]).toBeGreaterThan(0);
  });
});
