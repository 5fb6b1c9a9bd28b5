/** A word of an operator that wakes an agent which waits for messages. skep itself never sends one: each may cost a turn of a model. */
import type { SentMessage } from '../view/message.ts';
import { outsiderIdOf } from './address.ts';

/** The source of such an event. */
export const NUDGE_SOURCE = 'nudge';

/** What an agent tells of itself may have any source: only a person's word is a nudge. */
export const isNudge = ({ kind, source, from }: Pick<SentMessage, 'kind' | 'source' | 'from'>): boolean =>
  kind === 'event' && source === NUDGE_SOURCE && from.startsWith('user:') && outsiderIdOf(from) === undefined;
