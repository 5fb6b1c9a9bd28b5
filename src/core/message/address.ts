/** Where a message goes: a mailbox is a channel with one reader. */
import type { NodeId, OpId } from '../brand.ts';
import { nodeIdOf, parsedOpId } from '../brand.ts';

/** The mailbox of the people. */
export const OPERATOR_CHANNEL = '@operator';

export const mailboxOf = (agent: OpId): string => `@${agent}`;

/** The agent whose mailbox it is; undefined for that of the people. */
export const readerOf = (channel: string): OpId | undefined =>
  channel === OPERATOR_CHANNEL ? undefined : parsedOpId(channel.slice(1));

/** The node that registered the agent, which alone hands out its messages: an id begins with its author. */
export const homeOf = (agent: OpId): NodeId => nodeIdOf(agent.slice(0, 32));
