/** Answering what an agent asked, from any node: the agent's own node decides, once. */
import type { OpId, Principal } from '../brand.ts';
import type { Refusal } from '../refusal.ts';
import type { ApprovalOutcome } from '../view/approval.ts';

/** `note` is told to the agent; for a question it is the answer. `by` is a person. */
export type ApprovalAnswer = { approval: OpId; decision: 'allow' | 'deny'; note: string; by: Principal };

export interface Answering {
  /**
   * Resolves when the decision is on disk at the node that asked. `conflict` names who was first, or says that the request is void;
   * `home_unreachable`: that node cannot be asked, and this one stores nothing.
   */
  approvalAnswer(answer: ApprovalAnswer): Promise<ApprovalOutcome | Refusal>;
}
