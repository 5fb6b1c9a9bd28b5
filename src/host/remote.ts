/** Calls between nodes as promises, and the methods this node serves. Frames and deadlines are the core's; here is only who asks and who answers. */
import { z } from 'zod';
import type { NodeId } from '#core/brand.ts';
import type { CallAnswer } from '#core/calls.ts';
import type { Clock, NodeCore } from '#core/node.ts';
import type { CallFrame } from '#core/schema/frame.ts';
import type { Refusal, RefusalCode } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';

type Method = (params: unknown, from: NodeId) => Promise<unknown>;

/** Calls of others served at once; above it the caller is told to come again. */
const SERVED_MAX = 256;

export class Remote {
  private readonly core: NodeCore;
  private readonly clock: () => Clock;
  private readonly kick: () => void;
  private readonly methods = new Map<string, Method>();
  private served = 0;

  constructor(o: { core: NodeCore; clock: () => Clock; kick: () => void }) {
    this.core = o.core;
    this.clock = o.clock;
    this.kick = o.kick;
  }

  /** Serves a method. Its answer may be a {@link Refusal}, which travels as such; what it throws is told to the caller as a failure. */
  serve<P>(name: string, params: z.ZodType<P>, run: (params: P, from: NodeId) => Promise<unknown>): void {
    this.methods.set(name, async (raw, from) => {
      const parsed = params.safeParse(raw);
      if (parsed.success) return run(parsed.data, from);
      return refusal('invalid', `call ${name} has wrong parameters`, { got: parsed.error.message.slice(0, 300) });
    });
  }

  /** A `serve` action of the core: answered exactly once. */
  answer(call: CallFrame): void {
    const method = this.methods.get(call.method);
    if (method === undefined)
      return this.reply(call, failure('unknown_method', `this node does not serve ${call.method}`));
    if (this.served >= SERVED_MAX)
      return this.reply(call, failure('busy', `${SERVED_MAX} calls are being served here`));
    this.served += 1;
    method(call.params, call.from)
      .then(
        (result) => this.reply(call, { ok: true, result }),
        (error: unknown) => this.reply(call, failure('failed', error instanceof Error ? error.message : String(error))),
      )
      .finally(() => (this.served -= 1));
  }

  /** Resolves with the reply, or with why there is none. Never rejects. */
  call(o: { to: NodeId; method: string; params: unknown; deadlineMs: number }): Promise<CallAnswer> {
    return new Promise((resolve) => {
      this.core.call({ ...o, done: resolve }, this.clock());
      this.kick();
    });
  }

  /** The reply read by `answer`; a refusal of the other node, or why it could not be asked, as a {@link Refusal}. */
  async ask<A>(o: {
    to: NodeId;
    method: string;
    params: unknown;
    deadlineMs: number;
    answer: z.ZodType<A>;
  }): Promise<A | Refusal> {
    const reply = await this.call(o);
    if (!reply.ok) {
      return refusal('node_unreachable', `node ${o.to.slice(0, 8)} could not be asked: ${reply.message}`, {
        got: reply.code,
      });
    }
    const refused = refusalSchema.safeParse(reply.result);
    if (refused.success) return refused.data;
    const answer = o.answer.safeParse(reply.result);
    if (answer.success) return answer.data;
    return refusal(
      'node_unreachable',
      `node ${o.to.slice(0, 8)} answered ${o.method} in a shape this version does not know`,
    );
  }

  private reply(call: CallFrame, answer: CallAnswer): void {
    this.core.reply(call, answer, this.clock());
    this.kick();
  }
}

const failure = (code: string, message: string): CallAnswer => ({ ok: false, code, message: message.slice(0, 2000) });

const CODES = [
  'invalid',
  'not_found',
  'forbidden',
  'conflict',
  'too_large',
  'too_many',
  'driver_unavailable',
  'not_supported',
  'home_unreachable',
  'node_unreachable',
  'no_work',
  'merge_conflict',
  'fenced',
  'workspace',
  'stopping',
] as const satisfies readonly RefusalCode[];

const refusalSchema: z.ZodType<Refusal> = z.object({
  refused: z.literal(true),
  code: z.enum(CODES),
  message: z.string(),
  expected: z.string().optional(),
  got: z.string().optional(),
});

/** Tells a refusal, of any room, from an answer. */
export const isRefusal = <T>(value: T): value is Extract<T, { refused: true }> =>
  typeof value === 'object' && value !== null && 'refused' in value;
