/** How hard a storm is: sizes, faults and their frequencies. */
import { FULL_LINKS_MAX } from '#core/overlay.ts';
import type { NetworkKnobs } from './network.ts';
import type { MachineKnobs } from './machine-knobs.ts';

export type StormKnobs = MachineKnobs &
  NetworkKnobs & {
    nodes: number;
    agentsPerNode: number;
    tasks: number;
    stormMs: number;
    /** Time after the last fault in which everything must come right. */
    healMs: number;
    crashes: number;
    /** A node that crashed is down so long at most. */
    downMaxMs: number;
    cuts: number;
    /** Nodes that stop running for a while, as under SIGSTOP. */
    pauses: number;
    /** How often a machine's wall clock is set, by up to a day in either direction. */
    clockJumps: number;
    /** How often one node goes down for good. */
    deathProbability: number;
    /** How often a machine comes back with an older copy of its disk. */
    rollbacks: number;
    /** How often a node seals some of its old ops. */
    seals: number;
    /** How often a task is optimistic. */
    optimisticProbability: number;
    cancelProbability: number;
    dependsProbability: number;
    /** Messages to agents, each of which reads its mailbox where there are any. */
    messages: number;
    /** How often a turn that messages led to fails, and how often the agent that has it dies. */
    turnFailsProbability: number;
    readerDiesProbability: number;
  };

export const SKELETON_STORM: StormKnobs = {
  nodes: 3,
  agentsPerNode: 2,
  tasks: 12,
  stormMs: 20_000,
  healMs: 90_000,
  crashes: 4,
  downMaxMs: 8_000,
  cuts: 4,
  pauses: 1,
  clockJumps: 1,
  deathProbability: 0,
  rollbacks: 0,
  seals: 0,
  optimisticProbability: 0,
  cancelProbability: 0.1,
  dependsProbability: 0.2,
  messages: 0,
  turnFailsProbability: 0.1,
  readerDiesProbability: 0.1,
  delayMinMs: 1,
  delayMaxMs: 20,
  lossProbability: 0.02,
  duplicateProbability: 0.02,
  diskMinMs: 0,
  diskMaxMs: 15,
  slowDiskProbability: 0.01,
  workMinMs: 5,
  workMaxMs: 3_000,
  failProbability: 0.1,
  hangProbability: 0,
  leaseMs: 20_000,
  fullLinksMax: FULL_LINKS_MAX,
  holderDiesProbability: 0.3,
};

/** Five nodes, so five voters; machines that die for good, agents that hang, long cuts and pauses beyond the lease. */
export const DECISION_STORM: StormKnobs = {
  ...SKELETON_STORM,
  nodes: 5,
  tasks: 20,
  stormMs: 60_000,
  healMs: 120_000,
  crashes: 8,
  cuts: 10,
  pauses: 2,
  clockJumps: 2,
  deathProbability: 0.3,
  hangProbability: 0.02,
};

/** Three nodes that go down often and come back at once, over slow links and disks: what is between a message and its write shows here. */
export const ROUGH_STORM: StormKnobs = {
  ...SKELETON_STORM,
  tasks: 30,
  crashes: 25,
  downMaxMs: 1_000,
  delayMaxMs: 200,
  diskMaxMs: 100,
  cancelProbability: 0.4,
};

/**
 * Five machines of which one comes back with an older copy of its disk. Milder than the others: a copy is found out by what a majority of the peers
 * knows, so that it is found always was never promised.
 */
export const ROLLBACK_STORM: StormKnobs = { ...DECISION_STORM, rollbacks: 1, deathProbability: 0, crashes: 3, cuts: 4 };

/** Half the tasks may run twice, and some do; all else holds for them as for the others. */
export const OPTIMISTIC_STORM: StormKnobs = { ...DECISION_STORM, optimisticProbability: 0.5 };

/** Nodes seal what they hold at any moment, young ops and old ones, and take it back where a log is cut; others get it from them. */
export const SEALED_STORM: StormKnobs = { ...DECISION_STORM, seals: 400, crashes: 12, cuts: 14 };

/** Rough, and full of messages: nodes go down between a message, its row and its reader, and readers die with what they have in hand. */
export const MAIL_STORM: StormKnobs = { ...ROUGH_STORM, tasks: 5, messages: 150 };

/** The storm of the soak: ten nodes, a hundred tasks, every fault at random for a minute, and design-sized rests between them. */
export const SOAK_STORM: StormKnobs = {
  ...DECISION_STORM,
  nodes: 10,
  tasks: 100,
  crashes: 20,
  cuts: 24,
  pauses: 4,
  clockJumps: 4,
  cancelProbability: 0.15,
};

/** A swarm that is too large for links to all: ops go along trees that break and are mended, and whoever is needed is dialled. */
export const SPARSE_STORM: StormKnobs = {
  ...DECISION_STORM,
  nodes: 12,
  agentsPerNode: 1,
  fullLinksMax: 3,
};

/** Whole nodes, as many as can be simulated in some minutes; above 64 ops go along trees. */
const HUNDRED_STORM: StormKnobs = {
  ...DECISION_STORM,
  nodes: 100,
  agentsPerNode: 1,
  crashes: 20,
  cuts: 40,
  pauses: 4,
};

export const STORMS: ReadonlyMap<string, StormKnobs> = new Map([
  ['skeleton', SKELETON_STORM],
  ['decision', DECISION_STORM],
  ['rough', ROUGH_STORM],
  ['rollback', ROLLBACK_STORM],
  ['optimistic', OPTIMISTIC_STORM],
  ['sealed', SEALED_STORM],
  ['mail', MAIL_STORM],
  ['soak', SOAK_STORM],
  ['sparse', SPARSE_STORM],
  ['hundred', HUNDRED_STORM],
]);
