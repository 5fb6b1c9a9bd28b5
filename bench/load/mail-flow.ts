/**
 * Messages from one to another: a sender and a reader in one process, so that one clock says how long each took. What is measured is the way: the
 * send, the reading by one who waits, and the word that it was handled.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../figures.ts';
import { PAYLOAD, tell } from './window.ts';

/** `perSecond` 0: `window` messages under way at any time, from the send until they are received; else so many a second, whatever the answers. */
export type FlowSpec = { window: number; perSecond: number; warmupMs: number; runMs: number };

export type Way = {
  /** Resolves when it is acknowledged. */
  send: (body: string) => Promise<void>;
  /** The next ones, as soon as there are any; those before them were handled, which it says on the way. */
  read: () => Promise<string[]>;
};

/** Messages that a reader has asked for at any time. */
export const BATCH = 64;

export async function runFlow(spec: FlowSpec, way: Way): Promise<void> {
  const from = performance.now() + spec.warmupMs;
  const until = from + spec.runMs;
  const sentAt: number[] = [];
  const received = new Map<number, () => void>();
  const took: number[] = [];
  let got = 0;
  let last = from;
  const isOver = (): boolean => performance.now() >= until;
  const sendOne = async (): Promise<void> => {
    const n = sentAt.push(performance.now()) - 1;
    const isReceived = new Promise<void>((resolve) => received.set(n, resolve));
    await Promise.all([way.send(`${n} ${PAYLOAD}`), isReceived]);
  };
  const sending = spec.perSecond === 0 ? atOnce(spec.window, sendOne, isOver) : paced(spec.perSecond, sendOne, isOver);
  while (!isOver() || got < sentAt.length) {
    for (const body of await way.read()) {
      const n = Number.parseInt(body, 10);
      const sent = sentAt[n] ?? Number.NaN;
      received.get(n)?.();
      received.delete(n);
      got += 1;
      if (sent < from) continue;
      last = performance.now();
      took.push(last - sent);
    }
  }
  await sending;
  tell({
    perSecond: (took.length / (last - from)) * 1000,
    all: got,
    p50Ms: quantile(took, 0.5),
    p99Ms: quantile(took, 0.99),
  });
}

async function atOnce(window: number, sendOne: () => Promise<void>, isOver: () => boolean): Promise<void> {
  const worker = async (): Promise<void> => {
    while (!isOver()) await sendOne();
  };
  await Promise.all(Array.from({ length: window }, worker));
}

async function paced(perSecond: number, sendOne: () => Promise<void>, isOver: () => boolean): Promise<void> {
  const began = performance.now();
  const all: Promise<void>[] = [];
  while (!isOver()) {
    const due = ((performance.now() - began) / 1000) * perSecond;
    while (all.length < due) all.push(sendOne());
    await sleep(1);
  }
  await Promise.all(all);
}
