/** Agents of the whole swarm. What an agent is doing now is no fact of the log: it comes from presence and from the tasks' slots. */
import type { NodeId, OpId } from '../brand.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { compareStamps, createsEntity, stampOf } from '../op.ts';
import type { BodyOf } from '../schema/body.ts';
import type { ViewSpec } from './view.ts';

export type AgentRow = {
  id: OpId;
  registered:
    | {
        node: NodeId;
        name: string;
        tool: string;
        capabilities: string[];
        projectPath: string | null;
        tmuxSessionId: string | null;
        sessionOwned: boolean;
        maxConcurrentTasks: number;
        account: string | null;
        home: 'own' | 'person';
        opens: OpenedAttempt | null;
        /** A turn of it begins for what comes to its mailbox. */
        turns?: 'on' | 'echo';
        /** Of an agent on a compute node: the mailbox of its worker. */
        worker?: string;
        stamp: Stamp;
        wallMs: number;
      }
    | undefined;
  deregistered: boolean;
  /** Its own configuration directory was to go when it was withdrawn. */
  homeRemoved?: true;
  /** The newest word on whether it is paused, its registration's among them. */
  pause: { paused: boolean; stamp: Stamp } | undefined;
  /** The newest word on what it may cost a day, its registration's among them. */
  budget: { usdDay: number | null; stamp: Stamp } | undefined;
  /** In what it runs; undefined: in nothing, as whoever runs its node. */
  box: DeclaredBox | undefined;
  /** Whom it may write to, as globs of names; null or undefined: everybody. */
  recipients: { allow: readonly string[] | null; stamp: Stamp } | undefined;
  /** Who of those that come to a hub may write to it, as globs of their ids; undefined: nobody. */
  outsiders: { allow: readonly string[]; stamp: Stamp } | undefined;
  /** What it said of itself last. */
  status: { text: string; stamp: Stamp; wallMs: number } | undefined;
};

/** The attempt whose conversation a person goes on with, and the agent that had it. */
export type OpenedAttempt = NonNullable<BodyOf<'agent.registered'>['opens']>;

export type DeclaredBox = Omit<BodyOf<'box.declared'>, 'type' | 'agent'> & { stamp: Stamp };

export const isBoxed = (row: Pick<AgentRow, 'box'>): boolean => row.box !== undefined;

/** It is woken by messages, and takes no tasks. */
export const hasTurns = ({ registered }: Pick<AgentRow, 'registered'>): boolean => registered?.turns !== undefined;

export const isPaused = (row: AgentRow): boolean => row.pause?.paused === true;

/** An agent whose registration is known and which has not been withdrawn. */
export type LiveAgent = AgentRow & { registered: NonNullable<AgentRow['registered']>; deregistered: false };

export const isLive = (row: AgentRow | undefined): row is LiveAgent =>
  row !== undefined && row.registered !== undefined && !row.deregistered;

function fold(row: AgentRow | undefined, op: KnownOp): AgentRow {
  const known: AgentRow = row ?? unseen(op.header.entity);
  const { body } = op;
  const stamp = stampOf(op);
  if (body.type === 'agent.deregistered')
    return { ...known, deregistered: true, ...(body.home === undefined ? {} : { homeRemoved: true }) };
  if (body.type === 'agent.paused') return { ...known, pause: newest(known.pause, { paused: body.paused, stamp }) };
  if (body.type === 'agent.budgeted') return { ...known, budget: newest(known.budget, { usdDay: body.usdDay, stamp }) };
  if (body.type === 'box.declared') {
    const { type: _type, agent: _agent, ...declared } = body;
    // An id begins with its author.
    if (!known.id.startsWith(`${op.header.node}-`)) return known;
    return { ...known, box: newest(known.box, { ...declared, stamp }) };
  }
  if (body.type === 'agent.recipientsSet')
    return { ...known, recipients: newest(known.recipients, { allow: body.allow, stamp }) };
  if (body.type === 'agent.outsidersSet')
    return { ...known, outsiders: newest(known.outsiders, { allow: body.allow, stamp }) };
  if (body.type === 'agent.statusSet')
    return { ...known, status: newest(known.status, { text: body.text, stamp, wallMs: op.header.wallMs }) };
  if (body.type !== 'agent.registered' || !createsEntity(op)) return known;
  return {
    ...known,
    pause: newest(known.pause, { paused: body.paused ?? false, stamp }),
    budget: newest(known.budget, { usdDay: body.budgetUsdDay ?? null, stamp }),
    registered: {
      node: op.header.node,
      name: body.name,
      tool: body.tool,
      capabilities: [...body.capabilities],
      projectPath: body.projectPath,
      tmuxSessionId: body.tmuxSessionId,
      sessionOwned: body.sessionOwned ?? false,
      maxConcurrentTasks: body.maxConcurrentTasks,
      account: body.account ?? null,
      home: body.home ?? 'person',
      opens: body.opens ?? null,
      ...(body.turns === undefined ? {} : { turns: body.turns }),
      ...(body.worker === undefined ? {} : { worker: body.worker }),
      stamp,
      wallMs: op.header.wallMs,
    },
  };
}

const unseen = (id: OpId): AgentRow => ({
  id,
  registered: undefined,
  deregistered: false,
  pause: undefined,
  budget: undefined,
  box: undefined,
  recipients: undefined,
  outsiders: undefined,
  status: undefined,
});

const newest = <T extends { stamp: Stamp }>(held: T | undefined, said: T): T =>
  held !== undefined && compareStamps(held.stamp, said.stamp) >= 0 ? held : said;

export const agentView: ViewSpec<AgentRow> = {
  name: 'agent',
  version: 11,
  types: [
    'agent.registered',
    'agent.deregistered',
    'agent.paused',
    'agent.budgeted',
    'agent.recipientsSet',
    'agent.outsidersSet',
    'agent.statusSet',
    'box.declared',
  ],
  key: (op) => op.header.entity,
  fold,
  columnNames: ['live', 'node', 'name', 'created'],
  columns: (row) => ({
    live: isLive(row) ? 1 : 0,
    node: row.registered?.node ?? null,
    name: row.registered?.name ?? null,
    created: row.registered?.stamp.lamport ?? null,
  }),
  indexes: [['live', 'node']],
  sparse: [],
};
