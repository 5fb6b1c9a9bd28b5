// Needs: chromium
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { userPrincipal } from '#core/brand.ts';
import type { Served } from '../door/serve.ts';
import { serve } from '../door/serve.ts';
import { taskCreated } from '../door/task-body.ts';
import { contextOf, go, openBrowser, PHONE } from './browser.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const tasksSchema = z.array(
  z.looseObject({ id: z.string(), title: z.string(), priority: z.number(), depends_on: z.array(z.string()) }),
);

/** What makes the page good to keep open all day: one page over a node that does what the test says. */
describe('the page for people', () => {
  let served: Served;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];
  beforeAll(async () => {
    served = await serve();
    browser = await openBrowser();
    context = await contextOf(browser);
    page = await loggedIn(context);
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  const loggedIn = async (where: BrowserContext): Promise<Page> => {
    const one = await where.newPage();
    one.setDefaultTimeout(60_000);
    // The fake node has nothing to tell of an agent's state, and says so whenever it is asked.
    one.on('console', (message) => {
      if (!message.text().includes('the server responded with a status of 404')) complaints.push(message.text());
    });
    one.on('pageerror', (error) => complaints.push(error.message));
    const { url } = z.object({ url: z.string() }).parse(await (await served.post('/api/login-codes', {})).json());
    await one.goto(url);
    await one.waitForSelector('[data-connection="live"]');
    return one;
  };
  /** Presses `c` when no window is open any more, whose field would take it for a letter. */
  const openForm = async () => {
    await page.waitForSelector('role=dialog', { state: 'detached' });
    await expect.poll(() => page.evaluate('document.activeElement.matches("input, textarea, select")')).toBe(false);
    await page.keyboard.press('c');
    const form = page.locator('role=dialog[name="New task"]');
    await form.locator('input[name="title"]:focus').waitFor();
    return form;
  };
  const tasks = async () => tasksSchema.parse(await served.json('/api/swarm/tasks'));

  it('creates several tasks at once, each behind the one before, and leaves what is refused where it was typed', async () => {
    const form = await openForm();
    await form.locator('text=several at once').click();
    await form.locator('textarea[name="titles"]').fill('Pick\nPlant\nWater');
    await form.locator('text=each waits for the one before').click();
    await form.locator('input[name="priority"]').fill('4');
    await form.locator('button[type="submit"]').click();
    await page.waitForSelector('role=table >> text=Water');
    const [pick, plant, water] = ['Pick', 'Plant', 'Water'].map(async (title) =>
      (await tasks()).find((one) => one.title === title),
    );
    expect((await plant)?.depends_on).toEqual([(await pick)?.id]);
    expect((await water)?.depends_on).toEqual([(await plant)?.id]);
    expect((await water)?.priority).toBe(4);
    await openForm();
    await form.locator('text=several at once').click();
    await form.locator('textarea[name="titles"]').fill(`Good\n${'x'.repeat(1_001)}\nLast`);
    await form.locator('button[type="submit"]').click();
    await form.locator('role=status >> text=/^Created 1\\. x+/').waitFor();
    expect(await form.locator('textarea[name="titles"]').inputValue()).toBe(`${'x'.repeat(1_001)}\nLast`);
    complaints.splice(0);
    await page.keyboard.press('Escape');
  });

  it('finds tasks to wait for, and keeps what is chosen while another is searched for', async () => {
    const form = await openForm();
    await form.locator('input[name="title"]:focus').fill('Harvest');
    const search = form.locator('role=searchbox[name="Search tasks to wait for"]');
    await search.fill('plant');
    await form.locator('label:has-text("Plant") input').check();
    await search.fill('water');
    await form.locator('label:has-text("Water") input').check();
    await form.locator('input[name="budget_usd"]').fill('2.5');
    await form.locator('button[type="submit"]').click();
    await page.waitForSelector('h1:has-text("Harvest")');
    expect((await tasks()).find(({ title }) => title === 'Harvest')).toMatchObject({
      budget_usd: 2.5,
      depends_on: [expect.any(String), expect.any(String)],
    });
  });

  it('keeps a form as a template in this browser, fills another one with it, and forgets it', async () => {
    const form = await openForm();
    await form.locator('input[name="title"]').fill('Nightly run');
    await form.locator('input[name="capabilities"]').fill('shell');
    await form.locator('role=textbox[name="Name of the template"]').fill('nightly');
    await form.locator('role=button[name="Keep"]').click();
    await form.locator('text=Kept in this browser.').waitFor();
    await page.keyboard.press('Escape');
    await page.reload();
    await page.waitForSelector('[data-connection="live"]');
    await openForm();
    await form.locator('role=button[name="nightly"]').click();
    await expect.poll(() => form.locator('input[name="title"]').inputValue()).toBe('Nightly run');
    expect(await form.locator('input[name="capabilities"]').inputValue()).toBe('shell');
    await form.locator('role=button[name="Forget the template nightly"]').click();
    await expect.poll(() => form.locator('role=button[name="nightly"]').count()).toBe(0);
    await page.keyboard.press('Escape');
  });

  it('goes by the palette to a page, a task and an agent, does what it is told, and gives the focus back', async () => {
    await served.post('/api/swarm/agents', { name: 'sh-1', tool: 'shell' });
    await go(page, '/');
    await page.waitForSelector('article:has-text("sh-1")');
    const open = async (text: string): Promise<void> => {
      await page.waitForSelector('role=dialog', { state: 'detached' });
      await page.keyboard.press('Control+k');
      await page.waitForSelector('role=combobox[name="Page, agent, task or action"]');
      await page.locator('[role="combobox"]:focus').waitFor();
      await page.keyboard.type(text);
      // What is found follows what is typed, when there is time for it.
      await page.waitForSelector(`role=option[selected] >> text=/${text}/i`);
    };
    await open('rules');
    await page.keyboard.press('Enter');
    await page.waitForSelector('role=tab[name="Rules"][selected]');
    expect(page.url()).toContain('#/settings?tab=rules');
    await open('harv');
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("Harvest")');
    await open('sh-1');
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("sh-1")');
    await open('dark');
    await page.keyboard.press('Enter');
    await page.waitForSelector('html[data-theme="dark"]');
    await open('colours');
    await page.keyboard.press('ArrowDown');
    await page.waitForSelector('role=option[selected] >> nth=0');
    await page.keyboard.press('Escape');
    await page.waitForSelector('role=combobox', { state: 'detached' });
    await open('new task');
    await page.keyboard.press('Enter');
    await page.waitForSelector('role=dialog[name="New task"]');
    await page.keyboard.press('Escape');
  });

  it('tells of what needs a person only when asked to, only while they look elsewhere, and once for all of it', async () => {
    const other = await contextOf(browser);
    await other.addInitScript(`
      window.told = [];
      window.isAway = true;
      document.hasFocus = () => !window.isAway;
      window.Notification = class extends EventTarget {
        static permission = 'default';
        static requestPermission() { window.asked = (window.asked ?? 0) + 1; Notification.permission = 'granted'; return Promise.resolve('granted'); }
        constructor(title, options) { super(); window.told.push([title, options.body]); window.last = this; }
        close() {}
      };`);
    const away = await loggedIn(other);
    expect(await away.evaluate('window.asked')).toBeUndefined();
    const stuck = (title: string) =>
      served.post('/api/swarm/tasks', { title, required_capabilities: ['nobody-has-this'] });
    await stuck('before it was turned on');
    await away.waitForSelector('ul[aria-label="Needs you"] li:has-text("before it was turned on")');
    await away.click('role=button[name="Notifications when something needs you"]');
    await away.waitForSelector('role=button[name="Notifications when something needs you"][pressed]');
    // In one batch: how long a busy machine takes over two requests is nobody's to say.
    const body = { ...taskCreated(), requiredCapabilities: ['nobody-has-this'] };
    const by = userPrincipal('x');
    await served.node.append(['first', 'second'].map((title) => ({ entity: undefined, by, body: { ...body, title } })));
    await expect
      .poll(() => away.evaluate('window.told'))
      .toEqual([['2 things need you', expect.stringMatching(/first: no agent has.*\n.*second|second: .*\n.*first/)]]);
    await away.evaluate('window.isAway = false');
    await stuck('seen on the page');
    await away.waitForSelector('ul[aria-label="Needs you"] li:has-text("seen on the page")');
    await away.evaluate('window.isAway = true');
    await stuck('third');
    await expect.poll(() => away.evaluate('window.told.length')).toBe(2);
    expect(await away.evaluate('window.told[1][0]')).toMatch(/third|2 things need you/);
    await away.evaluate("location.hash = '/agents'");
    await away.evaluate("window.last.dispatchEvent(new Event('click'))");
    await expect.poll(() => away.url()).not.toContain('#/agents');
    await other.close();
  });

  it('can be installed: a manifest and its icons, all below the address of the page, and no worker that could serve an old one', async () => {
    const href = await page.getAttribute('link[rel="manifest"]', 'href');
    const manifestUrl = new URL(href ?? '', served.http.url);
    const answer = await fetch(manifestUrl);
    expect(answer.headers.get('content-type')).toBe('application/manifest+json');
    const manifest = z
      .looseObject({ start_url: z.string(), icons: z.array(z.looseObject({ src: z.string() })).min(2) })
      .parse(await answer.json());
    expect(new URL(manifest.start_url, manifestUrl).href).toBe(served.http.url);
    for (const { src } of manifest.icons) {
      const icon = await fetch(new URL(src, manifestUrl));
      expect([icon.status, icon.headers.get('content-type')]).toEqual([200, 'image/png']);
    }
    const session = await context.newCDPSession(page);
    const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
    expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([]);
    expect(await page.evaluate('navigator.serviceWorker.getRegistrations().then((all) => all.length)')).toBe(0);
  });

  it('says times in the zone of its reader, moves nothing for whoever wants that, and follows the tab key in order', async () => {
    const zoned = await browser.newContext({ timezoneId: 'Asia/Tokyo', reducedMotion: 'reduce' });
    const tab = await loggedIn(zoned);
    await go(tab, '/tasks');
    const at = await tab.locator('role=table >> time').first().getAttribute('title');
    const [first] = await tasks();
    expect(at).toBe(await tab.evaluate(`new Date(${JSON.stringify(first?.['updated_at'])}).toLocaleString()`));
    expect(await tab.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone + ' ' + new Date(0).getHours()")).toBe(
      'Asia/Tokyo 9',
    );
    const moving = `[...document.querySelectorAll('*')].filter((one) => getComputedStyle(one).animationName !== 'none' || getComputedStyle(one).transitionDuration.split(', ').some((time) => parseFloat(time) > 0)).length`;
    expect(await tab.evaluate(moving)).toBe(0);
    await tab.evaluate('document.activeElement?.blur?.()');
    const order: unknown[] = [];
    for (let n = 0; n < 4; n += 1) {
      await tab.keyboard.press('Tab');
      order.push(await tab.evaluate('document.activeElement.textContent.trim()'));
    }
    expect(order).toEqual(['To the content', 'skep', 'Overview', 'Tasks']);
    await zoned.close();
  });

  it('has places for boxes and allocations that say how to begin, also at phone width, and channels that are always there', async () => {
    await page.setViewportSize(PHONE);
    for (const [address, title] of [
      ['/channels', 'pull-requests'],
      ['/boxes', 'No boxes yet'],
      ['/allocations', 'No allocations yet'],
      ['/more', 'No boxes yet'],
    ] as const) {
      await go(page, address);
      await page.waitForSelector(`text=${title}`);
      expect([address, await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')]).toEqual([
        address,
        0,
      ]);
    }
    expect(complaints).toEqual([]);
  });
});
