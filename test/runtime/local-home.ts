import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
