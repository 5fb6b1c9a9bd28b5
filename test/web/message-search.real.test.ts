// Needs: chromium
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Principal } from '#core/brand.ts';
import { agentPrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import type { Draft } from '#core/op.ts';
import { SELF } from '../door/fake-node.ts';
import type { Served } from '../door/serve.ts';
import { serve } from '../door/serve.ts';
import { seriousFaults } from './axe.ts';
import type { Look } from './browser.ts';
import { DESKTOP, go, openBrowser, openPage, PHONE } from './browser.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const ANN = userPrincipal('@3f1c9a0b7d2e4455');
const ADA = parsedOpId(`${SELF}-2`);
const HOSTILE = '<img src=x onerror="window.hurt=1"> needle \u202E<script>window.hurt=1</script>';

describe('the search of the page of channels', () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  beforeAll(async () => {
    served = await serve();
    await served.post('/api/swarm/agents', { name: 'ada', tool: 'shell' });
    const by = userPrincipal('operator');
    await write(by, { type: 'channel.created', channel: '#closed', inviteOnly: true, verifiedOnly: false });
    await write(ANN, {
      type: 'identity.registered',
      identity: '3f1c9a0b7d2e4455',
      publicKey: 'x',
      name: 'ann',
      invite: null,
    });
    const first = await say('#general', 'Who takes the haystack with the needle?', ANN);
    await say('#general', 'I do, said once.', agentPrincipal(ADA), first);
    await say('#closed', 'A needle that few may see.', ANN);
    await say(`@${ADA}`, 'A needle for ada.', ANN);
    await say('#love', HOSTILE, ANN);
    for (let at = 0; at < 250; at += 1) await say('#general', `straw ${at}`, ANN);
    browser = await openBrowser();
    page = await loggedIn('operator');
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  const write = async (by: Principal, ...bodies: Draft['body'][]): Promise<void> => {
    served.node.wallMs += 1_000;
    const written = await served.node.append(bodies.map((body) => ({ entity: undefined, by, body })));
    if ('refused' in written) throw new Error(written.message);
  };
  async function say(channel: string, text: string, by: Principal, replyTo: string | null = null): Promise<string> {
    served.node.wallMs += 1_000;
    const before = replyTo === null ? null : parsedOpId(replyTo);
    const rest = { sender: undefined, kind: 'text', source: null, dueMs: null } as const;
    const sent = await served.node.messages.send({ ...rest, by, channels: [channel], text, replyTo: before });
    if ('refused' in sent) throw new Error(sent.message);
    return sent.messages[0]?.id ?? '';
  }
  const loggedIn = (role: string, o: Look = {}): Promise<Page> =>
    openPage(browser, served, { role, complaints, bypassCSP: true, ...o });
  const found = (of: Page) => of.locator('ul[aria-label="Messages that were found"] > li');
  async function search(of: Page, query: string): Promise<void> {
    await go(of, '/channels');
    const field = of.locator('form[role=search] input');
    await field.fill(query);
    await field.press('Enter');
    await of.waitForSelector('h2:has-text("Found")');
  }

  it('finds what was said long ago, marks it, and leads to it in its conversation', async () => {
    await search(page, 'haystack needle');
    await expect.poll(() => found(page).count()).toBe(1);
    expect(await found(page).locator('mark').allInnerTexts()).toEqual(['haystack', 'needle']);
    await found(page).locator('a').click();
    await page.waitForSelector('h1:has-text("Thread in #general")');
    const message = page.locator('[data-message][aria-current="true"]');
    await message.waitFor();
    expect(await message.innerText()).toContain('Who takes the haystack with the needle?');
    await page.locator('[data-message]', { hasText: 'I do, said once.' }).waitFor();
    await page.goBack();
    await expect.poll(() => found(page).count()).toBe(1);
  });

  it('goes on page by page, and says what is wrong with a query', async () => {
    await search(page, 'straw in:#general');
    await expect.poll(() => found(page).count()).toBe(50);
    await page.click('role=button[name="More"]');
    await expect.poll(() => found(page).count()).toBe(100);
    await search(page, '"not closed');
    await page.waitForSelector('role=status >> text=a quotation mark is not closed');
    await search(page, 'nowhere');
    await page.waitForSelector('text=No message says that');
    await page.click('role=button[name="Close"]');
    await page.waitForSelector('ul[aria-label="Channels"]');
    expect(await page.locator('form[role=search] input').inputValue()).toBe('');
  });

  it('shows an operator all, and a viewer what is open to all', async () => {
    await search(page, 'needle');
    await expect.poll(() => found(page).count()).toBe(4);
    await found(page).locator('a', { hasText: 'to ada' }).click();
    await page.waitForSelector('h1:has-text("Thread in Mailbox of ada")');
    const viewer = await loggedIn('viewer');
    await search(viewer, 'needle');
    await expect.poll(() => found(viewer).count()).toBe(2);
    expect(await found(viewer).allInnerTexts()).not.toContainEqual(expect.stringContaining('few may see'));
    await search(viewer, 'needle in:#closed');
    await viewer.waitForSelector('role=status >> text=there is no such channel');
    await viewer.context().close();
  });

  it('draws what is hostile as text, fits a phone, and has no serious fault for axe, light and dark', async () => {
    for (const [viewport, colorScheme] of [
      [DESKTOP, 'light'],
      [PHONE, 'dark'],
    ] as const) {
      const one = await loggedIn('operator', { viewport, colorScheme });
      await search(one, 'needle');
      await expect.poll(() => found(one).count()).toBe(4);
      expect(await found(one).locator('img, script').count()).toBe(0);
      expect(await one.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBe(0);
      expect([colorScheme, await seriousFaults(one)]).toEqual([colorScheme, []]);
      await found(one).locator('a', { hasText: 'haystack' }).click();
      await one.waitForSelector('[data-message][aria-current="true"]');
      expect([colorScheme, await seriousFaults(one)]).toEqual([colorScheme, []]);
      expect(await one.evaluate('window.hurt')).toBeUndefined();
      await one.context().close();
    }
    expect(complaints).toEqual([]);
  });
});
