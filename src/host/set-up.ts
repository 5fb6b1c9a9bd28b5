/** The command by which a project is made ready in a fresh worktree. */
import type { Prepared } from '#workspace/record.ts';
import type { AttemptPlan, AttemptTools } from './attempt-plan.ts';
import type { AttemptEnd } from './attempt-end.ts';
import { end } from './attempt-end.ts';
import { environmentOf, seenBy } from './attempt-spec.ts';
import type { OutputTail } from './output.ts';

const SETUP_LIMIT_MS = 15 * 60_000;
/** Lines of output that an end carries as its error. */
const ERROR_LINES = 30;

/** Undefined: it is ready, or nothing is to be done. */
export async function setUp(o: {
  command: string | null;
  prepared: Prepared;
  plan: AttemptPlan;
  tools: Pick<AttemptTools, 'runtime' | 'workspaces'>;
  output: OutputTail;
  say: (line: string) => void;
}): Promise<AttemptEnd | undefined> {
  const { command, prepared, plan, tools, output } = o;
  if (command === null) return undefined;
  o.say(`$ ${command}`);
  const env = { ...environmentOf(plan, ''), ...(await tools.workspaces.agentEnvironment(prepared)) };
  const limits = { cwd: prepared.cwd, env, timeoutMs: SETUP_LIMIT_MS, sees: seenBy(plan, prepared) };
  const result = await tools.runtime.exec(['bash', '-c', command], limits);
  for (const line of `${result.stdout}${result.stderr}`.split('\n')) if (line !== '') output.add(line);
  if (result.exit.code === 0) return undefined;
  const why = result.exit.error ?? `exit code ${result.exit.code ?? result.exit.signal}`;
  return end('failed', 'setup_failed', `set-up "${command}" failed (${why})\n${output.newest(ERROR_LINES)}`);
}
