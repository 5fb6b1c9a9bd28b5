// Needs: chromium
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ForgottenError } from '#core/boot-check.ts';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { farewellOf, STOPPING } from '#door/farewell.ts';
import { OTHER } from '../door/fake-node.ts';
import type { Served } from '../door/serve.ts';
import { serve } from '../door/serve.ts';
import { contextOf, go, openBrowser, PHONE } from './browser.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const idSchema = z.object({ id: z.string() });
const codeSchema = z.object({ url: z.string() });

/** One page over a node that does what the test says. */
describe('the page in a browser', () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const watch = (one: Page): void => {
    one.setDefaultTimeout(60_000);
    // The fake node has nothing to tell of an agent's state or terminal, and says so whenever it is asked: that may be after the page has moved on.
    one.on('console', (message) => {
      if (!/the server responded with a status of (404|501)/.test(message.text())) complaints.push(message.text());
    });
    one.on('pageerror', (error) => complaints.push(error.message));
    one.on('request', (request) => {
      if (!request.url().startsWith(served.http.url)) complaints.push(`asks elsewhere: ${request.url()}`);
    });
  };
  beforeAll(async () => {
    served = await serve();
    browser = await openBrowser();
    page = await (await contextOf(browser)).newPage();
    watch(page);
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  const linkFor = async (role: string): Promise<string> =>
    codeSchema.parse(await (await served.post('/api/login-codes', { role })).json()).url;
  const isLive = '[data-connection="live"]';
  const create = async (body: object): Promise<ReturnType<typeof parsedOpId>> =>
    parsedOpId(idSchema.parse(await (await served.post('/api/swarm/tasks', body)).json()).id);

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
    await page.goto(await linkFor('operator'));
    await page.waitForSelector(isLive);
    expect(page.url()).toBe(served.http.url);
    await page.waitForSelector('text=No tasks yet');
    await page.waitForSelector('text=No agents registered');
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it('shows what others create without losing what is being typed', async () => {
    const title = page.locator('main input[name="title"]');
    await title.fill('half a ti');
    await served.post('/api/swarm/tasks', { title: 'of somebody else' });
    await page.waitForSelector('main h3:has-text("of somebody else")');
    await page.keyboard.type('tle');
    expect(await title.inputValue()).toBe('half a title');
    expect(await page.evaluate('document.activeElement.name')).toBe('title');
    expect(await page.textContent('[data-count="pending"]')).toBe('1');
  });

  it('creates a task with all that the form asks, and shows it', async () => {
    await page.fill('main textarea[name="description"]', 'echo <b>hello</b>');
    await page.click('main button:has-text("Project, capabilities")');
    await page.fill('main input[name="capabilities"]', 'shell, php');
    await page.fill('main input[name="priority"]', '7');
    await page.click('main label:has-text("of somebody else") input');
    await page.click('main button[type="submit"]');
    await page.waitForSelector('main h3:has-text("half a title")');
    await page.waitForSelector('[role="status"]:has-text("Created")');
    const tasks = z
      .array(
        z.looseObject({
          required_capabilities: z.array(z.string()),
          priority: z.number(),
          depends_on: z.array(z.string()),
        }),
      )
      .parse(await served.json('/api/swarm/tasks'));
    expect(tasks[0]).toMatchObject({ required_capabilities: ['shell', 'php'], priority: 7 });
    expect(tasks[0]?.depends_on).toHaveLength(1);
    await page.click('main h3 a:has-text("half a title")');
    await page.waitForSelector('[data-part="description"]');
    expect(await page.textContent('[data-part="description"]')).toBe('echo <b>hello</b>');
    await page.waitForSelector('ol[aria-label="Timeline"] li:has-text("created by user:operator on hive")');
  });

  it('follows a task at work, and shows its diff and what came of a merge', async () => {
    await served.post('/api/swarm/agents', { name: 'sh-1', tool: 'shell' });
    const task = await create({ title: 'run', required_capabilities: ['shell'] });
    const [agent] = served.node.store.list('agent', { limit: 1 });
    if (agent === undefined) throw new Error('no agent');
    served.node.knobs.taskOutput = async () => ({ attempt: 1, output: 'line 1\n' });
    await go(page, `/tasks/${task}`);
    await served.node.start(task, agent.id);
    await page.waitForSelector('[data-status="in_progress"]');
    await page.click('role=tab[name="Output"]');
    await page.waitForSelector('[role="log"]:has-text("line 1")');
    await expect.poll(() => served.node.listeners().watchers).toBe(2);
    const glimpse = { task, agent: agent.id, attempt: 1, status: 'running', progress: 'line 2', output: 'line 2\n' };
    served.node.show(glimpse);
    await page.waitForSelector('[role="log"]:has-text("line 2")');
    await page.waitForSelector('header p:has-text("line 2")');
    const hash = served.node.store.digest();
    const ends = { base: '1'.repeat(40), head: '2'.repeat(40), commits: 1, bundle: hash, sizeBytes: 9 };
    await served.node.end(task, { result: 'done', work: { project: null, branch: `skep/${task}/1`, ...ends } });
    await page.waitForSelector('[data-status="completed"]');
    served.node.knobs.taskDiff = async () => ({ text: '@@ -1 +1 @@\n-a\n+b\n', truncated: false });
    await page.click('role=tab[name="Diff"]');
    await page.waitForSelector('[data-diff="add"]:has-text("+b")');
    served.node.knobs.taskMerge = async () => ({ state: 'ready', commit: null, into: 'main', command: 'git merge x' });
    await page.click('role=button[name="Merge"]');
    await page.waitForSelector('[role="status"]:has-text("git merge x")');
    await expect.poll(() => served.node.listeners().watchers).toBe(1);
  });

  it('finds, filters and opens tasks with the keyboard alone', async () => {
    await go(page, '/tasks');
    await page.waitForSelector('role=table');
    await page.keyboard.press('/');
    await page.keyboard.type('half');
    await expect.poll(() => page.locator('[role="row"]').count()).toBe(2);
    expect(page.url()).toContain('q=half');
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.waitForSelector('[role="row"][aria-selected="true"]');
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:has-text("half a title")');
    await page.keyboard.press('c');
    await page.waitForSelector('role=dialog[name="New task"]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('role=dialog', { state: 'detached' });
  });

  it('says the words of a refusal', async () => {
    served.node.knobs.cancelTask = async () => ({
      refused: true,
      code: 'home_unreachable',
      message: 'no majority of its voters',
    });
    await page.click('role=button[name="Cancel task"]');
    await page.click('role=button[name="Really cancel?"]');
    await page.waitForSelector('[role="status"]:has-text("no majority of its voters")');
    expect(complaints.splice(0)).toEqual([expect.stringContaining('503')]);
    delete served.node.knobs.cancelTask;
  });

  it('comes back after the stream broke, goes on where it was, and shows what it missed', async () => {
    await go(page, '/');
    served.door.feed.close();
    await page.waitForSelector('[data-connection="reconnecting"]');
    Reflect.set(served.door.feed, 'closed', false);
    const asked = page.waitForEvent('websocket');
    await served.post('/api/swarm/tasks', { title: 'meanwhile' });
    expect((await asked).url()).toMatch(/ws\?after=[0-9a-f]{32}%3A\d+$/);
    await page.waitForSelector(isLive);
    await page.waitForSelector('main h3:has-text("meanwhile")');
    complaints.splice(0);
  });

  it('says that its node went back in time when that was its last word, until it is there again', async () => {
    served.door.farewell.says = farewellOf(new ForgottenError('older than what the swarm knows'));
    served.door.feed.close();
    await page.waitForSelector('role=alert >> text=This node’s directory went back in time.');
    await page.waitForSelector('role=alert >> text=skep restore BACKUP --data-dir NEW');
    served.door.farewell.says = STOPPING;
    Reflect.set(served.door.feed, 'closed', false);
    await page.waitForSelector(isLive);
    await expect.poll(() => page.locator('role=alert').count()).toBe(0);
    complaints.splice(0);
  });

  it('says of an optimistic task that it may run twice, wherever it is listed', async () => {
    const task = await create({ title: 'at once', claims: 'optimistic' });
    await page.waitForSelector('main article:has-text("at once") >> text=may run twice');
    expect(await page.locator('main article:has-text("meanwhile") >> text=may run twice').count()).toBe(0);
    await go(page, '/tasks?q=at+once');
    await page.waitForSelector('[role="row"]:has-text("at once") >> text=may run twice');
    await go(page, `/tasks/${task}`);
    await page.waitForSelector('aside >> text=it may run twice');
    await go(page, '/');
  });

  it('lets a viewer see and not act', async () => {
    const context = await contextOf(browser);
    const viewer = await context.newPage();
    watch(viewer);
    await viewer.goto(await linkFor('viewer'));
    await viewer.waitForSelector('header >> text=viewer');
    await viewer.waitForSelector('text=You are logged in as a viewer');
    expect(await viewer.locator('header >> role=button[name="New task"]').isDisabled()).toBe(true);
    const cancels = viewer.locator('main >> role=button[name="Cancel"]');
    expect(await cancels.count()).toBeGreaterThan(0);
    for (const one of await cancels.all()) expect(await one.isDisabled()).toBe(true);
    await context.close();
  });

  it('runs nothing of what hostile nodes write, on any page, and stays as wide as it is', async () => {
    const evil = '<script>window.hit=1</script><img src=x onerror="window.hit=1"> \u202Egnol javascript:window.hit=1';
    const long = 'x'.repeat(900);
    const by = userPrincipal('evil');
    const { node } = served;
    await node.register(OTHER, '<svg onload=window.hit=1>'.padEnd(64, 'y'));
    const [agent] = await node.commit(OTHER, [
      {
        entity: undefined,
        by,
        body: {
          type: 'agent.registered',
          name: '<b onclick=window.hit=1>'.padEnd(64, 'z'),
          tool: '"><script>window.hit=1</script>',
          capabilities: ['<i>'.padEnd(64, 'c')],
          projectPath: `javascript:window.hit=1//${long}`,
          tmuxSessionId: '$(touch x); `id`',
          maxConcurrentTasks: 1,
        },
      },
    ]);
    await node.commit(OTHER, [
      {
        entity: undefined,
        by,
        body: {
          type: 'project.registered',
          name: evil.slice(0, 64),
          origin: `javascript:window.hit=1//${long}`,
          base: null,
          setup: evil,
        },
      },
    ]);
    const task = await create({
      title: evil + long.slice(0, 800),
      description: evil.repeat(20),
      context: long,
      required_capabilities: ['shell'],
    });
    node.knobs.taskOutput = async () => ({
      attempt: 1,
      output: `\u001b]8;;javascript:window.hit=1\u0007${evil}\n${long}`,
    });
    node.knobs.taskDiff = async () => ({ text: `+${evil}${long}\n`, truncated: false });
    if (agent === undefined) throw new Error('no agent');
    await node.start(task, agent.op.header.entity === '' ? task : parsedOpId(agent.op.header.entity), OTHER);
    node.show({
      task,
      agent: parsedOpId(agent.op.header.entity),
      attempt: 1,
      status: 'running',
      progress: evil,
      output: evil,
    });
    await page.setViewportSize(PHONE);
    for (const address of [
      '/',
      '/tasks',
      '/tasks?view=board',
      `/tasks/${task}`,
      '/agents',
      `/agents/${agent.op.header.entity}`,
      '/settings',
    ]) {
      await go(page, address);
      await page.waitForSelector('main :not(option):text("window.hit")');
      expect([address, await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')]).toEqual([
        address,
        0,
      ]);
    }
    expect(await page.evaluate('window.hit')).toBeUndefined();
    expect(await page.locator('main script, main img, main iframe').count()).toBe(0);
    expect(complaints).toEqual([]);
  });
});
