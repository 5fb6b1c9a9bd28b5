// Needs: podman, runc, uidmap, catatonit
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ContainerBoxes } from '#runtime/box/container.ts';
import { boxContract, makeBoxHome } from '../contract/box.ts';
import { wholeLineContract } from '../contract/runtime-whole.ts';
import { runtimeContract, TEST_LIMIT_MS } from '../contract/runtime.ts';
import { containerImage } from './container-image.ts';

const image = containerImage();
const boxes = new ContainerBoxes();

runtimeContract('container', async () => makeBoxHome(boxes, { image }));
wholeLineContract('container', async () => makeBoxHome(boxes, { image }));
boxContract(boxes, image);

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
    ['Error: crun: cgroups in hybrid mode not supported, drop all controllers from cgroupv2', 'runtime = "runc"'],
    ['something else', 'podman run --rm'],
  ])('says what to do about: %s', async (text, wayOut) => {
    expect(await saying(text)).toMatchObject({
      works: false,
      reason: expect.stringContaining(text),
      wayOut: expect.stringContaining(wayOut),
    });
  });

  it('says what to install where there is none', async () => {
    const none = await new ContainerBoxes({ program: '/no/such/podman' }).probe();
    expect(none).toMatchObject({ works: false, wayOut: expect.stringContaining('apt-get install') });
  });
});
