/** A root folder of this machine's own programs, for tests of nspawn: nothing is fetched. */
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A few copies of programs: only a hang takes so long. */
const MAKE_LIMIT_MS = 120_000;

/** Makes it where it is not there, once a machine: it is large, and read-only for every box. Returns its path. */
export function rootFolder(): string {
  const folder = join(tmpdir(), 'skep-box-test-root-2');
  const script = fileURLToPath(new URL('./root-folder.sh', import.meta.url));
  execFileSync('bash', [script, folder], { stdio: 'pipe', timeout: MAKE_LIMIT_MS });
  return folder;
}
