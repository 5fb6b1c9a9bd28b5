// Needs: docker.io (dockerd), root
/** Containers by Docker keep what those by Podman keep. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerBoxes } from '#runtime/box/container.ts';
import { boxContract, makeBoxHome } from '../contract/box.ts';
import { wholeLineContract } from '../contract/runtime-whole.ts';
import { runtimeContract, TEST_LIMIT_MS } from '../contract/runtime.ts';
import type { DockerDaemon } from './docker-daemon.ts';
import { DOCKER_IMAGE, startDocker } from './docker-daemon.ts';

const boxes = new ContainerBoxes({ engine: 'docker' });

let daemon: DockerDaemon;
beforeAll(async () => {
  daemon = await startDocker();
}, TEST_LIMIT_MS);
afterAll(() => daemon.close(), TEST_LIMIT_MS);

runtimeContract('docker', async () => makeBoxHome(boxes, { image: DOCKER_IMAGE }));
wholeLineContract('docker', async () => makeBoxHome(boxes, { image: DOCKER_IMAGE }));
boxContract(boxes, DOCKER_IMAGE);

describe('Docker whose daemon is away', { timeout: TEST_LIMIT_MS }, () => {
  it('says so, and what to do about it', async () => {
    const host = process.env['DOCKER_HOST'];
    process.env['DOCKER_HOST'] = 'unix:///no/such/docker.sock';
    try {
      expect(await boxes.probe()).toMatchObject({
        works: false,
        reason: expect.stringContaining('Docker does not run: Cannot connect to the Docker daemon'),
        wayOut: expect.stringContaining('DOCKER_HOST'),
      });
    } finally {
      process.env['DOCKER_HOST'] = host;
    }
  });
});
