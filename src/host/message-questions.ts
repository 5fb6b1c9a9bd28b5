/**
 * Questions that agents of this node put to one another and to people. This node closes each once: by the first answer, from whichever node it comes,
 * or when its time is over. The answer is a message to the asker, written in the batch that closes the question.
 */
import { z } from 'zod';
import type { NodeId, OpId, Principal } from '#core/brand.ts';
import { agentPrincipal, nodePrincipal, parsedOpId } from '#core/brand.ts';
import { homeOf, mailboxOf, OPERATOR_CHANNEL, readerOf } from '#core/message/address.ts';
import type { Messaging } from '#core/message/messaging.ts';
import type { Draft } from '#core/op.ts';
import { opId } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { longTextSchema, opIdSchema, principalSchema } from '#core/schema/ids.ts';
import type { LongText } from '#core/schema/ids.ts';
import type { KnownMessage, MessageRow } from '#core/view/message.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { Arrival, OpStore } from '#ports.ts';
import type { Remote } from './remote.ts';
import { isRefusal } from './remote.ts';

const CALL_DEADLINE_MS = 10_000;
/** Longer timers than the system takes are set again. */
const TIMER_MAX_MS = 3_600_000;
/** Open questions that are looked for at the start: as many as one mailbox of people may sensibly hold. */
const OPEN_MAX = 10_000;

const METHOD = 'message.answer';
const answerParams = z.object({ question: opIdSchema, by: principalSchema, text: longTextSchema });
const answered = z.object({ answer: opIdSchema });

export type QuestionsOptions = {
  self: NodeId;
  store: Pick<OpStore, 'get' | 'list'>;
  remote: Remote;
  append: (drafts: readonly Draft[]) => Promise<readonly Arrival[] | Refusal>;
  stash: (text: string) => Promise<LongText>;
  nowMs: () => number;
  whenOpen: () => Promise<void>;
  log: (line: string) => void;
};

export class Questions {
  readonly #o: QuestionsOptions;
  readonly #timers = new Map<OpId, NodeJS.Timeout>();
  /** Being closed at this moment: only the first of two answers is. */
  readonly #closing = new Set<OpId>();

  constructor(o: QuestionsOptions) {
    this.#o = o;
    o.remote.serve(METHOD, answerParams, async (params) => {
      const answer = await this.#close(params.question, params);
      return isRefusal(answer) ? answer : { answer };
    });
  }

  /** Goes on with what was open at the last stop. */
  start(): void {
    const rows = this.#o.store.list('message', { where: { question: 'open' }, limit: OPEN_MAX });
    for (const row of rows) this.#watch(row.id);
  }

  arrived(arrivals: readonly Arrival[]): void {
    for (const { op } of arrivals)
      if (op.body.type === 'message.sent' && op.body.kind === 'question' && op.header.node === this.#o.self)
        this.#watch(opId(op));
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  async answer({ question, by, text }: Parameters<Messaging['answer']>[0]): Promise<OpId | Refusal> {
    const row = this.#o.store.get('message', question);
    const refused = notAnswerable(row, { id: question, by });
    if (refused !== undefined) return refused;
    const stashed = await this.#o.stash(text);
    const home = homeOf(question);
    if (home === this.#o.self) return this.#close(question, { by, text: stashed });
    const params = { question, by, text: stashed };
    const reply = await this.#o.remote.ask({
      to: home,
      method: METHOD,
      params,
      deadlineMs: CALL_DEADLINE_MS,
      answer: answered,
    });
    if (!isRefusal(reply)) return reply.answer;
    if (reply.code !== 'node_unreachable') return reply;
    return refusal(
      'home_unreachable',
      'the node of whoever asked cannot be reached: nothing was stored; try again later',
    );
  }

  /** Its asker wants no answer any more. */
  async cancel(question: OpId): Promise<OpId | Refusal> {
    return this.#close(question, 'cancelled');
  }

  /** The first word closes it; whoever comes later is told so. Gives the answer's id, of a question that got none its own. */
  async #close(question: OpId, how: Answer | 'expired' | 'cancelled'): Promise<OpId | Refusal> {
    const row = this.#o.store.get('message', question);
    const refused = this.#closing.has(question) ? over(question) : notOpen(row, question);
    if (refused !== undefined || !isKnownMessage(row)) return refused ?? over(question);
    this.#closing.add(question);
    try {
      const arrivals = await this.#o.append(this.#drafts(row, how));
      if (isRefusal(arrivals)) return arrivals;
      clearTimeout(this.#timers.get(question));
      this.#timers.delete(question);
      const last = arrivals.at(-1)?.op;
      return last === undefined || how === 'cancelled' ? question : opId(last);
    } finally {
      this.#closing.delete(question);
    }
  }

  #drafts({ id, sent }: KnownMessage, how: Answer | 'expired' | 'cancelled'): Draft[] {
    const by = typeof how === 'string' ? nodePrincipal(this.#o.self) : how.by;
    const closed: Draft = {
      entity: id,
      by,
      body: { type: 'question.closed', how: typeof how === 'string' ? how : 'answered' },
    };
    if (how === 'cancelled') return [closed];
    const rest = { replyTo: id, thread: sent.thread ?? id, hops: sent.hops + 1, source: null, dueMs: null };
    const text = how === 'expired' ? EXPIRED : how.text;
    const channel = mailboxOfPrincipal(sent.from);
    return [closed, { entity: undefined, by, body: { type: 'message.sent', channel, kind: 'answer', text, ...rest } }];
  }

  #watch(id: OpId): void {
    const row = this.#o.store.get('message', id);
    if (!isKnownMessage(row) || row.sent.node !== this.#o.self || row.closed !== undefined) return;
    const { expiresMs } = row.sent;
    if (expiresMs === undefined) return;
    const leftMs = expiresMs - this.#o.nowMs();
    clearTimeout(this.#timers.get(id));
    const timer = setTimeout(() => (leftMs > TIMER_MAX_MS ? this.#watch(id) : this.#expire(id)), within(leftMs));
    timer.unref();
    this.#timers.set(id, timer);
  }

  #expire(id: OpId): void {
    this.#timers.delete(id);
    void this.#o.whenOpen().then(async () => {
      const closed = await this.#close(id, 'expired');
      if (isRefusal(closed) && closed.code !== 'conflict')
        this.#o.log(`question ${id} is not closed: ${closed.message}`);
    });
  }
}

type Answer = { by: Principal; text: LongText };

/** What the asker reads where nobody answered. */
export const EXPIRED = '[expired]';

const within = (leftMs: number): number => Math.min(TIMER_MAX_MS, Math.max(0, leftMs));

const mailboxOfPrincipal = (by: Principal): string =>
  by.startsWith('agent:') ? mailboxOf(parsedOpId(by.slice('agent:'.length))) : OPERATOR_CHANNEL;

const over = (id: OpId): Refusal =>
  refusal('conflict', 'this question is closed: answered, expired or cancelled', {
    expected: 'an open question',
    got: id,
  });

function notOpen(row: MessageRow | undefined, id: OpId): Refusal | undefined {
  if (!isKnownMessage(row) || row.sent.kind !== 'question')
    return refusal('not_found', 'there is no such question', { got: id });
  return row.closed === undefined ? undefined : over(id);
}

/** A person may answer for anybody; an agent what it was asked. */
function notAnswerable(row: MessageRow | undefined, o: { id: OpId; by: Principal }): Refusal | undefined {
  const refused = notOpen(row, o.id);
  if (refused !== undefined || !isKnownMessage(row) || o.by.startsWith('user:')) return refused;
  const reader = readerOf(row.sent.channel);
  if (reader !== undefined && o.by === agentPrincipal(reader)) return undefined;
  return refusal('forbidden', 'this question was put to somebody else', { expected: row.sent.channel, got: o.by });
}
