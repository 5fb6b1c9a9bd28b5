/** What nodes tell one another, and doors, of an agent's state and of the terminal it lives in. */
import type { OpId } from './brand.ts';
import type { Refusal } from './refusal.ts';

/** Why an agent is said to be in its state. `exact`: it said so itself; else a rule read it from what it shows. */
export type AgentExplained = {
  tool: string;
  state: string;
  source: string;
  exact: boolean;
  rule: string;
  evidence: { zone: string; text: string }[];
  /** Since when, by the wall clock of its node; missing where nobody knows. */
  sinceMs?: number | undefined;
};

/** What a person types on the agent's machine to look at its terminal. `ssh`: how to get there, where that node knows. */
export type AgentAttach = { command: string[]; host: string; user: string; ssh: string | null };

/**
 * What a terminal shows: its lines with the colours of their characters and nothing else that moves anything, as its node wrote them down; whoever
 * draws it checks that. `cursor`: column and line, from 0; null while the program hides it.
 */
export type AgentScreen = { text: string; columns: number; rows: number; cursor: readonly [number, number] | null };

/** As a terminal sends them: keys one after the other, or a text that was pasted. */
export type AgentTyped = { keys: string } | { paste: string };

/** How an agent is driven: typed to in a terminal, or by the structured protocol of its tool. */
export type Drive = 'terminal' | 'protocol';
export type AgentWanted = {
  tool: string;
  drive: Drive;
  projectPath: string | null;
  tmuxSessionId: string | null;
  /** `own`: a configuration directory apart from that of the node's user. */
  home: 'own' | 'person';
};
/** `tmuxSessionId` null: it speaks a protocol. */
export type AgentPlace = { tmuxSessionId: string | null; sessionOwned: boolean };

/** Agents as a node reaches them for its doors, wherever they run. */
export interface AgentTerminals {
  /** Types a text to an agent in a terminal, and Enter. */
  agentSend(agent: OpId, text: string): Promise<{ sent: boolean } | Refusal>;
  /** Ends the turn it is in. One that reads waits then to be told what to do instead; a script's attempt ends. */
  agentInterrupt(agent: OpId): Promise<{ done: true } | Refusal>;
  /** Words for the turn it is in, or after an interrupt: where its driver can take them. */
  agentSteer(agent: OpId, text: string): Promise<{ done: true } | Refusal>;
  /** Ends the program in its terminal and starts it anew. */
  agentRestart(agent: OpId): Promise<{ done: true } | Refusal>;
  agentScreen(agent: OpId): Promise<AgentScreen | Refusal>;
  /** Each time its terminal shows something else, while anybody listens; not what it shows now. */
  watchScreen(agent: OpId, listener: (screen: AgentScreen) => void): () => void;
  /** Types into its terminal as who sits at it would, whatever it is at. False: its program has ended. */
  agentType(agent: OpId, typed: AgentTyped): Promise<{ typed: boolean } | Refusal>;
  agentExplain(agent: OpId): Promise<AgentExplained | Refusal>;
  agentAttach(agent: OpId): Promise<AgentAttach | Refusal>;
  /** Where a new agent of this node would live: nothing is made before it is registered. */
  agentPlace(wanted: AgentWanted): Promise<AgentPlace | Refusal>;
}
