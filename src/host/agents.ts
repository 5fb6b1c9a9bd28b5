/** What runs on this node: agents that are there on their own, and the attempts of all agents. */
import { join } from 'node:path';
import type { NodeId, OpId } from '#core/brand.ts';
import { ContainerBoxes } from '#runtime/box/container.ts';
import { NspawnBoxes } from '#runtime/box/nspawn.ts';
import { SandboxBoxes } from '#runtime/box/sandbox.ts';
import type { Messaging } from '#core/message/messaging.ts';
import { Letters } from './turns/letters.ts';
import { TurnKeeper } from './turns/turn-keeper.ts';
import type { NodeOptions } from '../host-options.ts';
import { AgentControl } from './agent-control.ts';
import { AgentScreens } from './agent-screens.ts';
import type { AgentDesk } from './agent-desk.ts';
import { AgentHomes } from './agent-homes.ts';
import type { ApprovalsOptions } from './approvals.ts';
import { Approvals } from './approvals.ts';
import type { AttemptPlan, AttemptTools } from './attempt-plan.ts';
import { isReader } from './attempt-spec.ts';
import { Attempts } from './attempts.ts';
import { BoxDesk } from './box-desk.ts';
import { BoxLifecycle } from './box-lifecycle.ts';
import { Budgets } from './budgets.ts';
import type { CrashWatch } from './crash-watch.ts';
import { crashWatchOf } from './crash-watch.ts';
import { Continuation, type ContinuationOptions } from './continuation.ts';
import { HostedFleet, type HostedFleetOptions } from './fleet.ts';
import { Deals } from './deals.ts';
import type { Engine } from './engine.ts';
import type { Glimpses } from './glimpses.ts';
import type { Intake } from './intake.ts';
import { OpenedConversations } from './opened-conversations.ts';
import type { Opening } from './opening.ts';
import type { Parts } from './parts.ts';
import type { HostedNode } from './swarm-node.ts';
import type { TerminalAgentsOptions } from './terminal-agents.ts';
import { AgentStates } from './agent-states.ts';
import { ModelServices } from './model-services.ts';
import { Prices } from './prices.ts';
import { RelayDesk } from './relay-desk.ts';
import { SwarmTranscripts, turnTranscript } from './transcripts.ts';
import { ToolDesk } from './tool-desk.ts';
import { UsageLedger } from './usage-ledger.ts';
import { TerminalAgents } from './terminal-agents.ts';

type AgentsWiring = {
  o: NodeOptions;
  parts: Parts;
  engine: Engine;
  keeping: Omit<
    TerminalAgentsOptions,
    | 'stateDir'
    | 'tools'
    | 'ssh'
    | 'setState'
    | 'explain'
    | 'heldBack'
    | 'screens'
    | 'drivers'
    | 'patienceMs'
    | 'homes'
    | 'ended'
    | 'closed'
    | 'log'
  > &
    Pick<AttemptTools, 'sources' | 'blobs' | 'transcripts'> &
    Pick<ContinuationOptions, 'workspaces' | 'transfer'>;
  glimpses: Glimpses;
  texts: Pick<AttemptTools, 'unstash' | 'deliver'> &
    Pick<ApprovalsOptions, 'stash' | 'append' | 'whenOpen'> & { messages: () => Messaging };
};

/** An agent waits so long for a person, unless the options say otherwise. */
const ASK_TIMEOUT_MS = 30 * 60_000;

/** Agents that are there on their own, and attempts of all agents. */
export function agentsOf({ o, parts, engine, keeping, glimpses, texts }: AgentsWiring) {
  const { stateDir, store, drivers, memory } = parts;
  const { log, ssh } = o;
  const crashes = crashWatchOf({
    stateDir,
    self: keeping.self,
    store,
    append: texts.append,
    log,
    setState: (agent) => [setState(agent, undefined), turns.look(agent)],
  });
  const boxDesk = boxDeskOf({ o, parts, crashes, changed: (agent) => setState(agent, undefined) });
  const setState = (agent: OpId, state: string | undefined): void =>
    engine.agentState({ agent, state: state ?? (boxDesk.trouble(agent) === undefined ? undefined : 'error') });
  const states = new AgentStates({ setState, engine, nowMs: Date.now });
  const askTimeoutMs = o.askTimeoutMs ?? ASK_TIMEOUT_MS;
  const homes = homesIn(parts, (agent) => attempts.isAtWork(agent) || terminals.has(agent) || turns.isAtWork(agent));
  const toolDesk = new ToolDesk({ stateDir, ask: (question) => approvals.ask(question) });
  const opened = new OpenedConversations({
    ...keeping,
    ...texts,
    homes,
    ssh,
    terminals: () => terminals,
    isAtWork: (of) => attempts.has(of),
    log,
  });
  const terminals = new TerminalAgents({
    ...keeping,
    tools: toolDesk.terminal,
    stateDir,
    ssh,
    setState,
    explain: (agent, tool) => boxDesk.explain(agent, tool) ?? states.explain(agent, tool),
    heldBack: (agent) => engine.core.heldBack(agent),
    screens: glimpses,
    drivers,
    patienceMs: askTimeoutMs,
    homes,
    ended: (agent) => void opened.ended(agent),
    closed: (one) => opened.closed(one),
    log,
  });
  const isInTurn = (agent: OpId): boolean => turns.isInTurn(agent);
  const approvals = new Approvals({ ...keeping, ...texts, isInTurn, askTimeoutMs, log });
  const { ledger, budgets } = moneyOf({ o, store, states, texts, self: keeping.self });
  const beside = { crashes, approvals, states, ledger, budgets, memory, toolDesk, homes, askTimeoutMs };
  const desk = deskOf({ ...beside, fleet: () => fleet });
  const places = placesOf(o, { parts, keeping, texts, isAtWork: (agent) => attempts.isAtWork(agent), setState });
  const { fleet, own, before } = places;
  const attempts = new Attempts({
    store,
    placeOf: (agent) => fleet?.placeOf(agent) ?? { runtime: boxDesk.runtimeOf(agent), workspaces: own },
    driverOf: ({ registered }) => (registered.tmuxSessionId === null ? drivers.get(registered.tool) : terminals.driver),
    tools: { ...keeping, glimpses, log, desk, ...texts, before },
    ended: (end) => engine.attemptEnded(end),
    gone: (one) => gone(one, engine, fleet),
  });
  const market = new Deals({ ...keeping, ...texts, store, nowMs: Date.now, minAgeMs: o.dealMinAgeMs, log });
  const turns = keeperOf({ parts, keeping, texts, boxDesk, log, ...beside });
  const boxing = new BoxLifecycle({ desk: boxDesk, store, drivers, attempts, turns, append: texts.append });
  const more = reachOf(keeping, { attempts, terminals, turns, opened });
  const relayDesk = new RelayDesk({ store, services: servicesOf(o), attempts, budgets, log, now: Date.now });
  const desks = { states, toolDesk, approvals, budgets, market, fleet };
  return { ...more, ...desks, terminals, attempts, turns, boxDesk, relayDesk, boxing };
}

/** An attempt's files are gone: its agent may take the next one, or be withdrawn. */
function gone(one: Parameters<Engine['attemptGone']>[0], engine: Engine, fleet: HostedFleet | undefined): void {
  engine.attemptGone(one);
  fleet?.look();
}

/** Where attempts begin and work, beside boxes. */
function placesOf(
  { slurm: file, log }: NodeOptions,
  o: Pick<AgentsWiring, 'parts' | 'keeping' | 'texts'> & Pick<HostedFleetOptions, 'isAtWork' | 'setState'>,
) {
  const { parts, keeping, texts, ...rest } = o;
  const continuation = new Continuation({ ...keeping, ...texts, log });
  const { workspaces: own } = continuation;
  const cluster = { ...keeping, ...texts, ...rest, stateDir: parts.stateDir, own, log };
  const fleet = file === undefined ? undefined : new HostedFleet({ ...cluster, file });
  return { own, fleet, before: (plan: AttemptPlan) => continuation.wordsFor(plan) };
}

function boxDeskOf({ o, parts, crashes, changed }: BoxWiring): BoxDesk {
  const { identity, stateDir, store, runtime } = parts;
  return new BoxDesk({
    self: identity.node,
    store,
    stateDir,
    secretDir: join(o.dataDir, 'secrets'),
    kinds: [new SandboxBoxes(), new ContainerBoxes({ engine: o.containerEngine }), new NspawnBoxes()],
    runtime,
    crashes,
    // Its word of itself is taken up again: with the box's trouble in its place, or without.
    changed,
    log: o.log,
  });
}

type BoxWiring = Pick<AgentsWiring, 'o' | 'parts'> & { crashes: CrashWatch; changed: (agent: OpId) => void };

function deskOf(o: Desk): AgentDesk {
  const { crashes, approvals, states, ledger, budgets, memory, toolDesk, homes, askTimeoutMs, fleet } = o;
  return {
    ask: (question) => approvals.ask(question),
    stands: (agent, state) => states.stands(agent, state),
    holds: (agent, context) => states.holds(agent, context),
    used: (used) => ledger.used(used),
    spending: (plan) => budgets.spending(plan),
    turnOver: ({ task, attempt, agent }, turn) => {
      memory.measure(agent, { task, attempt });
      return ledger.turnOver({ task, attempt }, isReader(agent) ? { ...turn, agent: agent.id } : undefined);
    },
    equip: async (plan) => {
      const equipment = await toolDesk.equip(plan);
      const servers = fleet()?.serversOf(plan.agent, equipment.servers) ?? equipment.servers;
      return { ...equipment, servers, patienceMs: askTimeoutMs, home: homes.of(plan.agent) };
    },
    crashesOf: (agent) => crashes.of(agent),
    leave: async (one) => {
      await ledger.leave(one);
      await toolDesk.leave(one);
      homes.sweep();
    },
  };
}

type Desk = Pick<Parts, 'memory'> & {
  crashes: CrashWatch;
  approvals: Approvals;
  states: AgentStates;
  ledger: UsageLedger;
  budgets: Budgets;
  toolDesk: ToolDesk;
  homes: AgentHomes;
  askTimeoutMs: number;
  fleet: () => HostedFleet | undefined;
};

/** What people see and do of agents, on whichever node they are. */
const reachOf = (keeping: AgentsWiring['keeping'], o: Reached) => ({
  control: new AgentControl({ ...keeping, ...o }),
  screens: new AgentScreens({ ...keeping, ...o }),
  transcripts: new SwarmTranscripts({
    ...keeping,
    ...o,
    flush: (of) => {
      o.attempts.flush(of);
      o.turns.flush(of.task);
    },
  }),
});
type Reached = { attempts: Attempts; terminals: TerminalAgents; turns: TurnKeeper; opened: OpenedConversations };

/** Agents that are woken by messages. */
function keeperOf({
  parts,
  keeping,
  texts,
  toolDesk,
  homes,
  boxDesk,
  askTimeoutMs,
  ...desk
}: KeeperWiring): TurnKeeper {
  const { store, stateDir, drivers, turnBook } = parts;
  return new TurnKeeper(keeping.self, {
    ...desk,
    store,
    stateDir,
    book: turnBook,
    letters: new Letters(store),
    // The node is made after its agents.
    get messages() {
      return texts.messages();
    },
    bearers: toolDesk.turns,
    driverOf: ({ registered }) => drivers.get(registered.tool),
    runtime: parts.runtime,
    runtimeOf: (agent) => boxDesk.runtimeOf(agent),
    homeOf: (agent) => homes.of(agent),
    transcriptOf: (agent) => turnTranscript(agent, parts.transcripts),
    patienceMs: askTimeoutMs,
    whenOpen: texts.whenOpen,
    nowMs: Date.now,
  });
}
type KeeperWiring = Pick<AgentsWiring, 'parts' | 'keeping' | 'texts'> &
  Omit<Desk, 'memory' | 'fleet'> & { boxDesk: BoxDesk; log: (line: string) => void };

function moneyOf({ o, store, states, texts, self }: Money) {
  const prices = new Prices({ path: join(o.dataDir, 'prices.json'), log: o.log });
  const ledger = new UsageLedger({ self, store, append: texts.append, prices });
  const dayUsd = o.budgetUsdDay;
  return { ledger, budgets: new Budgets({ self, store, ledger, states, dayUsd, nowMs: Date.now, log: o.log }) };
}

const servicesOf = ({ dataDir }: NodeOptions): ModelServices =>
  new ModelServices({ environment: process.env, secretDir: join(dataDir, 'secrets') });

type Money = Pick<AgentsWiring, 'o' | 'texts'> & Pick<Parts, 'store'> & { states: AgentStates; self: NodeId };

const homesIn = ({ stateDir, store }: Parts, isAtWork: (agent: OpId) => boolean): AgentHomes =>
  new AgentHomes({ stateDir, environment: process.env, row: (agent) => store.get('agent', agent), isAtWork });

/** The node is made after the attempts it carries out: what they need of it is looked up when they do. */
export const textsAndDelivery = (o: {
  node: () => HostedNode;
  opening: () => Opening;
  intake: Intake;
}): AgentsWiring['texts'] => ({
  stash: (text) => o.node().stash(text),
  unstash: (text) => o.node().unstash(text),
  append: (drafts) => o.node().append(drafts),
  messages: () => o.node().messages,
  whenOpen: () => o.opening().whenOpen(),
  deliver: (request, signal) => o.intake.deliver(request, signal),
});
