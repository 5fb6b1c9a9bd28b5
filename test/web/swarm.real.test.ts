// Needs: chromium
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { contextOf, DESKTOP, go, logIn, openBrowser, PHONE } from './browser.ts';
import type { Stage } from './stage.ts';
import { setStage } from './stage.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const found = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.looseObject({ html: z.string() })) }),
);

/** Fails when there is no such thing on the page within the page's patience. */
const expectThere = (page: Page, selector: string) => page.waitForSelector(selector);

/** Three real nodes with shell agents at work, in a real browser. */
describe('a swarm in a browser', () => {
  let stage: Stage;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    stage = await setStage();
    browser = await openBrowser();
    page = await (await contextOf(browser)).newPage();
    page.setDefaultTimeout(60_000);
    await logIn(page, stage.home);
  });
  afterAll(async () => {
    await browser.close();
    await stage.swarm.close();
  });

  it('cancels a running task, whose agent is then free for the next', async () => {
    await go(page, `/tasks/${stage.tasks['second'] ?? ''}`);
    await page.click('role=button[name="Cancel task"]');
    await page.click('role=button[name="Really cancel?"]');
    await expectThere(page, 'h1 + [data-status="cancelled"]');
    await page.click('role=tab[name="Timeline"]');
    await page.waitForSelector('ol[aria-label="Timeline"] li:has-text("cancelled by user:operator")');
  });

  it('creates a task and follows it from claimed over running to completed, on another node', async () => {
    await page.keyboard.press('c');
    const form = page.locator('role=dialog');
    await form.locator('input[name="title"]').fill('Write a greeting');
    await form
      .locator('textarea[name="description"]')
      .fill('echo first line; until [ -e go ]; do sleep 0.1; done; echo hello > greeting.txt');
    await form.locator('input[name="capabilities"]').fill('shell');
    await form.locator('select[name="project"]').selectOption({ label: 'garden' });
    await form.locator('button[type="submit"]').click();
    await page.waitForSelector('h1:has-text("Write a greeting")');
    const timeline = (text: string) => expectThere(page, `ol[aria-label="Timeline"] li:has-text("${text}")`);
    await page.waitForSelector('h1 + [data-status="in_progress"]');
    for (const text of ['created by user:operator on hive', 'claimed by', 'attempt 1 given to', 'attempt 1 started on'])
      await timeline(text);
    await page.click('role=tab[name="Output"]');
    await page.waitForSelector('[role="log"]:has-text("first line")');
    const id = /tasks\/([0-9a-f]+-\d+)/.exec(page.url())?.[1] ?? '';
    // The script waits for a file in its worktree, so that running is seen for sure.
    const place = execFileSync('find', [stage.swarm.dir, '-type', 'd', '-path', `*${id}*`, '-name', '1', '-prune'], {
      encoding: 'utf8',
    });
    const worktree = place.split('\n')[0] ?? '';
    execFileSync('touch', [`${worktree}/go`]);
    await expectThere(page, 'h1 + [data-status="completed"]');
    await page.click('role=tab[name="Timeline"]');
    await timeline('attempt 1 completed');
  });

  it('shows what was delivered, and merges it', async () => {
    await page.click('role=tab[name="Diff"]');
    await page.waitForSelector('[data-diff="add"]:has-text("+hello")');
    await page.click('role=button[name="Merge"]');
    await page.waitForSelector('[role="status"]:has-text("Merged into main")');
    const repository = `${stage.swarm.dir}/garden`;
    expect(execFileSync('git', ['show', 'main:greeting.txt'], { cwd: repository, encoding: 'utf8' })).toBe('hello\n');
  });

  it('retries what failed in its place', async () => {
    const failed = stage.tasks['failed'] ?? '';
    await go(page, `/tasks/${failed}`);
    await page.waitForSelector('[data-part="error"]:has-text("3 assertions failed")');
    await page.click('role=button[name="Retry"]');
    await page.waitForFunction(`!location.hash.includes('${failed}')`);
    await expectThere(page, 'dt:has-text("In place of")');
  });

  it.each([
    ['desk, light', DESKTOP, 'light'],
    ['desk, dark', DESKTOP, 'dark'],
    ['phone, light', PHONE, 'light'],
    ['phone, dark', PHONE, 'dark'],
  ] as const)(
    'is accessible: %s',
    async (_name, viewport, colorScheme) => {
      const context = await contextOf(browser, { viewport, colorScheme, bypassCSP: true });
      const tab = await context.newPage();
      await logIn(tab, stage.home);
      const axe = await readFile(axePath, 'utf8');
      const running = stage.tasks['running'] ?? '';
      const agent = (await stage.home.list('/api/swarm/agents'))[0]?.['id'];
      for (const address of [
        '/',
        '/tasks',
        '/tasks?view=board',
        `/tasks/${running}`,
        '/agents',
        `/agents/${String(agent)}`,
        '/settings',
        '/settings?tab=rules',
        '/settings?tab=limits',
        '/settings?tab=people',
        '/settings?tab=nodes',
        '/more',
        '/tasks with c',
        '/tasks with Control+k',
      ]) {
        const [place = '', keys] = address.split(' with ');
        await go(tab, place);
        await tab.waitForSelector('main h1, main h2, main [role="table"], main [role="tablist"]');
        if (keys !== undefined) {
          await tab.keyboard.press(keys);
          await tab.waitForSelector('role=dialog');
        }
        await tab.evaluate(axe);
        const violations = found.parse(await tab.evaluate('axe.run().then(({ violations }) => violations)'));
        const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
        expect(serious.map(({ id, nodes }) => `${address} ${id}: ${nodes[0]?.html ?? ''}`)).toEqual([]);
        if (keys !== undefined) await tab.keyboard.press('Escape');
      }
      await context.close();
    },
    180_000,
  );

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
