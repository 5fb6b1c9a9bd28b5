// Needs: podman, runc, uidmap, catatonit
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ContainerBoxes } from '#runtime/box/container.ts';
import { IN_BOX } from '#box-ports.ts';
import type { NodeId } from '#core/brand.ts';
import { nameOf } from '#runtime/box/container-sweep.ts';
import { simNodeId } from '#sim/crypto.ts';
import { boxContract, makeBoxHome } from '../contract/box.ts';
import { wholeLineContract } from '../contract/runtime-whole.ts';
import { iteratorOf, lineWith, restOf, runtimeContract, script, soon, TEST_LIMIT_MS } from '../contract/runtime.ts';
import { containerImage } from './container-image.ts';

const image = containerImage();
const boxes = new ContainerBoxes();
const ENGINE: string = 'podman';

runtimeContract('container', async () => makeBoxHome(boxes, { image }));
wholeLineContract('container', async () => makeBoxHome(boxes, { image }));
boxContract(boxes, image);

it(
  'a container whose client was killed while it started is taken away, and no other',
  { timeout: TEST_LIMIT_MS },
  async () => {
    const home = makeBoxHome(boxes, { image });
    const { node } = home.spec;
    const other = simNodeId(2_000_000 + (process.pid % 1_000_000));
    const podman = (...args: string[]): string =>
      execFileSync(ENGINE, args, { encoding: 'utf8', timeout: TEST_LIMIT_MS }).trim();
    const begun = (whose: NodeId): void => {
      const [, label = '', , name = ''] = nameOf({ ...home.spec, node: whose });
      podman('container', 'create', '--label', label, '--name', name, '--network', 'none', image, 'true');
      podman('container', 'init', name);
    };
    const names = (whose: NodeId): string[] =>
      podman('ps', '--all', '--filter', `label=skep.node=${whose}`, '--format', '{{.Names}}')
        .split('\n')
        .filter(Boolean);
    const runtime = home.open();
    try {
      const running = await runtime.start(script('echo up; read -r line', { cwd: IN_BOX.home }));
      const lines = iteratorOf(running.lines);
      await lineWith(lines, 'up');
      const held = names(node);
      begun(node);
      begun(other);
      expect(names(node)).toHaveLength(2);
      expect(await boxes.sweep(node)).toBe(1);
      expect(names(node)).toEqual(held);
      expect(names(other)).toHaveLength(1);
      await soon('the kill', running.kill(0));
      await restOf(lines);
    } finally {
      await boxes.sweep(other);
      await runtime.close();
      await home.remove();
    }
  },
);

describe('Podman that does not run', { timeout: TEST_LIMIT_MS }, () => {
  const saying = async (text: string): Promise<unknown> => {
    const folder = mkdtempSync(join(tmpdir(), 'skep-podman-'));
    const program = join(folder, 'podman');
    writeFileSync(program, `#!/bin/sh\n[ "$1" = run ] || exit 0\necho '${text}' >&2\nexit 126\n`);
    chmodSync(program, 0o755);
    const home = makeBoxHome(boxes, { image: 'x' });
    try {
      return await new ContainerBoxes({ program }).check(home.spec);
    } finally {
      await home.remove();
      rmSync(folder, { recursive: true });
    }
  };

  it.each([
    ['crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied', 'default_ulimits'],
    [
      'Error: runc: error during container init: error setting rlimit type 7: operation not permitted: OCI permission denied',
      'default_ulimits',
    ],
    ['Error: crun: cgroups in hybrid mode not supported, drop all controllers from cgroupv2', 'runtime = "runc"'],
    ['something else', 'podman run --rm'],
  ])('says what to do about: %s', async (text, wayOut) => {
    expect(await saying(text)).toMatchObject({
      works: false,
      reason: expect.stringContaining(text),
      wayOut: expect.stringContaining(wayOut),
    });
  });

  it('says so where there is no such image, and pulls nothing', async () => {
    const home = makeBoxHome(boxes, { image: 'localhost/skep-no-such-image:1' });
    try {
      expect(await boxes.check(home.spec)).toMatchObject({
        works: false,
        reason: 'there is no image localhost/skep-no-such-image:1 here',
        wayOut: expect.stringContaining('nothing is pulled by itself'),
      });
    } finally {
      await home.remove();
    }
  });

  it('says what to install where there is none', async () => {
    const none = await new ContainerBoxes({ program: '/no/such/podman' }).probe();
    expect(none).toMatchObject({ works: false, wayOut: expect.stringContaining('apt-get install') });
  });
});
