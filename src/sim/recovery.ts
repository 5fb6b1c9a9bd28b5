/** How long a task takes from its creation to its end, by what goes wrong meanwhile: the product's defaults, work of 20 s, links of 1 to 20 ms. */
import { Scenario } from './scenario.ts';

/** The moment at which something goes wrong is spread over a heartbeat, as it is in life. */
const CASES: Readonly<Record<string, string>> = {
  'no fault': 'create t at 0; settle',
  'home dies as all know of the task, its grant mostly out': 'create t at 0; die home after known t; settle',
  'home dies after the grant': 'create t at 0; wait 0-15 after start t; die home; settle',
  'the grantee dies': 'create t at 0; wait 0-15 after start t; die grantee; settle',
  'the grantee restarts, its agent dead':
    'create t at 0; wait 0-15 after start t; crash grantee; wait 1-10; start grantee; settle',
  'the grantee restarts, its agent alive':
    'create t at 0; wait 0-15 after start t; kill grantee; wait 1-10; start grantee; settle',
  'a voter dies': 'create t at 0; wait 0-15 after start t; die voter; settle',
  'the grantee is cut off for 300 s': 'create t at 0; wait 0-15 after start t; cut grantee; wait 300; heal; settle',
  'the same on 3 nodes with 3 voters': 'swarm 3 voters 3; create t at 0; die home after known t; settle',
  '1 voter, home away for 60 s':
    'swarm 3 voters 1; create t at 0; wait 0-15 after start t; kill home; wait 60; start home; settle',
};

export type Recovery = {
  name: string;
  ended: number;
  seeds: number;
  p50Ms: number;
  maxMs: number;
  violations: string[];
};

/** One case at a time. */
export async function* recoveries(seeds: number): AsyncGenerator<Recovery> {
  for (const [name, text] of Object.entries(CASES)) {
    const took: number[] = [];
    const violations: string[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const verdict = await new Scenario(text, { seed }).run();
      violations.push(...verdict.violations);
      const ms = verdict.tookMs.get('t');
      if (ms !== undefined) took.push(ms);
    }
    took.sort((a, b) => a - b);
    yield {
      name,
      seeds,
      ended: took.length,
      p50Ms: took[Math.floor(took.length / 2)] ?? Number.NaN,
      maxMs: took.at(-1) ?? Number.NaN,
      violations,
    };
  }
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

export const RECOVERY_HEAD = '| what goes wrong | ended | create to end, p50 | max |\n|---|---|---|---|';
export const recoveryRow = ({ name, ended, seeds, p50Ms, maxMs }: Recovery): string =>
  `| ${name} | ${ended} of ${seeds} | ${seconds(p50Ms)} s | ${seconds(maxMs)} s |`;
