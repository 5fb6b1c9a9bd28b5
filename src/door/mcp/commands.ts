/** The tools for commands that outlive a turn, carried out. */
import type { z } from 'zod';
import type { TurnCommands } from '#agent-ports.ts';
import { isRefusal, refused } from '../refusal.ts';
import type { COMMAND_INPUTS } from './command-tools.ts';
import type { Handlers, Said, Work } from './handler.ts';

type Input<N extends keyof typeof COMMAND_INPUTS> = z.output<(typeof COMMAND_INPUTS)[N]>;

/** A process of an attempt, and of a person's own session, ends with that: nobody would be there to be woken. */
const withCommands =
  <I>(run: (input: I, commands: TurnCommands) => Said | Promise<Said>) =>
  (input: I, { bearer }: Work): Said | Promise<Said> =>
    bearer?.commands === undefined ? NO_TURNS : run(input, bearer.commands);

async function start({ command, title, time_limit_s }: Input<'command_start'>, commands: TurnCommands): Promise<Said> {
  const begun = await commands.start({ command, title, limitS: time_limit_s });
  if (isRefusal(begun)) return begun;
  return `Command ${begun.n} runs, at most ${begun.time_limit_s} s. Its end wakes you: do not wait for it.`;
}

function list(_input: Input<'command_list'>, commands: TurnCommands): Said {
  const all = commands.list();
  return all.length === 0 ? 'None.' : all.map((one) => JSON.stringify(one)).join('\n');
}

async function stop({ n }: Input<'command_stop'>, commands: TurnCommands): Promise<Said> {
  const stopped = await commands.stop(n);
  return isRefusal(stopped) ? stopped : `Command ${n} was stopped.`;
}

export const COMMAND_HANDLERS: Handlers<typeof COMMAND_INPUTS> = {
  command_start: withCommands(start),
  command_list: withCommands(list),
  command_stop: withCommands(stop),
};

const NO_TURNS = refused('not_supported', 'only an agent that is woken by messages has commands that outlive a turn', {
  expected: 'a turn of such an agent (skep agent add --turns, skep hive spawn --turns)',
  got: 'a session of another kind',
});
