/** From nothing to a fleet: the toolchain, and the launch. */
import { resolve } from 'node:path';
import { CommandFailure, EXIT } from '../exit.ts';
import type { Given } from '../given.ts';
import { printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';
import { SITE, withSite, type Site } from './slurm-site.ts';

const said =
  (world: World) =>
  (stage: string, message: string): void =>
    world.err.write(`${stage}: ${printableLine(message)}\n`);

export const launch: Leaf = {
  name: 'launch',
  summary: 'submit an allocation, one agent a node, and wait until they listen',
  options: [
    ...SITE,
    { flags: '--nodes <number>', about: 'how many agents (1)', kind: 'whole' },
    { flags: '--tool <tool>', about: 'codex, claude, acp COMMAND', fallback: 'codex' },
    { flags: '--time <time>', about: 'walltime, as Slurm writes it' },
    { flags: '--partition <name>', about: 'instead of the one in the file' },
    { flags: '--account <name>', about: 'instead of the one in the file' },
    { flags: '--qos <name>', about: 'instead of the one in the file' },
    { flags: '--mem <size>', about: 'memory of each node, as Slurm writes it' },
    { flags: '--prompt <text>', about: 'what each agent is told first' },
    { flags: '--persona <path>', about: 'an AGENTS.md, or a directory with it and with skills/' },
    { flags: '--continue <job>', about: 'go on with the agents of an allocation that is over' },
    { flags: '--detach', about: 'do not wait until the agents listen' },
    { flags: '--dry-run', about: 'print the batch script, and do nothing' },
  ],
  examples: [
    ['skep slurm launch --config fleet.json --nodes 4 --time 01:00:00', 'prints JOB_ID=…'],
    ['skep slurm launch --config fleet.json --nodes 4 --dry-run', 'the script that would be submitted'],
    ['skep slurm launch --config fleet.json --nodes 2 --provider local', 'two agents on this machine, without Slurm'],
  ],
  run: (given, world) =>
    withSite(given, world, async (site) => {
      const wanted = {
        nodes: given.whole('nodes') ?? 1,
        tool: given.text('tool') ?? 'codex',
        time: given.text('time'),
        partition: given.text('partition'),
        account: given.text('account'),
        qos: given.text('qos'),
        mem: given.text('mem'),
      };
      if (given.flag('dryRun')) {
        const { scriptOf } = await import('#slurm/launch/script.ts');
        world.out.write(scriptOf(site.config, wanted, '0'.repeat(16)));
        return EXIT.ok;
      }
      const { readPersona } = await import('#slurm/launch/persona.ts');
      const [prompt, persona, continues] = ['prompt', 'persona', 'continue'].map((name) => given.text(name));
      const told = {
        ...(prompt === undefined ? {} : { prompt }),
        ...(persona === undefined ? {} : { persona: readPersona(resolve(world.cwd, persona)) }),
        ...(continues === undefined ? {} : { continues }),
      };
      const job = await site.provider.launch(wanted, told, said(world));
      world.out.write(given.json ? `${JSON.stringify({ job })}\n` : `JOB_ID=${job}\n`);
      const tellsOfThread = wanted.tool === 'codex' && continues === undefined;
      if (!given.flag('detach')) await waited({ site, world, job, nodes: wanted.nodes, tellsOfThread });
      return EXIT.ok;
    }),
};

/** Whoever does not want to wait any more leaves the job as it is. */
async function waited(o: {
  site: Site;
  world: World;
  job: string;
  nodes: number;
  tellsOfThread: boolean;
}): Promise<void> {
  const { site, world, ...rest } = o;
  const { untilReady } = await import('#slurm/launch/ready.ts');
  const stopped = new AbortController();
  const off = world.onInterrupt(() => stopped.abort());
  try {
    const progress = said(world);
    await untilReady({ ...site, ...rest, progress, nowMs: () => world.now(), signal: stopped.signal });
  } finally {
    off();
  }
}

const BUNDLE_AGENTS = ['codex', 'claude'] as const;

export const bundle: Leaf = {
  name: 'bundle',
  summary: 'put Node, an agent and skep into one file, for a cluster without a network',
  args: [['<file>', 'the file to write']],
  options: [
    { flags: '--agent <name>', about: 'codex, claude; several times for both (codex)', kind: 'list' },
    { flags: '--arch <arch>', about: 'of the compute nodes', choices: ['x64', 'arm64'], fallback: 'x64' },
  ],
  examples: [['skep slurm bundle fleet-tools.tar.gz', 'at the versions that were tested; needs npm and its registry']],
  run: async (given, world) => {
    await made(given, world, resolve(world.cwd, given.arg(0)));
    world.out.write(`${given.arg(0)}\n`);
    return EXIT.ok;
  },
};

async function made(given: Given, world: World, file: string): Promise<void> {
  const { makeBundle } = await import('#slurm/launch/tools.ts');
  const named = given.list('agent');
  const agents = BUNDLE_AGENTS.filter((agent) => (named.length === 0 ? agent === 'codex' : named.includes(agent)));
  const arch = given.text('arch') === 'arm64' ? 'arm64' : 'x64';
  const progress = (message: string): void => world.err.write(`${message}\n`);
  await makeBundle({ file, agents, arch, env: world.env, progress }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(EXIT.negative, `no bundle was made: ${why}`, { cause });
  });
}

export const bring: Leaf = {
  name: 'bring',
  summary: 'put the toolchain of a bundle below the shared directory, once',
  args: [['<bundle>', 'a file that skep slurm bundle wrote']],
  options: SITE,
  examples: [['skep slurm bring fleet-tools.tar.gz --config fleet.json', 'to tools/; again, it does nothing']],
  run: (given, world) =>
    withSite(given, world, async ({ config, login, provider }) => {
      const { bringBundle } = await import('#slurm/launch/tools.ts');
      const isNew = await bringBundle({ config, login, provider, file: resolve(world.cwd, given.arg(0)) });
      if (given.json) world.out.write(`${JSON.stringify({ brought: isNew })}\n`);
      else world.out.write(isNew ? 'The toolchain stands in tools/.\n' : 'This bundle stands there already.\n');
      return EXIT.ok;
    }),
};
