// Needs: tmux, curl
import { execFileSync, spawnSync } from 'node:child_process';
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
const tmux = (...args: string[]): string => execFileSync('tmux', args, { env, encoding: 'utf8' });
const headers = (): Record<string, string> => ({
  authorization: `Bearer ${readFileSync(join(dir, 'data/token'), 'utf8').trim()}`,
  'content-type': 'application/json',
});
const url = (port: number, path: string): string => `http://127.0.0.1:${port + offset}${path}`;
/** Asks until the answer is as wanted; the bound is the test's own. */
async function until(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask().catch(() => false))) await sleep(100);
}
const read = async (port: number, path: string): Promise<unknown> =>
  (await fetch(url(port, path), { headers: headers() })).json();
const idOf = (value: unknown): string => z.object({ id: z.string() }).parse(value).id;

describe('the demos', { timeout: WITHIN_MS }, () => {
  it('five walls: what is written on one is on all', async () => {
    const { stdout, status } = run('demo-5-nodes.sh');
    expect(status).toBe(0);
    expect(stdout).toContain(url(8085, ''));
    expect(tmux('list-panes', '-t', 'skep-demo', '-F', '#{pane_dead}').trim().split('\n')).toHaveLength(5);
    await until(async () => z.object({ peers: z.literal(4) }).safeParse(await read(8085, '/api/status')).success);
    const body = JSON.stringify({ content: 'Hello, wall', author: 'ann' });
    const made = await fetch(url(8081, '/api/posts'), { method: 'POST', headers: headers(), body });
    const id = idOf(await made.json());
    for (const port of [8082, 8083, 8084, 8085])
      await until(
        async () =>
          z
            .array(z.unknown())
            .parse(await read(port, '/api/posts'))
            .map(idOf)[0] === id,
      );
    const again = run('demo-5-nodes.sh');
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('it runs already');
  });

  it('a swarm of three: a task of the emperor reaches the workers', async () => {
    expect(run('demo-swarm.sh').status).toBe(0);
    await until(async () => z.object({ links: z.literal(2) }).safeParse(await read(9090, '/api/swarm/status')).success);
    const body = JSON.stringify({ title: 'Optimize queries', description: 'Review them' });
    const made = await fetch(url(9090, '/api/swarm/tasks'), { method: 'POST', headers: headers(), body });
    expect(made.status).toBe(201);
    const id = idOf(await made.json());
    await until(async () => idOf(await read(9092, `/api/swarm/tasks/${id}`)) === id);
  });

  it('refuse an option that they do not know', () => {
    expect(run('demo-swarm.sh', '--nodes', '7')).toMatchObject({ status: 2, stdout: '' });
  });
});
