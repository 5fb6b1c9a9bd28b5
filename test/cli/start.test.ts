/** `skep start` as a user runs it: three real nodes, a task by the printed lines, the worker gone, a clean end, and the same swarm again. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connectSocket } from '#cli/socket-client.ts';
import { holderOf, whyTaken } from '#cli/port-holder.ts';
import { socketPath, stateDirOf } from '#socket-path.ts';
import { place } from './test-world.ts';

/** Three nodes start on two busy cores, and agents work: this bounds a hang, it measures nothing. */
const WITHIN_MS = 120_000;

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A base whose ports are free right now; another process may still take one, but hardly does. */
async function freeBase(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 20_000 + Math.floor(Math.random() * 1_000) * 40;
    const ports = [0, 1, 2, 10, 11, 12, 30].map((at) => whyTaken(base + at, { protocol: 'tcp', address: '127.0.0.1' }));
    if ((await Promise.all(ports)).every((why) => why === undefined)) return base;
  }
  throw new Error('no free ports');
}

const upSchema = z.object({
  event: z.literal('up'),
  login: z.string(),
  repository: z.string(),
  paste: z.object({ post: z.string(), look: z.string(), wait: z.string(), diff: z.string() }),
});

async function begin(dataDir: string, base: number) {
  const cwd = dirname(dataDir);
  const child = execa(process.execPath, [main, 'start', '--json', '--data-dir', dataDir, '--port-base', String(base)], {
    cwd,
    reject: false,
  });
  closers.push(() => child.kill('SIGKILL'));
  const first = await Promise.race([
    new Promise<string>((resolve) => child.stdout.once('data', (bytes) => resolve(String(bytes)))),
    child.then((ended) => String(ended.stderr)),
  ]);
  return { child, up: upSchema.parse(JSON.parse(first)) };
}

const ask = async (dataDir: string, port: number, path: string): Promise<unknown> => {
  const node = await connectSocket(socketPath(stateDirOf(dataDir, port), 'admin'));
  const { body } = await node.call({ method: 'GET', path });
  node.close();
  return body;
};

/** Processes of this machine that have the directory in their command line. */
function processesOf(dataDir: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return /^\d+$/.test(pid) && command.includes(dataDir) ? [command.replaceAll('\0', ' ')] : [];
    } catch {
      return [];
    }
  });
}

const shell = (line: string, cwd: string) => execa('bash', ['-c', line], { cwd, reject: false });

const hasCurl = (await execa('curl', ['--version'], { reject: false })).exitCode === 0;

describe('skep start', () => {
  it.skipIf(!hasCurl)(
    'runs what it prints, keeps the work when the worker is gone, ends cleanly and goes on at the next start',
    { timeout: WITHIN_MS },
    async () => {
      const { path: cwd, remove } = place();
      closers.push(remove);
      const dataDir = join(cwd, 'data');
      const base = await freeBase();
      const { child, up } = await begin(dataDir, base);

      expect((await fetch(up.login, { redirect: 'manual' })).status).toBe(303);
      expect((await fetch(up.login, { redirect: 'manual' })).status).toBe(401);

      const posted = await shell(up.paste.post, cwd);
      expect(JSON.parse(posted.stdout)).toMatchObject({ title: 'Greet', required_capabilities: ['shell'] });
      expect(await shell(up.paste.wait, cwd)).toMatchObject({ exitCode: 0 });
      const looked = z
        .array(z.looseObject({ id: z.string(), assigned_node: z.string() }))
        .parse(JSON.parse((await shell(up.paste.look, cwd)).stdout));
      for (const port of [base + 10, base + 11, base + 12]) {
        const tasks = await ask(dataDir, port, '/api/swarm/tasks');
        expect(tasks).toMatchObject([
          { id: looked[0]?.id, status: 'completed', attempt: 1, assigned_node: looked[0]?.assigned_node },
        ]);
      }

      const workers = z
        .array(z.looseObject({ id: z.string(), http_port: z.number() }))
        .parse(await ask(dataDir, base + 10, '/api/swarm/nodes'));
      const worker = workers.find((node) => node.id === looked[0]?.assigned_node);
      const holder = await holderOf(worker?.http_port ?? 0, 'tcp');
      process.kill(holder?.pid ?? 0, 'SIGKILL');
      expect(await shell(up.paste.diff, cwd)).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('+Hello from'),
      });

      const twice = await shell(`exec '${process.execPath}' '${main}' start --data-dir data --port-base ${base}`, cwd);
      expect(twice).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('runs already') });

      child.kill('SIGINT');
      const ended = await child;
      expect(ended.stderr).toContain('ended (signal SIGKILL)');
      expect(ended.exitCode).toBe(0);
      // The holder of the killed node stays for its agents, or for a moment; the next start takes it over.
      expect(processesOf(dataDir).filter((command) => !command.includes('holder-main'))).toEqual([]);

      const again = await begin(dataDir, base);
      expect(await ask(dataDir, base + 10, '/api/swarm/agents')).toHaveLength(2);
      expect(await ask(dataDir, base + 10, '/api/swarm/projects')).toHaveLength(1);
      expect(await ask(dataDir, base + 10, '/api/swarm/tasks')).toMatchObject([{ status: 'completed' }]);
      again.child.kill('SIGTERM');
      expect((await again.child).exitCode).toBe(0);
      expect(processesOf(dataDir)).toEqual([]);
    },
  );
});
