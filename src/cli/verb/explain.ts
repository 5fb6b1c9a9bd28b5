/** `skep explain`: which rule named the state of an agent, and what it found on the screen. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT, usageFailure } from '../exit.ts';
import { withNode } from '../find-node.ts';
import type { Given } from '../given.ts';
import { showJson } from '../show.ts';
import { pairs } from '../table.ts';
import { printable, printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

type Evidence = { zone: string; text: string };

export const explain: Leaf = {
  name: 'explain',
  summary: 'why an agent is said to be idle, running, waiting …',
  about:
    'The states of an agent in a terminal are read from its screen by rules. This shows the rule that fired and what it found; with --file ' +
    'the same rules are asked of a screen that was saved, and no node is needed.',
  args: [['[agent]', 'its id, short id or name; none with --file']],
  options: [
    {
      flags: '--file <file>',
      about: 'a screen as plain text, from tmux capture-pane -p; - takes it from standard input',
    },
    { flags: '--tool <tool>', about: 'with --file: whose screen it is' },
    { flags: '--title <text>', about: 'with --file: the title of the pane; Codex tells its state there' },
  ],
  asksNode: true,
  examples: [
    ['skep explain claude-1', 'the rule behind its state now, wherever it runs'],
    ['skep explain --file screen.txt --tool codex --title "⠹ proj"', 'what a saved screen is taken for'],
  ],
  run: async (given, world) => {
    const [agent] = given.args;
    if (agent === undefined) return explainFile(given, world);
    if (given.text('file') !== undefined) throw usageFailure('an agent or --file: one of them is explained');
    return withNode(given, world, async (node) => {
      const path = `/api/swarm/agents/${encodeURIComponent(agent)}/explain`;
      const answer = await ask(node, { method: 'GET', path });
      if (given.json) return showJson(answer, world);
      const found = read(explainedSchema, answer);
      const how = `${found.state} (${found.exact ? 'exact' : 'inferred'}, from its ${found.source})`;
      showState({ ...found, subject: `${found.name}, ${found.tool}`, state: how }, world);
      return EXIT.ok;
    });
  },
};

const explainedSchema = z.object({
  name: z.string(),
  tool: z.string(),
  state: z.string(),
  source: z.string(),
  exact: z.boolean(),
  rule: z.string(),
  evidence: z.array(z.object({ zone: z.string(), text: z.string() })),
});

async function explainFile(given: Given, world: World): Promise<ExitCode> {
  const [file, tool] = [given.text('file'), given.text('tool')];
  if (file === undefined || tool === undefined) {
    throw usageFailure(
      'an agent, or a saved screen: --file, and --tool, whose rules are asked',
      'skep explain --file FILE --tool claude',
    );
  }
  const text = file === '-' ? await world.in.readAll() : await readScreen(file);
  const { explainScreen } = await import('#host/explain.ts');
  const found = explainScreen({ tool, text, title: given.text('title') });
  if (given.json) return showJson(found, world);
  showState({ ...found, subject: found.tool }, world);
  return EXIT.ok;
}

async function readScreen(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw usageFailure(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `subject`: whose screen it is. Evidence stands beside the place where it was found. */
function showState(
  o: { subject: string; state: string; rule: string; evidence: readonly Evidence[] },
  world: World,
): void {
  const found = o.evidence.map(({ zone, text }) => [zone, printable(text).trim()] as const);
  const known = [
    ['agent', printableLine(o.subject)],
    ['state', o.state],
    ['rule', o.rule],
  ] as const;
  world.out.write(pairs([...known, ...found], world.out));
}
