// Needs: tmux, curl
/** The options of the demos; what they are for is in seed-walk.real.test.ts. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

const SCRIPTS = fileURLToPath(new URL('../../scripts/', import.meta.url));
const WITHIN_MS = 120_000;

let dir: string;
let env: NodeJS.ProcessEnv;
/** Away from the ports of the demos themselves, and below those of outgoing connections; two runs at once get different ones. */
let offset: number;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'sk-')));
  env = { ...process.env, TMUX_TMPDIR: dir, TMUX: undefined, SKEP_TOKEN: undefined };
  offset = 1_000 + (process.pid % 200) * 100;
});
afterEach(() => {
  spawnSync('tmux', ['kill-server'], { env });
  rmSync(dir, { recursive: true, force: true });
});

const run = (script: string, ...args: string[]) =>
  spawnSync('bash', [join(SCRIPTS, script), '--port-offset', String(offset), ...args], {
    cwd: dir,
    env,
    encoding: 'utf8',
  });
const headers = (): Record<string, string> => ({
  authorization: `Bearer ${readFileSync(join(dir, 'data/token'), 'utf8').trim()}`,
});
const url = (port: number, path: string): string => `http://127.0.0.1:${port + offset}${path}`;
/** Asks until the answer is as wanted; the bound is the test's own. */
async function until(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask().catch(() => false))) await sleep(100);
}
const read = async (port: number, path: string): Promise<unknown> =>
  (await fetch(url(port, path), { headers: headers() })).json();

describe('the demos', { timeout: WITHIN_MS }, () => {
  it('begin once, on ports moved by an offset', async () => {
    expect(run('demo-swarm.sh')).toMatchObject({ status: 0, stdout: expect.stringContaining(url(9090, '')) });
    await until(async () => z.object({ links: z.literal(2) }).safeParse(await read(9090, '/api/swarm/status')).success);
    const again = run('demo-swarm.sh');
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('it runs already');
  });

  it('refuse an option that they do not know', () => {
    expect(run('demo-swarm.sh', '--nodes', '7')).toMatchObject({ status: 2, stdout: '' });
  });
});
