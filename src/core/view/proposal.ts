/**
 * Proposals of work and what became of them. One node decides each, its home; so what others write about it is left aside, and of words that exclude
 * one another the first stands.
 */
import type { NodeId, OpId, Principal } from '../brand.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { compareStamps, createsEntity, stampOf } from '../op.ts';
import type { BodyOf } from '../schema/body.ts';
import type { Stamped } from './newest.ts';
import { oldest } from './newest.ts';
import type { ViewSpec } from './view.ts';

type Name = 'made' | 'accepted' | 'rejected' | 'expired' | 'delivered' | 'completed' | 'disputed' | 'settled';
type Said<T extends Name> = Omit<BodyOf<`proposal.${T}`>, 'type'> & { by: Principal };
type Word<T extends Name> = Stamped<Said<T>>;

export type ProposalMade = Said<'made'> & { home: NodeId; stamp: Stamp; wallMs: number };

export type ProposalRow = {
  id: OpId;
  made: ProposalMade | undefined;
  accepted: Word<'accepted'> | undefined;
  rejected: Word<'rejected'> | undefined;
  expired: Word<'expired'> | undefined;
  delivered: Word<'delivered'> | undefined;
  completed: Word<'completed'> | undefined;
  disputed: Word<'disputed'> | undefined;
  settled: Word<'settled'> | undefined;
};

export type KnownProposal = ProposalRow & { made: ProposalMade };

export const isKnownProposal = (row: ProposalRow | undefined): row is KnownProposal => row?.made !== undefined;

/** `unknown` while the proposal itself has not arrived. */
export type ProposalState =
  | 'unknown'
  | 'pending'
  | 'accepted'
  | 'rejected'
  | 'expired'
  | 'completed'
  | 'disputed'
  | 'settled';

const first = <T extends { stamp: Stamp }>(...words: readonly (T | undefined)[]): T | undefined =>
  words.filter((word) => word !== undefined).toSorted((a, b) => compareStamps(a.stamp, b.stamp))[0];

export function proposalState(row: ProposalRow): ProposalState {
  if (row.made === undefined) return 'unknown';
  const answer = first<{ stamp: Stamp }>(row.accepted, row.rejected, row.expired);
  if (answer === undefined) return 'pending';
  if (answer !== row.accepted) return answer === row.rejected ? 'rejected' : 'expired';
  const end = first<{ stamp: Stamp }>(row.completed, row.disputed);
  if (end === undefined) return 'accepted';
  if (end === row.completed) return 'completed';
  return row.settled === undefined ? 'disputed' : 'settled';
}

/** Who works: who accepted it, or is asked to. */
export const workerOf = (row: KnownProposal): Principal | null => row.accepted?.value.by ?? row.made.to;

/** When it ended so that ratings may move. */
export function endedAt(row: ProposalRow): Stamp | undefined {
  const state = proposalState(row);
  if (state === 'completed') return row.completed?.stamp;
  return state === 'settled' ? row.settled?.stamp : undefined;
}

/** The node that decides it: an id begins with its author. */
export const homeOfProposal = (proposal: OpId): string => proposal.slice(0, 32);

const nothing = (id: OpId): ProposalRow => ({
  id,
  made: undefined,
  accepted: undefined,
  rejected: undefined,
  expired: undefined,
  delivered: undefined,
  completed: undefined,
  disputed: undefined,
  settled: undefined,
});

function fieldsOf<B extends { type: string }>({ type: _type, ...fields }: B): Omit<B, 'type'> {
  return fields;
}

function fold(row: ProposalRow | undefined, op: KnownOp): ProposalRow {
  const { body, header } = op;
  const known = row ?? nothing(header.entity);
  if (header.node !== homeOfProposal(known.id)) return known;
  const at = { stamp: stampOf(op), wallMs: header.wallMs };
  const { by } = header;
  switch (body.type) {
    case 'proposal.made': {
      if (!createsEntity(op)) return known;
      return { ...known, made: { ...fieldsOf(body), by, home: header.node, ...at } };
    }
    case 'proposal.accepted':
      return { ...known, accepted: oldest(known.accepted, { value: { ...fieldsOf(body), by }, ...at }) };
    case 'proposal.rejected':
      return { ...known, rejected: oldest(known.rejected, { value: { ...fieldsOf(body), by }, ...at }) };
    case 'proposal.expired':
      return { ...known, expired: oldest(known.expired, { value: { ...fieldsOf(body), by }, ...at }) };
    case 'proposal.delivered':
      return { ...known, delivered: oldest(known.delivered, { value: { ...fieldsOf(body), by }, ...at }) };
    case 'proposal.completed':
      return { ...known, completed: oldest(known.completed, { value: { ...fieldsOf(body), by }, ...at }) };
    case 'proposal.disputed':
      return { ...known, disputed: oldest(known.disputed, { value: { ...fieldsOf(body), by }, ...at }) };
    case 'proposal.settled':
      return { ...known, settled: oldest(known.settled, { value: { ...fieldsOf(body), by }, ...at }) };
    default:
      return known;
  }
}

export const proposalView: ViewSpec<ProposalRow> = {
  name: 'proposal',
  version: 1,
  types: [
    'proposal.made',
    'proposal.accepted',
    'proposal.rejected',
    'proposal.expired',
    'proposal.delivered',
    'proposal.completed',
    'proposal.disputed',
    'proposal.settled',
  ],
  key: (op) => op.header.entity,
  fold,
  columnNames: ['state', 'payer', 'worker', 'home', 'created', 'ended', 'offers'],
  columns: (row) => ({
    state: proposalState(row),
    payer: row.made?.by ?? null,
    worker: isKnownProposal(row) ? workerOf(row) : null,
    home: row.made?.home ?? null,
    created: row.made?.stamp.lamport ?? null,
    ended: endedAt(row)?.lamport ?? null,
    offers: row.made?.offers ?? null,
  }),
  indexes: [['state', 'created'], ['payer', 'state'], ['worker', 'state'], [['created', 'desc']]],
  sparse: ['ended', 'offers'],
};
