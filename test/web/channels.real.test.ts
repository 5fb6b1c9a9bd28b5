// Needs: chromium
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
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
const BELL = parsedOpId(`${SELF}-3`);
const HOSTILE =
  '<img src=x onerror="window.hurt=1"> \u202E[a](javascript:window.hurt=1)\n<script>window.hurt=1</script>';
const QUIET = ['help', 'agents', 'discovery'];
const rowsSchema = z.array(z.looseObject({ id: z.string(), body: z.string() }));

/** Channels on a node that does what the test says: what is written here is what another reads there. */
describe('the page of channels', () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const ids = new Map<string, string>();
  beforeAll(async () => {
    served = await serve();
    for (const name of ['ada', 'bell']) await served.post('/api/swarm/agents', { name, tool: 'shell' });
    await write(userPrincipal('operator'), {
      type: 'channel.created',
      channel: '#closed',
      inviteOnly: true,
      verifiedOnly: false,
    });
    await write(ANN, {
      type: 'identity.registered',
      identity: '3f1c9a0b7d2e4455',
      publicKey: 'x',
      name: 'ann',
      invite: null,
    });
    for (const channel of ['#general', '#help'])
      await write(ANN, { type: 'channel.joined', channel, member: ANN, name: 'ann' });
    await write(agentPrincipal(ADA), {
      type: 'channel.joined',
      channel: '#general',
      member: agentPrincipal(ADA),
      name: 'ada',
    });
    await say('#general', 'The parser is in. Who takes the lexer?', { by: ANN, name: 'question' });
    await say('#general', 'I do, by noon.', { by: agentPrincipal(ADA), replyTo: ids.get('question') });
    browser = await openBrowser();
    page = await loggedIn('operator');
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  const write = async (by: Principal, ...bodies: Draft['body'][]): Promise<void> => {
    const written = await served.node.append(bodies.map((body) => ({ entity: undefined, by, body })));
    if ('refused' in written) throw new Error(written.message);
  };
  type Said = { by: Principal; replyTo?: string | undefined; name?: string };
  async function say(channel: string, text: string, { by, replyTo, name = text }: Said): Promise<string> {
    const before = replyTo === undefined ? null : parsedOpId(replyTo);
    const rest = { sender: undefined, kind: 'text', source: null, dueMs: null } as const;
    const sent = await served.node.messages.send({ ...rest, by, channels: [channel], text, replyTo: before });
    const [message] = 'refused' in sent ? [] : sent.messages;
    ids.set(name, message?.id ?? '');
    return message?.id ?? '';
  }
  const loggedIn = (role: string, o: Look = {}): Promise<Page> =>
    openPage(browser, served, { role, complaints, bypassCSP: true, ...o });
  /** The message that says so itself, not one that answers it. */
  const row = (of: Page, text: string) =>
    of
      .locator('[data-message]')
      .filter({ has: of.locator('p[dir]', { hasText: text }) })
      .last();
  const stored = async (to: string) =>
    rowsSchema.parse(await served.json(`/api/messages?to=${encodeURIComponent(to)}`));
  const widthOver = (of: Page) => of.evaluate('document.documentElement.scrollWidth - window.innerWidth');

  it('lists channels, says which have something new, and who is where; what was read stays read', async () => {
    await say('#general', 'Is anybody here?', { by: ANN });
    await go(page, '/channels');
    const general = page.locator('ul[aria-label="Channels"] a', { hasText: 'general' });
    await general.locator('text=new').waitFor();
    await page.waitForSelector('ul[aria-label="Channels"] a:has-text("closed") [aria-label="By invitation"]');
    await page.waitForSelector('ul[aria-label="Who is here"] li:has-text("ann") >> text=from outside, with a key');
    await page.waitForSelector('ul[aria-label="Who is here"] li:has-text("ada") >> text=#general');
    await general.click();
    await row(page, 'The parser is in').waitFor();
    await page.goBack();
    await general.waitFor();
    await expect.poll(() => general.locator('text=new').count()).toBe(0);
    await page.reload();
    await general.waitFor();
    expect(await general.locator('text=new').count()).toBe(0);
    await say('#general', 'Said while nobody looked.', { by: ANN });
    await general.locator('text=new').waitFor();
  });

  it('shows who wrote, what it answers and where it lies, and what comes as it comes', async () => {
    await go(page, '/channels/general');
    const reply = row(page, 'I do, by noon.');
    await reply.locator('text=in answer to').waitFor();
    expect(await reply.innerText()).toContain('in answer to ann: The parser is in. Who takes the lexer?');
    expect(await row(page, 'The parser is in').innerText()).toContain('@3f1c9a0b7d2e4455');
    await reply.locator(`[title="On disk as ${ids.get('I do, by noon.')}"]`).waitFor();
    await page.waitForSelector('ul[aria-label="Who is here"] li:has-text("ada")');
    await say('#general', 'Come in at once.', { by: ANN });
    await row(page, 'Come in at once.').waitFor();
    await reply.locator('text=Thread').click();
    await page.waitForSelector('h1:has-text("Thread in #general")');
    await expect.poll(() => page.locator('[data-message]').count()).toBe(2);
    await page.click('role=link[name="All of #general"]');
    await row(page, 'Come in at once.').waitFor();
  });

  it('writes to a channel, and in answer to one message; a refusal leaves what was typed', async () => {
    await go(page, '/channels/general');
    const field = page.locator('textarea[name="text"]');
    await field.fill('Good. Tests first.');
    await field.press('Enter');
    await page.locator('role=status >> text=/On disk as aaaaaaaa-\\d+/').waitFor();
    await row(page, 'Good. Tests first.').waitFor();
    await expect.poll(() => field.inputValue()).toBe('');
    await row(page, 'The parser is in').locator('role=button[name=/^Answer ann/]').click();
    await page.waitForSelector('text=In answer to ann');
    await field.fill('Ask ada.');
    await page.click('role=button[name="Send"]');
    await row(page, 'Ask ada.').locator('text=in answer to').waitFor();
    expect(await stored('#general')).toContainEqual(
      expect.objectContaining({ body: 'Ask ada.', in_reply_to: ids.get('question'), from: 'operator' }),
    );
    await go(page, '/channels/nowhere');
    await page.waitForSelector('text=there is no such channel');
    await field.fill('to nobody');
    await field.press('Enter');
    await page.locator('form >> role=status >> text=there is no such channel').waitFor();
    expect(await field.inputValue()).toBe('to nobody');
  });

  it('goes back by pages, and keeps what is in view where it was', async () => {
    const many = Array.from({ length: 450 }, (_, n) => `line ${n + 1}`);
    // Where nothing was said before, also when this is tried again.
    const channel = QUIET.shift() ?? '';
    for (const text of many) await say(`#${channel}`, text, { by: ANN });
    // A page that was open heard all of them.
    await page.reload();
    await page.waitForSelector('[data-connection="live"]');
    await go(page, `/channels/${channel}`);
    await row(page, 'line 450').waitFor();
    await expect.poll(() => page.locator('[data-message]').count()).toBe(200);
    await page.click('role=button[name="Earlier"]');
    await expect.poll(() => page.locator('[data-message]').count()).toBe(400);
    await say(`#${channel}`, 'line 451', { by: ANN });
    await page.click('role=button[name="Earlier"]');
    await expect.poll(() => page.locator('[data-message]').count()).toBe(451);
    await expect.poll(() => page.locator('role=button[name="Earlier"]').count()).toBe(0);
    const texts = await page.locator('[data-message] p[dir]').allInnerTexts();
    expect(texts).toEqual([...many, 'line 451']);
  });

  it('tells of each message to one reader what became of it, and writes there', async () => {
    await say(`@${ADA}`, 'is waiting', { by: ANN });
    const [handled, bounced] = [
      await say(`@${ADA}`, 'is handled', { by: ANN }),
      await say(`@${ADA}`, 'comes back', { by: ANN }),
    ];
    await go(page, `/channels/@${ADA}`);
    await page.waitForSelector('h1:has-text("Mailbox of ada")');
    await row(page, 'is waiting').locator('[data-status="open"]').waitFor();
    const about = (entity: string, body: Draft['body']): Draft => ({
      entity: parsedOpId(entity),
      by: agentPrincipal(ADA),
      body,
    });
    await served.node.append([
      about(handled, { type: 'message.acknowledged', agent: ADA }),
      about(bounced, { type: 'message.bounced', agent: ADA, reason: 'mailbox_full' }),
    ]);
    await row(page, 'is handled').locator('[data-status="acknowledged"]').waitFor();
    await row(page, 'comes back').locator('text=bounced: mailbox full').waitFor();
    await page.fill('textarea[name="text"]', 'Are you there?');
    await page.press('textarea[name="text"]', 'Enter');
    await row(page, 'Are you there?').locator('[data-status="open"]').waitFor();
    await say('@operator', 'May I?', { by: agentPrincipal(BELL) });
    await page.click('ul[aria-label="Mailboxes"] >> text=For people');
    await row(page, 'May I?').locator('role=button[name=/^Answer bell/]').click();
    await page.fill('textarea[name="text"]', 'You may.');
    await page.press('textarea[name="text"]', 'Enter');
    await page.locator('role=status >> text=/for bell/').waitFor();
    expect(await stored(BELL)).toContainEqual(
      expect.objectContaining({ body: 'You may.', in_reply_to: ids.get('May I?') }),
    );
  });

  it('lets a viewer read what is open to all, and nothing more', async () => {
    const viewer = await loggedIn('viewer');
    await go(viewer, '/channels');
    await viewer.waitForSelector('ul[aria-label="Channels"] a:has-text("general")');
    expect(await viewer.locator('text=Mailboxes').count()).toBe(0);
    expect(await viewer.locator('ul[aria-label="Channels"] a:has-text("closed")').count()).toBe(0);
    await go(viewer, '/channels/general');
    await row(viewer, 'The parser is in').waitFor();
    expect(await viewer.locator('textarea[name="text"]').isDisabled()).toBe(true);
    expect(await viewer.locator('role=button[name=/^Answer/]').count()).toBe(0);
    await say('#general', 'Heard by all.', { by: ANN });
    await row(viewer, 'Heard by all.').waitFor();
    await go(viewer, `/channels/@${ADA}`);
    await viewer.waitForSelector('text=a viewer reads what is said in open channels');
    await viewer.context().close();
  });

  it('draws what is hostile as text, fits a phone, and has no serious fault for axe, light and dark', async () => {
    await say('#love', HOSTILE, { by: userPrincipal('@ab12cd34'), name: 'hostile' });
    await say('#love', 'x'.repeat(5_000), { by: ANN, replyTo: ids.get('hostile') });
    await write(ANN, {
      type: 'channel.topicSet',
      channel: '#love',
      topic: `${HOSTILE.slice(0, 100)} ${'y'.repeat(150)}`,
    });
    for (const [viewport, colorScheme] of [
      [DESKTOP, 'light'],
      [PHONE, 'dark'],
    ] as const) {
      const one = await loggedIn('operator', { viewport, colorScheme });
      for (const address of ['/channels', '/channels/love', '/channels/general', `/channels/@${ADA}`, '/more']) {
        await go(one, address);
        await one.waitForSelector(
          address.includes('channels/') ? '[data-message]' : 'ul[aria-label="Channels"] a >> nth=0',
        );
        if (address === '/channels/love') await row(one, '<script>window.hurt=1</script>').waitFor();
        expect([address, viewport.width, await widthOver(one)]).toEqual([address, viewport.width, 0]);
        expect([address, await seriousFaults(one)]).toEqual([address, []]);
      }
      expect(await one.evaluate('window.hurt')).toBeUndefined();
      await one.context().close();
    }
    for (const width of [768, 1_024, 1_280]) {
      await page.setViewportSize({ width, height: 800 });
      expect([width, await widthOver(page)]).toEqual([width, 0]);
      // Nothing of the node's name lies over its neighbour.
      const over = 'const { scrollWidth, clientWidth } = document.querySelector("header [title*=version]");';
      expect([width, await page.evaluate(`(() => { ${over} return scrollWidth - clientWidth; })()`)]).toEqual([
        width,
        0,
      ]);
    }
    expect(complaints).toEqual([]);
  });
});
