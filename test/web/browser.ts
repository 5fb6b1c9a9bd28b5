/** Debian's Chromium on a page of a real node. */
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { z } from 'zod';
import type { Served } from '../door/serve.ts';
import type { Member } from '../host/swarm.ts';

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** Logs in by a code of its own, and resolves when the page is live. */
export async function logIn(
  page: Page,
  member: Pick<Member, 'post'>,
  role: 'operator' | 'viewer' = 'operator',
): Promise<void> {
  const { url } = await member.post('/api/login-codes', { role });
  await page.goto(String(url));
  await page.waitForSelector('[data-connection="live"]');
}

/** Goes to an address behind `#`. */
export const go = async (page: Page, address: string): Promise<void> => {
  await page.evaluate(`location.hash = ${JSON.stringify(address)}`);
};

export type Look = {
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
  bypassCSP?: boolean;
};

/** A context in the colours asked for. */
export const contextOf = (browser: Browser, o: Look = {}): Promise<BrowserContext> =>
  browser.newContext({
    viewport: DESKTOP,
    colorScheme: 'light',
    ...o,
    isMobile: o.viewport === PHONE,
    hasTouch: o.viewport === PHONE,
  });

const codeSchema = z.object({ url: z.string() });

/** A page in a context of its own, logged in at a fake node, and live. `complaints` gets the errors that nothing on it caught. */
export async function openPage(
  browser: Browser,
  served: Pick<Served, 'post'>,
  { role = 'operator', complaints = [], ...look }: Look & { role?: string; complaints?: string[] } = {},
): Promise<Page> {
  const page = await (await contextOf(browser, look)).newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  const answer = await served.post('/api/login-codes', { role });
  await page.goto(codeSchema.parse(await answer.json()).url);
  await page.waitForSelector('[data-connection="live"]');
  return page;
}
