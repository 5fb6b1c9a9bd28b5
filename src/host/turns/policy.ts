/** What follows on the end of a turn: what becomes of its messages, when the next may begin, whether its conversation goes on. Pure. */
import type { AgentStand } from '#store/turn-book.ts';
import type { TurnEnd } from './agent-turn.ts';

/** The watermark of hyperhive: what is left takes a turn, and the turn that writes the notes. */
const FULL_AT = 0.75;
/** Where a tool does not say how much fits: the smallest window of a model that agents are driven with today. */
const WINDOW_UNKNOWN = 200_000;
/** A limit whose end nobody knows; the seed's. */
const PARK_MS = 300_000;
/** A tool or a model that does not answer: the first try, each further one twice as late up to the second number. */
const MENDED_MS = 30_000;
const MENDED_MAX_MS = 600_000;
/** A turn that failed, or was too long, though its program goes on. */
const REVIVED_MS = 5_000;
const REVIVED_MAX_MS = 300_000;
/** What a tool says whose conversation does not fit any more, as an error of its protocol. */
const TOO_LONG = /prompt is too long|context[ _]?(?:window|length)|maximum context/i;

/** `acknowledged`: they were handled. `again`: they wait, and this try counts against them. `blameless`: it does not. */
export type MailAfter = 'acknowledged' | 'again' | 'blameless';

export type After = {
  mail: MailAfter;
  parked: { forMs: number; why: string } | { untilMs: number; why: string } | null;
  conversation: 'goes on' | 'ends';
};

const blameless = (parked: After['parked'], conversation: After['conversation'] = 'goes on'): After => ({
  mail: 'blameless',
  parked,
  conversation,
});

/** `resumed`: its tool was to go on with a conversation. `diedMs`: how long its program, which ended by itself, is left alone. */
export function afterTurn(end: TurnEnd, o: { failures: number; resumed: boolean; diedMs: number | undefined }): After {
  const { outcome, stop, failure, text, limitedUntilMs } = end;
  if (outcome === 'completed') return { mail: 'acknowledged', parked: null, conversation: 'goes on' };
  // Whoever stopped it knows what it was about.
  if (stop === 'person') return { mail: 'acknowledged', parked: null, conversation: 'goes on' };
  if (stop !== undefined) return blameless(null);
  const why = `its last turn ${outcome === 'lost' ? 'was lost' : outcome.replace('_', ' ')}: ${text.trim() || outcome}`;
  if (failure === 'rate_limited')
    return blameless(limitedUntilMs === undefined ? { forMs: PARK_MS, why } : { untilMs: limitedUntilMs, why });
  if (o.resumed && outcome === 'failed' && TOO_LONG.test(text)) return blameless(null, 'ends');
  // It could not go on with its conversation, and said nothing else: a new one can.
  if (o.resumed && outcome === 'failed' && !end.hasWorked && failure !== 'model' && failure !== 'login')
    return blameless(null, 'ends');
  if (failure === 'model' || failure === 'login' || failure === 'start_failed')
    return blameless({ forMs: Math.min(MENDED_MAX_MS, MENDED_MS * 2 ** Math.min(o.failures, 10)), why });
  // The node was away, and the process with it: nobody's fault, and the mark of the message says it.
  if (outcome === 'lost') return { mail: 'again', parked: null, conversation: 'goes on' };
  const forMs = o.diedMs ?? Math.min(REVIVED_MAX_MS, REVIVED_MS * 2 ** Math.min(o.failures, 10));
  return { mail: 'again', parked: { forMs, why }, conversation: 'goes on' };
}

function isFull(context: AgentStand['context']): boolean {
  return context !== null && context.tokens >= (context.max ?? WINDOW_UNKNOWN) * FULL_AT;
}

/** Where the agent stands after a turn that ended so. */
export function standAfter(
  held: AgentStand,
  end: TurnEnd,
  { after, isCheckpoint, nowMs }: { after: After; isCheckpoint: boolean; nowMs: number },
): AgentStand {
  const { parked } = after;
  const untilMs = parked === null ? 0 : 'untilMs' in parked ? parked.untilMs : nowMs + parked.forMs;
  const context = end.context ?? held.context;
  const next: AgentStand = {
    ...held,
    context,
    isFull: held.isFull || (end.outcome === 'completed' && isFull(context)),
    failures: end.outcome === 'completed' ? 0 : held.failures + 1,
    parked: parked === null ? null : { untilMs, why: parked.why },
    underWay: null,
  };
  // One try: an agent that cannot write its notes goes on without them, unless only its model is away.
  const isLeft = isCheckpoint && after.mail !== 'blameless';
  if (!isLeft && after.conversation === 'goes on') return next;
  return { ...next, conversation: held.conversation + 1, session: null, context: null, isFull: false };
}
