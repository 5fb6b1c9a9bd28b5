// Needs: chromium
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { OpId, Principal } from '#core/brand.ts';
import { agentPrincipal, hashOf, parsedOpId, userPrincipal } from '#core/brand.ts';
import { DEAL_MIN_AGE_MS } from '#core/market/deal.ts';
import type { ProposalWanted } from '#core/market/trading.ts';
import { follow } from '../door/fake-market.ts';
import type { Served } from '../door/serve.ts';
import { serve } from '../door/serve.ts';
import { seriousFaults } from './axe.ts';
import type { Look } from './browser.ts';
import { DESKTOP, go, openBrowser, openPage, PHONE } from './browser.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const idSchema = z.object({ id: z.string() });
const HOSTILE = '<img src=x onerror="window.hit=1">';
const OPERATOR = userPrincipal('operator');

/** The market and files that are handed over: one page over a node that does what the test says, by the real decisions. */
describe('the pages of the market', () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  let ann: Principal;
  let bob: Principal;

  const opened = (role: string, o: Look = {}): Promise<Page> => openPage(browser, served, { role, ...o });
  const register = async (name: string): Promise<Principal> => {
    const made = await served.post('/api/swarm/agents', { name, tool: 'shell' });
    return agentPrincipal(parsedOpId(idSchema.parse(await made.json()).id));
  };
  const propose = async (o: Partial<ProposalWanted> & { by: Principal }): Promise<OpId> => {
    const none = { paymentCode: null, terms: null, offers: null, sig: null, expiresMs: null };
    const rest = { task: 'Write the lexer', amount: 5, currency: 'USD', capability: 'rust', stake: 0 };
    const made = await served.node.market.propose({ to: OPERATOR, ...none, ...rest, ...o });
    if ('refused' in made) throw new Error(made.message);
    return made.id;
  };
  const act = async (proposal: OpId, by: Principal, kind: 'accept' | 'complete' | 'deliver'): Promise<void> => {
    const about = { proposal, by, sig: null };
    const done = await served.node.market.act(
      kind === 'accept'
        ? { ...about, kind, stake: 0, paymentCode: null }
        : { ...about, kind: 'complete', proof: kind === 'deliver' ? 'it is on main' : null },
    );
    if ('refused' in done) throw new Error(done.message);
  };
  /** Goes to one deal that these words are about, from the list. */
  const openDeal = async (task: string, one: Page = page): Promise<void> => {
    await go(one, '/market');
    await one.click(`ul[aria-label="Proposals"] a:has-text("${task}")`);
    await one.waitForSelector(`h1:has-text("${task}")`);
  };
  const isState = (state: string, one: Page = page) => one.waitForSelector(`h1 + [data-status="${state}"]`);

  beforeAll(async () => {
    served = await serve();
    served.node.wallMs = Date.now();
    browser = await openBrowser();
    ann = await register('ann');
    bob = await register('bob');
    served.node.knobs.approvalAnswer = async ({ approval, decision, note, by }) => {
      await served.node.append([
        { entity: approval, by, body: { type: 'approval.decided', decision, note, rule: null } },
      ]);
      await follow(served.node);
      const outcome = served.node.store.get('approval', approval)?.outcome;
      if (outcome === undefined) throw new Error('not decided');
      return outcome;
    };
    page = await opened('operator');
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  it('shows what is open first, as it comes, with the timeline of each; what others wrote is text', async () => {
    await page.click('nav[aria-label="Pages"] a:has-text("Market")');
    await page.waitForSelector('text=Nothing is open on the market');
    const expiresMs = served.node.wallMs + 7_200_000;
    const terms = `in lines\n${HOSTILE}`;
    const id = await propose({ by: ann, to: bob, task: `Paint ${HOSTILE}`, terms, stake: 10, expiresMs });
    const row = page.locator('ul[aria-label="Proposals"] > li');
    await row.waitFor();
    for (const text of [`Paint ${HOSTILE}`, 'ann pays bob', '5 USD', 'rust', 'stakes 10 and 0', 'expires in 1 h'])
      expect(await row.textContent()).toContain(text);
    await openDeal('Paint');
    await isState('pending');
    expect(await page.textContent('h1')).toBe(`Paint ${HOSTILE}`);
    expect(await page.locator(`dd:has-text("in lines")`).textContent()).toBe(terms);
    await act(id, bob, 'accept');
    await isState('accepted');
    await act(id, bob, 'deliver');
    const timeline = page.locator('ol[aria-label="Timeline"] li');
    await timeline.filter({ hasText: 'bob says that it is done: it is on main' }).waitFor();
    expect(await timeline.allTextContents()).toEqual([
      expect.stringContaining('proposed by ann'),
      expect.stringContaining('accepted by bob'),
      expect.stringContaining('bob says that it is done'),
    ]);
    // It is between two others.
    expect(await page.locator('role=button[name="Confirm that it is done"]').count()).toBe(0);
    served.node.wallMs += DEAL_MIN_AGE_MS;
    await act(id, ann, 'complete');
    await isState('completed');
    await page.waitForSelector('dd:has-text("ann 1200 → "):has-text("bob 1200 → ")');
    await page.waitForSelector('dd:has-text("the payer says so")');
    expect(await page.evaluate('window.hit')).toBeUndefined();
  });

  it('proposes by its form, and leaves what was refused where it was typed', async () => {
    await go(page, '/market');
    const form = page.locator('form[aria-label="Propose a deal"]');
    await form.locator('textarea[name="task"]').fill('Write the parser');
    await form.locator('input[name="to"]').fill('nobody');
    await form.locator('input[name="amount"]').fill('7.5');
    await form.locator('input[name="currency"]').fill('EUR');
    await form.locator('input[name="hours"]').fill('2');
    await form.locator('button[type="submit"]').click();
    await form.locator('[role="status"]:has-text("Agent not found")').waitFor();
    expect(await form.locator('textarea[name="task"]').inputValue()).toBe('Write the parser');
    await form.locator('input[name="to"]').fill('bob');
    await form.locator('button[type="submit"]').click();
    await form.locator('[role="status"]:has-text("operator offers to pay bob")').waitFor();
    const row = page.locator('ul[aria-label="Proposals"] > li:has-text("Write the parser")');
    await row.filter({ hasText: '7.5 EUR' }).waitFor();
    expect(await form.locator('textarea[name="task"]').inputValue()).toBe('');
  });

  it('answers what is for this person: accepted with a stake that is there, rejected with a reason', async () => {
    const id = await propose({ by: ann, task: 'Review the lexer' });
    await propose({ by: ann, task: 'Dance' });
    await openDeal('Review the lexer');
    await page.fill('label:has-text("Your stake") input', '5000');
    await page.click('role=button[name="Accept"]');
    await page.waitForSelector('[role="status"]:has-text("INSUFFICIENT_REPUTATION")');
    await page.fill('label:has-text("Your stake") input', '20');
    await page.click('role=button[name="Accept"]');
    await isState('accepted');
    await page.fill('textarea', 'read all of it');
    await page.click('role=button[name="Say that it is done"]');
    await page.waitForSelector('[role="status"]:has-text("The payer confirms it")');
    expect(served.node.store.get('proposal', id)?.delivered?.value.proof).toBe('read all of it');
    await openDeal('Dance');
    await page.fill('label:has-text("Why, where you reject it") input', HOSTILE);
    await page.click('role=button[name="Reject"]');
    await isState('rejected');
    expect(await page.textContent('dt:has-text("Rejected because") + dd')).toBe(HOSTILE);
  });

  it('puts a dispute before the operator with the evidence of both sides, settles it there, and shows what it moved', async () => {
    const id = await propose({ by: OPERATOR, to: bob, task: 'Test the lexer' });
    await act(id, bob, 'accept');
    await openDeal('Test the lexer');
    await page.click('role=button[name="Confirm that it is done"]');
    await page.waitForSelector('[role="status"]:has-text("RATE_LIMITED")');
    await page.fill('textarea', `there are no tests ${HOSTILE}`);
    await page.click('role=button[name="Dispute"]');
    await page.click('role=button[name="Really put it before the operator?"]');
    await isState('disputed');
    await go(page, '/');
    const asked = page.locator('ul[aria-label="What agents ask"] > li');
    await asked.locator('pre:has-text("payer operator (@operator) says: there are no tests")').waitFor();
    await asked.locator('pre:has-text("the worker did not say that it is done")').waitFor();
    expect(await asked.locator('role=button[name="Settle"]').isDisabled()).toBe(true);
    await asked.locator('a:has-text("the deal")').click();
    await page.waitForSelector('h1:has-text("Test the lexer")');
    await page.selectOption('select[aria-label="Who is at fault"]', 'worker');
    await page.fill('input[aria-label="Why, told to both"]', 'none were sent');
    await page.click('role=button[name="Settle"]');
    await isState('settled');
    await page.waitForSelector('dt:has-text("At fault") + dd:has-text("worker")');
    await page.waitForSelector('dt:has-text("The operator says") + dd:has-text("none were sent")');
    await page.waitForSelector('ol[aria-label="Timeline"] li:has-text("answered by user:operator")');
    const shown = page.locator('pre[aria-label="Evidence of both sides"]');
    expect(await shown.textContent()).toContain(`there are no tests ${HOSTILE}`);
    await go(page, '/market?tab=receipts');
    const receipt = page.locator('ul[aria-label="Receipts"] > li:has-text("Test the lexer")');
    await receipt.filter({ hasText: 'at fault: worker' }).waitFor();
    expect(await receipt.textContent()).toMatch(/operator 1200 → 12\d\d \+\d+bob 12\d\d → 11\d\d −\d+/);
    expect(await page.evaluate('window.hit')).toBeUndefined();
  });

  it('lists who can do what, found by a part of its name, and who is rated, of one skill too', async () => {
    const said = (capability: string, rate: number | null) => {
      const description = `${capability} ${HOSTILE}`;
      return { capability, description, rate, currency: 'USD' };
    };
    const skills = { type: 'skills.registered', sig: null } as const;
    await served.node.append([
      { entity: undefined, by: ann, body: { ...skills, skills: [said('rust', 5), said('cobol', null)] } },
      { entity: undefined, by: bob, body: { ...skills, skills: [said('rust', 4)] } },
    ]);
    await go(page, '/market');
    await page.click('role=tab[name="Skills"]');
    const rows = page.locator('ul[aria-label="Skills"] > li');
    await expect.poll(() => rows.count()).toBe(3);
    await page.fill('role=searchbox[name="Search skills"]', 'RUS');
    await expect.poll(() => rows.count()).toBe(2);
    expect(await rows.first().textContent()).toContain('rust by ann');
    expect(await rows.first().textContent()).toContain(`rust ${HOSTILE}`);
    expect(await rows.first().textContent()).toContain('asks 5 USD');
    await page.fill('role=searchbox[name="Search skills"]', 'fortran');
    await page.waitForSelector('text=Nobody says that it can');
    await page.click('role=tab[name="Ratings"]');
    const board = page.locator('table tbody tr');
    await expect.poll(() => board.count()).toBe(3);
    expect(await board.last().textContent()).toContain('bob');
    await page.selectOption('select[aria-label="Rated for"]', 'rust');
    await expect.poll(() => page.locator('th:has-text("Skills")').count()).toBe(0);
    // The address says which tab it is.
    await page.reload();
    await page.waitForSelector('role=tab[name="Ratings"][selected]');
    expect(await page.evaluate('window.hit')).toBeUndefined();
  });

  it('keeps a file that was handed over, under its name and with its bytes, and opens none', async () => {
    const text = '<script>window.hit = 1</script>';
    const put = await served.node.files.put(Buffer.from(text));
    if ('refused' in put) throw new Error(put.message);
    const { sha256 } = put;
    const name = '<img src=x onerror=window.hit=1>.html';
    expect((await served.post('/api/files', { to: 'bob', name, sha256 })).status).toBe(201);
    const lost = { type: 'file.offered', to: '@operator', name: 'lost.txt', sizeBytes: 2_500 } as const;
    await served.node.append([{ entity: undefined, by: ann, body: { ...lost, sha256: hashOf('c'.repeat(64)) } }]);
    await go(page, '/market');
    await page.click('role=tab[name="Files"]');
    const rows = page.locator('ul[aria-label="Files"] > li');
    await expect.poll(() => rows.count()).toBe(2);
    const own = rows.filter({ hasText: name });
    for (const words of ['operator to bob', '31 B', 'html', sha256.slice(0, 12)])
      expect(await own.textContent()).toContain(words);
    const pages = page.context().pages().length;
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      own.locator('role=button[name="Download"]').click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/\.html$/);
    expect(await readFile(await download.path(), 'utf8')).toBe(text);
    expect(page.context().pages().length).toBe(pages);
    const away = rows.filter({ hasText: 'lost.txt' });
    expect(await away.textContent()).toContain('ann to @operator · 2.5 kB · txt');
    await away.locator('role=button[name="Download"]').click();
    await away.locator('[role="status"]:has-text("the file is gone")').waitFor();
    expect(await page.evaluate('window.hit')).toBeUndefined();
  });

  it('lets a viewer look and do nothing', async () => {
    await propose({ by: ann, task: 'Look at it' });
    await propose({ by: OPERATOR, to: ann, task: 'Draw it' });
    const one = await opened('viewer');
    await openDeal('Look at it', one);
    await one.waitForSelector('role=button[name="Accept"]');
    for (const button of await one.locator('main button').all()) expect(await button.isDisabled()).toBe(true);
    await go(one, '/market');
    await one.waitForSelector('ul[aria-label="Proposals"]');
    expect(await one.locator('form').count()).toBe(0);
    await go(one, '/market?tab=files');
    const download = one.locator('role=button[name="Download"]').first();
    await download.waitFor();
    expect(await download.isDisabled()).toBe(true);
    await one.context().close();
  });

  it.each(['light', 'dark'] as const)('is accessible, wide and at phone width: %s', async (colorScheme) => {
    const disputed = await propose({ by: ann, to: bob, task: 'x'.repeat(400) });
    await act(disputed, bob, 'accept');
    const about = { proposal: disputed, by: ann, sig: null };
    await served.node.market.act({ ...about, kind: 'dispute', reason: 'y'.repeat(300) });
    for (const viewport of [DESKTOP, PHONE]) {
      const one = await opened('operator', { viewport, colorScheme, bypassCSP: true });
      const tabs = ['proposals', 'skills', 'ratings', 'receipts', 'files'].map((tab) => `/market?tab=${tab}`);
      for (const address of [...tabs, `/market/${disputed}`]) {
        await go(one, address);
        await one.waitForSelector(address.includes('?') ? 'main li, main tbody tr' : 'ol[aria-label="Timeline"]');
        expect([address, await one.evaluate('document.documentElement.scrollWidth - window.innerWidth')]).toEqual([
          address,
          0,
        ]);
        expect([address, await seriousFaults(one)]).toEqual([address, []]);
      }
      await one.context().close();
    }
  });
});
