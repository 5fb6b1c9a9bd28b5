// Needs: chromium, npm, 1.2 GB of disk for the agent CLIs
/** Real Claude Code and Codex on another node, told what to do and stopped by a person who presses the buttons of their page. */
import { execFileSync } from 'node:child_process';
import type { Browser, Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentStage, TEST_MS } from '../host/agent-stage.ts';
import type { Json, Member } from '../host/swarm.ts';
import { addTask, untilStatus } from '../host/terminal-rig.ts';
import { contextOf, DESKTOP, go, logIn, openBrowser, PHONE } from './browser.ts';

const PATIENCE_MS = 120_000;
/** For one look through the files of a user. */
const LOOK_MS = 30_000;

let stage: AgentStage;
let emperor: Member;
let worker: Member;
let browser: Browser;
let page: Page;
beforeEach(async () => {
  stage = await AgentStage.open();
  emperor = await stage.swarm.add({ name: 'hive' });
  worker = await stage.swarm.add({ name: 'meadow' });
  await stage.swarm.linked();
  await emperor.post('/api/swarm/projects', { name: 'demo', origin: stage.swarm.repository('origin'), base: 'main' });
  browser = await openBrowser();
}, TEST_MS);
afterEach(async () => {
  await browser.close();
  await stage.close();
}, TEST_MS);

/** What both CLIs write down of a conversation lies in their user's home. */
function isWritten(words: string): boolean {
  try {
    execFileSync('grep', ['-rqF', '--include=*.jsonl', words, stage.home.dir], { stdio: 'ignore', timeout: LOOK_MS });
    return true;
  } catch {
    return false;
  }
}

const script = (...steps: readonly Json[]): string => `<<stub ${JSON.stringify(steps)}>>`;
/** The model says nothing until somebody has enough of it. */
const SILENCE = { hang: 4 * PATIENCE_MS };

async function say(words: string): Promise<void> {
  await page.fill('textarea[name="text"]', words);
  await page.click('role=button[name="Steer"]');
  await page.waitForSelector('[role="status"]:has-text("Said.")');
  await expect.poll(() => page.inputValue('textarea[name="text"]')).toBe('');
}

describe.each([
  {
    tool: 'claude',
    complete: { tool: 'mcp__skep__task_complete' },
    screen: { viewport: DESKTOP, colorScheme: 'light' },
  },
  {
    tool: 'codex',
    complete: { tool: 'task_complete', namespace: 'mcp__skep' },
    screen: { viewport: PHONE, colorScheme: 'dark' },
  },
] as const)('the page of the real $tool on another node', ({ tool, complete, screen }) => {
  it(
    'steers its turn, allows what it asks, interrupts it, and tells it what to do instead',
    { timeout: TEST_MS },
    async () => {
      page = await (await contextOf(browser, screen)).newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      await logIn(page, emperor);
      const wanted = { name: tool, tool, drive: 'protocol', capabilities: ['words'] };
      const agent = await worker.post('/api/swarm/agents', wanted);
      await untilStatus(emperor, agent, 'idle');
      const steps = [{ preText: 'let me', bash: 'echo two > two.txt' }, SILENCE];
      const task = await addTask(emperor, `Write. ${script(...steps)}`, { project: 'demo' });
      await go(page, `/agents/${String(agent['id'])}`);
      const asked = page.locator('ul[aria-label="What agents ask"] > li:has-text("echo two > two.txt")');
      await asked.waitFor();
      // Whichever of the two scripts it goes on with, it is silent then.
      await say(`and hurry ${script(SILENCE)}`);
      await asked.locator('role=button[name="Allow"]').click();
      // What it did stands in its transcript: the call, and once it is allowed its end.
      const did = page.getByRole('log', { name: 'Transcript' });
      await did.locator('summary').filter({ hasText: 'echo two > two.txt' }).first().waitFor();
      await asked.waitFor({ state: 'detached' });
      await page.waitForSelector('h1 + [data-status="busy"]');
      await expect.poll(() => isWritten('and hurry'), { timeout: PATIENCE_MS }).toBe(true);
      await page.click('role=button[name="Interrupt"]');
      await page.waitForSelector('[role="status"]:has-text("Interrupted. Tell it what to do instead.")');
      await page.waitForSelector('h1 + [data-status="waiting"]');
      const done = { ...complete, input: { summary: 'done as a person said' } };
      await say(`Say that it is done. ${script(done, { text: 'Bye.' })}`);
      const ended = await emperor.ended(String(task['id']));
      expect(ended).toMatchObject({ status: 'completed', attempt: 1, result: 'done as a person said' });
      await page.waitForSelector('h1 + [data-status="idle"]');
    },
  );
});
