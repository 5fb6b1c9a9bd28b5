/** What carries out a call of a tool: who calls comes from the session, never from the arguments. */
import type { z } from 'zod';
import type { Principal } from '#core/brand.ts';
import type { AttemptBearer } from '#agent-ports.ts';
import type { Door } from '../door.ts';
import type { AtDesk } from '../message/desk.ts';
import type { DoorRefusal } from '../refusal.ts';
import { refused, shown } from '../refusal.ts';

/** `bearer` undefined: a person's own session, in which no task is worked. */
export type ToolCaller = { by: Principal; bearer: AttemptBearer | undefined };

export type Work = ToolCaller & { door: Door };
export type Said = string | DoorRefusal;
/** One for each tool of a topic, given its arguments as they were read. */
export type Handlers<Inputs extends Record<string, z.ZodObject>> = {
  [N in keyof Inputs]: (input: z.output<Inputs[N]>, work: Work) => Said | Promise<Said>;
};

/** What is said of an attempt that is not the one under way changes nothing: an agent whose program outlives its attempts may be late. */
export function ofAttempt<I extends { attempt?: string | undefined }>(
  run: (input: I, bearer: AttemptBearer) => Said | Promise<Said>,
): (input: I, work: Work) => Said | Promise<Said> {
  return (input, { bearer }) => {
    if (bearer === undefined) return NO_ATTEMPT;
    const now = `${bearer.task}.${bearer.attempt}`;
    if (input.attempt === undefined || input.attempt === now) return run(input, bearer);
    const detail = { expected: now, got: shown(input.attempt) };
    return refused('fenced', 'this is not the attempt that you are in: nothing was noted', detail);
  };
}

/** Only an agent has a mailbox: people have `skep message`. */
export function atDesk<I>(
  run: (input: I, at: AtDesk) => Promise<Said>,
): (input: I, work: Work) => Said | Promise<Said> {
  return (input, { bearer, door }) => {
    if (bearer === undefined) return NO_ATTEMPT;
    // A call that nobody waits for any more ends with its time-out; what it was handed is in the agent's hand like the rest.
    return run(input, { agent: bearer.agent, door, signal: new AbortController().signal, isGone: () => false });
  };
}

const NO_ATTEMPT = refused('conflict', 'this session works on no task of skep', {
  expected: 'an agent to which skep gave a task',
  got: 'a session of a person',
});
