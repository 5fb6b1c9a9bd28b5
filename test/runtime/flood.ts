/** Floods a holder, and looks at what it cost. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { procDirectory } from '#runtime/layout.ts';
import { linesOf, script, soon } from '../contract/runtime.ts';
import { holderPid, makeLocalHome } from './local-home.ts';

/** What one process may leave on disk in these tests. */
const BOUND_BYTES = 1024 * 1024;

/** A holder is about 55 MB; it may grow by buffers and garbage, not by the size of the flood. */
export const HOLDER_MAX_MB = 160;

/** The most memory the holder of a directory has ever used. */
export function holderPeakMb(directory: string): number {
  const pid = holderPid(directory);
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(peak?.[1]) / 1024;
}

/** Runs the script, which prints far more than the bound, follows it live and afterwards, and checks what stays. */
export async function expectBounded(text: string): Promise<void> {
  const home = makeLocalHome();
  const runtime = home.open();
  try {
    const spec = script(`echo first; ${text}; echo; echo last`, { outboxMaxBytes: BOUND_BYTES });
    const proc = await runtime.start(spec);
    let live = { first: '', last: '', bytes: 0 };
    for await (const line of proc.lines) {
      live = { first: live.first === '' ? line : live.first, last: line, bytes: live.bytes + line.length };
    }
    expect(await soon('the exit', proc.exited)).toEqual({ code: 0, signal: null, error: null });
    expect(live).toMatchObject({ first: 'first', last: 'last' });
    const directory = procDirectory(home.directory, spec.id);
    const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
    // Each of its three files may be above its share by one record.
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(2 * BOUND_BYTES);
    const later = await linesOf((await runtime.attach(spec.id))?.lines ?? proc.lines);
    expect(later[0]).toBe('first');
    expect(later.at(-1)).toBe('last');
    expect(later.filter((line) => /^\[skep: \d+ bytes of output are not kept\]$/.test(line))).toHaveLength(1);
    expect(holderPeakMb(home.directory)).toBeLessThan(HOLDER_MAX_MB);
  } finally {
    await runtime.close();
    await home.remove();
  }
}
