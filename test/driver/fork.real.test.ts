// Needs: npm, 1.2 GB of disk for the agent CLIs
/** A session that goes on from a copy of another one's conversation: what the model is asked shows what each of them holds. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AgentDriver, AgentEvent, SessionSpec } from '#agent-ports.ts';
import { AcpDriver } from '#driver/acp/driver.ts';
import { ClaudeDriver } from '#driver/claude/driver.ts';
import { CodexDriver } from '#driver/codex/driver.ts';
import { OpenCodeDriver } from '#driver/opencode/driver.ts';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome, agentBin } from '../agent-clis.ts';
import { PLAIN } from '../contract/driver.ts';
import { freshId } from '../contract/runtime.ts';
import type { LocalHome } from '../runtime/local-home.ts';
import { makeLocalHome } from '../runtime/local-home.ts';
import type { Recording } from '../recording.ts';
import { recording } from '../recording.ts';
import { Allowing, script } from './protocol-rig.ts';

const KEY = 'stub-key';
const TEST_MS = 300_000;

/** What the model was asked, whole. */
const bodies: string[] = [];
let model: ModelServer;
let between: Recording;
let home: AgentHome;
let runtimes: LocalHome;
beforeAll(async () => {
  agentBin();
  model = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  between = await recording(model.url, bodies);
  home = new AgentHome({ url: between.url, key: KEY });
  runtimes = makeLocalHome();
}, TEST_MS);
afterAll(async () => {
  await runtimes.remove();
  between.close();
  home.remove();
  await model.close();
}, TEST_MS);

const options = { version: '0.0.0', nowMs: Date.now };
const skep = (): string => join(home.dir, 'skep');
const DRIVERS: Readonly<Record<string, () => AgentDriver>> = {
  claude: () => new ClaudeDriver({ directory: skep(), nowMs: Date.now }),
  codex: () => new CodexDriver(options),
  opencode: () => new OpenCodeDriver({ directory: skep(), nowMs: Date.now, lingerMs: TEST_MS }),
  'acp opencode acp': () => new AcpDriver({ ...options, tool: 'acp opencode acp', command: ['opencode', 'acp'] }),
};

/** A session, with a prompt that is said and answered. */
async function opened(driver: AgentDriver, o: Partial<SessionSpec> = {}) {
  const runtime = runtimes.open();
  const spec = { ...PLAIN, procId: freshId(), cwd: home.project, env: home.env, ...o };
  const session = await driver.open(spec, runtime);
  const events = session.events[Symbol.asyncIterator]();
  let named = '';
  /** OpenCode on a busy machine takes its minutes. */
  const ended = async (): Promise<AgentEvent> => {
    for (;;) {
      const { value, done } = await events.next();
      if (done === true) throw new Error('the events ended in a turn');
      if (value.kind === 'session') named = value.session;
      if (value.kind === 'turn_ended') return value;
    }
  };
  const says = async (word: string, ...steps: object[]): Promise<void> => {
    await session.prompt(`${word} ${script(...steps, { text: `answer to ${word}` })}`);
    expect(await ended()).toMatchObject({ outcome: 'completed', text: `answer to ${word}` });
  };
  const conversation = (): string => named;
  const close = async (): Promise<void> => {
    await session.close(1_000);
    await runtime.close();
  };
  return { session, ended, says, conversation, close };
}

/** The last question that holds the word, by the words that it holds. */
const heldWith = (word: string, words: readonly string[]): string[] => {
  const body = bodies.findLast((one) => one.includes(word)) ?? '';
  return words.filter((one) => body.includes(one));
};

/** OpenCode copies within a project, which has as many worktrees as it likes. */
const elsewhere = (tool: string, mark: string): string => {
  if (tool !== 'opencode') return home.addProject(`other-${mark}`);
  const path = join(home.dir, `tree-${mark}`);
  home.git('worktree', 'add', '--quiet', '--detach', path);
  return path;
};

it.each(Object.keys(DRIVERS))(
  'the real %s goes on with a copy, and the first conversation stays as it was',
  { timeout: TEST_MS },
  async (tool) => {
    const driver = DRIVERS[tool]?.();
    if (driver === undefined) throw new Error('unreachable');
    const mark = randomBytes(4).toString('hex');
    const [one, two, three] = [`${mark}-first`, `${mark}-second`, `${mark}-third`];
    const first = await opened(driver);
    await first.says(one);
    const cwd = tool === 'acp opencode acp' ? home.project : elsewhere(tool, mark);
    const copy = await opened(new Allowing(driver), { resume: first.conversation(), fork: true, cwd });
    await copy.says(two, { bash: `pwd > ${mark}` });
    expect(readFileSync(join(cwd, mark), 'utf8')).toBe(`${cwd}\n`);
    expect(copy.conversation()).not.toBe(first.conversation());
    expect(heldWith(two, [one, two])).toEqual([one, two]);
    await first.says(three);
    expect(heldWith(three, [one, two, three])).toEqual([one, three]);
    await copy.close();
    await first.close();
  },
);

it('the real opencode takes no copy to another folder', { timeout: TEST_MS }, async () => {
  const driver = new OpenCodeDriver({ directory: skep(), nowMs: Date.now, lingerMs: TEST_MS });
  const first = await opened(driver);
  await first.says('anything');
  const cwd = home.addProject(`other-${randomBytes(4).toString('hex')}`);
  const copy = await opened(driver, { resume: first.conversation(), fork: true, cwd });
  await expect(copy.session.prompt('anything')).rejects.toMatchObject({ code: 'not_supported' });
  await copy.close();
  await first.close();
});

it('the real gemini cannot, and says so', { timeout: TEST_MS }, async () => {
  const driver = new AcpDriver({ ...options, tool: 'gemini', command: ['gemini', '--acp'] });
  const { session, ended, close } = await opened(driver, { resume: 'any', fork: true });
  await session.prompt('anything');
  expect(await ended()).toMatchObject({ outcome: 'failed', text: expect.stringContaining('no session/fork') });
  await close();
});
