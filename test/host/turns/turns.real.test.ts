// Needs: npm, 1.2 GB of disk for the agent CLIs
/** The real CLIs, woken by messages: they answer, write by the tools of skep, go on with their conversation, and are begun again where they died. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killed } from '../../driver/protocol-rig.ts';
import { AgentStage, TEST_MS } from '../agent-stage.ts';
import type { Json, Member } from '../swarm.ts';

let stage: AgentStage;
let node: Member;
beforeEach(async () => {
  stage = await AgentStage.open();
  node = await stage.swarm.add();
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

const LOOK_EVERY_MS = 100;
const TRIES = 1_200;

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`in vain: ${JSON.stringify(await node.get('/api/swarm/agents/bob/turns'))}`);
}

const ask = (words: string, steps: readonly Json[]): Promise<Json> =>
  node
    .request('POST', '/api/messages', { to: 'bob', body: `${words} <<stub ${JSON.stringify(steps)}>>` })
    .then(({ body }) => (Array.isArray(body) ? body[0] : Promise.reject(new Error(JSON.stringify(body)))));

/** Rows of its turns, the oldest first, when so many are over. */
const ended = (count: number): Promise<Json[]> =>
  until(async () => {
    const { state, turns } = await node.get('/api/swarm/agents/bob/turns');
    return Array.isArray(turns) && turns.length >= count && state !== 'running' ? turns.toReversed() : undefined;
  });

const toPeople = async (): Promise<unknown[]> =>
  (await node.list('/api/messages?to=operator')).map(({ body }) => body).toReversed();

const BY_HAND = { to: 'operator', body: 'by hand' };
const BUILD = { command: 'until [ -e go ]; do sleep 0.1; done; echo made it; exit 3', title: 'the build' };

describe.each([
  { tool: 'claude', write: { tool: 'mcp__skep__message_send', input: BY_HAND } },
  { tool: 'codex', write: { tool: 'message_send', namespace: 'mcp__skep', input: BY_HAND } },
  { tool: 'opencode', write: { tool: 'skep_message_send', input: BY_HAND } },
])('the real $tool', ({ tool, write }) => {
  it('is woken, answers, and goes on with its conversation', { timeout: TEST_MS }, async () => {
    await node.post('/api/swarm/agents', { name: 'bob', tool, drive: 'protocol', turns: 'on' });
    await ask('How many?', [{ text: 'Seven.' }]);
    await ended(1);
    await ask('Tell them.', [write, { text: 'I told them.' }]);
    const rows = await ended(2);
    expect(rows).toMatchObject([
      { state: 'completed', wake: 'text', conversation: 1 },
      { state: 'completed', wake: 'text', conversation: 1 },
    ]);
    expect(Number(rows[0]?.['output_tokens'])).toBeGreaterThan(0);
    // What it wrote itself stands for its last words.
    expect(await toPeople()).toEqual(['Seven.', 'by hand']);
    expect(await node.list('/api/messages?to=bob&state=open')).toEqual([]);
    // The beginnings of what its model was asked: told at once what it is, and later only what is new.
    const prompts = stage.served.map(({ prompt }) => prompt);
    expect(prompts.some((prompt) => prompt.startsWith('This conversation is new'))).toBe(true);
    expect(prompts.some((prompt) => prompt.startsWith('One message came for you'))).toBe(true);
  });
});

it.each([
  { tool: 'claude', start: { tool: 'mcp__skep__command_start', input: BUILD } },
  { tool: 'codex', start: { tool: 'command_start', namespace: 'mcp__skep', input: BUILD } },
])(
  'the real $tool leaves a command running, for which a person gives leave, and is woken by its end',
  { timeout: TEST_MS },
  async ({ tool, start }) => {
    await node.post('/api/swarm/agents', { name: 'bob', tool, drive: 'protocol', turns: 'on' });
    const { notes_path: notes } = await node.get('/api/swarm/agents/bob/turns');
    await ask('Build.', [start, { text: 'It runs.' }]);
    const leave = await until(async () => (await node.list('/api/approvals?state=open'))[0]);
    expect(leave).toMatchObject({ kind: 'command', tool: 'command_start', detail: BUILD.command });
    await node.post(`/api/approvals/${String(leave['id'])}`, { decision: 'allow' });
    await ended(1);
    writeFileSync(join(dirname(String(notes)), 'go'), '');
    expect(await ended(2)).toMatchObject([
      { wake: 'text', state: 'completed' },
      { wake: 'event', state: 'completed' },
    ]);
    expect(await toPeople()).toEqual(['It runs.']);
    const [event] = (await node.list('/api/messages?to=bob')).filter(({ kind }) => kind === 'event');
    expect(event?.['body']).toContain('Your command 1 (the build) ended with exit code 3');
  },
);

it('Claude Code that dies in its turn hears its message again, marked', { timeout: TEST_MS }, async () => {
  const bob = await node.post('/api/swarm/agents', { name: 'bob', tool: 'claude', drive: 'protocol', turns: 'on' });
  await node.post('/api/rules', { effect: 'allow', tool: 'Bash', agent: 'bob' });
  const { notes_path: notes } = await node.get('/api/swarm/agents/bob/turns');
  const folder = dirname(String(notes));
  const gate = 'touch begun; until [ -e go ]; do sleep 0.1; done';
  await ask('Wait.', [{ bash: gate }, { text: 'Here.' }]);
  await until(async () => existsSync(join(folder, 'begun')) || undefined);
  killed(`${String(bob['id'])}.1`);
  writeFileSync(join(folder, 'go'), '');
  expect(await ended(2)).toMatchObject([
    { state: 'failed', redelivered: 0 },
    { state: 'completed', redelivered: 1 },
  ]);
  expect(await toPeople()).toEqual(['Here.']);
});

it('Claude Code at a rate limit is parked, mail and all', { timeout: TEST_MS }, async () => {
  process.env['CLAUDE_CODE_MAX_RETRIES'] = '0';
  await node.post('/api/swarm/agents', { name: 'bob', tool: 'claude', drive: 'protocol', turns: 'on' });
  await ask('Go on.', [{ status: 429 }]);
  expect(await ended(1)).toMatchObject([{ state: 'failed', why: expect.stringContaining('rate_limited') }]);
  expect(await node.get('/api/swarm/agents/bob/turns')).toMatchObject({ state: 'parked', waiting: 1 });
});

it(
  'Claude Code whose conversation is nearly full writes notes, and begins another with them',
  { timeout: TEST_MS },
  async () => {
    await node.post('/api/swarm/agents', { name: 'bob', tool: 'claude', drive: 'protocol', turns: 'on' });
    await ask('A long one.', [{ text: 'Done.', usage: { in: 900_000, out: 50 } }]);
    const rows = await ended(2);
    expect(rows).toMatchObject([
      { wake: 'text', conversation: 1, state: 'completed' },
      { wake: 'checkpoint', conversation: 1, state: 'completed' },
    ]);
    const standing = await node.get('/api/swarm/agents/bob/turns');
    expect(standing).toMatchObject({ conversation: 2, context: null });
    writeFileSync(String(standing['notes_path']), 'The parser is half done.');
    await ask('And now?', [{ text: 'On.' }]);
    expect(await ended(3)).toMatchObject([{}, {}, { conversation: 2, state: 'completed' }]);
    expect(
      stage.served.some(({ prompt }) => prompt.startsWith('This conversation is new. Your notes of what was')),
    ).toBe(true);
  },
);
