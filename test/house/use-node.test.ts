import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../tools/use-node.sh', import.meta.url));

describe('tools/use-node.sh', () => {
  const place = mkdtempSync(join(tmpdir(), 'skep-use-node-'));
  afterAll(() => {
    rmSync(place, { recursive: true, force: true });
  });

  it.each([
    ['v20.20.2', false],
    ['v24.9.0', false],
    ['v24.15.3', false],
    ['v24.16.0', true],
    ['v24.100.0', true],
    ['v25.0.0', true],
    ['v100.1.0', true],
    ['nonsense', false],
  ])('a node that says %s: fits is %s', async (version, fits) => {
    const node = join(place, 'node');
    writeFileSync(node, `#!/bin/sh\necho ${version}\n`);
    chmodSync(node, 0o755);
    const { exitCode } = await execa('bash', ['-c', `. "$1" && skep_node_fits "$2"`, 'bash', script, node], {
      reject: false,
    });
    expect(exitCode === 0).toBe(fits);
  });

  it('says nothing and works from any directory when a fitting node is there', async () => {
    const { all } = await execa('bash', ['-euc', `. "$1" && node --version`, 'bash', script], {
      cwd: place,
      all: true,
    });
    expect(all).toMatch(/^v\d+\.\d+\.\d+$/);
  });
});
