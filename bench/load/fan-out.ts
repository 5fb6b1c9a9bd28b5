/** One that speaks and many that hear it, at a hub of skep, at a server of NATS and at a plain loop of `ws`: the same text to each of them. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuUsSoFar } from '../child.ts';
import { clientFrame, WebLine } from './web-line.ts';

/** Connections that are opened at once. */
const AT_ONCE = 50;
/** So long without a byte, and what belongs to the setting up has come. */
const QUIET_MS = 200;
/** What the hub tells of one who types: what NATS carries is as long. */
const SAMPLE = JSON.stringify({
  type: 'TYPING',
  from: '@abcdefg1',
  from_name: 'speaker',
  channel: '#general',
  ts: 1_795_180_260_409,
});

type Hearer = { bytes: number; onBytes: (count: number) => void; close(): void };

export class Fan {
  readonly hearers: readonly Hearer[];
  private readonly say: (count: number) => void;
  private readonly end: () => void;
  private textBytes = Number.NaN;

  constructor(o: { hearers: readonly Hearer[]; say: (count: number) => void; end: () => void }) {
    this.hearers = o.hearers;
    this.say = o.say;
    this.end = o.end;
  }

  /** Waits for the end of what the setting up brought, and learns how long one text is. */
  async ready(): Promise<this> {
    await this.quiet();
    const before = this.bytes();
    this.say(1);
    while (this.bytes() === before) await sleep(1);
    await this.quiet();
    this.textBytes = (this.bytes() - before) / this.hearers.length;
    if (!Number.isInteger(this.textBytes)) throw new Error(`not all heard the same: ${this.textBytes}`);
    return this;
  }

  /** Keeps so many texts under way, said in bursts, and gives the deliveries and what they cost the process `pid`. */
  async measure(o: {
    pid: number;
    runMs: number;
    window: number;
    burst: number;
  }): Promise<{ perSecond: number; perCpuSecond: number }> {
    let [said, heardBytes] = [0, 0];
    const [began, cpuBegan] = [performance.now(), cpuUsSoFar(o.pid)];
    const over = Promise.withResolvers<void>();
    const textBytes = this.textBytes * this.hearers.length;
    const pump = (): void => {
      const isOver = performance.now() - began >= o.runMs;
      if (isOver && heardBytes >= said * textBytes) return over.resolve();
      while (!isOver && said - heardBytes / textBytes <= o.window - o.burst) {
        this.say(o.burst);
        said += o.burst;
      }
    };
    const heard = (count: number): void => {
      heardBytes += count;
      pump();
    };
    for (const one of this.hearers) one.onBytes = heard;
    pump();
    await over.promise;
    for (const one of this.hearers) one.onBytes = () => {};
    const [tookMs, cpuUs] = [performance.now() - began, cpuUsSoFar(o.pid) - cpuBegan];
    const deliveries = said * this.hearers.length;
    return { perSecond: (deliveries / tookMs) * 1e3, perCpuSecond: (deliveries / cpuUs) * 1e6 };
  }

  close(): void {
    this.end();
    for (const one of this.hearers) one.close();
  }

  private bytes(): number {
    let sum = 0;
    for (const one of this.hearers) sum += one.bytes;
    return sum;
  }

  private async quiet(): Promise<void> {
    for (let before = Number.NaN; before !== this.bytes();) {
      before = this.bytes();
      await sleep(QUIET_MS);
    }
  }
}

/** So many of them, some at a time. */
export async function several<T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) {
    const next = Math.min(AT_ONCE, count - made.length);
    made.push(...(await Promise.all(Array.from({ length: next }, (_none, n) => make(made.length + n)))));
  }
  return made;
}

const typeIs =
  (...types: string[]) =>
  (text: string): true | undefined =>
    types.some((type) => text.startsWith(`{"type":"${type}"`)) ? true : undefined;

/** A guest of the hub. */
export async function guest(port: number, o: { name: string; channel?: string }): Promise<WebLine> {
  const line = await WebLine.open(port);
  line.send(JSON.stringify({ type: 'IDENTIFY', name: o.name }));
  await line.hear(typeIs('WELCOME'));
  if (o.channel === undefined) return line;
  line.send(JSON.stringify({ type: 'JOIN', channel: o.channel }));
  await line.hear(typeIs('JOINED'));
  return line;
}

export async function hubFan(port: number, { channel, hearing }: { channel: string; hearing: number }): Promise<Fan> {
  const speaker = await guest(port, { name: 'speaker', channel });
  const hearers = await several(hearing, (n) => guest(port, { name: `hearer-${n}`, channel }));
  return typed(speaker, hearers, channel);
}

/** A server that tells each text to all others as it comes. */
export async function loopFan(port: number, hearing: number): Promise<Fan> {
  const speaker = await WebLine.open(port);
  return typed(speaker, await several(hearing, () => WebLine.open(port)), '#general');
}

/** Writes what `make` makes of so many texts, made once. */
function once(make: (count: number) => Buffer, speaker: WebLine): (count: number) => void {
  const made = new Map<number, Buffer>();
  return (count) => {
    const bytes = made.get(count) ?? make(count);
    made.set(count, bytes);
    speaker.write(bytes);
  };
}

function typed(speaker: WebLine, hearers: readonly WebLine[], channel: string): Promise<Fan> {
  const frame = clientFrame(JSON.stringify({ type: 'TYPING', channel }));
  const say = once((count) => Buffer.concat(Array.from({ length: count }, () => frame)), speaker);
  return new Fan({ hearers, say, end: () => speaker.close() }).ready();
}

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"echo":false}\r\n';
const subscribe = (subject: string): string => `SUB ${subject} 1\r\n`;
const publish = (subject: string, count: number): string =>
  `PUB ${subject} ${SAMPLE.length}\r\n${SAMPLE}\r\n`.repeat(count);

/** NATS over WebSocket. Its makers' client puts what is said in one turn into one frame, and so does this. */
export async function natsWebFan(port: number, hearing: number): Promise<Fan> {
  const subject = `web-${hearing}`;
  const speaker = await natsWebLine(port, '');
  const hearers = await several(hearing, () => natsWebLine(port, subscribe(subject)));
  const say = once((count) => clientFrame(publish(subject, count)), speaker);
  return new Fan({ hearers, say, end: () => speaker.close() }).ready();
}

/** Resolves when NATS has taken in the subscriptions. */
export async function natsWebLine(port: number, subscription: string): Promise<WebLine> {
  const line = await WebLine.open(port);
  line.send(`${CONNECT}${subscription}PING\r\n`);
  await line.hear((text) => (text.includes('PONG') ? true : undefined));
  return line;
}

/** NATS over its own protocol, without WebSocket: cheaper for it than what a hub has to do. */
export async function natsFan(port: number, hearing: number): Promise<Fan> {
  const subject = `raw-${hearing}`;
  const speaker = await natsLine(port, '');
  const hearers = await several(hearing, () => natsLine(port, subscribe(subject)));
  const say = (count: number): void => void speaker.socket.write(publish(subject, count));
  return new Fan({ hearers, say, end: () => speaker.close() }).ready();
}

async function natsLine(port: number, subscription: string) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const line = { socket, bytes: 0, onBytes: (_count: number): void => {}, close: (): void => void socket.destroy() };
  const ready = Promise.withResolvers<void>();
  socket.once('error', ready.reject);
  socket.on('data', (chunk: Buffer) => {
    line.bytes += chunk.length;
    if (chunk.includes('PONG')) ready.resolve();
    line.onBytes(chunk.length);
  });
  socket.write(`${CONNECT}${subscription}PING\r\n`);
  await ready.promise;
  return line;
}
