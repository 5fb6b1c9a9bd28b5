/** How much later a real agent CLI says its first word under a driver and a holder than it does bare, with the same arguments on plain pipes. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { ClaudeDriver } from '../src/driver/claude/driver.ts';
import { CodexDriver } from '../src/driver/codex/driver.ts';
import type { AgentDriver, SessionSpec } from '../src/agent-ports.ts';
import { parsedOpId, parsedProcId } from '../src/core/brand.ts';
import { startModelServer } from '../src/model-server/server.ts';
import { LocalRuntime } from '../src/runtime/local.ts';
import { AgentHome } from '../test/agent-clis.ts';
import type { Report } from './figures.ts';
import { judge, median, SeriesBook } from './figures.ts';
import type { Stage } from './stage.ts';

const KEY = 'bench-key';
const PROMPT = 'Say it. <<stub [{"text":"a word","chunks":1,"delayMs":0}]>>';
/** Starts of each a round, taking turns. */
const STARTS = 3;
const GRACE_MS = 2_000;
const HOUR_MS = 3_600_000;

type Subject = { tool: 'claude' | 'codex'; driver: AgentDriver };

export async function agentStart(stage: Stage): Promise<Report> {
  const model = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  const home = new AgentHome({ url: model.url, key: KEY });
  const directory = join(stage.dir, 'runtime');
  const runtime = new LocalRuntime({ directory });
  const subjects: Subject[] = [
    { tool: 'claude', driver: new ClaudeDriver({ directory: join(stage.dir, 'claude'), nowMs: Date.now }) },
    { tool: 'codex', driver: new CodexDriver({ version: '0.0.0', nowMs: Date.now }) },
  ];
  const book = new SeriesBook();
  try {
    for (let round = 0; round <= stage.rounds; round += 1) {
      for (const { tool, driver } of subjects) {
        const [driven, bare]: [number[], number[]] = [[], []];
        for (let n = 0; n < STARTS; n += 1) {
          const id = `${tool}-${round}-${n}`;
          const first = await drivenStart(driver, { id, home, runtime });
          driven.push(first.ms);
          bare.push(await bareStart(home, { argv: argvOf(directory, id), lines: first.written }));
        }
        // The first round finds nothing in memory: it warms up, also the holder.
        if (round === 0) continue;
        const above = median(driven) - median(bare);
        book.add(`${tool}, driven`, 'ms', median(driven));
        book.add(`${tool}, bare`, 'ms', median(bare));
        book.add(`${tool}, above`, 'ms', above);
        stage.say(`round ${round}: ${tool} ${median(driven).toFixed(0)} ms, bare ${median(bare).toFixed(0)} ms`);
      }
    }
  } finally {
    await runtime.stop(GRACE_MS);
    await runtime.close();
    home.remove();
    await model.close();
  }
  return {
    name: 'agent-start',
    about: `From the start of a real CLI to the first word of the scripted model, ${STARTS} times a round in turns: by its driver, under a holder that is up; and bare, the same program with the same arguments on plain pipes, given the same lines.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: subjects.map(({ tool }) =>
      judge(`first word of ${tool} above the bare one`, 'ms', book.need(`${tool}, above`).values, { atMost: 300 }),
    ),
    versions: { 'Claude Code': '2.1.328', Codex: '0.169.0' },
    missing: [],
    notes: [
      'Codex is answered between its lines: the bare one is given the next line when the answer to the last is there.',
    ],
  };
}

type Place = { id: string; home: AgentHome; runtime: LocalRuntime };

async function drivenStart(
  driver: AgentDriver,
  { id, home, runtime }: Place,
): Promise<{ ms: number; written: string[] }> {
  const spec: SessionSpec = {
    agent: parsedOpId(`${'a'.repeat(32)}-1`),
    procId: parsedProcId(id),
    cwd: home.project,
    env: home.env,
    turnLimitMs: HOUR_MS,
    resume: null,
    instructions: '',
    servers: [],
    writable: [],
  };
  const session = await driver.open(spec, runtime);
  const began = performance.now();
  await session.prompt(PROMPT);
  for await (const event of session.events) if (event.kind === 'delta' && event.stream === 'stdout') break;
  const ms = performance.now() - began;
  const written: string[] = [];
  const proc = await runtime.attach(spec.procId);
  if (proc !== undefined) for await (const line of proc.written()) written.push(line);
  await session.close(GRACE_MS);
  return { ms, written };
}

/** What the driver ran, as its runtime wrote it down. A conversation's name may be used once. */
function argvOf(directory: string, id: string): string[] {
  const { argv }: { argv: string[] } = JSON.parse(readFileSync(join(directory, 'procs', id, 'spec.json'), 'utf8'));
  return argv.map((word) => (/^[0-9a-f-]{36}$/.test(word) ? crypto.randomUUID() : word));
}

async function bareStart(home: AgentHome, o: { argv: readonly string[]; lines: readonly string[] }): Promise<number> {
  const [program = '', ...args] = o.argv;
  const began = performance.now();
  const child = spawn(program, args, {
    cwd: home.project,
    env: home.env,
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const ended = new Promise((resolve) => void child.once('close', resolve));
  const left = [...o.lines];
  let thread = '';
  const send = (): void => {
    // Up to the next request: what follows needs its answer.
    for (let line = left.shift(); line !== undefined; line = left.shift()) {
      child.stdin.write(`${line.replace(/"threadId":"[^"]*"/, `"threadId":"${thread}"`)}\n`);
      if (line.includes('"id":')) break;
    }
  };
  send();
  let ms = Number.NaN;
  for await (const line of createInterface({ input: child.stdout })) {
    thread = /"thread":\{"id":"([^"]*)"/.exec(line)?.[1] ?? thread;
    if (line.startsWith('{"id":')) send();
    if (!/text_delta|agentMessage\/delta/.test(line)) continue;
    ms = performance.now() - began;
    break;
  }
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  await ended;
  return ms;
}
