// Needs: npm, 1.2 GB of disk for the agent CLIs
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsedProcId } from '#core/brand.ts';
import type { AgentSession, PermissionRequest, SessionSpec } from '#agent-ports.ts';
import { OpenCodeDriver } from '#driver/opencode/driver.ts';
import type { ModelServer } from '#model-server/server.ts';
import type { Runtime } from '#ports.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome, agentBin } from '../agent-clis.ts';
import { driverContract, Events, PLAIN, type DriverHome } from '../contract/driver.ts';
import { freshId } from '../contract/runtime.ts';
import type { LocalHome } from '../runtime/local-home.ts';
import { makeLocalHome } from '../runtime/local-home.ts';
import { scriptedScenes } from './protocol-rig.ts';

const KEY = 'stub-key';

/** Its start takes seconds, on a busy machine many. */
const LINGER_MS = 600_000;

let model: ModelServer;
let home: AgentHome;
let driver: OpenCodeDriver;
let runtimes: LocalHome;
beforeAll(async () => {
  agentBin();
  model = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  home = new AgentHome({ url: model.url, key: KEY });
  runtimes = makeLocalHome();
  driver = new OpenCodeDriver({ directory: join(home.dir, 'skep'), nowMs: Date.now, asks: [], lingerMs: LINGER_MS });
  const warm: Runtime = runtimes.open();
  const spec = { ...PLAIN, procId: freshId(), cwd: tmpdir(), env: home.env };
  const session = await driver.open(spec, warm);
  await session.prompt('Hello.');
  for await (const event of session.events) if (event.kind === 'turn_ended') break;
  await session.close(1000);
  // The server goes on, and the runtime of each test finds it.
  await warm.close();
}, 300_000);
afterAll(async () => {
  await runtimes.remove();
  home.remove();
  await model.close();
});

async function makeHome(): Promise<DriverHome> {
  const gate = join(home.dir, `gate-${randomBytes(4).toString('hex')}`);
  return {
    driver,
    // One server for all tests, as for all sessions of a node.
    runtimes: { open: () => runtimes.open(), remove: async () => {} },
    env: home.env,
    scenes: scriptedScenes(gate),
  };
}

driverContract('the real opencode', makeHome);

describe('the real opencode', { timeout: 120_000 }, () => {
  type Opened = { session: AgentSession; events: Events; close: () => Promise<void> };
  async function open(o: Partial<SessionSpec> = {}): Promise<Opened> {
    const runtime = runtimes.open();
    const asking = new OpenCodeDriver({ directory: join(home.dir, 'skep'), nowMs: Date.now, lingerMs: LINGER_MS });
    const spec = { ...PLAIN, procId: freshId(), cwd: home.project, env: home.env, ...o };
    const session = await asking.open(spec, runtime);
    const close = async (): Promise<void> => {
      await session.close(1000);
      await runtime.close();
    };
    return { session, events: new Events(session), close };
  }
  const asked = async (events: Events): Promise<PermissionRequest> => {
    const event = await events.until('a permission', (one) => one.kind === 'permission');
    if (event.kind !== 'permission') throw new Error('unreachable');
    return event.request;
  };
  const commit = (name: string): string =>
    `<<stub [{"bash":"echo ${name} >> f && git add -A && git commit -qm ${name}"},{"text":"committed"}]>>`;
  const subjects = (): string[] => home.git('log', '--format=%s').trim().split('\n');

  it('asks before a command, does it when allowed, and tells what it used', async () => {
    const { session, events, close } = await open();
    await session.prompt(commit('allowed'));
    const request = await asked(events);
    expect(request).toMatchObject({ kind: 'command', tool: 'bash', cwd: home.project });
    expect(request.detail).toBe('echo allowed >> f && git add -A && git commit -qm allowed');
    await session.answer(request.request, { behavior: 'allow', message: '' });
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'committed' });
    expect(subjects()[0]).toBe('allowed');
    const states = events.seen.flatMap((one) => (one.kind === 'state' ? [one.state] : []));
    expect(states).toEqual(['idle', 'starting', 'running', 'waiting', 'running']);
    const used = events.seen.flatMap((one) => (one.kind === 'usage' ? [one.usage] : []));
    expect(used).toMatchObject([
      { model: 'stub-model', inputTokens: 1200, outputTokens: 34 },
      { model: 'stub-model', inputTokens: 1200, outputTokens: 34 },
    ]);
    await close();
  });

  it('leaves it when denied, and takes the next turn in the same conversation', async () => {
    const { session, events, close } = await open();
    await session.prompt(commit('denied'));
    const request = await asked(events);
    await session.answer(request.request, { behavior: 'deny', message: 'not on a Friday' });
    await events.ended();
    expect(subjects()).not.toContain('denied');
    expect(events.of('tool').at(-1)).toMatchObject({ state: 'denied' });
    await session.prompt('<<stub [{"text":"second turn"}]>>');
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'second turn' });
    expect(events.of('session')).toHaveLength(1);
    await close();
  });

  it('waits for a rate limit, says so, and recovers', async () => {
    const { session, events, close } = await open();
    await session.prompt(
      '<<stub [{"status":429,"headers":{"retry-after":"1"},"times":1,"then":{"text":"recovered"}}]>>',
    );
    const limited = await events.until('the limit', (one) => one.kind === 'state' && one.state === 'rate_limited');
    expect(limited).toMatchObject({ exact: true, untilMs: expect.any(Number) });
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'recovered' });
    await close();
  });

  it('says that it is not logged in', async () => {
    const { session, events, close } = await open();
    await session.prompt('<<stub [{"status":401}]>>');
    expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'login' });
    await close();
  });

  it('goes on with a conversation in a new session', async () => {
    const first = await open();
    await first.session.prompt('<<stub [{"text":"one"}]>>');
    await first.events.ended();
    const told = first.events.seen.find((one) => one.kind === 'session');
    if (told?.kind !== 'session') throw new Error('no conversation was told of');
    await first.close();
    const second = await open({ resume: told.session });
    await second.session.prompt('<<stub [{"text":"two"}]>>');
    await second.events.ended();
    expect(second.events.of('session')).toEqual([told]);
    await second.close();
  });

  it('fails a turn whose server is killed, and starts another one for the next', async () => {
    const { session, events, close } = await open();
    await session.prompt('<<stub [{"preText":"ready\\n","chunks":1,"bash":"sleep 60"}]>>');
    await asked(events);
    const { proc } = z
      .object({ proc: z.string() })
      .parse(JSON.parse(readFileSync(join(home.dir, 'skep/server.json'), 'utf8')));
    const holder = runtimes.open();
    await (await holder.attach(parsedProcId(proc)))?.kill(0);
    await holder.close();
    expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'agent_gone' });
    await session.prompt('<<stub [{"text":"after all"}]>>');
    expect(await events.ended()).toMatchObject({ outcome: 'completed', text: 'after all' });
    await close();
  });
});
