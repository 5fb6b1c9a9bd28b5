// Needs: chromium
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { seriousFaults } from './axe.ts';
import type { Json } from '../host/swarm.ts';
import { contextOf, DESKTOP, go, logIn, openBrowser, PHONE } from './browser.ts';
import type { Stage } from './stage.ts';
import { setStage } from './stage.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** Fails when there is no such thing on the page within the page's patience. */
const expectThere = (page: Page, selector: string) => page.waitForSelector(selector);

/** For one look into a small repository. */
const GIT_TIMEOUT_MS = 60_000;

/** Three real nodes with shell agents at work, in a real browser. What a test does stands on nothing that one before it did, nor on its own first try. */
describe.each([
  ['desk, light', { viewport: DESKTOP, colorScheme: 'light' }],
  ['phone, dark', { viewport: PHONE, colorScheme: 'dark' }],
] as const)('a swarm in a browser: %s', (_screen, screen) => {
  let stage: Stage;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** What only the agent of these tests can do: those of the stage have their hands full. */
  const free = 'errands';
  let made = 0;
  /** A name that nothing had before. */
  const fresh = (name: string): string => `${name}-${(made += 1)}`;
  const create = async (body: Json): Promise<string> =>
    String((await stage.home.post('/api/swarm/tasks', { required_capabilities: ['shell', free], ...body }))['id']);
  const timeline = (text: string) => expectThere(page, `ol[aria-label="Timeline"] li:has-text("${text}")`);

  beforeAll(async () => {
    stage = await setStage();
    await stage.worker.post('/api/swarm/agents', { name: 'yarrow', tool: 'shell', capabilities: [free] });
    browser = await openBrowser();
    context = await contextOf(browser, screen);
    await logIn(await context.newPage(), stage.home);
  });
  afterAll(async () => {
    await browser.close();
    await stage.swarm.close();
  });
  beforeEach(async () => {
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(stage.home.running.httpUrl);
    await page.waitForSelector('[data-connection="live"]');
  });
  afterEach(() => page.close());

  it('cancels a running task, whose agent is then free for the next', async () => {
    const going = await create({ title: 'Count to a thousand', description: 'sleep 1000' });
    const next = await create({ title: 'Take the next', description: 'echo taken' });
    await go(page, `/tasks/${going}`);
    await expectThere(page, 'h1 + [data-status="in_progress"]');
    await page.click('role=button[name="Cancel task"]');
    await page.click('role=button[name="Really cancel?"]');
    await expectThere(page, 'h1 + [data-status="cancelled"]');
    await page.click('role=tab[name="Timeline"]');
    await timeline('cancelled by user:operator');
    await go(page, `/tasks/${next}`);
    await expectThere(page, 'h1 + [data-status="completed"]');
  });

  it('creates a task and follows it from claimed over running to completed, on another node', async () => {
    // The script waits for a file, so that running is seen for sure.
    const gate = join(stage.swarm.dir, fresh('gate'));
    onTestFinished(() => writeFileSync(gate, ''));
    await page.keyboard.press('c');
    const form = page.locator('role=dialog');
    await form.locator('input[name="title"]').fill('Write a greeting');
    await form
      .locator('textarea[name="description"]')
      .fill(`echo first line; until [ -e ${gate} ]; do sleep 0.1; done; echo hello > greeting.txt`);
    await form.locator('input[name="capabilities"]').fill(`shell, ${free}`);
    await form.locator('select[name="project"]').selectOption({ label: 'garden' });
    await form.locator('button[type="submit"]').click();
    await page.waitForSelector('h1:has-text("Write a greeting")');
    await page.waitForSelector('h1 + [data-status="in_progress"]');
    // Which tab it opens on depends on how far it was at its first look.
    await page.click('role=tab[name="Timeline"]');
    for (const text of ['created by user:operator on hive', 'claimed by', 'attempt 1 given to', 'attempt 1 started on'])
      await timeline(text);
    await page.click('role=tab[name="Output"]');
    await page.waitForSelector('[role="log"]:has-text("first line")');
    writeFileSync(gate, '');
    await expectThere(page, 'h1 + [data-status="completed"]');
    await page.click('role=tab[name="Timeline"]');
    await timeline('attempt 1 completed');
    // Which slot each decision is about: the grant the first, its end the second.
    await timeline('slot 1');
    await timeline('slot 2');
  });

  it('shows what was delivered, and merges it', async () => {
    const name = `${fresh('greeting')}.txt`;
    const task = await create({ title: 'Greet', project: 'garden', description: `echo hello > ${name}` });
    await go(page, `/tasks/${task}`);
    await expectThere(page, 'h1 + [data-status="completed"]');
    await page.click('role=tab[name="Diff"]');
    await page.waitForSelector('[data-diff="add"]:has-text("+hello")');
    await page.click('role=button[name="Merge"]');
    await page.waitForSelector('[role="status"]:has-text("Merged into main")');
    const shown = execFileSync('git', ['show', `main:${name}`], {
      cwd: `${stage.swarm.dir}/garden`,
      encoding: 'utf8',
      timeout: GIT_TIMEOUT_MS,
    });
    expect(shown).toBe('hello\n');
  });

  it('retries what failed in its place', async () => {
    const failed = await create({
      title: 'Run the tests of the checkout',
      attempts_max: 1,
      description: "echo '3 assertions failed' >&2; exit 3",
    });
    await go(page, `/tasks/${failed}`);
    await page.waitForSelector('[data-part="error"]:has-text("3 assertions failed")');
    await page.click('role=button[name="Retry"]');
    await page.waitForFunction(`!location.hash.includes('${failed}')`);
    await expectThere(page, 'dt:has-text("In place of")');
  });

  it.each(['light', 'dark'] as const)(
    'is accessible: %s',
    async (colorScheme) => {
      const context = await contextOf(browser, { ...screen, colorScheme, bypassCSP: true });
      const tab = await context.newPage();
      await logIn(tab, stage.home);
      const { running = '', asking = '', done = '' } = stage.tasks;
      const agents = await stage.home.list('/api/swarm/agents');
      const agentOf = (name: string): string => String(agents.find((one) => one['name'] === name)?.['id']);
      for (const address of [
        '/',
        '/tasks',
        '/tasks?view=board',
        `/tasks/${running}`,
        '/agents',
        `/agents/${agentOf('clover')}`,
        // What agents ask, on each page that shows it: here, on that of the task, and on the overview above.
        `/agents/${agentOf('foxglove')}`,
        `/tasks/${asking}`,
        `/tasks/${done} at Diff`,
        `/tasks/${running} at Output`,
        '/settings?tab=projects',
        '/settings?tab=rules',
        '/settings?tab=limits',
        '/settings?tab=people',
        '/settings?tab=nodes',
        '/boxes',
        '/channels',
        '/more',
        '/tasks with c',
        '/tasks with Control+k',
      ]) {
        const [where = '', keys] = address.split(' with ');
        const [place = '', part] = where.split(' at ');
        await go(tab, place);
        await tab.waitForSelector('main h1, main h2, main [role="table"], main [role="tablist"]');
        if (part !== undefined) {
          await tab.click(`role=tab[name="${part}"]`);
          await tab.waitForSelector(part === 'Diff' ? '[data-diff="add"]' : 'role=log');
        }
        if (keys !== undefined) {
          await tab.keyboard.press(keys);
          await tab.waitForSelector('role=dialog');
        }
        expect([address, await seriousFaults(tab)]).toEqual([address, []]);
        if (keys !== undefined) await tab.keyboard.press('Escape');
      }
      await context.close();
    },
    180_000,
  );

  it.each(['light', 'dark'] as const)('is accessible to whoever is not logged in: %s', async (colorScheme) => {
    const stranger = await contextOf(browser, { ...screen, colorScheme, bypassCSP: true });
    const tab = await stranger.newPage();
    tab.setDefaultTimeout(60_000);
    for (const path of ['', '/login?code=used']) {
      await tab.goto(`${stage.home.running.httpUrl}${path}`);
      await tab.waitForSelector('h1');
      expect([path, await seriousFaults(tab)]).toEqual([path, []]);
    }
    await stranger.close();
  });

  it('shows a node that is lost as unreachable, with what it had', async () => {
    await go(page, '/');
    await page.waitForSelector('main svg[role="img"]');
    await stage.worker.running.close();
    await page.waitForSelector('article:has-text("heather") [data-status="unreachable"]');
    await page.waitForSelector(
      'main li:has-text("meadow") [data-status="left"], main li:has-text("meadow") [data-status="dead"]',
    );
    await expectThere(page, 'ul[aria-label="Needs you"] li:has-text("meadow")');
  });
});
