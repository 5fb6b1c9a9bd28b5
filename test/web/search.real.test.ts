// Needs: chromium
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { SELF } from '../door/fake-node.ts';
import type { Served } from '../door/serve.ts';
import { serve } from '../door/serve.ts';
import { taskCreated } from '../door/task-body.ts';
import { go, openBrowser, openPage } from './browser.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** More ended tasks than the page follows. */
const ENDED = 230;

/** A page that follows only the newest of what has ended. */
describe('tasks of long ago, in a browser', () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  const by = userPrincipal('x');
  const rows = () => page.locator('[role="row"][aria-rowindex]');

  beforeAll(async () => {
    served = await serve();
    browser = await openBrowser();
    const titles = ['Needle of old', ...Array.from({ length: ENDED }, (_, n) => `Hay ${n}`)];
    const made = await served.node.commit(
      SELF,
      titles.map((title) => ({ entity: undefined, by, body: { ...taskCreated(), title } })),
    );
    for (const { op } of made)
      await served.node.end(
        parsedOpId(op.header.entity),
        { kind: 'cancelled', attempt: 0, reason: 'cancelled', by },
        1,
      );
    for (const title of ['First that waits', 'Second that waits']) await served.post('/api/swarm/tasks', { title });
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });
  beforeEach(async () => void (page = await openPage(browser, served)));
  afterEach(() => page.context().close());

  it('are found by the node when somebody searches, and gone again with the words', async () => {
    const asked: string[] = [];
    page.on('request', (request) => {
      if (/api\/swarm\/tasks\?q=/.test(request.url())) asked.push(request.url());
    });
    await go(page, '/tasks');
    await page.waitForSelector('text=older ones are not: a search finds them, too');
    await page.keyboard.press('/');
    await page.keyboard.type('needle');
    await rows().filter({ hasText: 'Needle of old' }).waitFor();
    expect(await rows().count()).toBe(1);
    // Letters that came slowly may each have been waited for: the last question is the one for all of them.
    expect(asked.at(-1)).toContain('?q=needle&limit=1000&offset=0');
    await page.fill('role=searchbox[name="Search tasks"]', 'needle in vain');
    await page.waitForSelector('text=No task is like that');
    await page.click('role=button[name="Show all tasks"]');
    await rows().filter({ hasText: 'First that waits' }).waitFor();
  });

  it('are chosen and opened on the board by j, k and Enter, from column to column', async () => {
    await go(page, '/tasks?view=board');
    await page.waitForSelector('role=region[name="Pending"] >> text=Second that waits');
    const chosen = (title: string) => page.waitForSelector(`article[aria-current="true"]:has-text("${title}")`);
    await page.keyboard.press('j');
    await chosen('First that waits');
    await page.keyboard.press('j');
    await chosen('Second that waits');
    await page.keyboard.press('j');
    await chosen('Hay');
    await page.keyboard.press('k');
    await chosen('Second that waits');
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1');
    expect(await page.textContent('h1')).toBe('Second that waits');
  });
});
