// Needs: chromium
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentEvent } from '#agent-ports.ts';
import { ScriptedDriver } from '../host/scripted-driver.ts';
import type { Member } from '../host/swarm.ts';
import { TestSwarm } from '../host/swarm.ts';
import { seriousFaults } from './axe.ts';
import { contextOf, go, logIn, openBrowser } from './browser.ts';

const PATIENCE_MS = 60_000;
const CALLS = 600;

const call = (id: string, o: Partial<Extract<AgentEvent, { kind: 'tool' }>>): AgentEvent => ({
  kind: 'tool',
  id,
  name: 'Bash',
  title: `Bash: npm test ${id}`,
  state: 'running',
  ...o,
});

describe('the transcript of an agent on another node', () => {
  let swarm: TestSwarm;
  let home: Member;
  let browser: Browser;
  let page: Page;
  let agent = '';
  let task = '';
  const release = Promise.withResolvers<void>();

  beforeAll(async () => {
    swarm = new TestSwarm();
    home = await swarm.add({ name: 'hive' });
    const driver = new ScriptedDriver(async ({ number, tell }) => {
      if (number > 1) return '';
      for (let at = 0; at < CALLS; at++) {
        const output = { text: `${at} passed`, chars: 9 };
        tell(call(`${at}`, { state: 'completed', input: { text: `npm test ${at}`, chars: 10 }, output }));
      }
      tell({ kind: 'delta', stream: 'thought', text: 'Which of them is slow?' });
      tell({ kind: 'delta', stream: 'stdout', text: 'I look at the slow one.' });
      tell(call('slow', { input: { text: 'npm test slow', chars: 13 } }));
      tell({ kind: 'session', session: '80d6ea63-5b0e-4f87-95a9-aeb420176317' });
      tell({ kind: 'context', tokens: 50_000, max: 200_000 });
      await release.promise;
      tell(call('slow', { state: 'failed', output: { text: 'it took <b>9 s</b>', chars: 20_000 } }));
      return 'done';
    });
    const worker = await swarm.add({ name: 'meadow', drivers: [driver] });
    await swarm.linked();
    const registered = { name: 'foxglove', tool: 'true', drive: 'protocol', budget_usd_day: 5 };
    agent = String((await worker.post('/api/swarm/agents', registered))['id']);
    task = String((await home.post('/api/swarm/tasks', { title: 'Find the slow test', attempts_max: 1 }))['id']);
    await home.until(async () => ((await home.task(task))['status'] === 'in_progress' ? true : undefined));
    browser = await openBrowser();
    page = await (await contextOf(browser)).newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await logIn(page, home, 'operator');
  }, 2 * PATIENCE_MS);
  afterAll(async () => {
    release.resolve();
    await browser.close();
    await swarm.close();
  }, PATIENCE_MS);

  it(
    'shows its newest entries, older ones when they are asked for, and a call opened',
    async () => {
      await go(page, `/agents/${agent}`);
      const log = page.getByRole('log', { name: 'Transcript' });
      await log.getByText('I look at the slow one.').waitFor();
      await page.getByRole('meter', { name: 'How full its conversation is' }).first().waitFor();
      await page.getByText('$5 (UTC)').waitFor();
      const before = await log.locator('[data-entry]').count();
      await log.getByRole('button', { name: 'Earlier' }).click();
      await expect.poll(() => log.locator('[data-entry]').count(), { timeout: PATIENCE_MS }).toBeGreaterThan(before);
      await log.locator('summary').filter({ hasText: 'npm test slow' }).click();
      await log.locator('pre').filter({ hasText: 'npm test slow' }).waitFor();
      expect(await seriousFaults(page)).toEqual([]);
    },
    2 * PATIENCE_MS,
  );

  it(
    'grows as the agent goes on, and is read on the page of the task when it has ended; output is text',
    async () => {
      await go(page, `/tasks/${task}`);
      await page.getByRole('tab', { name: 'Transcript' }).click();
      const log = page.getByRole('log', { name: 'Transcript' });
      await log.getByText('I look at the slow one.').waitFor();
      release.resolve();
      await log.getByText('Turn completed').first().waitFor();
      // It is read anew when its task has ended, which closes what was opened before.
      await page.getByRole('button', { name: 'Go on in a terminal' }).waitFor();
      const slow = log.locator('[data-entry="tool"]').filter({ hasText: 'npm test slow' });
      await slow.getByText('failed').waitFor();
      await slow.locator('summary').click();
      await slow.getByText('it took <b>9 s</b>').waitFor();
      await slow.getByText('a part of 20,000 characters').waitFor();
      await page.getByText('80d6ea63').waitFor();
      await page.getByRole('button', { name: 'Go on in a terminal' }).click();
      await page.getByText('cannot be gone on with in a terminal').waitFor();
      await page.setViewportSize({ width: 390, height: 844 });
      const wider = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await page.evaluate(wider)).toBe(0);
    },
    2 * PATIENCE_MS,
  );
});
