/** One server for all sessions, where the one before is just going: it refuses connections long before it has ended. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parsedProcId } from '#core/brand.ts';
import { OpenCodeServer } from '#driver/opencode/server.ts';
import type { Runtime } from '#ports.ts';
import { lineWith } from '../../contract/runtime.ts';
import type { LocalHome } from '../../runtime/local-home.ts';
import { makeLocalHome } from '../../runtime/local-home.ts';

const PROGRAM = fileURLToPath(new URL('server-process.mjs', import.meta.url));

let dir: string;
let home: LocalHome;
let runtime: Runtime;
let env: Record<string, string>;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skep-opencode-'));
  home = makeLocalHome();
  runtime = home.open();
  const path = join(dir, 'opencode');
  writeFileSync(path, `#!/bin/sh\nexec ${process.execPath} ${PROGRAM}\n`);
  chmodSync(path, 0o700);
  env = { PATH: `${dir}:${dirname(process.execPath)}:/usr/bin:/bin`, STAYS: join(dir, 'stays') };
});
afterEach(async () => {
  await runtime.close();
  await home.remove();
  rmSync(dir, { recursive: true, force: true });
});

const opened = (): OpenCodeServer => new OpenCodeServer({ directory: join(dir, 'server'), lingerMs: 0 });

const recorded = (): string =>
  z.object({ proc: z.string() }).parse(JSON.parse(readFileSync(join(dir, 'server/server.json'), 'utf8'))).proc;

/** Resolves when the server of that name has been told to end, and refuses connections. */
async function going(name: string): Promise<void> {
  const watching = home.open();
  const proc = await watching.attach(parsedProcId(name));
  if (proc === undefined) throw new Error(`${name} is not there`);
  await lineWith(proc.lines[Symbol.asyncIterator](), 'going');
  await watching.close();
}

it('waits for the end of a server that was told to end, and then starts the next, which stays remembered', async () => {
  const server = opened();
  const first = await server.acquire(runtime, env);
  writeFileSync(env['STAYS'] ?? '', '');
  const released = server.release(first);
  await going(first.process.proc.id);
  const second = server.acquire(runtime, env);
  rmSync(env['STAYS'] ?? '');
  await released;
  const running = await second;
  expect(running.process.proc.id).not.toBe(first.process.proc.id);
  await running.api.health();
  expect(recorded()).toBe(running.process.proc.id);
  await server.release(running);
  expect(existsSync(join(dir, 'server/server.json'))).toBe(false);
});

it('is not taken for the one to go on with by a node that came back while it was going', async () => {
  const server = opened();
  const first = await server.acquire(runtime, env);
  writeFileSync(env['STAYS'] ?? '', '');
  const released = server.release(first);
  await going(first.process.proc.id);
  await runtime.close();
  await released;
  runtime = home.open();
  rmSync(env['STAYS'] ?? '');
  const again = opened();
  expect(await again.find(runtime)).toBeUndefined();
  const running = await again.acquire(runtime, env);
  expect(running.process.proc.id).not.toBe(first.process.proc.id);
  await running.api.health();
  await again.release(running);
});
