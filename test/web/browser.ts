/** Debian's Chromium on a page of a real node. */
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
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

/** A context in the colours asked for. */
export const contextOf = (
  browser: Browser,
  o: { viewport?: { width: number; height: number }; colorScheme?: 'light' | 'dark'; bypassCSP?: boolean } = {},
): Promise<BrowserContext> =>
  browser.newContext({
    viewport: DESKTOP,
    colorScheme: 'light',
    ...o,
    isMobile: o.viewport === PHONE,
    hasTouch: o.viewport === PHONE,
  });
