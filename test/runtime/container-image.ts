/** An image of this machine's own programs, for tests of containers: no registry is asked. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NAME = 'localhost/skep-box-test:3';

/** Machines of tests have both versions of control groups, and let no hard limit be raised. */
const CONF = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** Makes it where it is not there; sets `CONTAINERS_CONF` of this process. Returns its name. */
export function containerImage(): string {
  if (process.env['CONTAINERS_CONF'] === undefined) {
    const path = join(mkdtempSync(join(tmpdir(), 'skep-containers-')), 'containers.conf');
    writeFileSync(path, CONF);
    process.env['CONTAINERS_CONF'] = path;
    process.once('exit', () => rmSync(join(path, '..'), { recursive: true, force: true }));
  }
  const script = fileURLToPath(new URL('./container-image.sh', import.meta.url));
  execFileSync('bash', [script, NAME], { stdio: 'pipe' });
  return NAME;
}
