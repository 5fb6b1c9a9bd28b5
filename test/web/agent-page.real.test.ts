// Needs: chromium, tmux
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAgent, untilStatus, untilThere } from '../host/terminal-rig.ts';
import type { Json, Member } from '../host/swarm.ts';
import { TestSwarm } from '../host/swarm.ts';
import { seriousFaults } from './axe.ts';
import { contextOf, go, logIn, openBrowser, PHONE } from './browser.ts';

const PATIENCE_MS = 60_000;
/** The shell waits for a command. */
const PROMPT_LAST = /bash[^#$]*[#$]\s*$/;

/** A terminal of another node, as a person sees it and types into it. The program in it is a shell. */
describe('the terminal of an agent on another node', () => {
  let swarm: TestSwarm;
  let home: Member;
  let worker: Member;
  let agent: Json;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];
  const rows = (one: Page = page) => one.locator('[data-terminal] .xterm-rows');
  /** In vain, it tells what is shown instead. */
  async function shows(text: string | RegExp, one: Page = page): Promise<void> {
    await rows(one)
      .filter({ hasText: text })
      .first()
      .waitFor()
      .catch(async (cause: unknown) => {
        const said = await one.locator('[data-terminal] ~ [role="status"]').textContent();
        throw new Error(`not ${String(text)}, but: ${(await rows(one).innerText()).trim()} (${said ?? ''})`, { cause });
      });
  }
  const openTerminal = async (role: 'operator' | 'viewer'): Promise<Page> => {
    const one = await (await contextOf(browser)).newPage();
    one.setDefaultTimeout(PATIENCE_MS);
    one.on('pageerror', (error) => faults.push(error.message));
    one.on('console', (said) => (said.type() === 'error' ? faults.push(said.text()) : undefined));
    await logIn(one, home, role);
    await go(one, `/agents/${String(agent['id'])}`);
    await shows('bash', one);
    return one;
  };
  const file = (name: string): string => join(swarm.dir, name);

  beforeAll(async () => {
    swarm = new TestSwarm();
    home = await swarm.add({ name: 'hive' });
    worker = await swarm.add({ name: 'meadow' });
    await swarm.linked();
    agent = await addAgent(worker, { name: 'foxglove', project_path: swarm.dir });
    await untilStatus(home, agent, 'idle');
    browser = await openBrowser();
    page = await openTerminal('operator');
  }, 2 * PATIENCE_MS);
  afterAll(async () => {
    await browser.close();
    await swarm.close();
  }, PATIENCE_MS);

  it(
    'is typed into: letters, editing keys, Ctrl-C, arrows',
    async () => {
      await page.click('[data-terminal]');
      await page.keyboard.type('echo \'one; two\' "$((40+2))"x');
      await page.keyboard.press('Backspace');
      await page.keyboard.press('Enter');
      await shows('one; two 42');
      await shows(PROMPT_LAST);
      // A shell that begins something changes how its terminal reads: what is typed then may be lost, so it is waited for.
      await page.keyboard.type('echo "$((40+3))"; sed -u s/miau/meow/');
      await page.keyboard.press('Enter');
      await shows('43');
      await page.keyboard.type('miau');
      await page.keyboard.press('Enter');
      await shows(/miau\s*meow/);
      await page.keyboard.press('Control+c');
      await shows(/\^C\s*bash[^#$]*[#$]\s*$/);
      await page.keyboard.press('ArrowUp');
      await shows(/[#$]\secho "\$\(\(40\+3\)\)"; sed -u s.miau.meow.\s*$/);
      await page.keyboard.press('ArrowUp');
      await shows(/[#$]\secho 'one; two' "\$\(\(40\+2\)\)"\s*$/);
      await page.keyboard.press('Home');
      await page.keyboard.type('echo -; ');
      await page.click('role=group[name="Keys"] >> role=button[name="Enter"]');
      await shows('echo -; echo');
      await shows(PROMPT_LAST);
      await page.click('[data-terminal]');
      await page.keyboard.press('F6');
      expect(await page.evaluate("document.activeElement.closest('[data-terminal]')")).toBeNull();
    },
    3 * PATIENCE_MS,
  );

  it(
    'takes a paste as one: nothing of it runs before Enter',
    async () => {
      const text = 'echo pasted > first.txt\necho pasted > second.txt';
      await page.click('[data-terminal]');
      await page.evaluate(
        `{
          const data = new DataTransfer();
          data.setData('text/plain', ${JSON.stringify(text)});
          document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
        }`,
      );
      await shows('second.txt');
      expect(existsSync(file('first.txt'))).toBe(false);
      await page.keyboard.press('Enter');
      await untilThere(file('second.txt'));
      expect(readFileSync(file('first.txt'), 'utf8')).toBe('pasted\n');
    },
    3 * PATIENCE_MS,
  );

  it(
    'shows what is hostile as text: no title, no clipboard, no link, no markup, no colour of its own',
    async () => {
      const hostile = [
        String.raw`\033]0;owned\007\033]52;c;b3duZWQ=\007\033]8;;https://example.org\033\\link\033]8;;\033\\`,
        String.raw`\033[38;2;255;0;0mred\033[0m <img src=x onerror="window.hit=1"><script>window.hit=1</script>\n`,
      ];
      const long = `head -c 300000 /dev/zero | tr '\\0' x`;
      writeFileSync(
        file('hostile.sh'),
        `clear\nprintf '${hostile.join('')}'\n[ -z "$1" ] || ${long}\necho; echo the end\n`,
      );
      const title = await page.title();
      await page.click('[data-terminal]');
      await page.keyboard.type('. ./hostile.sh');
      await page.keyboard.press('Enter');
      await shows('<script>window.hit=1</script>');
      await shows(PROMPT_LAST);
      await page.keyboard.type('. ./hostile.sh long');
      await page.keyboard.press('Enter');
      await shows('xxxxthe end');
      await shows(PROMPT_LAST);
      expect(await page.title()).toBe(title);
      expect(await page.evaluate('window.hit')).toBeUndefined();
      expect(await page.locator('[data-terminal] a, [data-terminal] img, [data-terminal] script').count()).toBe(0);
      expect(faults).toEqual([]);
    },
    3 * PATIENCE_MS,
  );

  it(
    'keeps its place while others look on; a viewer sees and cannot type',
    async () => {
      const viewer = await openTerminal('viewer');
      expect(await viewer.locator('role=group[name="Keys"]').count()).toBe(0);
      await viewer.click('[data-terminal]');
      await viewer.keyboard.type('echo by nobody');
      await page.click('[data-terminal]');
      const box = await page.locator('[data-terminal]').boundingBox();
      await page.keyboard.type('clear; echo by "$((1+1))"');
      await page.keyboard.press('Enter');
      await shows('by 2', viewer);
      await shows('by 2');
      await shows(PROMPT_LAST);
      expect(await rows(viewer).textContent()).not.toContain('nobody');
      expect(await page.locator('[data-terminal]').boundingBox()).toEqual(box);
      const path = `api/swarm/agents/${String(agent['id'])}/type`;
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"keys":"x"}' };
      const typed = `fetch(${JSON.stringify(path)}, ${JSON.stringify(init)}).then(({ status }) => status)`;
      expect(await viewer.evaluate(typed)).toBe(403);
      await viewer.context().close();
    },
    3 * PATIENCE_MS,
  );

  it.each(['light', 'dark'] as const)(
    'is accessible while it is live: %s',
    async (colorScheme) => {
      const one = await (await contextOf(browser, { colorScheme, bypassCSP: true })).newPage();
      one.setDefaultTimeout(PATIENCE_MS);
      await logIn(one, home);
      await go(one, `/agents/${String(agent['id'])}`);
      await shows('bash', one);
      expect(await seriousFaults(one)).toEqual([]);
      await one.context().close();
    },
    3 * PATIENCE_MS,
  );

  it(
    'is typed into on a phone in the dark, and is accessible there',
    async () => {
      const one = await (await contextOf(browser, { viewport: PHONE, colorScheme: 'dark', bypassCSP: true })).newPage();
      one.setDefaultTimeout(PATIENCE_MS);
      await logIn(one, home);
      await go(one, `/agents/${String(agent['id'])}`);
      await shows('bash', one);
      await one.click('[data-terminal]');
      await one.keyboard.type('clear; echo "$((40+4))"');
      await one.keyboard.press('Enter');
      await shows('44', one);
      expect(await seriousFaults(one)).toEqual([]);
      await one.context().close();
    },
    3 * PATIENCE_MS,
  );

  it(
    'has its program started anew',
    async () => {
      await page.click('[data-terminal]');
      await page.keyboard.type('clear; echo "$$" > pid.txt');
      await page.keyboard.press('Enter');
      await untilThere(file('pid.txt'));
      await page.click('role=button[name="Restart"]');
      await page.click('role=button[name="Really end its program?"]');
      await page.waitForSelector('[role="status"]:has-text("Started anew.")');
      await untilStatus(home, agent, 'idle');
      await page.click('[data-terminal]');
      await page.keyboard.type('echo "$$" > pid2.txt; echo wrote it');
      await page.keyboard.press('Enter');
      await untilThere(file('pid2.txt'));
      await shows('wrote it');
      expect(readFileSync(file('pid2.txt'), 'utf8')).not.toBe(readFileSync(file('pid.txt'), 'utf8'));
    },
    3 * PATIENCE_MS,
  );

  it(
    'is nothing that anybody knows of any more when its node is lost',
    async () => {
      await worker.running.close();
      await page.waitForSelector('h1 + [data-status="unreachable"]');
      await page.waitForSelector('[role="alert"]:has-text("meadow cannot be reached")');
      await page.click('[data-terminal]');
      await page.keyboard.type('x');
      await page.waitForSelector('[role="status"]:has-text("could not be asked")');
      expect(await page.locator('h1').textContent()).toBe('foxglove');
    },
    3 * PATIENCE_MS,
  );
});
