/** What an agent gets for a turn of its own: a folder that stays its own, its environment, the tools of skep. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { procIdOf } from '#core/brand.ts';
import type { ProcSpec } from '#ports.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isBoxed } from '#core/view/agent.ts';
import type { SessionSpec } from '#agent-ports.ts';
import type { AgentHome } from '../agent-homes.ts';
import { agentSocketPath } from '../agent-socket-path.ts';
import { boxedSession, inheritedBy, TURN_LIMIT_MS } from '../attempt-spec.ts';
import { boxReach, toolSeen } from '../box-view.ts';
import { TOOL_SERVER } from '../terminal-tools.ts';
import { notesPath } from './notes.ts';
import { turnPrimer } from './wake-prompt.ts';

/** A conversation is left by skep, after notes: not in the middle of a turn by a summary of the tool's own. */
const OWNED_COMPACTION = { DISABLE_AUTO_COMPACT: '1' };

/**
 * Where the agent works and keeps its notes, the same path outside and in its box. That of a box lies in the folder of the box: it stays when the box is
 * rebuilt, and when it is destroyed unless it is purged.
 */
export function turnFolder({ id, registered, box }: LiveAgent, stateDir: string): string {
  const folder = box === undefined ? join(stateDir, 'turns', id) : join(stateDir, 'boxes', registered.name, 'turns');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Where all that such an agent runs runs: its turns, and its commands that outlive them. */
export function turnPlace(o: {
  agent: LiveAgent;
  stateDir: string;
  home: AgentHome | undefined;
}): Required<Pick<ProcSpec, 'cwd' | 'env' | 'sees'>> {
  const { agent, stateDir, home } = o;
  const cwd = turnFolder(agent, stateDir);
  return {
    cwd,
    env: { ...inheritedBy(agent), ...OWNED_COMPACTION, SKEP_AGENT: agent.registered.name, ...home?.env },
    sees: isBoxed(agent) ? [...toolSeen(agent).sees, { path: cwd, writable: true }] : [],
  };
}

export function turnSpec(o: {
  agent: LiveAgent;
  stateDir: string;
  n: number;
  token: string;
  resume: string | null;
  home: AgentHome | undefined;
  patienceMs: number;
}): SessionSpec {
  const { agent, stateDir, n, token, resume, home, patienceMs } = o;
  const place = turnPlace(o);
  const server = {
    name: 'skep',
    command: TOOL_SERVER,
    env: { SKEP_MCP_TOKEN: token, SKEP_MCP_SOCKET: agentSocketPath(stateDir) },
  };
  const equipment = {
    instructions: turnPrimer({ name: agent.registered.name, notesPath: notesPath(place.cwd) }),
    servers: [server],
  };
  return {
    agent: agent.id,
    procId: procIdOf(agent.id, n),
    ...place,
    turnLimitMs: TURN_LIMIT_MS + patienceMs,
    resume,
    home: home?.dir,
    writable: [],
    ...(isBoxed(agent) ? boxedSession(equipment, boxReach(agent.box?.egress ?? [])) : equipment),
  };
}
