/** An image of this machine's own programs, for tests of containers: no registry is asked. */
import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
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
  process.env['CONTAINERS_CONF'] ??= settingsFile();
  const script = fileURLToPath(new URL('./container-image.sh', import.meta.url));
  execFileSync('bash', [script, NAME], { stdio: 'pipe' });
  return NAME;
}

/** Once a machine, as workers of tests may end without a word. Whoever reads it finds all of it. */
function settingsFile(): string {
  const path = join(tmpdir(), 'skep-box-test-containers.conf');
  const own = `${path}.${process.pid}`;
  writeFileSync(own, CONF);
  renameSync(own, path);
  return path;
}
