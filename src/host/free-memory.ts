/** How much memory one more process could take on this machine, as of now. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const KIB = 1024;
/** Folders of control groups above this process's own that are looked at. */
const GROUPS_MAX = 32;

/**
 * The kernel's own estimate (`MemAvailable`), or what the control groups of this process leave, where that is less: their limit without what is used
 * and could not be dropped. Undefined where nothing tells it. `root`: the file system to read; for tests.
 */
export function freeBytes(root = '/'): number | undefined {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(read(join(root, 'proc/meminfo')))?.[1];
  const bounds = [...(available === undefined ? [] : [Number(available) * KIB]), ...groupBounds(root)];
  return bounds.length === 0 ? undefined : Math.max(Math.min(...bounds), 0);
}

/** Names of the files in both versions of control groups; what nobody limits is `max`, or a number beyond any machine. */
const VERSIONS = [
  { line: /^0::(\/.*)$/m, mount: 'sys/fs/cgroup', max: 'memory.max', used: 'memory.current', cache: 'inactive_file' },
  {
    line: /^\d+:(?:\S*,)?memory(?:,\S*)?:(\/.*)$/m,
    mount: 'sys/fs/cgroup/memory',
    max: 'memory.limit_in_bytes',
    used: 'memory.usage_in_bytes',
    cache: 'total_inactive_file',
  },
] as const;

function groupBounds(root: string): number[] {
  const groups = read(join(root, 'proc/self/cgroup'));
  return VERSIONS.flatMap(({ line, mount, max, used, cache }) => {
    const path = line.exec(groups)?.[1];
    return (path === undefined ? [] : withParents(path)).flatMap((group) => {
      const folder = join(root, mount, group);
      const limit = Number(read(join(folder, max)) || Number.NaN);
      const taken = Number(read(join(folder, used)) || Number.NaN);
      if (Number.isNaN(limit) || Number.isNaN(taken)) return [];
      const dropped = new RegExp(`^${cache} (\\d+)$`, 'm').exec(read(join(folder, 'memory.stat')))?.[1];
      return [limit - taken + Number(dropped ?? 0)];
    });
  });
}

/** A limit of any of them holds. In a container its own group is often the root of what can be seen. */
function withParents(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  const count = Math.min(names.length, GROUPS_MAX);
  return Array.from({ length: count + 1 }, (_, at) => names.slice(0, count - at).join('/'));
}

/** Empty where there is no such file, as on a machine that is not Linux. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
