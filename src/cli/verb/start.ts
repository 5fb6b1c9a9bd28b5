/** `skep start`: what `npm start` does. Three nodes on this machine, and everything needed to try them. */
import { mkdir } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { socketPath, stateDirOf } from '#socket-path.ts';
import { NodeGone } from '../client.ts';
import type { ExitCode } from '../exit.ts';
import { CommandFailure, EXIT, usageFailure } from '../exit.ts';
import { findSettings } from '../find-settings.ts';
import type { Given } from '../given.ts';
import { connectSocket } from '../socket-client.ts';
import { agentClisOn } from '../start/agent-clis.ts';
import { Child } from '../start/child.ts';
import { makeDemoRepository } from '../start/demo-repository.ts';
import type { NodePlan } from '../start/plan.ts';
import { childEnvironment, logOf, planNodes, PORT_BASE_MAX } from '../start/plan.ts';
import { ensureProject, pausedAgents, waitForSwarm } from '../start/settle.ts';
import { checkPorts, deathHints, Supervisor } from '../start/supervisor.ts';
import type { Welcome } from '../start/welcome.ts';
import { linesToPaste, quoted, welcomeText } from '../start/welcome.ts';
import { paint } from '../table.ts';
import { cut } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';
import { loginLink } from './open.ts';

export const start: Leaf = {
  name: 'start',
  summary: 'try it: one emperor and two workers on this machine',
  about:
    'Three real nodes (http 9090 to 9092, mesh 7101 to 7103) with an agent for scripts on each worker, a hub (6667), and a demo\n' +
    'repository to work in. Prints a login link and curl lines to paste. Ctrl-C stops all of it, a second one at once;\n' +
    'the next start with the same data directory goes on where this one ended.',
  options: [
    { flags: '--data-dir <dir>', about: 'where the nodes keep what they keep (./data)' },
    {
      flags: '--port-base <port>',
      about: 'http ports from here on, mesh ports ten above, discovery twenty, the hub thirty',
      kind: 'whole',
    },
  ],
  examples: [
    ['skep start', 'the same as npm start in a clone'],
    ['skep start --data-dir /tmp/try --port-base 20000', 'elsewhere, beside another swarm'],
  ],
  run: async (given, world) => {
    const { values } = await findSettings(given, world, { usesFile: false, only: ['dataDir'] });
    const portBase = given.whole('portBase');
    if (portBase !== undefined && (portBase < 1024 || portBase > PORT_BASE_MAX)) {
      throw usageFailure(`--port-base: expected a port from 1024 to ${PORT_BASE_MAX}, got ${portBase}`);
    }
    const nodes = planNodes({ dataDir: values.dataDir, portBase });
    await checkNotRunning(nodes, values.dataDir);
    await checkPorts(nodes, `${programOf(world)} start --port-base 20000 --data-dir ${quoted(values.dataDir)}`);
    await mkdir(dirname(logOf(values.dataDir, 'x')), { recursive: true, mode: 0o700 });
    return supervise({ nodes, dataDir: values.dataDir, given, world });
  },
};

/** Whoever starts it twice most likely wants to see what runs. */
async function checkNotRunning(nodes: readonly NodePlan[], dataDir: string): Promise<void> {
  for (const { name, p2pPort } of nodes) {
    const path = socketPath(stateDirOf(dataDir, p2pPort), 'admin');
    const runs = await connectSocket(path).catch((error: unknown) => {
      if (error instanceof NodeGone) return undefined;
      throw error;
    });
    runs?.close();
    if (runs === undefined) continue;
    const which = `--data-dir ${quoted(dataDir)} --p2p-port ${p2pPort}`;
    throw new CommandFailure(EXIT.negative, `${name} of this data directory runs already`, {
      hints: [
        `look at it: skep status ${which}`,
        `log in: skep open ${which}`,
        'or stop it first: Ctrl-C where it runs',
      ],
      detail: { code: 'runs_already' },
    });
  }
}

type Start = { nodes: readonly NodePlan[]; dataDir: string; given: Given; world: World };

async function supervise(o: Start): Promise<ExitCode> {
  const { world } = o;
  const asked = Promise.withResolvers<'asked'>();
  let requests = 0;
  const supervisor = new Supervisor(o.nodes.map((plan) => spawnNode(plan, o)));
  const off = world.onInterrupt(() => {
    requests += 1;
    if (requests === 1) asked.resolve('asked');
    else supervisor.kill();
  });
  try {
    const ready = await Promise.race([supervisor.up().then(() => welcome(o)), asked.promise]);
    if (ready !== 'asked') {
      show(ready, o);
      const over = await Promise.race([asked.promise, supervisor.watch((ended) => tellDeath(ended, o))]);
      if (over !== 'asked') return EXIT.negative;
    }
    world.err.write('\nStopping the nodes and their agents (Ctrl-C again: at once)\n');
    await supervisor.stop();
    tellStopped({ killed: requests > 1, dead: supervisor.dead }, world);
    return requests > 1 ? EXIT.interrupted : EXIT.ok;
  } finally {
    await supervisor.stop();
    off();
  }
}

function spawnNode(plan: NodePlan, { world, given }: Start): Child {
  // With what bin/skep says to V8.
  const command: [string, ...string[]] = [
    process.execPath,
    ...process.execArgv,
    fileURLToPath(new URL('../../../bin/skep.mjs', import.meta.url)),
  ];
  const out = given.json ? world.err : world.out;
  const prefix = paint(out, 'dim', `${plan.name.padEnd(8)} | `);
  const onLine = (line: string): void => out.write(`${prefix}${cut(line, Math.max(40, (out.columns ?? 171) - 11))}\n`);
  return new Child({ plan, command, env: childEnvironment(world.env), onLine });
}

async function welcome({ nodes, dataDir, world }: Start): Promise<Welcome> {
  const [emperor] = nodes;
  const node = await connectSocket(socketPath(stateDirOf(dataDir, emperor?.p2pPort ?? 0), 'admin'));
  try {
    const wanted = { nodes: nodes.length, agents: nodes.filter((plan) => plan.role === 'worker').length };
    const [repository, agentClis, seen] = await Promise.all([
      makeDemoRepository(dataDir, world.env),
      agentClisOn(world.env['PATH']),
      waitForSwarm(node, wanted),
    ]);
    if (seen.nodes < wanted.nodes || seen.agents < wanted.agents) {
      world.err.write(
        `The emperor sees ${seen.nodes} of ${wanted.nodes} nodes and ${seen.agents} of ${wanted.agents} agents so far: see bin/skep peers\n`,
      );
    }
    await ensureProject(node, repository);
    const paused = await pausedAgents(node);
    const { link } = await loginLink(node, 'operator');
    const tokenFromEnvironment = (world.env['SKEP_TOKEN'] ?? '') !== '';
    return {
      nodes,
      dataDir,
      repository,
      loginLink: link,
      agentClis: agentClis.filter((name) => !paused.some(({ tool }) => tool === name)),
      pausedAgents: paused.map(({ name }) => name),
      tokenFromEnvironment,
      program: programOf(world),
      cwd: world.cwd,
    };
  } finally {
    node.close();
  }
}

/** `bin/skep` in a clone; elsewhere the whole path, so that lines can be pasted. */
function programOf({ cwd }: World): string {
  const path = resolve(fileURLToPath(new URL('../../../bin/skep', import.meta.url)));
  const near = relative(cwd, path);
  return quoted(near.startsWith('..') ? path : near);
}

function show(ready: Welcome, { given, world }: Start): void {
  if (!given.json) {
    world.out.write(`${welcomeText(ready)}\n`);
    return;
  }
  const nodes = ready.nodes.map(({ name, role, httpPort, p2pPort }) => ({
    name,
    role,
    http_port: httpPort,
    p2p_port: p2pPort,
  }));
  const { loginLink: login, dataDir, repository, agentClis, pausedAgents: paused } = ready;
  const shown = {
    event: 'up',
    nodes,
    login,
    data_dir: dataDir,
    repository,
    agent_clis: agentClis,
    paused_agents: paused,
    paste: linesToPaste(ready),
  };
  world.out.write(`${JSON.stringify(shown)}\n`);
}

function tellDeath(
  { name, how, lines }: { name: string; how: string; lines: readonly string[] },
  { dataDir, world }: Start,
): void {
  world.err.write(`\n${paint(world.err, 'red', `${name} ended (${how}).`)} It said last:\n`);
  for (const hint of deathHints(logOf(dataDir, name), lines)) world.err.write(`  ${hint}\n`);
  world.err.write('  The others go on. Ctrl-C, then start again, brings it back.\n');
}

function tellStopped({ killed, dead }: { killed: boolean; dead: readonly string[] }, world: World): void {
  const left = killed ? ['these nodes'] : dead;
  if (left.length > 0) {
    world.err.write(
      `An agent that was at work on ${left.join(' or ')} may go on by itself; the next start finds it again.\n`,
    );
  }
  world.err.write(killed ? 'Killed.\n' : 'Stopped. The data stays; the next start goes on from here.\n');
}
