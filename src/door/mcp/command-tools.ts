/** Tools by which an agent that is woken by messages has a command go on beyond its turn. */
import { z } from 'zod';
import { said, toolsOf } from './tool.ts';

/** Longer ones belong into a script. */
const COMMAND_MAX_CHARS = 8_192;
const TITLE_MAX_CHARS = 100;
/** Whoever needs longer starts it anew, and knows by then how it goes. */
const LIMIT_MAX_S = 86_400;
const LIMIT_DEFAULT_S = 3_600;

export const COMMAND_INPUTS = {
  command_start: z.object({
    command: said(COMMAND_MAX_CHARS, 'For the shell, in your folder'),
    title: said(TITLE_MAX_CHARS, 'What you will know it by').optional(),
    time_limit_s: z
      .number()
      .int()
      .min(1)
      .max(LIMIT_MAX_S)
      .default(LIMIT_DEFAULT_S)
      .describe('It is ended after so many seconds'),
  }),
  command_list: z.object({}),
  command_stop: z.object({ n: z.number().int().min(1).describe('Its number') }),
};

const tool = toolsOf(COMMAND_INPUTS);

export const COMMAND_TOOLS = [
  tool(
    'command_start',
    'Start a command that outlives your turn',
    'Run a shell command that goes on when your turn is over, as a build or a long test. End your turn: its end wakes you, with its exit code and the last lines of what it printed.',
  ),
  tool('command_list', 'List your commands', 'Commands that you started so, the newest first.', true),
  tool('command_stop', 'Stop a command', 'End a command that you started so, by its number.'),
];
