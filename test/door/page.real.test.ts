// Needs: chromium
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parsedOpId } from '#core/brand.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const idSchema = z.object({ id: z.string() });

describe('the page in a browser', () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  beforeAll(async () => {
    served = await serve();
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    page = await browser.newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(served.http.url)) complaints.push(`asks elsewhere: ${request.url()}`);
    });
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  it('says how to log in, and is live after that', async () => {
    await page.goto(served.http.url);
    expect(await page.textContent('h1')).toBe('This browser is not logged in');
    expect(await page.textContent('details pre')).toContain(
      `curl -X POST ${new URL(served.http.url).origin}/api/login-codes`,
    );
    await page.goto(`${served.http.url}login?code=used`);
    expect(await page.textContent('h1')).toBe('This link was used already, or is too old');
    // The browser itself says that the link was refused.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('401')]);
    const code = z.object({ url: z.string() }).parse(await (await served.post('/api/login-codes', {})).json());
    await page.goto(code.url);
    await page.waitForSelector('#connection[data-state="live"]');
    expect(page.url()).toBe(served.http.url);
    expect(await page.textContent('#tasks-empty')).toMatch(/^No tasks yet/);
  });

  it('shows what others create without losing what is being typed', async () => {
    await page.click('#new-task summary');
    await page.fill('input[name="title"]', 'half a ti');
    await page.focus('input[name="title"]');
    await served.post('/api/swarm/tasks', { title: 'of somebody else' });
    await page.waitForSelector('text=of somebody else');
    await page.keyboard.type('tle');
    expect(await page.inputValue('input[name="title"]')).toBe('half a title');
    expect(await page.textContent('#count-pending')).toBe('1');
  });

  it('creates a task, and shows it', async () => {
    await page.fill('textarea[name="description"]', 'echo <b>hello</b>');
    await page.fill('input[name="capabilities"]', 'shell, php');
    await page.click('#create button[type="submit"]');
    await page.waitForSelector('#detail:not([hidden]) h2:has-text("half a title")');
    expect(await page.textContent('#detail [data-part="description"]')).toBe('echo <b>hello</b>');
    await page.waitForSelector('#detail .timeline li:has-text("created by user:operator on hive")');
    const tasks = z
      .array(z.looseObject({ required_capabilities: z.array(z.string()) }))
      .parse(await served.json('/api/swarm/tasks'));
    expect(tasks[1]?.required_capabilities).toEqual(['shell', 'php']);
  });

  it('follows a task at work and shows its diff', async () => {
    await served.post('/api/swarm/agents', { name: 'sh-1', tool: 'shell' });
    await page.waitForSelector('#agents li:has-text("sh-1")');
    const made = idSchema.parse(
      await (await served.post('/api/swarm/tasks', { title: 'run', required_capabilities: ['shell'] })).json(),
    );
    const [agent] = served.node.store.list('agent', { limit: 1 });
    const task = parsedOpId(made.id);
    await page.click(`a[href="#task/${task}"]`);
    await served.node.start(task, agent?.id ?? task);
    served.node.knobs.taskOutput = async () => ({ attempt: 1, output: 'line 1\n' });
    await page.click('[data-tab="output"]');
    await page.waitForSelector('pre.output:has-text("line 1")');
    await expect.poll(() => served.node.listeners().watchers).toBe(2);
    served.node.show({
      task,
      agent: agent?.id ?? task,
      attempt: 1,
      status: 'running',
      progress: 'line 2',
      output: 'line 2\n',
    });
    await page.waitForSelector('pre.output:has-text("line 2")');
    await page.waitForSelector('#tasks .note:has-text("line 2")');
    const work = {
      project: null,
      branch: `skep/${task}/1`,
      base: '1'.repeat(40),
      head: '2'.repeat(40),
      commits: 1,
      bundle: served.node.store.digest(),
      sizeBytes: 9,
    };
    await served.node.end(task, { result: 'done', work });
    await page.waitForSelector('#detail .badge[data-status="completed"]');
    served.node.knobs.taskDiff = async () => ({ text: '@@ -1 +1 @@\n-a\n+b\n', truncated: false });
    await page.click('[data-tab="diff"]');
    await page.waitForSelector('.diff .add:has-text("+b")');
    served.node.knobs.taskMerge = async () => ({ state: 'ready', commit: null, into: 'main', command: 'git merge x' });
    await page.click('[data-part="merge"]');
    await page.waitForSelector('#detail .said:has-text("git merge x")');
  });

  it('comes back after the stream broke, and shows what it missed', async () => {
    served.door.feed.close();
    await page.waitForSelector('#connection[data-state="reconnecting"]');
    Reflect.set(served.door.feed, 'closed', false);
    await served.post('/api/swarm/tasks', { title: 'meanwhile' });
    await page.waitForSelector('#connection[data-state="live"]');
    await page.waitForSelector('text=meanwhile');
    expect(await page.textContent('#connection')).toBe('live');
  });

  it('fits a phone', async () => {
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(await page.textContent('#node-name')).toBe('hive');
  });

  it('had nothing to complain about', () => {
    expect(complaints.filter((text) => !/503/.test(text))).toEqual([]);
  });
});
