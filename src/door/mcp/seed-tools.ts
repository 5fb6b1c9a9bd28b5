/** The same tools under AgentChat's names and with its arguments, for agents that were taught those. */
import { z } from 'zod';
import type { ToolName } from './tools.ts';

/** Calls of listen wait so long where nothing else is said. */
const LISTEN_S = 3_600;

type Json = Record<string, unknown>;
type SeedTool = { to: ToolName; input: z.ZodObject; args: (input: Json) => Json };

const channel = z.string().max(32);
const optional = z.string().max(200).optional();

/** By AgentChat's name: which tool it is, and what its arguments become. */
export const SEED_TOOLS: Readonly<Record<string, SeedTool>> = {
  agentchat_connect: {
    to: 'channel_join',
    input: z.object({ name: optional, identity_path: optional, channels: z.array(channel).max(100).optional() }),
    args: ({ channels }) => ({ channels }),
  },
  agentchat_send: {
    to: 'message_send',
    input: z.object({ target: z.string().max(200), message: z.string(), in_reply_to: optional }),
    args: ({ target, message, in_reply_to }) => ({ to: target, body: message, in_reply_to }),
  },
  agentchat_listen: {
    to: 'message_listen',
    input: z.object({
      channels: z.array(channel).max(100).optional(),
      tail: z.number().int().min(1).max(50).optional(),
      wait_seconds: z.number().min(0).max(LISTEN_S).optional(),
    }),
    args: ({ wait_seconds }) => ({ wait_seconds: wait_seconds ?? LISTEN_S, max: 32 }),
  },
  agentchat_search: {
    to: 'message_search',
    input: z.object({
      query: z.string().max(10_000),
      limit: z.number().int().min(1).max(100).optional(),
      cursor: optional,
    }),
    args: (input) => input,
  },
  agentchat_channels: { to: 'channels_list', input: z.object({}), args: () => ({}) },
  agentchat_leave: { to: 'channel_leave', input: z.object({ channel }), args: (input) => input },
  agentchat_create_channel: {
    to: 'channel_create',
    input: z.object({ channel, invite_only: z.boolean().optional() }),
    args: (input) => input,
  },
  agentchat_invite: {
    to: 'channel_invite',
    input: z.object({ channel, agent: z.string().max(200) }),
    args: (input) => input,
  },
  agentchat_nick: { to: 'nick_set', input: z.object({ nick: z.string().max(24) }), args: (input) => input },
  agentchat_set_presence: {
    to: 'presence_set',
    input: z.object({ status_text: z.string().max(100) }),
    args: (input) => input,
  },
  agentchat_claim: {
    to: 'message_claim',
    input: z.object({ msg_id: z.string().max(64), channel }),
    args: ({ msg_id, channel: name }) => ({ message: msg_id, channel: name }),
  },
};

/** The tool and its arguments; what is no name of AgentChat's is left as it is. */
export function fromSeed(name: string, args: unknown): { tool: string; args: unknown } {
  const seed = Object.hasOwn(SEED_TOOLS, name) ? SEED_TOOLS[name] : undefined;
  const input = seed?.input.safeParse(args ?? {}).data;
  return seed === undefined || input === undefined
    ? { tool: seed?.to ?? name, args }
    : { tool: seed.to, args: seed.args(input) };
}
