// Needs: chromium
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import { AgentChatClient } from '../host/agentchat-client.ts';
import { AgentLine } from '../host/agent-line.ts';
import type { Member } from '../host/swarm.ts';
import { freePort, TestSwarm } from '../host/swarm.ts';
import { contextOf, go, logIn, openBrowser } from './browser.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const AGENT = 'node-0-shell-1';

/** Two real nodes: a client of AgentChat at the hub of one, a person at the page of the other, an agent at its socket. */
let swarm: TestSwarm;
let one: Member;
let two: Member;
let browser: Browser;
let page: Page;
let ann: AgentChatClient;
let agent: AgentLine;

beforeAll(async () => {
  swarm = new TestSwarm();
  one = await swarm.add({ shellAgents: 1, hubPort: await freePort(), hubKeys: 'any' });
  two = await swarm.add({ hubPort: await freePort(), hubKeys: 'any' });
  await swarm.linked();
  const { dataDir, p2pPort } = one.options;
  agent = await AgentLine.open(join(stateDirOf(dataDir, p2pPort), 'agents', AGENT, 'mcp.sock'));
  ann = new AgentChatClient();
  await ann.login(`ws://127.0.0.1:${two.options.hubPort}`, 'ann');
  browser = await openBrowser();
  page = await (await contextOf(browser)).newPage();
  page.setDefaultTimeout(60_000);
  await logIn(page, one);
});
afterAll(async () => {
  ann.close();
  agent.close();
  await browser.close();
  await swarm.close();
});

const row = (text: string) =>
  page
    .locator('[data-message]')
    .filter({ has: page.locator('p[dir]', { hasText: text }) })
    .last();

it('shows who is at the hub of another node with presence, and speaks with it in a channel', async () => {
  await go(page, '/channels/engineering');
  await ann.join('#engineering');
  const person = page.locator('ul[aria-label="Who is here"] li', { hasText: ann.id });
  await person.waitFor();
  ann.say({ type: 'SET_PRESENCE', status: 'away', status_text: 'lunch' });
  await person.locator('[data-status="away"]').waitFor();
  expect(await person.innerText()).toContain('lunch');
  ann.say({ type: 'MSG', to: '#engineering', content: 'The parser is in.' });
  await row('The parser is in.').waitFor();
  await page.fill('textarea[name="text"]', 'Then the lexer.');
  await page.press('textarea[name="text"]', 'Enter');
  const heard = await ann.next(({ content }) => content === 'Then the lexer.');
  expect(heard).toMatchObject({ type: 'MSG', to: '#engineering' });
  await row('Then the lexer.')
    .locator(`[title="On disk as ${String(heard['msg_id'])}"]`)
    .waitFor();
});

it('follows what was written to one reader: it waits, was handed out, was handled; one with a key was given it', async () => {
  const [{ id } = { id: '' }] = await one.list('/api/swarm/agents');
  await go(page, `/channels/@${String(id)}`);
  await page.waitForSelector(`h1:has-text("Mailbox of ${AGENT}")`);
  await page.fill('textarea[name="text"]', 'Are you there?');
  await page.press('textarea[name="text"]', 'Enter');
  await row('Are you there?').locator('[data-status="open"]').waitFor();
  await agent.recv({ wait_seconds: 60 });
  await row('Are you there?').locator('[data-status="delivered"]').waitFor();
  await agent.ask({ cmd: 'ack' });
  await row('Are you there?').locator('[data-status="acknowledged"]').waitFor();
  await go(page, `/channels/${ann.id}`);
  await page.waitForSelector(`h1:has-text("Mailbox of ${ann.id}")`);
  await page.fill('textarea[name="text"]', 'Welcome.');
  await page.press('textarea[name="text"]', 'Enter');
  expect(await ann.next(({ content }) => content === 'Welcome.')).toMatchObject({ from: '@operator' });
  await row('Welcome.').locator('[data-status="delivered"]').waitFor();
});
