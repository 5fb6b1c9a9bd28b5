/**
 * Is a history of concurrent calls one that a sequential object could have given? The search of Wing and Gong ("Testing and verifying concurrent
 * objects", 1993) with the memory of Lowe ("Testing for linearizability", 2017), as in Porcupine: calls are put in a row one by one, each between
 * its start and its end, and a set of placed calls that led to the same state before is not tried again.
 */

/** One call as an observer saw it. Times are numbers of an order, such as milliseconds or a count. */
export type Call<In, Out> = {
  input: In;
  start: number;
  /** Undefined where no answer came: it may have taken effect at any time after its start, or never. */
  answer: { at: number; output: Out } | undefined;
};

/** The sequential object. */
export type Model<State, In, Out> = {
  initial: State;
  step: (state: State, input: In) => { state: State; output: Out };
  /** Equal for equal states. */
  stateKey: (state: State) => string;
  sameOutput: (a: Out, b: Out) => boolean;
};

/** Placements tried before the search gives up: a history of a slot needs some dozen. */
const STEPS_MAX = 1_000_000;

type Placed<State> = { index: number; before: State };

/** The calls that took effect, in an order that explains every answer; undefined when there is none. Throws when the history is too large to search. */
export function linearization<State, In, Out>(
  model: Model<State, In, Out>,
  calls: readonly Call<In, Out>[],
): Call<In, Out>[] | undefined {
  const left = new Set(calls.keys());
  const seen = new Set<string>();
  const row: Placed<State>[] = [];
  let state = model.initial;
  let from = 0;
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    if (![...left].some((index) => calls[index]?.answer !== undefined))
      return row.flatMap(({ index }) => calls[index] ?? []);
    const next = nextPlace(model, { calls, left, state, from, seen });
    if (next !== undefined) {
      row.push({ index: next.index, before: state });
      left.delete(next.index);
      state = next.state;
      from = 0;
      continue;
    }
    const last = row.pop();
    if (last === undefined) return undefined;
    left.add(last.index);
    state = last.before;
    from = last.index + 1;
  }
  throw new Error(`a history of ${calls.length} calls is too large: no verdict after ${STEPS_MAX} steps`);
}

/** The first call from `from` on that may come now, explains its answer, and leads to where the search has not been. */
function nextPlace<State, In, Out>(
  model: Model<State, In, Out>,
  o: { calls: readonly Call<In, Out>[]; left: ReadonlySet<number>; state: State; from: number; seen: Set<string> },
): { index: number; state: State } | undefined {
  // Nobody may come after a call that was answered before it started.
  const end = Math.min(...[...o.left].map((index) => o.calls[index]?.answer?.at ?? Number.POSITIVE_INFINITY));
  for (let index = o.from; index < o.calls.length; index++) {
    const call = o.calls[index];
    if (call === undefined || !o.left.has(index) || call.start > end) continue;
    const { state, output } = model.step(o.state, call.input);
    if (call.answer !== undefined && !model.sameOutput(output, call.answer.output)) continue;
    const rest = [...o.left].filter((one) => one !== index).toSorted((a, b) => a - b);
    const key = `${rest.join(' ')}|${model.stateKey(state)}`;
    if (o.seen.has(key)) continue;
    o.seen.add(key);
    return { index, state };
  }
  return undefined;
}

/** A slot as its users see it: the first proposal decides it, every answer is what it was decided as. Values are compared as texts. */
export type SlotInput = { kind: 'propose'; value: string } | { kind: 'read' };
export const slotRegister: Model<string | null, SlotInput, string | null> = {
  initial: null,
  step: (state, input) => {
    const decided = state ?? (input.kind === 'propose' ? input.value : null);
    return { state: decided, output: decided };
  },
  stateKey: (state) => state ?? '',
  sameOutput: (a, b) => a === b,
};
