/** Allocations of the user: looked at, ended, put away. */
import type { Log } from '#slurm/launch/keep.ts';
import { EXIT, usageFailure } from '../exit.ts';
import { printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';
import { showJobs, SITE, withSite } from './slurm-site.ts';

export const status: Leaf = {
  name: 'status',
  summary: 'allocations of yours that wait or run; or how one of them ended',
  args: [['[job]', 'number of a job']],
  options: SITE,
  examples: [
    ['skep slurm status --config fleet.json', 'all'],
    ['skep slurm status 4711 --config fleet.json', 'one, also after its end'],
  ],
  run: (given, world) =>
    withSite(given, world, async ({ provider }) => {
      const [job] = given.args;
      showJobs(job === undefined ? await provider.list() : [await provider.of(job)], given, world);
      return EXIT.ok;
    }),
};

export const stop: Leaf = {
  name: 'stop',
  summary: 'end an allocation of yours; its workers leave checkpoints',
  args: [['<job>', 'number of the job']],
  options: SITE,
  examples: [['skep slurm stop 4711 --config fleet.json', 'only a job of skep’s, and of yours']],
  run: (given, world) =>
    withSite(given, world, async ({ provider }) => {
      const job = await provider.stop(given.arg(0));
      if (given.json) showJobs([job], given, world);
      else world.out.write(`Job ${job.job} was told to end (it was ${job.state}).\n`);
      return EXIT.ok;
    }),
};

export const stopAll: Leaf = {
  name: 'stop-all',
  summary: 'end all allocations of yours that skep launched',
  options: SITE,
  examples: [['skep slurm stop-all --config fleet.json', 'no other job of yours, and none of others']],
  run: (given, world) =>
    withSite(given, world, async ({ provider }) => {
      const jobs = await provider.list();
      for (const { job } of jobs) await provider.stop(job);
      if (given.json) showJobs(jobs, given, world);
      else world.out.write(jobs.map(({ job, state }) => `Job ${job} was told to end (it was ${state}).\n`).join(''));
      return EXIT.ok;
    }),
};

export const logs: Leaf = {
  name: 'logs',
  summary: 'what the agents of an allocation said last, and its batch script',
  args: [['<job>', 'number of the job']],
  options: [
    ...SITE,
    { flags: '--node <number>', about: 'of one node, from 0', kind: 'whole' },
    { flags: '--lines <n>', about: 'so many records of each', kind: 'whole', fallback: 200 },
  ],
  examples: [
    ['skep slurm logs 4711 --config fleet.json', 'all nodes'],
    ['skep slurm logs 4711 --node 2 --json --config fleet.json', 'the records of one, as they stand in its outbox'],
  ],
  run: (given, world) =>
    withSite(given, world, async ({ provider, config, login }) => {
      const { LOG_LINES_MAX, logsOf } = await import('#slurm/launch/keep.ts');
      const lines = given.whole('lines') ?? 200;
      if (lines < 1 || lines > LOG_LINES_MAX) throw usageFailure(`expected --lines from 1 to ${LOG_LINES_MAX}`);
      const kept = { provider, config, login, job: given.arg(0), lines, node: given.whole('node') };
      for (const log of await logsOf(kept)) {
        const told = log.lines.flatMap((line) => (given.json ? [line] : wordsOf(line, log)));
        world.out.write(told.map((line) => `${line}\n`).join(''));
      }
      return EXIT.ok;
    }),
};

/** What a person wants to know of a record: nothing of most. */
function wordsOf(line: string, { node }: Log): string[] {
  if (node === undefined) return [printableLine(line)];
  const { type, event, payload, error, reason, hostname } = recordIn(line);
  const told = (words: string): string[] => [
    `${String(node).padStart(2, '0')} ${words
      .split('\n')
      .map((one) => printableLine(one))
      .join('\n   ')}`,
  ];
  if (type === 'start') return told(`started on ${String(hostname)}`);
  if (type === 'complete') return told(`ended: ${String(reason)}`);
  if (type === 'worker_error') return told(`error: ${String(error)}`);
  if (type !== 'worker_event' || typeof payload !== 'object' || payload === null) return [];
  const said = new Map<string, unknown>(Object.entries(payload));
  const words = (name: string): string => {
    const value = said.get(name) ?? '';
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  if (event === 'assistant') return told(words('content'));
  if (event === 'agent_error') return told(`error: ${words('message')}`);
  if (event === 'command_started') return told(`$ ${words('command')}`);
  if (event === 'exec_approval_required') return told(`asks: ${words('command')}`);
  if (event === 'checkpoint') return told(`checkpoint: ${words('work')}`);
  return [];
}

function recordIn(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    // Torn, or cut at the beginning.
    return {};
  }
}

export const archive: Leaf = {
  name: 'archive',
  summary: 'put all that an ended allocation left into one file',
  args: [['<job>', 'number of the job']],
  options: SITE,
  examples: [
    ['skep slurm archive 4711 --config fleet.json', 'prints its path: archive/4711.tar.gz of the shared directory'],
  ],
  run: (given, world) =>
    withSite(given, world, async ({ provider, config, login }) => {
      const { archive: put } = await import('#slurm/launch/keep.ts');
      const path = await put({ provider, config, login, job: given.arg(0) });
      world.out.write(given.json ? `${JSON.stringify({ path })}\n` : `${path}\n`);
      return EXIT.ok;
    }),
};
