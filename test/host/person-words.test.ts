import { describe, expect, it } from 'vitest';
import type { AgentEvent, AgentSession, TurnOutcome } from '#agent-ports.ts';
import { DriverRefusal } from '#driver/refusal.ts';
import { EventStream } from '#driver/event-stream.ts';
import { PersonWords } from '#host/person-words.ts';

type TurnEnded = Extract<AgentEvent, { kind: 'turn_ended' }>;

const ended = (outcome: TurnOutcome): TurnEnded => ({
  kind: 'turn_ended',
  turn: 't',
  outcome,
  text: '',
  exit: undefined,
});

/** A person beside an agent that does as it is told. */
function scene(o: { isReader?: boolean; refuses?: string; isPreparing?: boolean } = {}) {
  const told: string[] = [];
  const waiting = Promise.withResolvers<void>();
  const session: AgentSession = {
    events: new EventStream(),
    prompt: async () => '',
    steer: async (text) => {
      if (o.refuses !== undefined) throw new DriverRefusal('not_supported', o.refuses);
      told.push(`steer ${text}`);
    },
    interrupt: async () => void told.push('interrupt'),
    answer: async () => {},
    close: async () => {},
  };
  const words = new PersonWords({
    session: () => (o.isPreparing === true ? undefined : session),
    isReader: o.isReader ?? true,
    end: async () => void told.push('end'),
    waits: () => waiting.resolve(),
    said: (text) => told.push(`said ${text}`),
  });
  const closed = new AbortController();
  const after = (outcome: TurnOutcome, patienceMs = 60_000): Promise<string | undefined> =>
    words.after(ended(outcome), { patienceMs, closed: closed.signal });
  return { words, told, closed, after, waits: waiting.promise };
}

describe('a person beside an agent at work', () => {
  it('stops its turn, and what they say then is what it does next', async () => {
    const { words, told, after, waits } = scene();
    expect(await words.interrupt()).toBeUndefined();
    const next = after('interrupted');
    await waits;
    expect(await words.interrupt()).toBeUndefined();
    expect(await words.say('the other way')).toBeUndefined();
    expect(await next).toBe('the other way');
    expect(told).toEqual(['interrupt']);
    expect(await words.say('and mind the tests')).toBeUndefined();
    expect(told).toEqual(['interrupt', 'steer and mind the tests', 'said and mind the tests']);
  });

  it('who stopped nothing is not waited for, nor one whose stop came after the end', async () => {
    const { words, after } = scene();
    expect(await after('interrupted')).toBeUndefined();
    await words.interrupt();
    expect(await after('completed')).toBeUndefined();
    expect(await after('interrupted')).toBeUndefined();
  });

  it('is not waited for where nobody is asked, and no longer than the attempt goes on', async () => {
    const { words, after, closed, waits } = scene();
    await words.interrupt();
    expect(await after('interrupted', 0)).toBeUndefined();
    await words.interrupt();
    const next = after('interrupted');
    await waits;
    closed.abort();
    expect(await next).toBeUndefined();
  });

  it('is told in the words of the driver what cannot be said', async () => {
    const { words } = scene({ refuses: 'it takes no words now' });
    expect(await words.say('a word')).toMatchObject({ code: 'not_supported', message: 'it takes no words now' });
  });

  it('ends a script, and neither says nor stops anything before a turn has begun', async () => {
    const script = scene({ isReader: false });
    await script.words.interrupt();
    expect(script.told).toEqual(['end']);
    const { words } = scene({ isPreparing: true });
    expect(await words.interrupt()).toMatchObject({ code: 'conflict' });
    expect(await words.say('a word')).toMatchObject({ code: 'conflict' });
  });
});
