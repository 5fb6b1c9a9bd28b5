/** Carries out a call of a tool at the node. Who calls comes from the session, never from the arguments. */
import { refusalOfIssue, refused, shown } from '../refusal.ts';
import type { Said, Work } from './handler.ts';
import { CHANNEL_HANDLERS } from './channels.ts';
import { COMMAND_HANDLERS } from './commands.ts';
import { FILE_HANDLERS } from './files.ts';
import { MARKET_HANDLERS } from './market.ts';
import { MESSAGE_HANDLERS } from './messages.ts';
import { fromSeed } from './seed-tools.ts';
import { TASK_HANDLERS } from './tasks.ts';
import type { ToolInput, ToolName } from './tools.ts';
import { INPUTS, isToolName, TOOLS } from './tools.ts';

const handlers: { [N in ToolName]: (input: ToolInput<N>, work: Work) => Said | Promise<Said> } = {
  ...TASK_HANDLERS,
  ...MESSAGE_HANDLERS,
  ...COMMAND_HANDLERS,
  ...MARKET_HANDLERS,
  ...FILE_HANDLERS,
  ...CHANNEL_HANDLERS,
};

/** A text for the model. A refusal changed nothing. The names of AgentChat are understood, too. */
export async function callTool(called: string, given: unknown, work: Work): Promise<Said> {
  const { tool: name, args } = fromSeed(called, given);
  if (!isToolName(name)) {
    const expected = TOOLS.map((tool) => tool.name).join(' | ');
    return refused('not_found', 'there is no such tool', { expected, got: shown(name) });
  }
  return run(name, args, work);
}

async function run<N extends ToolName>(name: N, args: unknown, work: Work): Promise<Said> {
  const parsed = INPUTS[name].safeParse(args ?? {});
  if (!parsed.success) return refusalOfIssue(parsed.error, args, 'arguments');
  return handlers[name](parsed.data, work);
}
