// Needs: chromium
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { agentPrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import { isMember, speakBar } from '#core/channel/rules.ts';
import type { Draft } from '#core/op.ts';
import { SELF } from '../door/fake-node.ts';
import type { Served } from '../door/serve.ts';
import { serve } from '../door/serve.ts';
import type { Receiver } from '../door/webhook/receiver.ts';
import { receive, until } from '../door/webhook/receiver.ts';
import { seriousFaults } from './axe.ts';
import type { Look } from './browser.ts';
import { DESKTOP, go, openBrowser, openPage, PHONE } from './browser.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const ANN = userPrincipal('@3f1c9a0b7d2e4455');
const ADA = agentPrincipal(parsedOpId(`${SELF}-2`));

/** What operators do on the page with channels, webhooks, skills and files. */
describe('the page, for operators of channels', () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  let receiver: Receiver;
  /** Another channel for each try of a test. */
  let made = 0;
  const complaints: string[] = [];

  beforeAll(async () => {
    [served, receiver] = [await serve(), await receive()];
    await served.post('/api/swarm/agents', { name: 'ada', tool: 'shell' });
    await write(ANN, {
      type: 'identity.registered',
      identity: '3f1c9a0b7d2e4455',
      publicKey: 'x',
      name: 'ann',
      invite: null,
    });
    browser = await openBrowser();
    page = await loggedIn('operator');
  });
  afterAll(async () => {
    await browser.close();
    await Promise.all([served.close(), receiver.close()]);
  });

  const write = async (by: typeof ANN, ...bodies: Draft['body'][]): Promise<void> => {
    const written = await served.node.append(bodies.map((body) => ({ entity: undefined, by, body })));
    if ('refused' in written) throw new Error(written.message);
  };
  const loggedIn = (role: string, o: Look = {}): Promise<Page> =>
    openPage(browser, served, { role, complaints, bypassCSP: true, ...o });
  /** A channel that ann and ada are in. */
  async function channel(): Promise<string> {
    made += 1;
    const name = `team-${made}`;
    await served.post('/api/channels', { name: `#${name}` });
    for (const member of [ANN, ADA])
      await write(member, {
        type: 'channel.joined',
        channel: `#${name}`,
        member,
        name: member === ANN ? 'ann' : 'ada',
      });
    return name;
  }
  const form = (of: Page, title: string) => of.locator(`form[aria-label="${title}"]`);
  const standing = (of: Page, name: string) => of.locator('ul[aria-label="Who may do what"] li', { hasText: name });
  const barOf = (name: string, member: typeof ANN) =>
    speakBar(served.node.store, { channel: `#${name}`, member, sinceMs: Number.POSITIVE_INFINITY });

  it('makes a channel as it is wanted, and says why where one is there', async () => {
    made += 1;
    const name = `made-${made}`;
    await go(page, '/channels');
    const make = form(page, 'Make a channel');
    await make.locator('input[name="name"]').fill('general');
    await make.locator('role=button[name="Make"]').click();
    await make.locator('text=#general is there already').waitFor();
    await make.locator('input[name="name"]').fill(`#${name}`);
    await make.locator('input[name="topic"]').fill('lexer and parser');
    await make.locator('input[name="slow"]').fill('30');
    await make.locator('text=By invitation').click();
    await make.locator('role=button[name="Make"]').click();
    await page.waitForSelector(`h1:has-text("#${name}")`);
    await page.waitForSelector('text=by invitation · one message each 30 s');
    expect(await served.json('/api/channels')).toContainEqual(
      expect.objectContaining({ name: `#${name}`, topic: 'lexer and parser', invite_only: true, verified_only: false }),
    );
    await page.click('summary:has-text("Ask in, topic and pace")');
    await form(page, 'Ask somebody in').locator('input[name="member"]').fill('ada');
    await form(page, 'Ask somebody in').locator('role=button[name="Invite"]').click();
    await standing(page, 'ada').locator('[data-status="invited"]').waitFor();
    await form(page, 'Topic and pace').locator('input[name="slow"]').fill('0');
    await form(page, 'Topic and pace').locator('role=button[name="Set"]').click();
    await expect.poll(() => page.locator('text=one message each').count()).toBe(0);
  });

  it('silences, kicks and bans, asks before what cannot be missed, and takes it back', async () => {
    const name = await channel();
    await go(page, `/channels/${name}`);
    await standing(page, 'ada').locator('role=button[name="Mute"]').click();
    await standing(page, 'ada').locator('[data-status="muted"]').waitFor();
    expect(barOf(name, ADA)).toBe('muted');
    await standing(page, 'ada').locator('role=button[name="Let speak"]').click();
    await expect.poll(() => barOf(name, ADA)).toBeUndefined();
    await standing(page, 'ann').locator('role=button[name="Ban"]').click();
    expect(isMember(served.node.store, { channel: `#${name}`, member: ANN })).toBe(true);
    await standing(page, 'ann').locator('role=button[name="Really ban?"]').click();
    await standing(page, 'ann').locator('[data-status="banned"]').waitFor();
    expect(isMember(served.node.store, { channel: `#${name}`, member: ANN })).toBe(false);
    await standing(page, 'ann').locator('role=button[name="Lift the ban"]').click();
    await expect.poll(() => standing(page, 'ann').count()).toBe(0);
    await standing(page, 'ada').locator('role=button[name="Kick"]').click();
    await standing(page, 'ada').locator('role=button[name="Really kick?"]').click();
    await expect.poll(() => isMember(served.node.store, { channel: `#${name}`, member: ADA })).toBe(false);
  });

  it('tells of a message who has it, and of a reader that has read on', async () => {
    const name = await channel();
    const sent = await served.post('/api/messages', { to: `#${name}`, body: 'who has this?' });
    const id = z.array(z.looseObject({ id: z.string() })).parse(await sent.json())[0]?.id ?? '';
    await go(page, `/channels/${name}`);
    const message = page.locator(`[data-message="${id}"]`);
    await message.locator('role=button[name="Who has it"]').click();
    const readers = message.locator('ul[aria-label="Who has it"] li');
    await readers.filter({ hasText: 'ada' }).locator('[data-status="open"]').waitFor();
    const upTo = { [SELF]: Number(id.split('-')[1]) };
    await write(ADA, { type: 'read.advanced', channel: `#${name}`, reader: ADA, upTo });
    await readers.filter({ hasText: 'ada' }).locator('[data-status="read"]').waitFor();
    expect(await readers.count()).toBe(2);
  });

  it('makes webhooks, shows a secret once, and says when one gave up and why', async () => {
    const name = await channel();
    await go(page, `/channels/${name}`);
    const make = form(page, 'Make a webhook');
    await page.click('summary:has-text("Make a webhook")');
    const fill = async (o: { name: string; url: string }): Promise<void> => {
      await make.locator('input[name="name"]').fill(o.name);
      await make.locator('input[name="url"]').fill(o.url);
    };
    await fill({ name: `out-${made}`, url: receiver.url });
    await make.locator('role=button[name="Make"]').click();
    await make.locator('text=leads to an address that is not public').waitFor();
    await make.locator('text=May lead into this network').click();
    await make.locator('role=button[name="Make"]').click();
    const secret = page.locator('code', { hasText: /^skep_hook_/ });
    await secret.waitFor();
    receiver.answers.status = 500;
    await served.post('/api/messages', { to: `#${name}`, body: 'is not taken' });
    const row = page.locator('ul[aria-label="Webhooks"] li', { hasText: `out-${made}` });
    await row.locator('[data-status="gave up"]').waitFor();
    await row.locator('text=/it answered 500 after 12 tries, at message/').waitFor();
    receiver.told.length = 0;
    receiver.answers.status = 200;
    await row.locator('role=button[name="Go on"]').click();
    await until(() => receiver.told.some(({ json }) => json['text'] === 'is not taken'));
    await row.locator('[data-status="active"]').waitFor();
    await make.locator('text=May lead into this network').waitFor();
    await fill({ name: `in-${made}`, url: '' });
    await make.locator('role=button[name="Make"]').click();
    await page.locator('code', { hasText: '/api/webhooks/in/' }).waitFor();
    await page.reload();
    await row.waitFor();
    expect(await secret.count()).toBe(0);
    await row.locator('role=button[name="Remove"]').click();
    await row.locator('role=button[name="Really remove?"]').click();
    await expect.poll(() => row.count()).toBe(0);
  });

  it('nudges an agent, registers skills, and offers a file', async () => {
    await go(page, `/agents/${SELF}-2`);
    await page.click('role=button[name="Nudge"]');
    await page.waitForSelector('text=Nudged.');
    expect(await served.json('/api/messages?to=ada')).toMatchObject([{ kind: 'event', source: 'nudge' }]);
    await go(page, '/market?tab=skills');
    const skills = form(page, 'Say what you can do');
    await skills.locator('textarea').fill('rust: parsers and lexers; 5 USD\n: nothing');
    await skills.locator('role=button[name="Register"]').click();
    await skills.locator('text=/cannot read/').waitFor();
    await skills.locator('textarea').fill('rust: parsers and lexers; 5 USD\nreview');
    await skills.locator('role=button[name="Register"]').click();
    await page.locator('ul[aria-label="Skills"] li', { hasText: 'rust' }).locator('text=asks 5 USD').waitFor();
    await page.locator('ul[aria-label="Skills"] li', { hasText: 'review' }).waitFor();
    await go(page, '/market?tab=files');
    const offer = form(page, 'Offer a file');
    const bytes = Buffer.from('the lexer\n');
    await offer.locator('input[type="file"]').setInputFiles({ name: 'lexer.exe', mimeType: 'x/y', buffer: bytes });
    await offer.locator('input[name="to"]').fill('ada');
    await offer.locator('role=button[name="Offer"]').click();
    await expect.poll(() => offer.locator('[role="status"]').innerText()).toMatch(/program/);
    await offer.locator('input[type="file"]').setInputFiles({ name: 'lexer.txt', mimeType: 'x/y', buffer: bytes });
    await offer.locator('input[name="to"]').fill('operator');
    await offer.locator('role=button[name="Offer"]').click();
    await offer.locator('text=Offered lexer.txt').waitFor();
    await page.locator('ul[aria-label="Files"] li', { hasText: 'lexer.txt' }).waitFor();
  });

  it('shows a viewer none of it, fits a phone, and has no serious fault for axe, light and dark', async () => {
    const name = await channel();
    await served.post('/api/webhooks', { name: `shown-${made}`, channel: `#${name}`, direction: 'in' });
    await served.post('/api/messages', { to: `#${name}`, body: 'for all' });
    const viewer = await loggedIn('viewer');
    for (const address of ['/channels', `/channels/${name}`, '/market?tab=skills', '/market?tab=files']) {
      await go(viewer, address);
      await viewer.waitForSelector('h1, h2');
      if (address.includes('team')) await viewer.waitForSelector('[data-message]');
      for (const text of [
        'Make a channel',
        'Make a webhook',
        'Ask somebody in',
        'Who has it',
        'Offer a file',
        'Say what',
      ])
        expect([address, text, await viewer.locator(`text=${text}`).count()]).toEqual([address, text, 0]);
    }
    await viewer.context().close();
    for (const [viewport, colorScheme] of [
      [DESKTOP, 'light'],
      [PHONE, 'dark'],
    ] as const) {
      const one = await loggedIn('operator', { viewport, colorScheme });
      for (const address of ['/channels', `/channels/${name}`, '/market?tab=skills', '/market?tab=files']) {
        await go(one, address);
        await one.waitForSelector(address.includes('team') ? '[data-message]' : 'form[aria-label]');
        if (address.includes('team')) {
          await one.locator('role=button[name="Who has it"]').click();
          for (const summary of ['Ask in', 'Make a webhook']) await one.click(`summary:has-text("${summary}")`);
        }
        const over = await one.evaluate('document.documentElement.scrollWidth - window.innerWidth');
        expect([address, viewport.width, over]).toEqual([address, viewport.width, 0]);
        expect([address, await seriousFaults(one)]).toEqual([address, []]);
      }
      await one.context().close();
    }
    expect(complaints).toEqual([]);
  });
});
