/** `npm run screenshots`: sets a stage of real nodes and takes the pictures under docs/screenshots/, at desk and phone width, light and dark. */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { contextOf, DESKTOP, go, logIn, openBrowser, PHONE } from './browser.ts';
import type { Stage } from './stage.ts';
import { setStage } from './stage.ts';

const FOLDER = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));

/** Name, address, and what has to be there before the picture is taken. */
const shots = ({ tasks }: Stage): readonly (readonly [name: string, address: string, sign: string])[] => [
  ['overview', '/', 'text=At work'],
  [
    'task-asking',
    `/tasks/${tasks['asking'] ?? ''}`,
    'h1:has-text("larger pictures") >> xpath=/ancestor::main >> text=Agents ask',
  ],
  ['tasks', '/tasks', 'role=table'],
  ['board', '/tasks?view=board', 'role=region[name="Active"]'],
  ['task-running', `/tasks/${tasks['running'] ?? ''}`, 'role=log'],
  ['task-done', `/tasks/${tasks['done'] ?? ''}`, 'role=list[name="Timeline"]'],
  ['agents', '/agents', 'text=linden'],
  ['settings', '/settings', 'text=garden'],
];

const stage = await setStage();
const browser = await openBrowser();
const wanted = process.argv[2];
try {
  await mkdir(FOLDER, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [width, viewport] of [
      ['', DESKTOP],
      ['-phone', PHONE],
    ] as const) {
      const context = await contextOf(browser, { viewport, colorScheme });
      const page = await context.newPage();
      page.setDefaultTimeout(60_000);
      await logIn(page, stage.home);
      for (const [name, address, sign] of shots(stage)) {
        if (wanted !== undefined && !name.includes(wanted)) continue;
        await go(page, address);
        await page.waitForSelector(sign);
        await page.evaluate('document.fonts.ready.then(() => true)');
        await page.screenshot({ path: `${FOLDER}${name}-${colorScheme}${width}.png` });
      }
      await context.close();
    }
  }
} finally {
  await browser.close();
  await stage.swarm.close();
}
