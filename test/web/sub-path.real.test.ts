// Needs: chromium
import { createServer, request } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { userPrincipal } from '#core/brand.ts';
import type { Served } from '../door/serve.ts';
import { serve } from '../door/serve.ts';
import { contextOf, openBrowser } from './browser.ts';

/** A browser on a machine that is busy takes its time. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const PATH = '/skep';
const inside = (url = '/'): string => url.replace(PATH, '');

/** Takes the path off and passes everything on, upgrades too, as any reverse proxy does. */
function proxyTo(port: () => number): Server {
  const proxy = createServer((asked, answer) => {
    const { method, headers } = asked;
    const passed = request({ port: port(), path: inside(asked.url), method, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    asked.pipe(passed);
  });
  proxy.on('upgrade', (asked, near, head) => {
    const far = connect(port(), '127.0.0.1', () => {
      const lines = Object.entries(asked.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      far.write(`GET ${inside(asked.url)} HTTP/1.1\r\n${lines.join('')}\r\n`);
      far.write(head);
      far.pipe(near).pipe(far);
    });
    far.on('error', () => near.destroy());
    near.on('error', () => far.destroy());
  });
  return proxy;
}

describe('the page below a path of a proxy', () => {
  let served: Served;
  let proxy: Server;
  let browser: Browser;
  let base: string;
  beforeAll(async () => {
    let port = 0;
    proxy = proxyTo(() => port);
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = proxy.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const host = `localhost:${address.port}`;
    served = await serve({ http: { behindProxy: `${host}${PATH}` } });
    port = served.http.port;
    base = `http://${host}${PATH}/`;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    proxy.closeAllConnections();
    proxy.close();
    await served.close();
  });

  it('logs in, is live, opens pages by address, creates, and asks nobody else', async () => {
    const page = await (await contextOf(browser)).newPage();
    page.setDefaultTimeout(60_000);
    const elsewhere: string[] = [];
    page.on('request', (one) => {
      if (!one.url().startsWith(base)) elsewhere.push(one.url());
    });
    const { code } = served.door.sessions.createCode({ principal: userPrincipal('x'), role: 'operator' });
    await page.goto(`${base}login?code=${code}`);
    await page.waitForSelector('[data-connection="live"]');
    expect(page.url()).toBe(base);
    await page.goto(`${base}#/tasks?view=board`);
    await page.keyboard.press('c');
    await page.fill('role=dialog >> input[name="title"]', 'below a path');
    await page.click('role=dialog >> button[type="submit"]');
    await page.waitForSelector('h1:has-text("below a path")');
    await page.waitForSelector('ol[aria-label="Timeline"] li');
    const manifest = new URL((await page.getAttribute('link[rel="manifest"]', 'href')) ?? '', base);
    const { start_url: start, icons } = z
      .object({ start_url: z.string(), icons: z.array(z.object({ src: z.string() })) })
      .parse(await (await page.request.get(manifest.href)).json());
    expect(new URL(start, manifest).href).toBe(base);
    for (const { src } of icons) expect((await page.request.get(new URL(src, manifest).href)).status()).toBe(200);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('limits');
    await page.waitForSelector('role=option >> nth=0');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=No caps');
    expect(page.url()).toBe(`${base}#/settings?tab=limits`);
    expect(elsewhere).toEqual([]);
  });
});
