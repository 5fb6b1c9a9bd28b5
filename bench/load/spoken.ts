/** Durable messages to twenty who hear them: at a hub of skep each of them also speaks; at JetStream one speaks, and each has a push consumer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuUsSoFar } from '../child.ts';
import { quantile } from '../figures.ts';
import { guest, natsWebLine } from './fan-out.ts';
import type { WebLine } from './web-line.ts';
import { PAYLOAD } from './window.ts';

const CHANNEL = '#engineering';
const STEP_MS = 1;
const REST_MAX_MS = 30_000;

export type Spoken = {
  perSecond: number;
  deliveriesPerSecond: number;
  perCpuSecond: number;
  p50Ms: number;
  p99Ms: number;
};

/** Who speaks and hears. `say` says text `n`; what comes of it is counted in the talk that `begin` gave last. */
export type Talking = { hearing: number; begin: () => Talk; say: (n: number) => void; close: () => void };

/** What was said, and what came of it. */
class Talk {
  readonly sentMs: number[] = [];
  readonly tookMs: number[] = [];
  acknowledgements = 0;
  deliveries = 0;
  onAcknowledged: () => void = () => {};

  acknowledged(n: number): void {
    this.tookMs.push(performance.now() - (this.sentMs[n] ?? Number.NaN));
    this.acknowledgements += 1;
    this.onAcknowledged();
  }
}

/** `window`: so many texts without their acknowledgement at any time; `perSecond`: said at that pace, whatever the answers. */
export async function speak(
  talking: Talking,
  o: { pid: number; runMs: number; window: number } | { pid: number; runMs: number; perSecond: number },
): Promise<Spoken> {
  const talk = talking.begin();
  const [began, cpuBegan] = [performance.now(), cpuUsSoFar(o.pid)];
  const isOver = (): boolean => performance.now() - began >= o.runMs;
  const say = (): void => talking.say(talk.sentMs.push(performance.now()) - 1);
  if ('window' in o) {
    talk.onAcknowledged = () => void (isOver() || say());
    for (let n = 0; n < o.window; n += 1) say();
    await sleep(o.runMs);
  } else {
    while (!isOver()) {
      const due = ((performance.now() - began) / 1e3) * o.perSecond;
      while (talk.sentMs.length < due) say();
      await sleep(STEP_MS);
    }
  }
  const all = talk.sentMs.length;
  const untilMs = performance.now() + REST_MAX_MS;
  while (talk.acknowledgements < all || talk.deliveries < all * talking.hearing) {
    if (performance.now() > untilMs)
      throw new Error(`of ${all} texts ${talk.acknowledgements} acknowledged, ${talk.deliveries} delivered`);
    await sleep(STEP_MS);
  }
  const [tookMs, cpuUs] = [performance.now() - began, cpuUsSoFar(o.pid) - cpuBegan];
  return {
    perSecond: (all / tookMs) * 1e3,
    deliveriesPerSecond: (talk.deliveries / tookMs) * 1e3,
    perCpuSecond: (talk.deliveries / cpuUs) * 1e6,
    p50Ms: quantile(talk.tookMs, 0.5),
    p99Ms: quantile(talk.tookMs, 0.99),
  };
}

/** Guests of one channel that speak in turns; what one said comes back to it once it is on disk, and that is its acknowledgement. */
export async function hubTalking(port: number, hearing: number): Promise<Talking> {
  let talk = new Talk();
  const lines: WebLine[] = [];
  for (let n = 0; n < hearing; n += 1) {
    const line = await guest(port, { name: `talker${String(n).padStart(2, '0')}`, channel: CHANNEL });
    const own = `"from_name":"talker${String(n).padStart(2, '0')}"`;
    line.onText = (text) => {
      if (!text.startsWith('{"type":"MSG"')) {
        if (text.startsWith('{"type":"ERROR"')) throw new Error(text);
        return;
      }
      talk.deliveries += 1;
      if (text.slice(0, 120).includes(own)) talk.acknowledged(Number(/"content":"(\d+) /.exec(text)?.[1]));
    };
    lines.push(line);
  }
  const say = (n: number): void =>
    lines[n % hearing]?.send(JSON.stringify({ type: 'MSG', to: CHANNEL, content: `${n} ${PAYLOAD}` }));
  const close = (): void => {
    for (const line of lines) line.close();
  };
  return { hearing, say, close, begin: () => (talk = new Talk()) };
}

/** A stream on files, spoken to over WebSocket, and so many push consumers, each with a connection of its own, which acknowledge nothing: a cursor of their own is all they keep. */
export async function jetStreamTalking(port: number, hearing: number): Promise<Talking> {
  let talk = new Talk();
  const speaker = await natsWebLine(port, 'SUB inbox.* 1\r\n');
  const ask = async (subject: string, request: object): Promise<void> => {
    const text = JSON.stringify(request);
    speaker.send(`PUB ${subject} inbox.setup ${text.length}\r\n${text}\r\n`);
    const answer = await speaker.hear((heard) => (heard.includes('inbox.setup') ? heard : undefined));
    if (answer.includes('"error"')) throw new Error(answer);
  };
  await ask('$JS.API.STREAM.CREATE.talk', { name: 'talk', subjects: ['talk.>'], storage: 'file', retention: 'limits' });
  const lines: WebLine[] = [speaker];
  for (let n = 0; n < hearing; n += 1) {
    const line = await natsWebLine(port, `SUB hear.${n} 1\r\n`);
    line.onText = (text) => (talk.deliveries += text.split('MSG talk.said ').length - 1);
    lines.push(line);
    const config = { durable_name: `c${n}`, deliver_subject: `hear.${n}`, ack_policy: 'none', deliver_policy: 'new' };
    await ask(`$JS.API.CONSUMER.DURABLE.CREATE.talk.c${n}`, { stream_name: 'talk', config });
  }
  speaker.onText = (text) => {
    for (const [, n] of text.matchAll(/MSG inbox\.(\d+) /g)) talk.acknowledged(Number(n));
  };
  let out = '';
  const say = (n: number): void => {
    if (out === '') {
      setImmediate(() => {
        speaker.send(out);
        out = '';
      });
    }
    const text = `${n} ${PAYLOAD}`;
    out += `PUB talk.said inbox.${n} ${text.length}\r\n${text}\r\n`;
  };
  const close = (): void => {
    for (const line of lines) line.close();
  };
  return { hearing, say, close, begin: () => (talk = new Talk()) };
}
