// Needs: chromium
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { ApprovalAnswer } from '#core/approval/answer.ts';
import type { OpId } from '#core/brand.ts';
import { nodePrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import { refusal } from '#core/refusal.ts';
import type { BodyOf } from '#core/schema/body.ts';
import { SELF } from '../door/fake-node.ts';
import type { Served } from '../door/serve.ts';
import { serve } from '../door/serve.ts';
import { go, openBrowser, openPage } from './browser.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const idSchema = z.object({ id: z.string() });

/** The inbox of what agents ask, over a node that does what the test says. */
describe('what agents ask, in a browser', () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  let task: OpId;
  let agent: OpId;
  let answers: ApprovalAnswer[];

  const made = async (path: string, body: object): Promise<OpId> =>
    parsedOpId(idSchema.parse(await (await served.post(path, body)).json()).id);

  async function ask(o: Partial<BodyOf<'approval.requested'>>): Promise<OpId> {
    const body: BodyOf<'approval.requested'> = {
      type: 'approval.requested',
      task,
      attempt: 1,
      agent,
      request: 'toolu_1',
      kind: 'command',
      tool: 'Bash',
      title: typeof o.detail === 'string' ? o.detail : 'make',
      detail: 'make',
      cwd: '/work/3.1',
      paths: [],
      why: 'no rule allows it',
      ...o,
    };
    const [arrival] = await served.node.commit(SELF, [{ entity: undefined, by: nodePrincipal(SELF), body }]);
    if (arrival === undefined) throw new Error('nothing was appended');
    return parsedOpId(arrival.op.header.entity);
  }

  /** As the node of the agent decides it. */
  async function decide({ approval, decision, note, by }: ApprovalAnswer): Promise<void> {
    const body = { type: 'approval.decided', decision, note, rule: null } as const;
    await served.node.commit(SELF, [{ entity: approval, by, body }]);
  }

  const items = (one: Page = page) => one.locator('ul[aria-label="What agents ask"] > li');
  const item = (text: string, one: Page = page) => items(one).filter({ hasText: text });
  const said = (text: string) =>
    page.waitForSelector(`section:has-text("Agents ask") [role="status"]:has-text("${text}")`);

  beforeAll(async () => {
    served = await serve();
    browser = await openBrowser();
    agent = await made('/api/swarm/agents', { name: 'claude-1', tool: 'shell' });
    task = await made('/api/swarm/tasks', { title: 'Deploy it', required_capabilities: ['shell'] });
    await served.node.start(task, agent);
    page = await openPage(browser, served);
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });
  beforeEach(() => {
    answers = [];
    served.node.knobs.approvalAnswer = async (answer) => {
      answers.push(answer);
      await decide(answer);
      const outcome = served.node.store.get('approval', answer.approval)?.outcome;
      if (outcome === undefined) throw new Error('not decided');
      return outcome;
    };
  });

  it('shows exactly what would be done, who asks and for what, and is gone when anybody answered', async () => {
    expect(await page.locator('text=Agents ask').count()).toBe(0);
    const id = await ask({ detail: 'npm ci && npm test' });
    const edit = '/work/3.1/a.ts\n-old\n+<img src=x onerror="window.hit=1">';
    await ask({ kind: 'edit', tool: 'Edit', title: 'Edit a.ts', detail: edit });
    await expect.poll(() => items().count()).toBe(2);
    const first = item('npm ci');
    expect(await first.locator('pre').textContent()).toBe('npm ci && npm test');
    for (const text of ['claude-1 wants Bash', 'Deploy it', 'on hive', 'no rule allows it', '/work/3.1'])
      expect(await first.textContent()).toContain(text);
    await item('Edit').locator('[data-diff="add"]:has-text("onerror")').waitFor();
    const note = item('Edit').locator('input[aria-label="Note to the agent"]');
    await note.fill('half a no');
    await decide({ approval: id, decision: 'allow', note: '', by: userPrincipal('ann') });
    await expect.poll(() => items().count()).toBe(1);
    await page.keyboard.type('te');
    expect(await note.inputValue()).toBe('half a note');
    await item('Edit').locator('role=button[name="Deny"]').click();
    await said('Denied: Edit a.ts');
    expect(answers).toMatchObject([{ decision: 'deny', note: 'half a note', by: 'user:operator' }]);
    expect(await page.evaluate('window.hit')).toBeUndefined();
  });

  it('is answered by the keyboard alone, one or several, and by no key that is typed elsewhere', async () => {
    await page.evaluate('document.activeElement.blur()');
    const ids = [
      await ask({ detail: 'make one' }),
      await ask({ detail: 'make two' }),
      await ask({ detail: 'make three' }),
    ];
    await expect.poll(() => items().count()).toBe(3);
    await page.keyboard.press('a');
    expect(answers).toEqual([]);
    await page.fill('main input[name="title"]', '');
    await page.type('main input[name="title"]', 'jad');
    expect(answers).toEqual([]);
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.waitForSelector('li[aria-current="true"]:has-text("make two")');
    await page.keyboard.press('a');
    await expect.poll(() => items().count()).toBe(2);
    expect(answers.map(({ approval, decision }) => [approval, decision])).toEqual([[ids[1], 'allow']]);
    await page.waitForSelector('li[aria-current="true"]:has-text("make three")');
    await page.keyboard.press('x');
    await page.keyboard.press('k');
    await page.keyboard.press('x');
    await page.waitForSelector('text=2 chosen');
    await page.keyboard.press('d');
    await said('Denied 2.');
    await expect.poll(() => items().count()).toBe(0);
    expect(new Set(answers.slice(1).map(({ approval }) => approval))).toEqual(new Set([ids[0], ids[2]]));
  });

  it('never lets a key answer what came into the place of what it was meant for', async () => {
    const first = await ask({ detail: 'make one' });
    await ask({ detail: 'make two' });
    await expect.poll(() => items().count()).toBe(2);
    await item('make one').locator('pre').click();
    await page.waitForSelector('li[aria-current="true"]:has-text("make one")');
    await decide({ approval: first, decision: 'deny', note: '', by: userPrincipal('ann') });
    await expect.poll(() => items().count()).toBe(1);
    await page.keyboard.press('a');
    expect(await items().count()).toBe(1);
    expect(answers).toEqual([]);
    await item('make two').locator('role=button[name="Deny"]').click();
    await expect.poll(() => items().count()).toBe(0);
  });

  it('allows with a rule that is shown exactly and changed before it is made', async () => {
    await ask({ detail: 'npm run lint' });
    await item('npm run lint').locator('pre').click();
    await page.keyboard.press('r');
    const form = item('npm run lint').locator('form');
    const command = form.locator('label:has-text("Command") input');
    expect(await command.inputValue()).toBe('npm run lint');
    expect(await form.locator('label:has-text("Agent") input').inputValue()).toBe('claude-1');
    await command.fill('npm run *');
    // What is typed stays while others ask.
    const other = await ask({ detail: 'make other' });
    await expect.poll(() => items().count()).toBe(2);
    expect(await command.inputValue()).toBe('npm run *');
    await form.locator('button[type="submit"]').click();
    await said('The rule is made.');
    await expect.poll(() => item('npm run lint').count()).toBe(0);
    const rules = z.array(z.looseObject({ id: z.string() })).parse(await (await served.fetch('/api/rules')).json());
    expect(rules).toMatchObject([{ effect: 'allow', command: 'npm run *', agent: 'claude-1', tool: null, path: null }]);
    await served.fetch(`/api/rules/${rules[0]?.id ?? ''}`, { method: 'DELETE' });
    await decide({ approval: other, decision: 'deny', note: '', by: userPrincipal('ann') });
    await expect.poll(() => items().count()).toBe(0);
  });

  it('says the words of a refusal, and leaves there what is still open', async () => {
    await ask({ detail: 'make away' });
    served.node.knobs.approvalAnswer = async () => refusal('home_unreachable', 'its node is away; try again');
    await item('make away').locator('role=button[name="Allow"]').click();
    await said('make away: its node is away; try again');
    expect(await items().count()).toBe(1);
    expect(await item('make away').locator('role=button[name="Allow"]').isEnabled()).toBe(true);
  });

  it('wants words for a question, and shows the whole of what is too long for an op', async () => {
    const long = await served.node.stash(`# ${'x'.repeat(20_000)} the end`);
    await ask({ detail: long, title: 'a long one' });
    await ask({ kind: 'question', tool: 'AskUserQuestion', title: 'Which port?', detail: 'Which port?' });
    const question = item('Which port?');
    expect(await question.locator('role=button[name="Answer"]').isDisabled()).toBe(true);
    await question.locator('input[aria-label="Your answer"]').fill('8080');
    await question.locator('role=button[name="Answer"]').click();
    await said('Answered: Which port?');
    expect(answers).toMatchObject([{ decision: 'allow', note: '8080' }]);
    const whole = items().filter({ hasText: 'only the beginning' });
    await whole.locator('role=button[name="Show all of it"]').click();
    await page.waitForSelector('pre[aria-label="a long one"]:has-text("the end")');
  });

  it('stands on the page of its task and of its agent, too, and goes with its attempt', async () => {
    await go(page, `/tasks/${task}`);
    await expect.poll(() => items().count()).toBe(2);
    await page.click('role=tab[name="Timeline"]');
    const line = (text: string) => page.locator('ol[aria-label="Timeline"] > li').filter({ hasText: text });
    await line('claude-1 asks (Bash) make two').filter({ hasText: 'denied by user:operator' }).waitFor();
    await line('make away').filter({ hasText: 'waits for an answer' }).waitFor();
    await go(page, `/agents/${agent}`);
    await expect.poll(() => items().count()).toBe(2);
    await go(page, '/');
    await expect.poll(() => items().count()).toBe(2);
  });

  it('has rules in the settings: added, shown as they change elsewhere, removed', async () => {
    await go(page, '/settings');
    await page.click('role=tab[name="Rules"]');
    await page.waitForSelector('text=No rules');
    const form = page.locator('form[aria-label="Add a rule"]');
    await form.locator('button[type="submit"]').click();
    await page.waitForSelector('[role="status"]:has-text("a rule for everything is no rule")');
    await form.locator('select[name="effect"]').selectOption('deny');
    await form.locator('input[name="command"]').fill('git push *');
    await form.locator('input[name="note"]').fill('<b>a person</b> pushes');
    await form.locator('button[type="submit"]').click();
    const rules = page.locator('ul[aria-label="Rules"] > li');
    await rules.filter({ hasText: '<b>a person</b> pushes' }).waitFor();
    await served.post('/api/rules', { effect: 'allow', tool: 'mcp__files__*' });
    await expect.poll(() => rules.count()).toBe(2);
    const first = rules.filter({ hasText: 'git push *' });
    await first.locator('role=button[name="Remove"]').click();
    await first.locator('role=button[name="Really remove?"]').click();
    await expect.poll(() => rules.count()).toBe(1);
    await go(page, '/');
  });

  it('lets a viewer see and not act', async () => {
    const viewer = await openPage(browser, served, { role: 'viewer' });
    await expect.poll(() => items(viewer).count()).toBe(2);
    for (const name of ['Allow', 'Deny'])
      for (const one of await items(viewer).locator(`role=button[name="${name}"]`).all())
        expect(await one.isDisabled()).toBe(true);
    expect(await viewer.locator('main input[type="checkbox"]').count()).toBe(0);
    await viewer.keyboard.press('j');
    await viewer.keyboard.press('a');
    expect(answers).toEqual([]);
    await viewer.context().close();
    await served.node.end(task, { kind: 'failed', reason: 'interrupted' });
    await expect.poll(() => items().count()).toBe(0);
  });
});
