/** Agents of other makers that are installed here. `skep start` starts none: no demo spends money. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Programs by which the well-known ones are started. */
const AGENT_CLIS = [
  'claude',
  'codex',
  'opencode',
  'gemini',
  'copilot',
  'cursor-agent',
  'qwen',
  'amp',
  'goose',
  'aider',
  'crush',
  'droid',
];

/** Those of them that stand in one of the directories of this PATH. */
export async function agentClisOn(path: string | undefined): Promise<string[]> {
  const dirs = (path ?? '').split(delimiter).filter((dir) => dir !== '');
  const found = await Promise.all(
    AGENT_CLIS.map(async (name) => {
      const there = await Promise.all(dirs.map((dir) => isProgram(join(dir, name))));
      return there.includes(true) ? [name] : [];
    }),
  );
  return found.flat();
}

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
