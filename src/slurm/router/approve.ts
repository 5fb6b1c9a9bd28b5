/** `approve_execution`: an answer to what an agent asks, carried to its worker, whose word that it is answered ends the command. */
import { z } from 'zod';
import { openApprovals, parsed, reject, type CommandTools } from './command.ts';
import type { Answer, Command } from './door.ts';
import { placeOf, type FleetEvent } from './event.ts';

/** A worker takes an answer within a second; one that is gone is told of by its allocation. */
const CONSEQUENCE_MAX_MS = 60_000;

const payloadSchema = z.looseObject({
  job_id: z.coerce.string().min(1).max(64),
  call_id: z.string().min(1).max(200),
  node_id: z.number().int().nonnegative().optional(),
  approved: z.boolean(),
  decision: z.union([z.string().max(100), z.record(z.string(), z.unknown())]).optional(),
});

export async function answerApproval(payload: Command['payload'], tools: CommandTools, answer: Answer): Promise<void> {
  const { job_id: job, call_id: call, node_id: node, approved, decision } = parsed(payloadSchema, payload);
  const { router } = tools;
  const isMeant = (mailbox: string): boolean => {
    const place = placeOf(mailbox);
    return place.job === job && (node === undefined || place.node === node);
  };
  const found = router.state.approvals.filter(
    (one) => isMeant(one.mailbox) && (one.call === call || one.approval === call),
  );
  const [asked, another] = found;
  const told = { job_id: job, call_id: call, ...(node === undefined ? {} : { node_id: node }) };
  if (asked === undefined) {
    const before = router.resolved.find((one) => isMeant(one.mailbox) && one.call === call);
    if (before === undefined) {
      return reject(answer, 'nobody asks this', { ...told, pending_candidates: openApprovals(router) });
    }
    const { approved: was, decision: how } = before;
    return answer('exec_approval_resolved', { ...told, approved: was, decision: how, idempotent: true });
  }
  if (another !== undefined) {
    const reason = 'more than one agent asks this: name the node';
    return reject(answer, reason, { ...told, pending_candidates: openApprovals(router) });
  }
  const { mailbox, approval } = asked;
  const place = placeOf(mailbox);
  const whole = { ...told, node_id: place.node, approval_id: approval, approved, decision: decision ?? null };
  const isResolved = ({ event, data, mailbox: from }: FleetEvent): boolean =>
    event === 'exec_approval_resolved' && from === mailbox && data['approval_id'] === approval;
  const consequence = tools.until(isResolved, CONSEQUENCE_MAX_MS);
  const params = {
    approval_id: approval,
    call_id: asked.call,
    approved,
    ...(decision === undefined ? {} : { decision }),
  };
  await router.tell(job, place.node, { type: 'control', payload: { method: 'exec/approvalResponse', params } });
  answer('exec_approval_submitted', { ...whole, approvals_version: router.approvalsVersion });
  const event = await consequence;
  if (event === undefined) {
    const reason = `the answer is in the inbox, but the worker took none within ${CONSEQUENCE_MAX_MS / 1000} s`;
    return reject(answer, reason, whole);
  }
  // Somebody else may have been first.
  const was = typeof event.data['approved'] === 'boolean' ? event.data['approved'] : approved;
  router.remember({ mailbox, call: asked.call, approved: was, decision: event.data['decision'] ?? decision ?? null });
  answer('exec_approval_resolved', { ...whole, approved: was, idempotent: false });
}
