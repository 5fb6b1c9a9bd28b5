import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readClaim } from '#runtime/claim.ts';
import { LocalRuntime } from '#runtime/local.ts';
import type { RuntimeHome } from '../contract/runtime.ts';

/** A directory with a holder of its own. */
export type LocalHome = Omit<RuntimeHome, 'open'> & { directory: string; open(): LocalRuntime };

export function makeLocalHome(): LocalHome {
  const directory = mkdtempSync(join(tmpdir(), 'skep-runtime-'));
  return {
    directory,
    open: () => new LocalRuntime({ directory }),
    remove: async () => {
      const runtime = new LocalRuntime({ directory });
      await runtime.stop(200);
      await runtime.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The pid of a directory's holder, dead or alive; undefined where there never was one. */
export function holderPid(directory: string): number | undefined {
  const claim = readClaim(directory);
  if (claim === undefined) return undefined;
  const { pid } = JSON.parse(readFileSync(join(directory, `holder-${claim.n}.json`), 'utf8'));
  return Number(pid);
}
