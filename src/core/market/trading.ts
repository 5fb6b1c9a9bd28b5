/** The market as doors use it: a proposal is decided by its home, whichever node somebody speaks at. */
import type { OpId, Principal } from '../brand.ts';
import type { Refusal } from '../refusal.ts';
import type { BodyOf } from '../schema/body.ts';
import type { KnownProposal, ProposalState } from '../view/proposal.ts';

/** `expiresMs`: by the clock of this node, which becomes its home. `to` is null only where a task is offered. */
export type ProposalWanted = Omit<BodyOf<'proposal.made'>, 'type' | 'atMs'> & { by: Principal };

/** What somebody does about a proposal. Who it is was found out by the door; a signature, where there is one, was checked there. */
export type DealAct = { proposal: OpId; by: Principal; sig: string | null } & (
  | { kind: 'accept'; stake: number; paymentCode: string | null }
  | { kind: 'reject'; reason: string | null }
  | { kind: 'complete'; proof: string | null }
  | { kind: 'dispute'; reason: string }
);

/** How the proposal stands after it; `accepted` after a worker's word that it is done: the payer is asked. */
export type DealDone = { state: ProposalState };

/**
 * Refusals begin with AgentChat's word for what is wrong and a colon (`PROPOSAL_NOT_PENDING: …`) and changed nothing. `home_unreachable`: only the
 * proposal's home can decide it, and it is away.
 */
export interface Trading {
  /** Resolves when the proposal is on disk here, and with it the news for whom it is addressed to. */
  propose(wanted: ProposalWanted): Promise<KnownProposal | Refusal>;
  /** Resolves when it is on disk at the home. */
  act(act: DealAct): Promise<DealDone | Refusal>;
}
