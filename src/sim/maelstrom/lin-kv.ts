/** Maelstrom's workload `lin-kv`: reads, writes and compare-and-set on keys, whose history must be one that a single register could have given. */
import type { Answer } from '#maelstrom/message.ts';
import { ERROR } from '#maelstrom/message.ts';
import type { Call, Model } from '../linearizability.ts';
import { linearization } from '../linearizability.ts';
import type { LabKnobs } from './lab.ts';
import { MaelstromLab } from './lab.ts';
import { partitionEvery } from './spread.ts';

export type LinKvWorkload = LabKnobs & {
  /** Operations a second over all nodes, as far as clients are free: each node has one, which waits for its answer. */
  rate: number;
  seconds: number;
  /** After so many operations on a key the next ones take another. */
  perKey: number;
  partitions: boolean;
};

export type LinKvOutcome = {
  /** Answered with success, or with a refusal that the key's value explains. */
  answered: number;
  /** Not answered in time: they may have happened. */
  unanswered: number;
  /** Refused without any effect. */
  refused: number;
  latenciesMs: number[];
  messages: number;
  dropped: number;
  /** Keys whose history no order of the operations explains. */
  unexplained: number[];
  keys: number;
  problems: string[];
};

/** A client of Maelstrom gives up after this. */
const CLIENT_MS = 5_000;
const START_MS = 2_000;
const VALUES = 5;

export type KvInput = { kind: 'read' } | { kind: 'write'; value: number } | { kind: 'cas'; from: number; to: number };
type KvState = number | undefined;

/** One key. Outputs are texts: `ok`, a value, `missing`, `differs`. */
export const keyRegister: Model<KvState, KvInput, string> = {
  initial: undefined,
  step: (state, input) => {
    switch (input.kind) {
      case 'read':
        return { state, output: state === undefined ? 'missing' : String(state) };
      case 'write':
        return { state: input.value, output: 'ok' };
      case 'cas':
        if (state === undefined) return { state, output: 'missing' };
        return state === input.from ? { state: input.to, output: 'ok' } : { state, output: 'differs' };
    }
  },
  stateKey: (state) => String(state),
  sameOutput: (a, b) => a === b,
};

function outputOf(answer: Answer): string | undefined {
  if (answer.type === 'read_ok') return String(answer['value']);
  if (answer.type !== 'error') return 'ok';
  if (answer['code'] === ERROR.keyDoesNotExist) return 'missing';
  return answer['code'] === ERROR.preconditionFailed ? 'differs' : undefined;
}

export async function linKvWorkload(o: LinKvWorkload): Promise<LinKvOutcome> {
  const lab = new MaelstromLab(o);
  const { time, random } = lab;
  const calls = new Map<number, Call<KvInput, string>[]>();
  const busyUntilMs = new Map<string, number>();
  const latenciesMs: number[] = [];
  let refused = 0;
  let asked = 0;
  lab.start({ topology: false });
  const value = (): number => random.between(0, VALUES - 1);
  const drawInput = (): KvInput => {
    const kind = random.pick(['read', 'write', 'cas'] as const);
    if (kind === 'write') return { kind, value: value() };
    return kind === 'cas' ? { kind, from: value(), to: value() } : { kind: 'read' };
  };
  const ask = (node: string): void => {
    const key = Math.floor((asked += 1) / o.perKey);
    const input = drawInput();
    const call: Call<KvInput, string> = { input, start: time.nowMs, answer: undefined };
    const history = calls.get(key) ?? [];
    calls.set(key, history);
    history.push(call);
    busyUntilMs.set(node, time.nowMs + CLIENT_MS);
    const { kind, ...fields } = input;
    lab.request(node, { type: kind, key, ...fields }, (answer) => {
      // Given up: whatever comes now, its client does not hear it.
      if (time.nowMs - call.start >= CLIENT_MS) return;
      busyUntilMs.delete(node);
      const output = outputOf(answer);
      if (output === undefined) {
        refused += 1;
        history.splice(history.indexOf(call), 1);
        return;
      }
      call.answer = { at: time.nowMs, output };
      latenciesMs.push(time.nowMs - call.start);
    });
  };
  for (let n = 0; n < o.rate * o.seconds; n++) {
    time.after(START_MS + ((n + random.unit()) * 1_000) / o.rate, () => {
      const node = random.pick(lab.names.filter((name) => (busyUntilMs.get(name) ?? 0) <= time.nowMs));
      if (node !== undefined) ask(node);
    });
  }
  const endMs = START_MS + o.seconds * 1_000;
  if (o.partitions) partitionEvery(lab, endMs);
  await lab.run(endMs + CLIENT_MS);
  const all = [...calls.values()].flat();
  const answered = all.filter((call) => call.answer !== undefined).length;
  const unexplained = [...calls].flatMap(([key, history]) =>
    linearization(keyRegister, history) === undefined ? [key] : [],
  );
  const { messages, dropped, problems } = lab;
  latenciesMs.sort((a, b) => a - b);
  const unanswered = all.length - answered;
  return { answered, unanswered, refused, latenciesMs, messages, dropped, unexplained, keys: calls.size, problems };
}
