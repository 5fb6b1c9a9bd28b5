/** Agents in terminals: what watching a hundred busy panes costs, beside one `capture-pane` process a pane a second, and how soon another node knows of a pane's change. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { socketPath } from '../src/socket-path.ts';
import { familyCpuUs } from './child.ts';
import type { Report } from './figures.ts';
import { judge, judgeRatio, quantile, SeriesBook } from './figures.ts';
import { descendants } from './memory.ts';
import { AgentStatus } from './pane-status.ts';
import type { Stage } from './stage.ts';
import { freePort } from './stage.ts';
import type { SwarmNode } from './swarm-node.ts';
import { linked, startSwarmNode } from './swarm-node.ts';

const PANES = 100;
const WATCHED_MS = 5_000;
/** A node that was just started, or has just left, is let come to rest. */
const SETTLE_MS = 2_000;
const READY_MAX_MS = 60_000;
const LOOK_MS = 250;
/** Loops of `capture-pane` side by side: one alone does not get through a hundred panes in a second on a busy machine. */
const LOOPS = 4;
/** A round. */
const CHANGES = 40;
/** What a screen shows, by the status that it means. */
const SHOWN = { idle: '$ ', busy: 'working (esc to interrupt)', waiting: 'Go on? [y/N] ' } as const;
const TURNS = ['busy', 'waiting', 'busy', 'idle'] as const;
/** Between two changes, so that none meets the one before; of different length, so that they meet every phase of whatever runs by the clock. */
const apartMs = (change: number): number => 300 + ((change * 37) % 250);

const program = (name: string): string => fileURLToPath(new URL(`load/${name}`, import.meta.url));
const tmuxSocket = (node: SwarmNode): string => socketPath(join(node.stateDir, 'tmux'), 'tmux');
const tmux = (socket: string, ...args: string[]): string =>
  execFileSync('tmux', ['-S', socket, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

type Costs = { serverUs: number; watchersUs: number };

export async function panes(stage: Stage): Promise<Report> {
  const book = new SeriesBook();
  await costOfWatching(stage, book);
  await timeToKnow(stage, book);
  const [skep, peer] = [book.need('skep node, above nobody'), book.need('capture-pane, above nobody')];
  return {
    name: 'panes',
    about: `${PANES} panes on one tmux server, each printing ten lines a second like an agent at work. In turns, ${WATCHED_MS / 1000} s each: a skep node that has the panes as agents, one \`capture-pane\` process a pane a second on the same panes, and nobody. Counted: the tmux server, whoever watches and all its children, those that have ended included; not the programs in the panes. What the server takes while nobody watches is subtracted from both. Then two linked nodes and a pane of the first that shows an agent at work, a question and a prompt in turns, ${CHANGES} changes a round: from the line that its program is given to the event at the second node that tells the agent's new status.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      judgeRatio('watching 100 busy panes: skep / capture-pane', skep, peer, { atMost: 0.2 }),
      judge('change of a pane known at another node, p99', 'ms', book.need('pane to other node, p99').values, {
        atMost: 500,
      }),
    ],
    versions: { tmux: execFileSync('tmux', ['-V'], { encoding: 'utf8' }).trim().replace('tmux ', '') },
    missing: [],
    notes: [
      'In one round with the looks at panes at work switched off, most of what skep costs was still there: tmux tells the client of every print (`%output`), a thousand times a second here. Tried by hand with a bare control client on such panes, twice, for 6 s each, at a load of 16: that telling takes 3 to 4 % of a core of the server alone; with every pane held back (`refresh-client -A %N:pause`) it takes 0.3 to 1 %, and 1 to 2 % with a look at each pane a second, `continue` included. It is not built: a pane that is held back says nothing when its run ends, so the end would be known up to a second later, and the bar for that is half a second. By these numbers, looks four times a second would cost what was saved.',
    ],
  };
}

async function costOfWatching(stage: Stage, book: SeriesBook): Promise<void> {
  const state = { dataDir: join(stage.dir, 'watch'), p2pPort: await freePort() };
  const start = (): Promise<SwarmNode> => startSwarmNode(stage, { name: 'watch', state, agentsGoOn: true });
  let node = await start();
  const socket = tmuxSocket(node);
  stage.atEnd(() => endServer(socket));
  const busy = shortScript(stage, 'busy-pane.sh');
  for (let n = 1; n <= PANES; n += 1) await addAgent(node, { name: `busy-${n}`, tool: `bash ${busy}` });
  for (let round = 1; round <= stage.rounds; round += 1) {
    if (round > 1) node = await start();
    await allRunning(node);
    const server = Number(tmux(socket, 'display-message', '-p', '#{pid}'));
    await sleep(SETTLE_MS);
    const watched = node.child.pid;
    const ours = await spent(server, () => [watched, ...descendants(watched)]);
    await node.child.stop();
    await sleep(SETTLE_MS);
    const nobody = await spent(server, () => []);
    const theirs = await captured(stage, { socket, server });
    const above = (costs: Costs): number => sharePercent(costs.serverUs - nobody.serverUs + costs.watchersUs);
    book.add('skep node, above nobody', '% of a core', above(ours));
    book.add('capture-pane, above nobody', '% of a core', above(theirs));
    book.add('tmux server, nobody watching', '% of a core', sharePercent(nobody.serverUs));
    book.add('tmux server, skep watching', '% of a core', sharePercent(ours.serverUs));
    book.add('node and its tmux client', '% of a core', sharePercent(ours.watchersUs));
    book.add('captures a second of the peer', '1/s', theirs.captures / (WATCHED_MS / 1000));
    stage.say(
      `round ${round}: skep ${above(ours).toFixed(1)} %, capture-pane ${above(theirs).toFixed(1)} % of a core above nobody`,
    );
  }
  endServer(socket);
}

function endServer(socket: string): void {
  try {
    tmux(socket, 'kill-server');
  } catch {
    // It has ended already.
  }
}

const sharePercent = (us: number): number => (us / 1000 / WATCHED_MS) * 100;

/** A tool's command line has at most 64 characters, which the path of this checkout may exceed. */
function shortScript(stage: Stage, name: string): string {
  const path = join(stage.dir, name);
  writeFileSync(path, readFileSync(program(name)));
  return path;
}

/** What the server and the watchers take while they are let be. The watchers are processes that live through it, with what they start. */
async function spent(server: number, watchers: () => readonly number[]): Promise<Costs> {
  const before = new Map(watchers().map((pid) => [pid, familyCpuUs(pid)]));
  const serverUs = familyCpuUs(server);
  await sleep(WATCHED_MS);
  const found = { serverUs: familyCpuUs(server) - serverUs, watchersUs: 0 };
  for (const [pid, us] of before) found.watchersUs += familyCpuUs(pid) - us;
  return found;
}

async function captured(
  stage: Stage,
  { socket, server }: { socket: string; server: number },
): Promise<Costs & { captures: number }> {
  const ids = [
    ...new Set(
      tmux(socket, 'list-panes', '-a', '-f', '#{m:vl-agent-*,#{session_name}}', '-F', '#{pane_id}').split('\n'),
    ),
  ];
  if (ids.length !== PANES) throw new Error(`${ids.length} panes, not ${PANES}`);
  const counts = join(stage.dir, 'captures');
  writeFileSync(counts, '');
  const loops = Array.from({ length: LOOPS }, (_, at) => {
    const own = ids.filter((_id, n) => n % LOOPS === at);
    return stage.start({ name: 'capture-pane', argv: ['bash', program('capture-panes.sh'), socket, counts, ...own] });
  });
  const done = (): number =>
    readFileSync(counts, 'utf8')
      .split('\n')
      .reduce((sum, line) => sum + Number(line), 0);
  await sleep(SETTLE_MS);
  const before = done();
  const costs = await spent(server, () => loops.map(({ pid }) => pid));
  const captures = done() - before;
  for (const loop of loops) await loop.stop();
  return { ...costs, captures };
}

async function addAgent(node: SwarmNode, agent: { name: string; tool: string }): Promise<string> {
  const headers = { authorization: `Bearer ${node.token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${node.url}/api/swarm/agents`, { method: 'POST', headers, body: JSON.stringify(agent) });
  if (answer.status !== 201) throw new Error(`an agent was refused: ${await answer.text()}`);
  const { id }: { id: string } = JSON.parse(await answer.text());
  return id;
}

async function allRunning(node: SwarmNode): Promise<void> {
  const untilMs = performance.now() + READY_MAX_MS;
  for (;;) {
    const headers = { authorization: `Bearer ${node.token}` };
    const answer = await fetch(`${node.url}/api/swarm/agents`, { headers });
    const agents: { status: string }[] = JSON.parse(await answer.text());
    const running = agents.filter(({ status }) => status === 'busy').length;
    if (running === PANES) return;
    if (performance.now() > untilMs)
      throw new Error(
        `${running} of ${PANES} agents are seen at work: ${[...new Set(agents.map(({ status }) => status))].join(', ')}`,
      );
    await sleep(LOOK_MS);
  }
}

async function timeToKnow(stage: Stage, book: SeriesBook): Promise<void> {
  const state = { dataDir: join(stage.dir, 'know') };
  const first = await startSwarmNode(stage, { name: 'know-1', state });
  const second = await startSwarmNode(stage, { name: 'know-2', state, seed: first });
  await linked(second, 2);
  const pipe = join(stage.dir, 'told');
  execFileSync('bash', ['-c', 'mkfifo -m 600 "$0"', pipe]);
  const tool = `bash ${shortScript(stage, 'told-pane.sh')}`;
  const agent = await addAgent(first, { name: 'told', tool });
  const status = await AgentStatus.follow(second, agent);
  const told = openSync(pipe, 'r+');
  const change = async (to: keyof typeof SHOWN): Promise<number> => {
    const began = performance.now();
    writeSync(told, `${SHOWN[to]}\n`);
    await status.is(to);
    return performance.now() - began;
  };
  await change('idle');
  for (let round = 1; round <= stage.rounds; round += 1) {
    const times: number[] = [];
    for (let n = 0; n < CHANGES; n += 1) {
      await sleep(apartMs(n));
      times.push(await change(TURNS[n % TURNS.length] ?? 'idle'));
    }
    const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
    book.add('pane to other node, p50', 'ms', p50);
    book.add('pane to other node, p99', 'ms', p99);
    stage.say(
      `round ${round}: a pane's change is known at the other node after ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
    );
  }
  closeSync(told);
  status.close();
}
