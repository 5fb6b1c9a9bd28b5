/** The page of a large and busy swarm in a real browser: when it shows something, how long it blocks, and what one tab costs its node. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import type { Report } from './figures.ts';
import { judge, SeriesBook } from './figures.ts';
import { AGENTS, AT_WORK, busy, CHROMIUM, largeSwarm, loggedIn, openBrowser, OPS_A_SECOND } from './page-swarm.ts';
import { scroll, SETTLE_MS, TASKS } from './page-swarm.ts';
import type { Stage } from './stage.ts';
import type { SwarmNode } from './swarm-node.ts';
import { longestTasks } from './trace.ts';

/** How long each part is looked at. */
const LOOK_MS = 10_000;
const PAGE_MAX_MS = 60_000;

export async function page(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  const versions: Record<string, string> = {};
  const missing = existsSync(CHROMIUM) ? [] : ['chromium: apt-get install -y chromium'];
  if (missing.length === 0) {
    const { node, other } = await largeSwarm(stage);
    const updates = await busy(stage, node);
    const browser = await openBrowser();
    versions['chromium'] = browser.version();
    for (let round = 1; round <= stage.rounds; round += 1) await oneRound(stage, book, { node, browser, round });
    await browser.close();
    await updates.stop();
    await Promise.all([node.child.stop(), other.child.stop()]);
  }
  return {
    name: 'page',
    about: `Two linked nodes with ${TASKS} tasks, one in five open, and ${AGENTS} agents; at the one that serves the page, ${AT_WORK} more are at work; ${OPS_A_SECOND} ops a second, and lines that agents print. First view: from the start of the navigation, logged in and with an empty cache, to the first frame with the counts and cards of tasks. Tasks of the main thread are those of the browser's own trace (RunTask), ${LOOK_MS / 1000} s each: on the overview, and on the table of tasks while it is scrolled without a pause. Node: its processor time with one tab open less that without one, in turns.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts:
      missing.length > 0
        ? []
        : [
            judge('first view', 'ms', book.need('first view').values, { atMost: 1_500 }),
            judge('longest task, overview', 'ms', book.need('overview, longest task').values, { atMost: 100 }),
            judge('longest task, table scrolled', 'ms', book.need('table scrolled, longest task').values, {
              atMost: 100,
            }),
            judge('node, for one tab', '% of a core', book.need('node, for one tab').values, { atMost: 2 }),
          ],
    versions,
    missing,
    notes: [
      'What a tab costs its node is the difference of two looks at the processor of that node, which swing by some percent. By a profile of a run with 100 updates a second, most of it were system calls, one an update. They are gathered now, at most thirty a second a tab: delivery to the tab took 1.63 s of the main thread in a run, and takes 0.59 s.',
      "Milliseconds by the clock are those of a shared machine: by how many is said by the processes that wanted to run. Processor times are the page's and the node's own, and hold on a quiet machine, too.",
      'Before a snapshot came in pieces, texts were built for whoever asks, and grants were kept up (62b037b; one round, load 22): first view 6,684 ms, of which the page used 2,130 ms of processor and the node 2,413 ms; longest task 79.5 ms of processor on the overview and 28.4 ms on the table, main thread 10.3 % of a core.',
    ],
  };
}

type Round = { node: SwarmNode; browser: Browser; round: number };

async function oneRound(stage: Stage, book: SeriesBook, { node, browser, round }: Round): Promise<void> {
  const without = await share(node);
  stage.say(`round ${round}: without a tab ${without.toFixed(1)} % of a core`);
  const context = await loggedIn(node, browser);
  const tab = await context.newPage();
  const cpuNs = node.child.cpuNs();
  const firstMs = await firstView(tab, node);
  book.add('first view', 'ms', firstMs);
  book.add('first view, processor time of the page', 'ms', await rendererCpuMs(browser));
  book.add('first view, processor time of the node', 'ms', (node.child.cpuNs() - cpuNs) / 1e6);
  stage.say(`round ${round}: first view after ${firstMs.toFixed(0)} ms`);
  await sleep(SETTLE_MS);
  const frames = countFrames(tab);
  const overview = await traced(browser, tab, () => sleep(LOOK_MS));
  book.add('overview, longest task', 'ms', overview.wallMs);
  book.add('overview, longest task, processor time', 'ms', overview.cpuMs);
  book.add('overview, main thread', '% of a core', overview.busyShare * 100);
  await tab.evaluate("location.hash = '/tasks'");
  await tab.waitForSelector('[role="row"][aria-rowindex="5"]', { timeout: PAGE_MAX_MS });
  const table = await traced(browser, tab, () => scroll(tab, LOOK_MS));
  book.add('table scrolled, longest task', 'ms', table.wallMs);
  book.add('table scrolled, longest task, processor time', 'ms', table.cpuMs);
  await tab.evaluate("location.hash = '/'");
  const with1 = await share(node);
  book.add('updates that the page got', 'a second', await frames());
  book.add('node, without a tab', '% of a core', without);
  book.add('node, for one tab', '% of a core', with1 - without);
  await context.close();
  stage.say(
    `round ${round}: first view ${book.need('first view').values.at(-1)?.toFixed(0)} ms; longest task ${overview.wallMs.toFixed(0)} ms, ${table.wallMs.toFixed(0)} ms scrolled; node ${without.toFixed(1)} % and ${(with1 - without).toFixed(1)} % for a tab`,
  );
}

/** Percent of a core over one look. */
async function share(node: SwarmNode): Promise<number> {
  const [cpuNs, began] = [node.child.cpuNs(), performance.now()];
  await sleep(LOOK_MS);
  return ((node.child.cpuNs() - cpuNs) / 1e6 / (performance.now() - began)) * 100;
}

/** Milliseconds from the start of the navigation until a frame with counts and cards was drawn. */
async function firstView(tab: Page, node: SwarmNode): Promise<number> {
  await tab.addInitScript(`{
    const look = () => {
      const count = document.querySelector('[data-count="pending"]')?.textContent ?? '';
      if (!/\\d/.test(count) || document.querySelector('main article') === null) return requestAnimationFrame(look);
      requestAnimationFrame(() => setTimeout(() => { document.documentElement.dataset.firstViewMs = String(performance.now()); }));
    };
    requestAnimationFrame(look);
  }`);
  await tab.goto(node.url);
  // A function that is waited for would be evaluated, which the page's policy forbids.
  await tab.waitForSelector('html[data-first-view-ms]', { timeout: PAGE_MAX_MS });
  return Number(await tab.getAttribute('html', 'data-first-view-ms'));
}

/** Of the process that draws the page, which is the one that used most. */
async function rendererCpuMs(browser: Browser): Promise<number> {
  const cdp = await browser.newBrowserCDPSession();
  const { processInfo } = await cdp.send('SystemInfo.getProcessInfo');
  await cdp.detach();
  return Math.max(...processInfo.filter(({ type }) => type === 'renderer').map(({ cpuTime }) => cpuTime)) * 1000;
}

/** Frames of the WebSocket a second, from now until the returned function is called. */
function countFrames(tab: Page): () => Promise<number> {
  const began = performance.now();
  let count = 0;
  const session = tab.context().newCDPSession(tab);
  const ready = session.then(async (cdp) => {
    cdp.on('Network.webSocketFrameReceived', () => {
      count += 1;
    });
    await cdp.send('Network.enable');
  });
  return async () => {
    await ready;
    await (await session).detach();
    return (count / (performance.now() - began)) * 1000;
  };
}

async function traced(browser: Browser, tab: Page, during: () => Promise<unknown>) {
  await browser.startTracing(tab, { categories: ['disabled-by-default-devtools.timeline', '__metadata'] });
  await during();
  return longestTasks((await browser.stopTracing()).toString('utf8'));
}
