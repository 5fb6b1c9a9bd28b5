/** How much memory a process and its children take, as a runtime sees it. */
import { afterEach, describe, expect, it } from 'vitest';
import { parsedProcId } from '#core/brand.ts';
import { makeLocalHome } from './local-home.ts';

const homes: ReturnType<typeof makeLocalHome>[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) await home.remove();
});

const MIB = 1024 * 1024;
/** Holds so much memory, in a child of its own, and says so. */
const HOLD = `const { spawn } = require('node:child_process');
const held = 'const b = Buffer.alloc(80 * 1024 * 1024, 1); console.log("holds"); setInterval(() => b.length, 1e6)';
spawn(process.execPath, ['-e', held], { stdio: 'inherit' });`;

describe('memory of processes', () => {
  it('is counted with their children, for those that are picked, and is nothing once they ended', async () => {
    const home = makeLocalHome();
    homes.push(home);
    const runtime = home.open();
    const id = parsedProcId('task.1');
    expect(runtime.residentBytes(() => true)).toBe(0);
    const proc = await runtime.start({
      id,
      argv: [process.execPath, '-e', HOLD],
      cwd: home.directory,
      env: {},
      outboxMaxBytes: MIB,
    });
    for await (const line of proc.lines) if (line === 'holds') break;
    expect(runtime.residentBytes((one) => one === 'other')).toBe(0);
    expect(runtime.residentBytes((one) => one === id)).toBeGreaterThan(80 * MIB);
    await proc.kill(100);
    expect(runtime.residentBytes((one) => one === id)).toBe(0);
    await runtime.close();
  });
});
