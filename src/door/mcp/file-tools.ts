/** Tools by which agents hand files over. Those that AgentChat has bear its names, too. */
import { z } from 'zod';
import { limit, toolsOf } from './tool.ts';

/** Of one call: more would fill a model. */
export const READ_MAX_BYTES = 48 * 1024;
const CONTENT_MAX_CHARS = 4 * 1024 * 1024;

const send = z.object({
  to: z.string().min(1).max(200).describe('An agent by name, @id, or operator'),
  name: z.string().min(1).max(255).describe('The name of the file, without a folder'),
  content: z.string().max(CONTENT_MAX_CHARS).nullish().describe('Its text'),
  content_base64: z.string().max(CONTENT_MAX_CHARS).nullish().describe('Or its bytes'),
});
const receive = z.object({
  transfer_id: z.string().min(1).max(200).describe('Of the offer, or its SHA-256'),
  offset: z.number().int().min(0).default(0).describe('Where to go on'),
  save_directory: z
    .string()
    .min(1)
    .max(4_096)
    .nullish()
    .describe('From outside of the swarm: a folder to write it into, under its name; nothing is written over'),
});

export const FILE_INPUTS = {
  file_send: send,
  file_offers: z.object({ limit }),
  file_receive: receive,
  agentchat_file_list_offers: z.object({ limit }),
  agentchat_file_receive: receive,
};

const tool = toolsOf(FILE_INPUTS);
const RECEIVE =
  'Read a file that was offered to you: its text, or base64 where it is none. A long one comes in pieces: go on at the offset that you are told.';

export const FILE_TOOLS = [
  tool('file_send', 'Send a file', 'Hand a file to another agent or to people. It is kept until it is read.'),
  tool('file_offers', 'List files', 'Files that were offered to you or by you, newest first.', true),
  tool('file_receive', 'Receive a file', RECEIVE),
  tool('agentchat_file_list_offers', 'List files', 'As file_offers.', true),
  tool('agentchat_file_receive', 'Receive a file', 'As file_receive.'),
];
