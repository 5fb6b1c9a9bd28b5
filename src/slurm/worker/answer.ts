/** Answers to what an agent asks, in the ways in which codeswarm words them. */
import { z } from 'zod';

export type Answer = {
  /** Of a request's name, as the driver gives it: Codex's is `<item> <number of the request>`. */
  isFor: (request: string) => boolean;
  approved: boolean | undefined;
  /** A word, or an object whose one key is the word. */
  decision: unknown;
};

const id = z.union([z.string(), z.number()]);
const rpcResponse = z.looseObject({
  type: z.literal('rpc_response'),
  rpc_id: id,
  result: z.looseObject({ decision: z.unknown().optional() }),
});
const approvalResponse = z.looseObject({
  method: z.literal('exec/approvalResponse'),
  params: z.looseObject({
    approval_id: z.string().optional(),
    call_id: z.string().optional(),
    callId: z.string().optional(),
    approved: z.boolean().optional(),
    decision: z.unknown().optional(),
  }),
});

/** Undefined for a payload that is no answer. */
export function answerOf(payload: unknown): Answer | undefined {
  const response = rpcResponse.safeParse(payload).data;
  if (response !== undefined) {
    const number = JSON.stringify(response.rpc_id);
    const isFor = (request: string): boolean => request.endsWith(` ${number}`);
    return { isFor, approved: undefined, decision: response.result.decision };
  }
  const given = approvalResponse.safeParse(payload).data?.params;
  if (given === undefined) return undefined;
  const { approval_id: approval, call_id: call = given.callId, approved, decision } = given;
  const isFor = (request: string): boolean =>
    request === approval || (call !== undefined && (request === call || request.startsWith(`${call} `)));
  return { isFor, approved, decision };
}

/** Words of allowance, of both dialects. What is allowed for a session is allowed this once: rules are made where the swarm decides. */
const ALLOWING = new Set([
  'accept',
  'acceptForSession',
  'acceptWithExecpolicyAmendment',
  'approved',
  'approved_for_session',
  'approved_execpolicy_amendment',
]);
/** Denied, and the turn ends, too. */
const STOPPING = new Set(['cancel', 'abort']);

/** What is no word of allowance denies. */
export function decisionOf({ approved, decision }: Answer): { behavior: 'allow' | 'deny'; stops: boolean } {
  const word = typeof decision === 'string' ? decision : wordIn(decision);
  if (word === undefined) return { behavior: approved === true ? 'allow' : 'deny', stops: false };
  const isAllowed = ALLOWING.has(word) && approved !== false;
  return { behavior: isAllowed ? 'allow' : 'deny', stops: STOPPING.has(word) };
}

const wordIn = (decision: unknown): string | undefined =>
  typeof decision === 'object' && decision !== null ? Object.keys(decision)[0] : undefined;
