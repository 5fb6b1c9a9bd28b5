import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { Fleet, WorkerProcess } from '../worker-rig.ts';
import { Site } from './rig.ts';

const EXAMPLE = fileURLToPath(new URL('../../../integrations/openclaw/fleet.mjs', import.meta.url));
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

it('the example for OpenClaw launches, asks, is refused by name, and ends a fleet', async () => {
  const here = new Site();
  closers.push(() => here.remove());
  const { served } = await here.serve();
  const run = (
    ...args: string[]
  ): Promise<{ code: number; told: { event: string; data: Record<string, unknown> }[] }> =>
    new Promise((resolve) => {
      const whole = [EXAMPLE, '--port', String(served.port), '--token-file', join(here.root, 'state/token'), ...args];
      const child = execFile(process.execPath, whole, { timeout: 60_000 }, (_error, stdout) => {
        const told = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
        resolve({ code: child.exitCode ?? -1, told });
      });
    });
  const launched = await run('swarm_launch', '{"nodes":1,"system_prompt":"say ready"}');
  expect([launched.code, launched.told.at(-1)]).toMatchObject([
    0,
    { event: 'swarm_launched', data: { swarm_id: 'slurm-7' } },
  ]);
  Fleet.installFake(here.base);
  const worker = new WorkerProcess(here.base, { TMPDIR: here.base });
  closers.push(() => worker.kill());
  const asked = await run('ask', 'slurm-7', '0', 'say hello');
  expect(asked.code).toBe(0);
  expect(asked.told.map(({ event }) => event)).toEqual(
    expect.arrayContaining(['inject_ack', 'inject_delivered', 'assistant', 'turn_complete']),
  );
  expect(asked.told.find(({ event }) => event === 'assistant')?.data['content']).toBe('hello');
  const refused = await run('inject', '{"swarm_id":"nobody","nodes":0,"content":"x"}');
  expect([refused.code, refused.told.at(-1)?.data['reason']]).toEqual([1, 'unknown swarm_id: nobody']);
  const ended = await run('swarm_terminate', '{"swarm_id":"slurm-7"}');
  expect([ended.code, ended.told.at(-1)?.event]).toEqual([0, 'swarm_terminated']);
});
