/** What runs on this node: agents that are there on their own, and the attempts of all agents. */
import type { NodeOptions } from '../host-options.ts';
import type { AttemptTools } from './attempt.ts';
import { Attempts } from './attempts.ts';
import type { Engine } from './engine.ts';
import type { Glimpses } from './glimpses.ts';
import type { Parts } from './parts.ts';
import type { TerminalAgentsOptions } from './terminal-agents.ts';
import { TerminalAgents } from './terminal-agents.ts';

type AgentsWiring = {
  o: NodeOptions;
  parts: Parts;
  engine: Engine;
  keeping: Omit<TerminalAgentsOptions, 'stateDir' | 'ssh' | 'setState' | 'log'> &
    Pick<AttemptTools, 'sources' | 'blobs' | 'workspaces'>;
  glimpses: Glimpses;
  texts: Pick<AttemptTools, 'stash' | 'unstash' | 'deliver'>;
};

/** Agents that are there on their own, and attempts of all agents. */
export function agentsOf({ o, parts, engine, keeping, glimpses, texts }: AgentsWiring) {
  const { stateDir, runtime, store, drivers } = parts;
  const { log, ssh } = o;
  const terminals = new TerminalAgents({
    ...keeping,
    stateDir,
    ssh,
    setState: (agent, state) => engine.agentState({ agent, state }),
    log,
  });
  const attempts = new Attempts({
    store,
    drivers: new Map([...drivers, [terminals.driver.tool, terminals.driver]]),
    tools: { ...keeping, runtime, glimpses, log, ...texts },
    ended: (end) => engine.attemptEnded(end),
    gone: (one) => engine.attemptGone(one),
  });
  return { terminals, attempts };
}
