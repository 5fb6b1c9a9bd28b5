// Needs: npm, 1.2 GB of disk for the agent CLIs; chromium
/**
 * Three agents of three makers on two nodes, run as a user runs them: one proposes, one accepts, works, commits and sends a file, one reads it, the first
 * confirms. Every process there is gets SIGKILL between the acceptance and the end, in the middle of a file on its way in and of the same file on its way
 * to the other node, and when all is done. What is left is the same at both nodes, by the verbs, by HTTP and on the page.
 */
import { hash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contextOf, go, logIn, openBrowser } from '../web/browser.ts';
import type { Json } from './swarm.ts';
import { asJson } from './swarm.ts';
import type { WalkNode } from './walk.ts';
import { call, until, Walk } from './walk.ts';

const TEST_MS = 600_000;
/** By the constants of the market, which its users cannot change. */
const DEAL_MIN_AGE_MS = 60_000;
/** Nearly the largest there may be, that a kill falls into the midst of it: each megabyte is on its way for some milliseconds. */
const BIG = randomBytes(48 * 1024 * 1024);
const BIG_SHA256 = hash('sha256', BIG);
const MIDST_BYTES = 2 * 1024 * 1024;
const LOOK_MS = 2;
const SMALL = 'two\n';

let walk: Walk;
let one: WalkNode;
let two: WalkNode;
/** The id of each agent, by its name. */
const agents = new Map<string, string>();
let proposal: string;

beforeAll(async () => {
  walk = await Walk.open();
  ({ one, two } = walk);
  await walk.start();
  const origin = walk.stage.swarm.repository('demo');
  await one.post('/api/swarm/projects', { name: 'demo', origin, base: 'main' });
  for (const [node, tool] of [
    [one, 'claude'],
    [two, 'codex'],
    [two, 'opencode'],
  ] as const) {
    const wanted = { name: tool, tool, drive: 'protocol', capabilities: [tool] };
    agents.set(tool, String((await node.post('/api/swarm/agents', wanted))['id']));
  }
}, TEST_MS);
afterAll(() => walk.close(), TEST_MS);

/** One task for one agent; its id. */
async function begin(agent: string, steps: readonly Json[]): Promise<string> {
  const script = JSON.stringify([...steps, call('task_complete', { summary: `${agent} is done` }), { text: 'done' }]);
  const task = await one.post('/api/swarm/tasks', {
    title: `a turn of ${agent}`,
    description: `Do it. <<stub ${script}>>`,
    required_capabilities: [agent],
    project: 'demo',
  });
  return String(task['id']);
}

/** Whatever needs leave is allowed. */
async function allowAll(): Promise<void> {
  for (const asked of await one.list('/api/approvals?state=open'))
    await one.rest('POST', `/api/approvals/${String(asked['id'])}`, { decision: 'allow' });
}

async function ended(id: string): Promise<Json> {
  const story = (): Promise<Json[]> => one.list(`/api/swarm/tasks/${id}/timeline`);
  const look = async (): Promise<Json | undefined> => {
    await allowAll();
    const task = asJson((await one.rest('GET', `/api/swarm/tasks/${id}`)).body);
    return ['completed', 'failed', 'cancelled'].includes(String(task['status'])) ? task : undefined;
  };
  const task = await until(`task ${id} ends`, look, story);
  if (task['status'] !== 'completed') throw new Error(JSON.stringify([task, await story()]));
  return task;
}

const turn = async (agent: string, steps: readonly Json[]): Promise<Json> => ended(await begin(agent, steps));

/** Whether a message was handed out is known where its reader is. */
const unhanded = ({ handed: _handed, ...rest }: Json): Json => rest;

/** What is left of all of it, as that node tells it. */
async function leftAt(node: WalkNode): Promise<Json> {
  const paths = {
    proposals: '/api/market/proposals',
    timeline: `/api/market/proposals/${proposal}/timeline`,
    receipts: '/api/market/receipts',
    ratings: '/api/market/ratings',
    words: '/api/market/ratings?capability=words',
    files: '/api/files',
    said: `/api/messages?to=${encodeURIComponent('#general')}`,
    mail: `/api/messages?to=${agents.get('codex') ?? ''}`,
  };
  const asked = Object.entries(paths).map(async ([name, path]) => {
    return [name, (await node.list(path)).map(unhanded)] as const;
  });
  return Object.fromEntries(await Promise.all(asked));
}

/** Resolves when both nodes tell the same. */
const left = (): Promise<Json> =>
  until(
    'the nodes agree',
    async () => {
      const [at, other] = [await leftAt(one), await leftAt(two)];
      return JSON.stringify(at) === JSON.stringify(other) ? at : undefined;
    },
    async () => {
      const [at, other] = [await leftAt(one), await leftAt(two)];
      const isOther = (name: string): boolean => JSON.stringify(at[name]) !== JSON.stringify(other[name]);
      return Object.keys(at)
        .filter(isOther)
        .map((name) => [name, at[name], other[name]]);
    },
  );

it(
  'Claude Code proposes, Codex accepts; every process is killed while it works, and the deal goes on',
  { timeout: TEST_MS },
  async () => {
    await turn('claude', [
      call('channel_join', { channels: ['#general'] }),
      call('message_send', { to: '#general', body: 'who writes the second line?' }),
      call('agentchat_propose', { to: 'codex', task: 'Write two.txt', amount: 9, capability: 'words' }),
    ]);
    const [made] = await until('codex is asked', async () => {
      const found = await two.list('/api/market/proposals');
      return found.length > 0 ? found : undefined;
    });
    expect(made).toMatchObject({ state: 'pending', payer: { name: 'claude' }, worker: { name: 'codex' } });
    proposal = String(made?.['id']);
    const [begun, goOn] = [join(walk.stage.swarm.dir, 'begun'), join(walk.stage.swarm.dir, 'go-on')];
    const work = await begin('codex', [
      call('agentchat_listen', { channels: ['#general'] }),
      call('agentchat_accept', { proposal_id: proposal }),
      { bash: `touch ${begun}; until [ -e ${goOn} ]; do sleep 0.1; done` },
      call('channel_join', { channels: ['#general'] }),
      call('message_send', { to: '#general', body: 'I do' }),
      { bash: 'echo two > two.txt && git add -A && git commit -qm two' },
      call('file_send', { to: 'opencode', name: 'two.txt', content: SMALL }),
      call('proposal_complete', { proposal_id: proposal, proof: 'two.txt is committed' }),
    ]);
    await until('codex is in the midst of it', async () => {
      await allowAll();
      return existsSync(begun) || undefined;
    });
    await walk.killAll();
    // A holder, Codex and the command that it waits for, at the least.
    expect(walk.killed[0]).toBeGreaterThanOrEqual(3);
    writeFileSync(goOn, '');
    await walk.start();
    expect(await ended(work)).toMatchObject({ attempt: 2, result: 'codex is done', work: { commits: 1 } });
    expect((await left())['proposals']).toMatchObject([{ state: 'accepted', proof: 'two.txt is committed' }]);
    await turn('opencode', [
      call('channel_join', { channels: ['#general'] }),
      call('agentchat_file_receive', { transfer_id: hash('sha256', SMALL) }),
    ]);
  },
);

/** Kills everything when so much of the file has come there, and no more than a part; how much that was. */
async function killInTheMidst(node: WalkNode, what: Promise<unknown>): Promise<number> {
  const path = join(node.blobs, 'incoming', BIG_SHA256);
  const sizeBytes = (): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const over = what.then(
    () => 'whole',
    () => 'cut',
  );
  await until('the file is on its way', async () => sizeBytes() >= MIDST_BYTES || undefined, undefined, LOOK_MS);
  await walk.killAll();
  expect(await over).toBe('cut');
  expect(sizeBytes()).toBeGreaterThanOrEqual(MIDST_BYTES);
  expect(sizeBytes()).toBeLessThan(BIG.length);
  return sizeBytes();
}

it(
  'a file goes on where it was when every process was killed, on its way in and on its way to the other node',
  { timeout: TEST_MS },
  async () => {
    const [from, to] = [join(walk.stage.swarm.dir, 'big.dat'), join(walk.stage.swarm.dir, 'taken')];
    writeFileSync(from, BIG);
    mkdirSync(to);
    const here = await killInTheMidst(two, two.skep('file', 'send', 'claude', from));
    await walk.start();
    const asked = { sha256: BIG_SHA256, size_bytes: BIG.length, offset: 0, data: '' };
    expect(await two.post('/api/files/pieces', asked)).toEqual({ offset: here, whole: false });
    expect(await two.skep('file', 'send', 'claude', from)).toMatch(/^Offered as /);
    const { id } = await until('the offer is known there', async () =>
      (await one.list('/api/files')).find(({ name }) => name === 'big.dat'),
    );
    const there = await killInTheMidst(one, one.skep('file', 'accept', String(id), to));
    await walk.start();
    expect(await one.skep('file', 'accept', String(id), to)).toContain('Wrote ');
    expect(hash('sha256', readFileSync(join(to, 'big.dat')))).toBe(BIG_SHA256);
    // Base64, and whatever else the link carries: what had come before the kill did not come again.
    const [link] = await one.list('/api/swarm/links');
    expect(Number(link?.['bytes_in'])).toBeLessThan((BIG.length - there / 2) * (4 / 3));
    expect((await left())['files']).toMatchObject([
      // Taken by a person; its reader has not read it.
      { name: 'big.dat', to: `@${agents.get('claude') ?? ''}`, state: 'offered' },
      { name: 'two.txt', from: 'codex', sha256: hash('sha256', SMALL), state: 'taken' },
    ]);
  },
);

it(
  'the deal is completed once, and all of it is there when every process was killed and started again',
  { timeout: TEST_MS },
  async () => {
    const [made] = await one.list('/api/market/proposals');
    const dueMs = Date.parse(String(made?.['created_at'])) + DEAL_MIN_AGE_MS + 1_000;
    await until('a deal of its age is completed', async () => Date.now() > dueMs || undefined);
    await turn('claude', [call('agentchat_complete', { proposal_id: proposal })]);
    const before = await left();
    expect(before).toMatchObject({
      proposals: [{ id: proposal, state: 'completed' }],
      receipts: [{ id: proposal, evidence: { kind: 'payer' } }],
      ratings: [
        { rating: 1_216, transactions: 1, skills: [{ capability: 'words', rating: 1_216 }] },
        { rating: 1_216, transactions: 1 },
      ],
      said: [{ body: 'I do' }, { body: 'who writes the second line?' }],
    });
    const timeline = before['timeline'];
    expect(Array.isArray(timeline) && timeline.map(({ type }: Json) => type)).toEqual([
      'proposal.made',
      'proposal.accepted',
      'proposal.delivered',
      'proposal.completed',
    ]);
    await walk.killAll();
    expect(walk.alive()).toEqual([]);
    await walk.start();
    expect(await left()).toEqual(before);
    for (const node of [one, two]) {
      expect(await node.skepList('market', 'ratings')).toEqual(before['ratings']);
      expect(await node.skepList('market', 'receipts')).toEqual(before['receipts']);
      expect(await node.skepList('market', 'proposals')).toEqual(before['proposals']);
      expect(await node.skepList('file', 'list')).toEqual(before['files']);
      const said = await node.skepList('message', 'list', '--to', '#general');
      expect(said.map(unhanded)).toEqual(before['said']);
      expect(node.troubles).toEqual([]);
    }
  },
);

it('the page of each node shows all of it', { timeout: TEST_MS }, async () => {
  const { said, mail } = await leftAt(one);
  const listed = (what: unknown): Json[] => (Array.isArray(what) ? what.map(asJson) : []);
  const browser = await openBrowser();
  try {
    for (const node of [one, two]) {
      const page = await (await contextOf(browser)).newPage();
      page.setDefaultTimeout(60_000);
      await logIn(page, node);
      await go(page, '/channels/general');
      for (const { id, body } of listed(said)) {
        const shown = page.locator('[data-message]', { has: page.locator('p[dir]', { hasText: String(body) }) });
        await shown.locator(`[title="On disk as ${String(id)}"]`).waitFor();
        expect(await shown.count()).toBe(1);
      }
      await go(page, `/channels/@${agents.get('codex') ?? ''}`);
      for (const { body, state } of listed(mail)) {
        const shown = page.locator('[data-message]', { hasText: String(body).split('\n')[0] ?? '' }).first();
        await shown.locator(`[data-status="${String(state)}"]`).waitFor();
      }
      await go(page, '/market');
      await page.click('[aria-label="Which proposals"] >> text=Completed');
      await page.locator('ul[aria-label="Proposals"] > li:has-text("Write two.txt")').waitFor();
      await go(page, `/market/${proposal}`);
      await page.waitForSelector('h1:has-text("Write two.txt")');
      await page.waitForSelector('main [data-status="completed"]');
      await page.waitForSelector('dt:has-text("Proof") + dd:has-text("two.txt is committed")');
      await expect.poll(() => page.locator('ol[aria-label="Timeline"] li').count()).toBe(4);
      await go(page, '/market?tab=ratings');
      for (const name of ['claude', 'codex'])
        await page.locator('table tbody tr', { hasText: name }).filter({ hasText: '1216' }).waitFor();
      await go(page, '/market?tab=receipts');
      const receipt = page.locator('ul[aria-label="Receipts"] > li');
      await receipt.filter({ hasText: 'Write two.txt' }).filter({ hasText: '1200 → 1216 +16' }).waitFor();
      expect(await receipt.count()).toBe(1);
      await go(page, '/market?tab=files');
      const file = page.locator('ul[aria-label="Files"] > li', { hasText: 'two.txt' });
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        file.locator('role=button[name="Download"]').click(),
      ]);
      expect(readFileSync(await download.path(), 'utf8')).toBe(SMALL);
      await page.context().close();
    }
  } finally {
    await browser.close();
  }
});
