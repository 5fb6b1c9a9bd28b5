/** A large and busy swarm, and a browser that looks at it: what the benches of the page share. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { stateDirOf } from '../src/socket-path.ts';
import type { Child } from './child.ts';
import type { Stage } from './stage.ts';
import { freePort } from './stage.ts';
import type { SwarmNode } from './swarm-node.ts';
import { linked, startSwarmNode } from './swarm-node.ts';

export const TASKS = 10_000;
export const AGENTS = 500;
/** Ops a second; the rest of the hundred updates is what agents at work print. */
export const OPS_A_SECOND = 60;
export const AT_WORK = 10;
const LINES_A_SECOND = 4;
/** Before anything is measured: the node has compiled what it runs. */
export const SETTLE_MS = 3_000;
const SCROLL_PX = 900;
const SCROLL_MS = 100;
/** Debian's. */
export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });

/** The node that serves the page, and another one with most of the agents. */
export async function largeSwarm(stage: Stage): Promise<{ node: SwarmNode; other: SwarmNode }> {
  const dataDir = join(stage.dir, 'page');
  const logOf = async (tasks: number, agents: number) => {
    const p2pPort = await freePort();
    const stateDir = stateDirOf(dataDir, p2pPort);
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    await stage.run('log/page.ts', { stateDir, tasks, agents });
    return { dataDir, p2pPort };
  };
  stage.say(`making a log of ${TASKS} tasks`);
  const node = await startSwarmNode(stage, { name: 'page', state: await logOf(TASKS, 0), shellAgents: AT_WORK });
  const other = await startSwarmNode(stage, { name: 'other', state: await logOf(0, AGENTS), seed: node });
  await linked(node, 2);
  return { node, other };
}

/** Ops by HTTP, and scripts that print. */
export async function busy(stage: Stage, node: SwarmNode): Promise<Child> {
  const script = `while :; do echo "line $((n=n+1)) of a long run"; sleep ${1 / LINES_A_SECOND}; done`;
  for (let n = 0; n < AT_WORK; n += 1) {
    const body = { title: `Run the suite, part ${n}`, description: script, required_capabilities: ['shell'] };
    await post(node, '/api/swarm/tasks', body);
  }
  const { child } = await stage.serve('load/updates.ts', {
    url: node.url,
    token: node.token,
    perSecond: OPS_A_SECOND,
  });
  await sleep(SETTLE_MS);
  return child;
}

async function post(node: SwarmNode, path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await fetch(`${node.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${node.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return JSON.parse(await answer.text());
}

/** In a session of its own, with an empty cache. */
export async function loggedIn(node: SwarmNode, browser: Browser): Promise<BrowserContext> {
  const { path } = await post(node, '/api/login-codes', { role: 'operator' });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await context.request.get(`${node.url}${String(path)}`, { maxRedirects: 0 });
  return context;
}

/** Up and down with the wheel, without a pause. */
export async function scroll(tab: Page, forMs: number): Promise<void> {
  await tab.mouse.move(700, 600);
  const until = performance.now() + forMs;
  for (let n = 0; performance.now() < until; n += 1) {
    await tab.mouse.wheel(0, n % 40 < 20 ? SCROLL_PX : -SCROLL_PX);
    await sleep(SCROLL_MS);
  }
}
