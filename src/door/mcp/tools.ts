/** The tools that skep offers to agents: one list for MCP over stdio, MCP over HTTP, and `POST /api/tools/{tool}`. Each topic has a file of its own. */
import type { z } from 'zod';
import { CHANNEL_INPUTS, CHANNEL_TOOLS } from './channel-tools.ts';
import { COMMAND_INPUTS, COMMAND_TOOLS } from './command-tools.ts';
import { FILE_INPUTS, FILE_TOOLS } from './file-tools.ts';
import { MARKET_INPUTS, MARKET_TOOLS } from './market-tools.ts';
import { MESSAGE_INPUTS, MESSAGE_TOOLS } from './message-tools.ts';
import { TASK_INPUTS, TASK_TOOLS } from './task-tools.ts';
import type { Tool } from './tool.ts';

const inputs = {
  ...TASK_INPUTS,
  ...MESSAGE_INPUTS,
  ...COMMAND_INPUTS,
  ...MARKET_INPUTS,
  ...FILE_INPUTS,
  ...CHANNEL_INPUTS,
};

export type ToolName = keyof typeof inputs;
export type ToolInput<N extends ToolName> = z.output<(typeof inputs)[N]>;

export const TOOLS: readonly Tool<ToolName>[] = [
  ...TASK_TOOLS,
  ...MESSAGE_TOOLS,
  ...COMMAND_TOOLS,
  ...MARKET_TOOLS,
  ...FILE_TOOLS,
  ...CHANNEL_TOOLS,
];

/** Read the arguments of a call, by the tool's name. */
export const INPUTS: { [N in ToolName]: z.ZodType<ToolInput<N>> } = inputs;

export const isToolName = (name: string): name is ToolName => Object.hasOwn(inputs, name);
