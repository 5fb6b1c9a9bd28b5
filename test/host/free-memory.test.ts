/** Free memory as the kernel and the control groups tell it, from files as they were seen. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freeBytes } from '#host/free-memory.ts';
import { temporaryDirectories } from '../runtime/temporary.ts';

const directory = temporaryDirectories();
const MIB = 1024 * 1024;

function root(files: Record<string, string>): string {
  const path = directory();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

const MEMINFO = 'MemTotal:       24684092 kB\nMemFree:        16592304 kB\nMemAvailable:   2048000 kB\n';

/** A group of version 2 that may use so much, uses so much, and could drop so much. */
const group = (path: string, max: string, used: number, cache = 0): Record<string, string> => ({
  [`sys/fs/cgroup/${path}memory.max`]: `${max}\n`,
  [`sys/fs/cgroup/${path}memory.current`]: `${used * MIB}\n`,
  [`sys/fs/cgroup/${path}memory.stat`]: `anon 1\ninactive_file ${cache * MIB}\nactive_file 7\n`,
});

describe('free memory', () => {
  it('is the kernel’s estimate where nothing is limited', () => {
    expect(freeBytes(root({ 'proc/meminfo': MEMINFO }))).toBe(2000 * MIB);
    const files = {
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/user.slice/a\n',
      ...group('user.slice/a/', 'max', 5),
    };
    expect(freeBytes(root(files))).toBe(2000 * MIB);
  });

  it('is what the tightest group on the way leaves, without what it could drop', () => {
    const files = {
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/box/agent\n',
      ...group('box/agent/', 'max', 10),
      ...group('box/', String(1000 * MIB), 900, 300),
    };
    expect(freeBytes(root(files))).toBe(400 * MIB);
  });

  it('is found in a container whose own group is the root of what it sees, and never below nothing', () => {
    const files = {
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/docker/abc\n',
      ...group('', String(512 * MIB), 600),
    };
    expect(freeBytes(root(files))).toBe(0);
  });

  it('is read from groups of version 1, where no limit is a number beyond any machine', () => {
    const of = (limit: string): Record<string, string> => ({
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '9:name=systemd:/\n4:cpu,memory:/box\n0::/\n',
      'sys/fs/cgroup/memory/box/memory.limit_in_bytes': limit,
      'sys/fs/cgroup/memory/box/memory.usage_in_bytes': String(100 * MIB),
      'sys/fs/cgroup/memory/box/memory.stat': `cache 5\ntotal_inactive_file ${50 * MIB}\n`,
    });
    expect(freeBytes(root(of('9223372036854771712')))).toBe(2000 * MIB);
    expect(freeBytes(root(of(String(200 * MIB))))).toBe(150 * MIB);
  });

  it('is unknown where nothing tells it', () => {
    expect(freeBytes(root({}))).toBeUndefined();
  });

  it('is a number on this machine', () => {
    expect(freeBytes()).toBeGreaterThan(0);
  });
});
