// Needs: chromium
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BodyOf } from '#core/schema/body.ts';
import type { AgentTurn, AgentTurns } from '#core/schema/agent-turn.ts';
import { userPrincipal } from '#core/brand.ts';
import { SELF } from '../door/fake-node.ts';
import type { Served } from '../door/serve.ts';
import { serve } from '../door/serve.ts';
import { seriousFaults } from './axe.ts';
import type { Look } from './browser.ts';
import { DESKTOP, go, openBrowser, openPage, PHONE } from './browser.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const turn = (n: number, o: Partial<AgentTurn>): AgentTurn => ({
  n,
  state: 'completed',
  wake: 'question',
  messages: [`${SELF}-9`],
  redelivered: 0,
  why: null,
  model: 'scripted-1',
  input_tokens: 1_200,
  cached_tokens: 300,
  output_tokens: 45,
  cost_usd: 0.0123,
  started_at: '2026-02-12T09:59:00Z',
  ms: 4_200,
  context: { tokens: 1_545, max: 200_000 },
  conversation: 1,
  ...o,
});

describe('an agent that messages wake, in a browser', () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  let agent = '';
  let answer: AgentTurns;

  beforeAll(async () => {
    served = await serve();
    browser = await openBrowser();
    const registered: BodyOf<'agent.registered'> = {
      type: 'agent.registered',
      name: 'alice',
      tool: 'claude',
      capabilities: [],
      projectPath: null,
      tmuxSessionId: null,
      maxConcurrentTasks: 1,
      turns: 'on',
    };
    const made = await served.node.commit(SELF, [{ entity: undefined, by: userPrincipal('x'), body: registered }]);
    agent = `${SELF}-${made[0]?.op.header.seq ?? 0}`;
    served.node.agentTurns = async () => answer;
  });
  afterAll(async () => {
    await browser.close();
    await served.close();
  });
  beforeEach(() => {
    answer = {
      agent_id: agent,
      state: 'parked',
      why: '<b>529</b>: overloaded',
      until: '2026-02-12T10:05:00Z',
      waiting: 3,
      in_hand: 0,
      reminders: 1,
      conversation: 1,
      context: { tokens: 1_545, max: 200_000 },
      commands: [],
      notes_path: '/state/turns/notes.md',
      turns: [
        turn(2, { state: 'failed', why: '<img src=x onerror=alert(1)>', redelivered: 1, cost_usd: null }),
        turn(1, {}),
      ],
    };
  });
  afterEach(() => page.context().close());

  async function open(o: Look): Promise<void> {
    page = await openPage(browser, served, { ...o, bypassCSP: true });
    await go(page, `/agents/${agent}`);
  }

  it.each([
    ['at the desk in the light', { viewport: DESKTOP, colorScheme: 'light' }],
    ['on a phone in the dark', { viewport: PHONE, colorScheme: 'dark' }],
  ] as const)('shows what waits, why it waits, and each turn with what it used, %s', async (_where, how) => {
    await open(how);
    const rows = page.locator('ul[aria-label="Turns"] > li');
    await rows.nth(1).waitFor();
    const said = await page.locator('section', { has: page.locator('ul[aria-label="Turns"]') }).innerText();
    expect(said).toContain('3 messages wait · 1 reminder not due yet');
    expect(said).toContain('It waits, and its mail with it: <b>529</b>: overloaded');
    expect(await rows.nth(1).innerText()).toContain(
      'woken by 1 message (question) · scripted-1 · 1,500 tokens in, 45 out · $0.0123',
    );
    const failed = await rows.nth(0).innerText();
    expect(failed).toContain('1 handed out before');
    // What a tool wrote is text.
    expect(failed).toContain('<img src=x onerror=alert(1)>');
    expect(await page.locator('ul[aria-label="Turns"] img').count()).toBe(0);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(await seriousFaults(page)).toEqual([]);
  });

  it('says what begins one where there is none yet, and sends it', async () => {
    answer = { ...answer, state: 'idle', why: null, until: null, waiting: 0, reminders: 0, turns: [] };
    await open({});
    await page.getByText('No turns yet').waitFor();
    await page.getByText('0 messages wait').waitFor();
    await page.getByLabel('Write to alice: a turn of it begins').fill('Is the parser in?');
    await page.keyboard.press('Enter');
    await page.getByText('Sent.').waitFor();
    const sent = await served.json(`/api/messages?to=${agent}`);
    expect(sent).toMatchObject([{ body: 'Is the parser in?', state: 'open' }]);
  });
});
