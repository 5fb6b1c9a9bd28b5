/** `npm run screenshots`: sets a stage of real nodes and takes the pictures under docs/screenshots/, at desk and phone width, light and dark. */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { stateDirOf } from '#socket-path.ts';
import { AgentLine } from '../host/agent-line.ts';
import { addAgent, untilOnScreen, untilStatus } from '../host/terminal-rig.ts';
import { contextOf, DESKTOP, go, logIn, openBrowser, PHONE } from './browser.ts';
import type { Stage } from './stage.ts';
import { setStage } from './stage.ts';

const FOLDER = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));

type Shot = {
  name: string;
  address: string;
  /** What has to be there before the picture is taken. */
  sign: string;
  /** Keys that are pressed and selectors that are clicked first, in this order. */
  keys?: string;
  click?: string;
  /** What is brought to the top. */
  scroll?: string;
};

const shots = ({ tasks }: Stage, { terminal, asking }: { terminal: string; asking: string }): readonly Shot[] => [
  { name: 'overview', address: '/', sign: 'text=At work' },
  { name: 'over-time', address: '/', scroll: 'h2:has-text("Over time")', sign: 'figure canvas >> nth=2' },
  {
    name: 'task-asking',
    address: `/tasks/${tasks['asking'] ?? ''}`,
    sign: 'h1:has-text("larger pictures") >> xpath=/ancestor::main >> text=Agents ask',
  },
  { name: 'tasks', address: '/tasks', sign: 'role=table' },
  { name: 'board', address: '/tasks?view=board', sign: 'role=region[name="Active"]' },
  { name: 'task-running', address: `/tasks/${tasks['running'] ?? ''}`, sign: 'role=log' },
  { name: 'task-done', address: `/tasks/${tasks['done'] ?? ''}`, sign: 'role=list[name="Timeline"]' },
  { name: 'agents', address: '/agents', sign: 'h3:has-text("linden")' },
  { name: 'terminal', address: `/agents/${terminal}`, sign: `[data-terminal] .xterm-rows >> text=${SHOWN}` },
  { name: 'transcript', address: `/agents/${asking}`, sign: 'role=log[name="Transcript"] >> [data-entry]' },
  { name: 'channel', address: '/channels/engineering', sign: '[data-message] >> nth=3' },
  { name: 'market', address: '/market', sign: 'ul[aria-label="Proposals"] > li >> nth=2' },
  {
    name: 'market-receipts',
    address: '/market?tab=receipts',
    sign: 'ul[aria-label="Receipts"] >> text=no rating moved',
  },
  { name: 'settings', address: '/settings', sign: 'text=garden' },
  {
    name: 'settings-limits',
    address: '/settings?tab=limits',
    sign: 'ul[aria-label="Caps"] >> text=shell',
  },
  {
    name: 'settings-nodes',
    address: '/settings?tab=nodes',
    click: 'summary:has-text("links of this node")',
    sign: 'ul[aria-label="Links"] >> text=meadow',
  },
  { name: 'more', address: '/more', sign: 'text=No allocations yet' },
  { name: 'new-task', address: '/tasks', keys: 'c', sign: 'role=dialog >> text=Waits for' },
  { name: 'palette', address: '/tasks', keys: 'Control+k', sign: 'role=option >> nth=9' },
];

/** The last line that its terminal shows. */
const SHOWN = 'nothing to commit';
const TYPED = 'clear; git log --color --graph --stat | cat; ls -l --color; git status';

/** An agent whose program is a shell in the project's folder, after a few commands. Its id. */
async function openTerminal({ swarm, home, other }: Stage): Promise<string> {
  const agent = await addAgent(other, { name: 'fern', project_path: `${swarm.dir}/garden` });
  await untilStatus(home, agent, 'idle');
  const id = String(agent['id']);
  await home.post(`/api/swarm/agents/${id}/type`, { keys: `${TYPED}\r` });
  await untilOnScreen(home, agent, new RegExp(SHOWN));
  return id;
}

/** Two agents and a person in a channel, on two nodes. */
async function talk({ home, worker }: Stage): Promise<void> {
  const { dataDir, p2pPort } = worker.options;
  const enter = async (name: string): Promise<AgentLine> => {
    const line = await AgentLine.open(join(stateDirOf(dataDir, p2pPort), 'agents', name, 'mcp.sock'));
    await line.ask({ cmd: 'join', channels: ['#engineering'] });
    return line;
  };
  const [clover, heather] = [await enter('clover'), await enter('heather')];
  const say = (by: AgentLine, body: string, before?: unknown) =>
    by.ask({ cmd: 'send', to: '#engineering', body, ...(before === undefined ? {} : { in_reply_to: before }) });
  const { id } = await say(clover, 'The checkout charges through the new API now; 42 unit tests pass.');
  await say(heather, 'Then I translate its error messages next. Which of them are new?', id);
  await say(clover, 'Three: card declined, card expired, and payment timed out.', id);
  await home.until(async () => ((await home.list('/api/messages?to=%23engineering')).length === 3 ? true : undefined));
  await home.request('POST', '/api/messages', {
    to: '#engineering',
    body: 'Good. Keep the old ones until the release.',
  });
  for (const line of [clover, heather]) line.close();
}

/** Tasks that an agent won on the market, one that is offered there, and what waits for an answer. */
async function trade({ home, worker, tasks }: Stage): Promise<void> {
  const { id } = await worker.post('/api/swarm/agents', { name: 'sorrel', tool: 'shell', capabilities: ['docs'] });
  const isPaused = (paused: boolean) => async () =>
    (await home.list('/api/swarm/agents')).some((one) => one['id'] === id && one['paused'] === paused) || undefined;
  const pay = (body: object) => home.post('/api/market/proposals', { currency: 'USD', ...body });
  for (const [title, amount] of [
    ['Sort the changelog', 12],
    ['Describe the payment API', 40],
  ] as const) {
    await worker.post(`/api/swarm/agents/${String(id)}/pause`, {});
    await home.until(isPaused(true));
    const won = { title, description: 'echo done', required_capabilities: ['shell', 'docs'] };
    const task = await home.post('/api/swarm/tasks', won);
    await pay({ task_id: task['id'], task: title, amount, capability: 'docs' });
    await worker.post(`/api/swarm/agents/${String(id)}/resume`, {});
    await home.ended(String(task['id']));
  }
  await home.until(async () => ((await home.list('/api/market/receipts')).length === 2 ? true : undefined));
  await pay({ task_id: tasks['stuck'], task: 'Draw the new icons', amount: 60, capability: 'design' });
  await pay({ to: 'clover', task: 'Review the call to charge()', amount: 25, capability: 'php', expires: 86_400 });
  const terms = 'With the tests that fail today.';
  await pay({ to: 'linden', task: 'Find out why the cold start takes 812 ms', amount: 30, terms, elo_stake: 20 });
}

async function take(page: Page, { name, address, sign, keys, click, scroll }: Shot, end: string): Promise<void> {
  await go(page, address);
  if (click !== undefined) await page.click(click);
  if (keys !== undefined) {
    await page.waitForSelector('role=table');
    await page.keyboard.press(keys);
  }
  await page.waitForSelector(sign);
  // The bar of the page covers what stands at the very top.
  if (scroll === undefined) await page.evaluate('window.scrollTo(0, 0)');
  else await page.locator(scroll).evaluate((element) => element.scrollIntoView({ block: 'center' }));
  await page.evaluate('document.fonts.ready.then(() => true)');
  await page.screenshot({ path: `${FOLDER}${name}-${end}.png`, animations: 'disabled' });
  if (keys !== undefined) await page.keyboard.press('Escape');
}

const stage = await setStage();
await talk(stage);
await trade(stage);
const terminal = await openTerminal(stage);
const asking = String((await stage.home.list('/api/swarm/agents')).find(({ name }) => name === 'foxglove')?.['id']);
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
      for (const shot of shots(stage, { terminal, asking })) {
        if (wanted === undefined || shot.name.includes(wanted)) await take(page, shot, `${colorScheme}${width}`);
      }
      await context.close();
    }
  }
} finally {
  await browser.close();
  await stage.swarm.close();
}
