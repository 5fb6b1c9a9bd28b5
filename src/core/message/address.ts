/** Where a message goes: a mailbox is a channel with one reader. */
import type { NodeId, OpId, Principal } from '../brand.ts';
import { nodeIdOf, parsedOpId } from '../brand.ts';

/** The mailbox of the people. */
export const OPERATOR_CHANNEL = '@operator';

export const mailboxOf = (agent: OpId): string => `@${agent}`;

/** The agent whose mailbox it is; undefined for that of the people, for channels, and for those who come to the hub from outside. */
export const readerOf = (channel: string): OpId | undefined =>
  /^@[0-9a-f]{32}-/.test(channel) ? parsedOpId(channel.slice(1)) : undefined;

/** Its readers keep a cursor each, and acknowledge nothing: a channel, or one who comes to the hub from outside. */
export const isReadByCursor = (channel: string): boolean =>
  channel !== OPERATOR_CHANNEL && readerOf(channel) === undefined;

/** The id by which the hub knows one who came from outside, `@3f1c9a0b7d2e4455`; undefined for people, agents and nodes of the swarm. */
export const outsiderIdOf = (by: Principal): string | undefined =>
  by.startsWith('user:@') ? by.slice('user:'.length) : undefined;

/** The node that registered the agent, which alone hands out its messages: an id begins with its author. */
export const homeOf = (agent: OpId): NodeId => nodeIdOf(agent.slice(0, 32));
