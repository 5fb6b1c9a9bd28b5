/** Where a new agent of this node would live, or why it could not. */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import type { AgentPlace, AgentWanted } from '#core/agent-terminal.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { SHELL } from '#core/task/fit.ts';
import { hasHome, homeTools } from './agent-homes.ts';
import type { Drivers } from './drivers.ts';
import { commandOf } from './drivers.ts';
import { missingProgram } from './terminal-environment.ts';

type Here = {
  drivers: Drivers;
  /** What tmux says of a session of the user's that it does not see. */
  checkSession: (session: string) => Promise<string | undefined>;
};

/** Nothing is made. */
export async function placeOf(wanted: AgentWanted, { drivers, checkSession }: Here): Promise<AgentPlace | Refusal> {
  const { tool, drive, projectPath, tmuxSessionId } = wanted;
  const homeless = withoutHome(wanted);
  if (homeless !== undefined) return homeless;
  if (drive === 'protocol') return placeByProtocol(tool, tmuxSessionId, drivers);
  if (tmuxSessionId !== null) {
    const why = await checkSession(tmuxSessionId);
    if (why === undefined) return { tmuxSessionId, sessionOwned: false };
    return refusal('invalid', `this node sees no such tmux session: ${why}`, {
      expected: 'a session that tmux ls shows',
      got: tmuxSessionId,
    });
  }
  if (tool === SHELL) return { tmuxSessionId: null, sessionOwned: false };
  if (projectPath !== null && !statSync(projectPath, { throwIfNoEntry: false })?.isDirectory())
    return refusal('invalid', 'project_path is no folder of this node', { expected: 'a folder', got: projectPath });
  const missing = await missingProgram(tool);
  if (missing !== undefined) return missing;
  return { tmuxSessionId: `vl-agent-${randomBytes(4).toString('hex')}`, sessionOwned: true };
}

/** Why an agent can have no home of its own here, where it is to have one. */
function withoutHome({ tool, home, tmuxSessionId }: AgentWanted): Refusal | undefined {
  if (home !== 'own') return undefined;
  if (tmuxSessionId !== null)
    return refusal('invalid', 'an agent in a tmux session of yours was started with your configuration', {
      expected: 'home "person", or no tmux_session_id',
      got: tmuxSessionId,
    });
  if (hasHome(tool)) return undefined;
  return refusal('invalid', `it is not known how ${tool} is given a configuration of its own`, {
    expected: homeTools().join(', '),
    got: tool,
  });
}

/** Where an agent that is driven by its protocol would live: nowhere before its first attempt. */
async function placeByProtocol(
  tool: string,
  tmuxSessionId: string | null,
  drivers: Drivers,
): Promise<AgentPlace | Refusal> {
  if (tmuxSessionId !== null)
    return refusal('invalid', 'an agent in a tmux session is driven by its terminal', {
      expected: 'drive "terminal", or no tmux_session_id',
      got: tmuxSessionId,
    });
  if (drivers.get(tool) === undefined)
    return refusal('driver_unavailable', `no protocol of ${tool} is known here`, {
      expected: `${drivers.tools().join(', ')}, acp COMMAND; or drive "terminal"`,
      got: tool,
    });
  const missing = tool === SHELL ? undefined : await missingProgram(commandOf(tool), []);
  return missing ?? { tmuxSessionId: null, sessionOwned: false };
}
