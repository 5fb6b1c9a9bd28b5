/** A root folder of this machine's own programs, for tests of nspawn: nothing is fetched. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A few copies of programs: only a hang takes so long. */
const MAKE_LIMIT_MS = 120_000;

let made: string | undefined;

/** Makes it once a process, which takes it away at its end. Returns its path. */
export function rootFolder(): string {
  if (made !== undefined) return made;
  const folder = mkdtempSync(join(tmpdir(), 'skep-root-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const script = fileURLToPath(new URL('./root-folder.sh', import.meta.url));
  execFileSync('bash', [script, folder], { stdio: 'pipe', timeout: MAKE_LIMIT_MS });
  made = folder;
  return folder;
}
