/** The hub beside those who do one of its parts: what passes by beside core NATS and a loop of `ws`, what is kept beside JetStream; and 10,000 connections. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.ts';
import type { Report, Verdict } from './figures.ts';
import { judge, judgeRatio, SeriesBook } from './figures.ts';
import type { Fan } from './load/fan-out.ts';
import { guest, hubFan, loopFan, natsFan, natsWebFan, several } from './load/fan-out.ts';
import type { Talking } from './load/spoken.ts';
import { hubTalking, jetStreamTalking, speak } from './load/spoken.ts';
import { memoryMb } from './memory.ts';
import { APT_LINE, install, startNats, versionOf } from './peer.ts';
import type { Stage } from './stage.ts';
import { freePort, syncCostMs } from './stage.ts';
import type { SwarmNode } from './swarm-node.ts';
import { startSwarmNode } from './swarm-node.ts';

/** Nobody is held back for speaking fast: the server is what is measured. */
const UNBOUND = ['--hub-keys', 'any', '--hub-pace', '0', '--messages-per-minute', '1000000'];
const RUN_MS = 1_500;
/** Before the first round: a server that compiles as it runs has done so by then. */
const WARMUP_MS = 3_000;
/** Texts under way at once, and said at once. */
const SIGNALS = [
  { hearing: 20, window: 2_000, burst: 32, channel: '#help' },
  { hearing: 200, window: 400, burst: 32, channel: '#love' },
] as const;
const BROADCAST = { hearing: 1_000, window: 40, burst: 1, channel: '#agents' } as const;
const TALKERS = 20;
const TALK_WINDOW = 60;
const TALK_MS = 3_000;
const PER_SECOND = 1_000;
const CROWD = 10_000;
/** What the connecting left behind is let go of by then. */
const CROWD_REST_MS = 3_000;

type Speaking = { what: string; pid: number; fan: Fan; window: number; burst: number };
type Kept = { what: string; pid: number; talking: Talking };

export async function hub(stage: Stage): Promise<Report> {
  install('nats-server', 'nats-server');
  const version = versionOf('nats-server');
  const book = new SeriesBook();
  const { skep, port } = await startHub(stage, 'hub');
  const nats = version === undefined ? undefined : await startNats(stage);
  const speaking = await allSpeaking(stage, { skep: skep.child, port, nats });
  const kept: Kept[] = [{ what: 'skep', pid: skep.child.pid, talking: await hubTalking(port, TALKERS) }];
  if (nats !== undefined)
    kept.push({ what: 'JetStream', pid: nats.child.pid, talking: await jetStreamTalking(nats.webPort, TALKERS) });
  for (const one of speaking) await one.fan.measure({ ...one, runMs: WARMUP_MS });
  for (const { pid, talking } of kept) await speak(talking, { pid, runMs: WARMUP_MS, window: TALK_WINDOW });
  for (let round = 1; round <= stage.rounds; round += 1) {
    for (const one of speaking) await signals(stage, book, { one, round });
    for (const one of kept) await messages(stage, book, { one, round });
    await paced(stage, book, { one: kept[0], round });
    book.add('fdatasync of 4 KB', 'ms', syncCostMs(stage.dir));
  }
  for (const { fan } of speaking) fan.close();
  for (const { talking } of kept) talking.close();
  for (const child of [skep.child, nats?.child]) await child?.stop();
  for (let round = 1; round <= stage.rounds; round += 1) await crowd(stage, book, round);
  return report(stage, book, version);
}

async function startHub(stage: Stage, name: string): Promise<{ skep: SwarmNode; port: number }> {
  const port = await freePort();
  return { skep: await startSwarmNode(stage, { name, options: ['--hub-port', String(port), ...UNBOUND] }), port };
}

async function allSpeaking(
  stage: Stage,
  { skep, port, nats }: { skep: Child; port: number; nats: Awaited<ReturnType<typeof startNats>> | undefined },
): Promise<Speaking[]> {
  const all: Speaking[] = [];
  for (const cell of SIGNALS) {
    const { hearing } = cell;
    const fans = [{ what: `skep, ${hearing}`, pid: skep.pid, fan: await hubFan(port, cell) }];
    if (nats !== undefined) {
      const { pid } = nats.child;
      fans.push({ what: `NATS over WebSocket, ${hearing}`, pid, fan: await natsWebFan(nats.webPort, hearing) });
      fans.push({ what: `NATS over its protocol, ${hearing}`, pid, fan: await natsFan(nats.port, hearing) });
    }
    all.push(...fans.map((one) => ({ ...cell, ...one })));
  }
  const loop = await stage.serve('server/ws-loop.ts', {});
  const { hearing } = BROADCAST;
  const [ours, theirs] = [await hubFan(port, BROADCAST), await loopFan(loop.port, hearing)];
  for (const window of [BROADCAST.window, 1]) {
    const how = `${hearing}, ${window === 1 ? 'one after the other' : `${window} under way`}`;
    all.push({ ...BROADCAST, window, what: `skep, ${how}`, pid: skep.pid, fan: ours });
    all.push({ ...BROADCAST, window, what: `ws loop, ${how}`, pid: loop.child.pid, fan: theirs });
  }
  return all;
}

type Cell<T> = { one: T; round: number };

async function signals(stage: Stage, book: SeriesBook, { one, round }: Cell<Speaking>): Promise<void> {
  const { perSecond, perCpuSecond } = await one.fan.measure({ ...one, runMs: RUN_MS });
  book.add(`${one.what}, per CPU second`, 'deliveries', perCpuSecond);
  book.add(one.what, 'deliveries/s', perSecond);
  stage.say(`round ${round}: ${one.what}: ${Math.round(perCpuSecond / 1e3)}k deliveries per CPU second`);
}

async function messages(stage: Stage, book: SeriesBook, { one, round }: Cell<Kept>): Promise<void> {
  const figures = await speak(one.talking, { pid: one.pid, runMs: TALK_MS, window: TALK_WINDOW });
  const what = `${one.what}, durable to ${TALKERS}`;
  book.add(`${what}, per CPU second`, 'deliveries', figures.perCpuSecond);
  book.add(what, 'deliveries/s', figures.deliveriesPerSecond);
  stage.say(
    `round ${round}: ${what}: ${Math.round(figures.perCpuSecond / 1e3)}k deliveries per CPU second, ${Math.round(figures.perSecond)} messages/s`,
  );
}

async function paced(stage: Stage, book: SeriesBook, { one, round }: Cell<Kept | undefined>): Promise<void> {
  if (one === undefined) return;
  const { p50Ms, p99Ms } = await speak(one.talking, { pid: one.pid, runMs: TALK_MS, perSecond: PER_SECOND });
  book.add(`sent to acknowledged at ${PER_SECOND} a second, p50`, 'ms', p50Ms);
  book.add(`sent to acknowledged at ${PER_SECOND} a second, p99`, 'ms', p99Ms);
  stage.say(`round ${round}: at ${PER_SECOND} a second: p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(1)} ms`);
}

/** What a node takes that holds so many who have logged in, all of it: also what it takes without them. */
async function crowd(stage: Stage, book: SeriesBook, round: number): Promise<void> {
  const { skep, port } = await startHub(stage, `crowd-${round}`);
  const without = memoryMb(skep.child.pid, 'VmRSS');
  const began = performance.now();
  const lines = await several(CROWD, (n) => guest(port, { name: `guest-${n}` }));
  const tookMs = performance.now() - began;
  await sleep(CROWD_REST_MS);
  const all = memoryMb(skep.child.pid, 'VmRSS');
  book.add('node without connections', 'MiB', without);
  book.add(`node with ${CROWD} connections`, 'MiB', all);
  book.add(`connecting ${CROWD}`, 's', tookMs / 1e3);
  stage.say(
    `round ${round}: ${CROWD} connections in ${(tookMs / 1e3).toFixed(1)} s: ${without.toFixed(0)} -> ${all.toFixed(0)} MiB`,
  );
  for (const line of lines) line.close();
  await skep.child.stop();
}

function report(stage: Stage, book: SeriesBook, version: string | undefined): Report {
  const ratio = (what: string, ours: string, theirs: string, atLeast: number): Verdict[] => {
    const peer = book.get(theirs);
    return peer === undefined ? [] : [judgeRatio(what, book.need(ours), peer, { atLeast })];
  };
  const cpu = (what: string): string => `${what}, per CPU second`;
  const under = `${BROADCAST.hearing}, ${BROADCAST.window} under way`;
  const durable = (who: string): string => `${who}, durable to ${TALKERS}`;
  const memory = book.need(`node with ${CROWD} connections`).values.map((mib) => (mib * 2 ** 20) / 1e6);
  return {
    name: 'hub',
    about: `Deliveries per CPU second of the server's own process. Signals: TYPING of one member of a channel, as a frame of WebSocket, to all others in it; NATS carries a text of that length on one subject, over its WebSocket listener, which is the same work, and over its own protocol, which is less. Broadcast: the same to ${BROADCAST.hearing} clients, beside a server that parses each text and sends it to each client by \`ws\`. Durable: MSG of 290 bytes by ${TALKERS} members of a channel, on disk (fsync) before all ${TALKERS} have it, ${TALK_WINDOW} without their acknowledgement at any time; JetStream on files, over WebSocket, acknowledged before its fsync, to ${TALKERS} push consumers without acknowledgements. Connections: guests that have logged in, at a fresh node, with all that it takes by itself.`,
    rounds: stage.rounds,
    series: book.all(),
    verdicts: [
      ...SIGNALS.flatMap(({ hearing }) =>
        ['WebSocket', 'its protocol'].flatMap((way) =>
          ratio(
            `signals to ${hearing}: skep / NATS over ${way}, per CPU second`,
            cpu(`skep, ${hearing}`),
            cpu(`NATS over ${way}, ${hearing}`),
            1.5,
          ),
        ),
      ),
      ...ratio(
        `broadcast to ${BROADCAST.hearing}: skep / loop of ws, per CPU second`,
        cpu(`skep, ${under}`),
        cpu(`ws loop, ${under}`),
        5,
      ),
      ...ratio(
        `durable to ${TALKERS}: skep / JetStream, per CPU second`,
        cpu(durable('skep')),
        cpu(durable('JetStream')),
        1,
      ),
      ...ratio(`durable to ${TALKERS}: skep / JetStream, per second`, durable('skep'), durable('JetStream'), 1),
      judge(`memory of ${CROWD} connections, the whole node`, 'MB', memory, { atMost: 250 }),
      judge(
        `sent to acknowledged at ${PER_SECOND} a second, p99`,
        'ms',
        book.need(`sent to acknowledged at ${PER_SECOND} a second, p99`).values,
        { atMost: 10 },
      ),
    ],
    versions: version === undefined ? {} : { 'nats-server': version },
    missing: version === undefined ? [`nats-server is not on PATH: ${APT_LINE}`] : [],
    notes: [
      'Those who speak and those who hear are the process of the bench, beside the server on the same machine. Under way: said and not heard by all yet.',
      'Where the time of a durable message goes (profile of the server, state in memory, 60 under way): two fifths the store, of which a third is the row of the message view with its five indexes and a fifth the op; a seventh collecting garbage; an eighth the writes to the 20; the rest in small parts: masking, hashing, the frame, the turn. At 1,000 a second nearly each has a turn of its own: a quarter are its 20 writes, a tenth its signature, a tenth its commit.',
      'What would help next: a row of the message view that does not hold the text a second time; views that follow a commit later, for their cursor lets them; a checkpoint that holds nobody up. Tried, and no difference beyond the noise of this machine: a checkpoint each 250 or 100 pages; a young generation of 8 or 16 MiB; the frames of a piece put into bytes at once.',
      'One after the other, each broadcast is a write to each client that nothing is gathered with: what is left over is the system’s writing.',
    ],
  };
}
