// Needs: systemd-container (systemd-nspawn), root
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NspawnBoxes } from '#runtime/box/nspawn.ts';
import { boxContract, makeBoxHome } from '../contract/box.ts';
import { wholeLineContract } from '../contract/runtime-whole.ts';
import { runtimeContract, TEST_LIMIT_MS } from '../contract/runtime.ts';
import { rootFolder } from './root-folder.ts';

const image = rootFolder();
const boxes = new NspawnBoxes();

runtimeContract('nspawn', async () => makeBoxHome(boxes, { image }));
wholeLineContract('nspawn', async () => makeBoxHome(boxes, { image }));
boxContract(boxes, image);

describe('nspawn that cannot be', { timeout: TEST_LIMIT_MS }, () => {
  it('says what to install where there is none', async () => {
    const none = await new NspawnBoxes({ program: '/no/such/nspawn' }).probe();
    expect(none).toMatchObject({ works: false, wayOut: expect.stringContaining('apt-get install') });
  });

  it('says so to whoever is not root', async () => {
    const found = await new NspawnBoxes({ userId: 1000 }).probe();
    expect(found).toMatchObject({ works: false, reason: expect.stringContaining('root alone') });
  });

  it('names what its root folder lacks, and its path where that cannot be mounted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skep-lacking-'));
    const home = makeBoxHome(boxes);
    const check = (path: string): Promise<unknown> => boxes.check({ ...home.spec, image: path });
    try {
      mkdirSync(join(folder, 'usr'));
      mkdirSync(join(folder, 'a,b/usr'), { recursive: true });
      expect(await check(folder)).toMatchObject({ works: false, wayOut: expect.stringContaining('util-linux') });
      expect(await check(join(folder, 'a,b'))).toMatchObject({ reason: expect.stringContaining('comma') });
      expect(await boxes.check({ ...home.spec, image: null })).toMatchObject({ works: false });
    } finally {
      await home.remove();
      rmSync(folder, { recursive: true });
    }
  });
});
