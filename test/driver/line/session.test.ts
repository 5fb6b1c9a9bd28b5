/** What sessions share, with a tool of a few lines of shell in place of a CLI. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentEvent } from '#agent-ports.ts';
import { nothing, type Dialect, type Told } from '#driver/line/dialect.ts';
import { LineSession, type LineSessionOptions } from '#driver/line/session.ts';
import { turnName, turnNameMs } from '#driver/line/turn-name.ts';
import type { Proc, Runtime } from '#ports.ts';
import { Events } from '../../contract/driver.ts';
import { freshId, soon, type RuntimeHome } from '../../contract/runtime.ts';
import { makeFakeHome } from '../../runtime/fake-runtime.ts';

const HOUR_MS = 3_600_000;

/** The line `end` ends the turn; all else is said. */
class Echo implements Dialect {
  lastTurn: string | undefined;
  isWaiting = false;

  wrote(line: string): void {
    this.lastTurn = line.split(' ')[0];
  }
  begin(): Told {
    return nothing();
  }
  missing(): void {}
  prompt(turn: string, text: string): Told {
    this.lastTurn = turn;
    return { events: [], lines: [`${turn} ${text}`] };
  }
  steer(): undefined {}
  interrupt(): Told {
    return { events: [], lines: ['stop'] };
  }
  answer(): Told {
    return nothing();
  }
  read(line: string): Told {
    if (line !== 'end') return { events: [{ kind: 'delta', stream: 'stdout', text: `${line}\n` }], lines: [] };
    const turn = this.lastTurn ?? '';
    return { events: [{ kind: 'turn_ended', turn, outcome: 'completed', text: '', exit: undefined }], lines: [] };
  }
}

const homes: { home: RuntimeHome; runtime: Runtime }[] = [];
afterEach(async () => {
  for (const { home, runtime } of homes.splice(0)) {
    await runtime.close();
    await home.remove();
  }
});

function open(script: string, o: Partial<LineSessionOptions> = {}) {
  const home = makeFakeHome();
  const runtime = home.open();
  homes.push({ home, runtime });
  const env = { PATH: process.env['PATH'] ?? '' };
  const start = (): Promise<Proc> =>
    runtime.start({ id: freshId(), argv: ['bash', '-c', script], cwd: tmpdir(), env, outboxMaxBytes: 1e6 });
  const session = new LineSession({
    tool: 'echo',
    turnLimitMs: HOUR_MS,
    nowMs: Date.now,
    dialect: () => new Echo(),
    start,
    resume: null,
    failedStart: async (exit, said) => `no start: ${exit.code}, ${said}`,
    closed: () => {},
    ...o,
  });
  return { session, events: new Events(session), start };
}

it(
  'ends a tool that leaves a request unanswered, says which, and starts it anew for the next turn',
  { timeout: 60_000 },
  async () => {
    class Asking extends Echo {
      readonly answeredAtOnce = ['turn/start'];
      override prompt(turn: string, text: string): Told {
        this.lastTurn = turn;
        return { events: [], lines: [JSON.stringify({ id: text, method: 'turn/start' })] };
      }
      override read(line: string): Told {
        return line.includes('"result"') ? super.read('end') : super.read(line);
      }
    }
    // It answers what is asked as 1, and hears all else without a word.
    const script =
      'echo up; while read -r line; do case $line in *:\\"1\\"*) echo {\\"id\\":\\"1\\",\\"result\\":{}} ;; esac; done';
    const { session, events } = open(script, { dialect: () => new Asking(), limits: { requestMs: 6_000 } });
    await session.prompt('1');
    expect(await events.ended()).toMatchObject({ outcome: 'completed' });
    await session.prompt('2');
    const ended = await events.ended();
    expect(ended).toMatchObject({
      outcome: 'failed',
      failure: 'agent_gone',
      exit: { error: 'request_timeout: turn/start' },
    });
    expect(ended.text).toContain('has not answered turn/start within 6 s');
    const state = events.of('state').at(-1);
    expect(state).toMatchObject({ state: 'error', evidence: 'echo ended: request_timeout: turn/start' });
    await session.prompt('1');
    expect(await events.ended()).toMatchObject({ outcome: 'completed' });
    await session.close(100);
  },
);

it('ends a tool that says nothing within its time to start: it did not start', async () => {
  const failedStart: LineSessionOptions['failedStart'] = async ({ error }) => `no start: ${error}`;
  const { session, events } = open('while read -r line; do :; done', { limits: { startMs: 50 }, failedStart });
  await session.prompt('anything');
  const ended = await events.ended();
  const text = 'no start: start_timeout';
  expect(ended).toMatchObject({ outcome: 'failed', failure: 'start_failed', exit: { signal: 'SIGTERM' }, text });
  expect(events.of('state').at(-1)).toMatchObject({ state: 'error', evidence: text, untilMs: expect.any(Number) });
  await session.close(100);
});

it('ends a tool that does not heed an interrupt, and starts it anew for the next prompt', async () => {
  const { session, events } = open('echo ready; while read -r line; do :; done', { limits: { interruptMs: 50 } });
  for (let turn = 0; turn < 2; turn += 1) {
    await session.prompt('anything');
    await events.ready();
    await soon('the interrupt', session.interrupt());
    expect(await events.ended()).toMatchObject({ outcome: 'interrupted', exit: { signal: 'SIGTERM' } });
  }
  await session.close(100);
});

it('shows a stall as a suspicion, takes it back at the next word, and ends nothing', async () => {
  const script = 'echo ready; read -r prompt; read -r stop; echo word; read -r more';
  const { session, events } = open(script, { limits: { silenceMs: 50, interruptMs: 100 } });
  await session.prompt('anything');
  const stalled = (one: AgentEvent): boolean => one.kind === 'state' && one.state === 'unknown';
  const evidence = 'echo has said nothing for 0.05 s';
  expect(await events.until('the suspicion', stalled)).toMatchObject({ exact: false, evidence });
  void session.interrupt();
  await events.until('the word', (one) => one.kind === 'delta' && one.text === 'word\n');
  const back = await events.until('its state again', (one) => one.kind === 'state');
  expect(back).toMatchObject({ state: 'starting', exact: true });
  await session.close(100);
});

it('tells what a tool wrote to standard error when it ends in the middle of a turn', async () => {
  const { session, events } = open('echo {}; read -r line; echo "no such model" >&2; exit 3');
  await session.prompt('anything');
  expect(await events.ended()).toMatchObject({
    outcome: 'failed',
    failure: 'agent_gone',
    exit: { code: 3 },
    text: 'echo ended in the middle of its turn (exit code 3)\nno such model',
  });
  await session.close(100);
});

describe('a tool that ends by itself before its first word', () => {
  it.each([
    {
      what: 'the first line of its errors',
      script: 'echo usage; echo; { echo "no option --x"; echo more; } >&2; exit 1',
    },
    { what: 'what it printed, where it has no errors', script: 'echo; echo no option --x; exit 1' },
  ])('is told as an error with $what, not as a death', async ({ script }) => {
    const { session, events } = open(script);
    await session.prompt('anything');
    const text = 'no start: 1, no option --x';
    expect(await events.ended()).toMatchObject({ outcome: 'failed', failure: 'start_failed', exit: { code: 1 }, text });
    const state = events.of('state').at(-1);
    expect(state).toMatchObject({ state: 'error', exact: true, evidence: text, untilMs: expect.any(Number) });
    await session.close(100);
  });

  it('has died where it was killed', async () => {
    const { session, events } = open('kill -9 $$');
    await session.prompt('anything');
    expect(await events.ended()).toMatchObject({ failure: 'agent_gone', exit: { signal: 'SIGKILL' } });
    await session.close(100);
  });

  it('has only ended where it was told to', async () => {
    const { session, events } = open("trap 'exit 0' TERM; while :; do sleep 0.1; done", {
      limits: { interruptMs: 50 },
    });
    await session.prompt('anything');
    await session.interrupt();
    expect(await events.ended()).toMatchObject({ outcome: 'interrupted' });
    expect(events.of('state').at(-1)).toMatchObject({ state: 'exited' });
    await session.close(100);
  });

  it('has died where a process before it had spoken', async () => {
    const gate = join(mkdtempSync(join(tmpdir(), 'skep-start-')), 'spoke');
    const { session, events } = open(`[ -e ${gate} ] && exit 1; touch ${gate}; echo {}; exit 1`);
    for (let turn = 0; turn < 2; turn += 1) {
      await session.prompt('anything');
      expect(await events.ended()).toMatchObject({ failure: 'agent_gone', exit: { code: 1 } });
    }
    await session.close(100);
    rmSync(dirname(gate), { recursive: true });
  });
});

it('gives up a process that nothing was asked of before the node died', async () => {
  const { session, events, start } = open('echo ready; read -r line');
  await session.follow(await start());
  expect(await events.ended()).toMatchObject({ outcome: 'failed', exit: { error: 'holder_lost' } });
  await session.close(100);
});

it('goes on with the rest of the limit of a turn that it attaches to', async () => {
  const limits = { interruptMs: 50 };
  const { session, events, start } = open('echo ready; while read -r line; do :; done', { limits });
  const proc = await start();
  await proc.write(`${turnName(Date.now() - HOUR_MS)} anything`);
  await session.follow(proc);
  expect(await events.ended()).toMatchObject({ outcome: 'timed_out' });
  await session.close(100);
});

it('refuses a prompt that no line can carry, and is as it was', async () => {
  const { session, events } = open('while read -r line; do echo end; done');
  await expect(session.prompt('x'.repeat(1024 * 1024))).rejects.toMatchObject({ code: 'too_long' });
  await session.prompt('short');
  expect(await events.ended()).toMatchObject({ outcome: 'completed' });
  await session.close(100);
});

it('leaves a line out that is too long, says so, and goes on', async () => {
  const { session, events } = open(
    'read -r line; head -c 17000000 /dev/zero | tr "\\0" x; echo; echo end; read -r more',
  );
  await session.prompt('anything');
  expect(await events.ended()).toMatchObject({ outcome: 'completed' });
  expect(events.of('delta')).toEqual([
    { kind: 'delta', stream: 'stderr', text: expect.stringContaining('17000000 bytes in one line were left out') },
  ]);
  await session.close(100);
});

it('names turns by when they were asked for', () => {
  expect(turnName(1_795_700_000_123)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(turnNameMs(turnName(1_795_700_000_123))).toBe(1_795_700_000_123);
  expect(turnNameMs('01a1b2c3')).toBeUndefined();
});
