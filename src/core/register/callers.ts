/** Who waits for a slot to be decided, what each of them wants it to be, and for how long. */
import type { SlotValue } from '../schema/body.ts';

export type Outcome = { kind: 'decided'; value: SlotValue } | { kind: 'unreachable' };

export type Caller = {
  value: SlotValue;
  /** After this it is told `unreachable`; undefined: it waits until the slot is decided. */
  untilMs: number | undefined;
  done: ((outcome: Outcome) => void) | undefined;
};

/** What is known of how an attempt ended counts more than a wish to stop it, and that more than a guess, or a grant. */
function weightOf(value: SlotValue): number {
  switch (value.kind) {
    case 'completed':
    case 'failed':
    case 'released':
      return 2;
    case 'cancelled':
      return 1;
    case 'lost':
    case 'granted':
      return 0;
  }
}

/** The value to propose: the weightiest, of equal ones the first. */
export function wantedBy(callers: readonly Caller[]): SlotValue | undefined {
  let wanted: SlotValue | undefined;
  for (const { value } of callers) {
    if (wanted === undefined || weightOf(value) > weightOf(wanted)) wanted = value;
  }
  return wanted;
}

/** When the first of them gives up; undefined when none does. */
export function earliestMs(callers: readonly Caller[]): number | undefined {
  const times = callers.flatMap((caller) => caller.untilMs ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}
