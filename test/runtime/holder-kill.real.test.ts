// Needs: half a minute of two cores
import { setTimeout } from 'node:timers/promises';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { markOf, procDirectory } from '#runtime/layout.ts';
import type { ProcSpec } from '#ports.ts';
import type { LocalRuntime } from '#runtime/local.ts';
import { codeOf } from '#runtime/refusal.ts';
import { ProcTable } from '#runtime/proc-table.ts';
import { linesOf, script, soon } from '../contract/runtime.ts';
import { holderPid, makeLocalHome, type LocalHome } from './local-home.ts';

const ROUNDS = 40;
const PROCS = 5;

/** Somewhere within the start, the life and the end of a process; the seed of it all is the load of the machine. */
const anyMoment = (upToMs: number): Promise<void> => setTimeout(Math.random() * upToMs);

const table = new ProcTable();

function killIfAlive(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It was killed in an earlier round, and nobody has needed another one since.
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

type Fate = 'ended' | 'lost' | 'not started';

async function fateOf(home: LocalHome, runtime: LocalRuntime, spec: ProcSpec): Promise<Fate> {
  try {
    const proc = await soon('the start', runtime.start(spec));
    const lines = await linesOf(proc.lines);
    const { code, signal, error } = await soon('the exit', proc.exited);
    if (error === 'holder_lost' && code === null && signal === null) return 'lost';
    if (error === null && code === 3 && lines.join() === 'said') return 'ended';
    throw new Error(`an end that is none: ${JSON.stringify({ code, signal, error, lines })}`);
  } catch (error) {
    if (codeOf(error) === 'holder_lost' && !existsSync(procDirectory(home.directory, spec.id))) return 'not started';
    throw error;
  }
}

/** Starts a process that leaves a daemon, sees it end one way or the other, and that nothing is left of it. */
async function live(home: LocalHome, runtime: LocalRuntime): Promise<Fate> {
  await anyMoment(60);
  const spec = script('setsid sleep 600 & echo said; sleep 0.05; exit 3');
  const fate = await fateOf(home, runtime, spec);
  const left = await table.find({ mark: markOf(home.directory, spec.id), session: undefined });
  expect({ fate, left }).toEqual({ fate, left: [] });
  return fate;
}

it('a holder killed at any moment leaves no process behind and no node without an answer', async () => {
  const home = makeLocalHome();
  const counted = { ended: 0, lost: 0, 'not started': 0 };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const runtime = home.open();
      const kill = anyMoment(160).then(() => killIfAlive(holderPid(home.directory)));
      const lives = Array.from({ length: PROCS }, () => live(home, runtime));
      for (const how of await Promise.all(lives)) counted[how] += 1;
      await kill;
      await runtime.close();
    }
  } finally {
    await home.remove();
  }
  expect(counted.ended).toBeGreaterThan(0);
  expect(counted.lost).toBeGreaterThan(0);
}, 120_000);
