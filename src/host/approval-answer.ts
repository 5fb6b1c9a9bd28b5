/** How answers to agents travel between nodes, and what is said of them. */
import { z } from 'zod';
import type { OpId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { BodyOf } from '#core/schema/body.ts';
import { nodeIdSchema, opIdSchema, principalSchema } from '#core/schema/ids.ts';
import type { ApprovalOutcome } from '#core/view/approval.ts';
import type { PermissionAnswer } from '#agent-ports.ts';

/** The call `approval.answer`, and what comes back. */
export const answerParams = z.object({
  approval: opIdSchema,
  decision: z.enum(['allow', 'deny']),
  note: z.string().max(4000),
  by: principalSchema,
});
const outcomeAt = {
  by: principalSchema,
  stamp: z.object({ lamport: z.number(), node: nodeIdSchema, seq: z.number() }),
  wallMs: z.number(),
};
export const outcomeSchema: z.ZodType<ApprovalOutcome> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('decided'),
    decision: z.enum(['allow', 'deny']),
    note: z.string(),
    rule: opIdSchema.nullable(),
    ...outcomeAt,
  }),
  z.object({ kind: z.literal('closed'), reason: z.enum(['withdrawn', 'ended']), ...outcomeAt }),
]);

export const decided = (decision: 'allow' | 'deny', note: string, rule: OpId | null): BodyOf<'approval.decided'> => ({
  type: 'approval.decided',
  decision,
  note,
  rule,
});

/** What an agent is told that nobody allowed. */
export const deny = (message: string): PermissionAnswer => ({ behavior: 'deny', message });

export const unknown = (id: string): Refusal => refusal('not_found', 'Approval not found', { got: id });

/** For whoever comes second. Nothing was changed. */
export function already(outcome: ApprovalOutcome): Refusal {
  if (outcome.kind === 'closed') return refusal('conflict', 'it is void: nobody waits for the answer any more');
  const what = outcome.decision === 'allow' ? 'allowed' : 'denied';
  const by = outcome.rule === null ? outcome.by : 'a rule';
  return refusal('conflict', `it was ${what} already, by ${by}`, { got: what });
}

/** Undefined for what is void: nobody waits for it. */
export function told(outcome: ApprovalOutcome | undefined, tell: (line: string) => void): PermissionAnswer | undefined {
  if (outcome?.kind !== 'decided') return undefined;
  tell(`${outcome.decision === 'allow' ? 'allowed' : 'denied'} by ${outcome.rule === null ? outcome.by : 'a rule'}`);
  return toldBy(outcome);
}

/** A decision in the words of the seam to drivers. */
export function toldBy({ decision, note, by }: Extract<ApprovalOutcome, { kind: 'decided' }>): PermissionAnswer {
  const otherwise = decision === 'deny' ? `denied by ${by}` : '';
  return { behavior: decision, message: note === '' ? otherwise : note };
}
