/** What every real test of the lab has in common: it skips with its reason where there can be no lab, and fails where it must run. */
import type { TestContext } from 'vitest';
import { onTestFailed } from 'vitest';
import type { LabSwarmOptions } from './lab-swarm.ts';
import { LabSwarm } from './lab-swarm.ts';
import { whyNoLab } from './lab.ts';

/** Runs `test` on a swarm of its own. A failed test leaves its directory, and says where. */
export async function onLab(
  context: TestContext,
  o: LabSwarmOptions,
  test: (swarm: LabSwarm) => Promise<void>,
): Promise<void> {
  requireLab(context);
  const swarm = await LabSwarm.open(o);
  let failed = false;
  onTestFailed(() => console.log(`logs and data: ${swarm.dir}`));
  try {
    await test(swarm);
  } catch (error) {
    failed = true;
    throw error;
  } finally {
    await swarm.close({ keep: failed });
  }
}

export function requireLab(context: TestContext): void {
  const why = whyNoLab();
  if (why === undefined) return;
  if (process.env['SKEP_REAL_REQUIRED'] === '1') throw new Error(why);
  context.skip(why);
}
