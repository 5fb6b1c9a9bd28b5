/** The `skep` command: a table of verbs, of which only the one asked for is loaded. The one file that knows commander. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { ExitCode } from './exit.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { Given } from './given.ts';
import { paint } from './table.ts';
import { asTyped } from './typed.ts';
import type { Group, Leaf, Verb, VerbOption } from './verb.ts';
import { NODE_OPTIONS } from './verb.ts';
import { VERBS } from './verbs.ts';
import type { World } from './world.ts';

const EXIT_CODES =
  'Exit codes: 0 done, 1 negative (a task failed), 2 usage, 3 refused by the node, 4 no node answers, 130 interrupted.';

/** Runs one command line (without `node` and the script) to its exit code. Writes messages itself; throws only for bugs. */
export async function runCommand(typed: readonly string[], { world }: { world: World }): Promise<ExitCode> {
  // `skep help task list` is `skep task list --help`.
  const argv = typed[0] === 'help' ? [...typed.slice(1), '--help'] : typed;
  const program = new Command('skep').version(world.version, '-V, --version', 'print the version');
  // Options that stand behind a noun's verb are that verb's, also where the noun has the same.
  program.enablePositionalOptions();
  program.description('A home for swarms of coding agents: many machines, many agents, one log of what happened.');
  program.addHelpText(
    'after',
    `\nStart here:\n  skep start         three nodes on this machine, to try\n  skep up            this machine’s own node\n  skep help VERB     options and examples of a verb\n`,
  );
  let code: ExitCode = EXIT.ok;
  configure(program, world);
  for (const { name, group, summary, load } of VERBS) {
    if (argv.find((word) => !word.startsWith('-')) === name) {
      addVerb(program, await load(), [], async (leaf, given) => {
        code = await leaf.run(given, world);
      });
    } else {
      configure(program.command(name).summary(summary).helpGroup(group), world);
    }
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return failed(error, { world, json: argv.includes('--json') });
  }
}

function configure(command: Command, { out, err }: World): Command {
  return command
    .exitOverride()
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      getOutHelpWidth: () => out.columns ?? 100,
      getErrHelpWidth: () => err.columns ?? 100,
      getOutHasColors: () => out.colours,
      getErrHasColors: () => err.colours,
      outputError: (text, write) => write(text.replace(/^error: /, 'skep: ')),
    });
}

type Act = (leaf: Leaf, given: Given) => Promise<void>;

function addVerb(parent: Command, verb: Verb, above: readonly string[], act: Act): void {
  if (!('leaves' in verb)) return addLeaf(parent, verb, above, act);
  const group: Group = verb;
  const path = [...above, group.name];
  const command = parent.command(group.name).summary(group.summary).description(group.summary).helpCommand(false);
  command.copyInheritedSettings(parent);
  command.addHelpText('after', `\n  skep help ${path.join(' ')} VERB    options and examples of one\n`);
  if (group.alone !== undefined) fillLeaf(command, group.alone, path, act);
  for (const one of group.leaves) addVerb(command, one, path, act);
}

function addLeaf(parent: Command, leaf: Leaf, path: readonly string[], act: Act): void {
  const command = parent.command(leaf.name).summary(leaf.summary);
  command.copyInheritedSettings(parent);
  fillLeaf(command, leaf, [...path, leaf.name], act);
}

function fillLeaf(command: Command, leaf: Leaf, path: readonly string[], act: Act): void {
  command.description(leaf.about === undefined ? leaf.summary : `${leaf.summary}\n\n${leaf.about}`);
  for (const [syntax, about] of leaf.args ?? []) command.argument(syntax, about);
  const own = leaf.options ?? [];
  for (const option of own) command.addOption(optionOf(option));
  command.option('--json', 'print JSON for programs');
  if (leaf.asksNode === true) {
    for (const option of NODE_OPTIONS) command.addOption(optionOf(option).helpGroup('Which node:'));
  }
  command.addHelpText('after', `\n${examplesText(leaf, path.join(' '))}\n${EXIT_CODES}`);
  command.action(async () => {
    await act(leaf, new Given(command.args, command.opts()));
  });
}

function examplesText(leaf: Leaf, path: string): string {
  if (leaf.examples.length === 0) throw new Error(`skep ${path} has no example`);
  return `Examples:\n${leaf.examples.map(([command, what]) => `  ${command}\n      ${what}\n`).join('')}`;
}

function optionOf({ flags, about, kind, choices, fallback, hidden }: VerbOption): Option {
  const option = new Option(flags, about);
  if (choices !== undefined) option.choices(choices);
  if (fallback !== undefined) option.default(fallback);
  if (hidden === true) option.hideHelp();
  if (kind === 'whole') option.argParser(wholeNumber);
  if (kind === 'integer')
    option.argParser((value: string) => (value.startsWith('-') ? -wholeNumber(value.slice(1)) : wholeNumber(value)));
  if (kind === 'list')
    option.argParser((value: string, before: unknown) => [...(Array.isArray(before) ? before : []), value]);
  return option;
}

function wholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('expected a whole number.');
  return Number(value);
}

/** Says what went wrong, once, on standard error. */
function failed(error: unknown, { world, json }: { world: World; json: boolean }): ExitCode {
  if (error instanceof CommanderError) {
    // commander has written help or its message already.
    if (error.code === 'commander.unknownCommand') world.err.write(asTyped('      all of them: skep --help\n', world));
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (!(error instanceof CommandFailure)) throw error;
  if (json) {
    world.err.write(`${JSON.stringify({ error: error.message, ...error.detail })}\n`);
  } else {
    world.err.write(`${paint(world.err, 'red', 'skep:')} ${error.message}\n`);
    for (const hint of error.hints) world.err.write(`      ${asTyped(hint, world)}\n`);
  }
  return error.code;
}
