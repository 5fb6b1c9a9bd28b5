/** The page of a large and busy swarm, open for ten minutes and used: whether it holds more and more. Once, whatever the number of rounds. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CDPSession, Page } from 'playwright-core';
import type { Report } from './figures.ts';
import { judge, SeriesBook } from './figures.ts';
import { memoryMb } from './memory.ts';
import { busy, CHROMIUM, largeSwarm, loggedIn, openBrowser, scroll, SETTLE_MS } from './page-swarm.ts';
import type { Stage } from './stage.ts';

const MINUTES = 10;
/** Until then the page fills what it keeps: the newest ended tasks, the log of what happened. */
const WARM_MINUTES = 2;
const PART_MS = 15_000;
/** Where the page is in each quarter of a minute. */
const ADDRESSES = ['/', '/tasks', '/agents', '/tasks?view=board'] as const;

export async function pageSoak(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  const missing = existsSync(CHROMIUM) ? [] : ['chromium: apt-get install -y chromium'];
  const versions: Record<string, string> = {};
  if (missing.length === 0) {
    const { node, other } = await largeSwarm(stage);
    const updates = await busy(stage, node);
    const browser = await openBrowser();
    versions['chromium'] = browser.version();
    const context = await loggedIn(node, browser);
    const tab = await context.newPage();
    await tab.goto(node.url);
    await sleep(SETTLE_MS);
    const cdp = await context.newCDPSession(tab);
    await cdp.send('HeapProfiler.enable');
    for (let minute = 1; minute <= MINUTES; minute += 1) {
      for (const address of ADDRESSES) await part(tab, address);
      const { heapMb, elements } = await held(cdp);
      const kind = minute <= WARM_MINUTES ? 'while it fills' : 'after that';
      book.add(`heap of the page, each minute, ${kind}`, 'MB', heapMb);
      book.add(`elements of the page, each minute, ${kind}`, 'elements', elements);
      book.add('node, memory', 'MB', memoryMb(node.child.pid, 'VmRSS'));
      stage.say(`minute ${minute}: heap ${heapMb.toFixed(1)} MB, ${elements} elements`);
    }
    const { values } = book.need('heap of the page, each minute, after that');
    book.add('heap in the last minute / in the third', '×', (values.at(-1) ?? Number.NaN) / (values[0] ?? Number.NaN));
    await browser.close();
    await updates.stop();
    await Promise.all([node.child.stop(), other.child.stop()]);
  }
  return {
    name: 'page-soak',
    about: `The swarm of the bench "page", its page open for ${MINUTES} minutes, once: each minute a quarter on the overview, on the table of tasks while it is scrolled, on the agents and on the board. Heap: what the page's scripts hold after a collection, at the end of each minute.`,
    rounds: 1,
    series: book.all(),
    verdicts:
      missing.length > 0
        ? []
        : [
            judge(
              'heap in the last minute / in the third',
              '×',
              book.need('heap in the last minute / in the third').values,
              {
                atMost: 1.15,
              },
            ),
          ],
    versions,
    missing,
    notes: [],
  };
}

async function part(tab: Page, address: string): Promise<void> {
  await tab.evaluate(`location.hash = ${JSON.stringify(address)}`);
  if (address === '/tasks') await scroll(tab, PART_MS);
  else await sleep(PART_MS);
}

async function held(cdp: CDPSession): Promise<{ heapMb: number; elements: number }> {
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  const { nodes } = await cdp.send('Memory.getDOMCounters');
  return { heapMb: usedSize / 1e6, elements: nodes };
}
