/**
 * What this node's agents ask before they go on. Rules answer at once; else the request is an op, seen everywhere, and this node decides it: by an
 * answer from any node, by a rule that is added meanwhile, or by denying it when nobody answered in time. The agent hears of a decision only after it
 * is on disk, so a node that is killed in between gives the same answer when the agent asks again.
 */
import type { ApprovalAnswer } from '#core/approval/answer.ts';
import type { Asked, Ruling } from '#core/approval/rules.ts';
import { rulingOf } from '#core/approval/rules.ts';
import type { NodeId, OpId, Principal } from '#core/brand.ts';
import { nodePrincipal } from '#core/brand.ts';
import { faultIn } from '#core/market/dispute.ts';
import type { Draft } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { BodyOf } from '#core/schema/body.ts';
import type { LongText } from '#core/schema/ids.ts';
import type { ApprovalOutcome, ApprovalRow, KnownApproval } from '#core/view/approval.ts';
import { isKnownApproval } from '#core/view/approval.ts';
import { taskChain } from '#core/view/chain.ts';
import type { LiveRule } from '#core/view/rule.ts';
import { isLiveRule } from '#core/view/rule.ts';
import type { PermissionAnswer, PermissionRequest } from '#agent-ports.ts';
import type { Arrival, OpStore } from '#ports.ts';
import { already, answerParams, decided, deny, outcomeSchema, told, toldBy, unknown } from './approval-answer.ts';
import { asksTheSame, NAME_MAX_CHARS, requestedBody, shown } from './approval-request.ts';
import type { Question, Void } from './agent-desk.ts';
import { realPlaceOf } from './real-paths.ts';
import type { Remote } from './remote.ts';
import { isRefusal } from './remote.ts';

const CALL_DEADLINE_MS = 10_000;
/** Requests of this node that wait for people at once; above it a request is denied. */
const OPEN_MAX = 500;
/** Rules that are looked at; doors let no more in. */
const RULES_MAX = 500;
/** Requests of one task that are looked through for one that is asked again. */
const OF_TASK_MAX = 5_000;

type Settling = BodyOf<'approval.decided'> | BodyOf<'approval.closed'>;

/** An agent that waits for the answer. */
type Waiter = { asked: Asked; timer: NodeJS.Timeout; resolve: (outcome: ApprovalOutcome | undefined) => void };

export type ApprovalsOptions = {
  self: NodeId;
  store: Pick<OpStore, 'get' | 'list'>;
  remote: Remote;
  append: (drafts: readonly Draft[]) => Promise<readonly Arrival[] | Refusal>;
  stash: (text: string) => Promise<LongText>;
  /** Resolves when the check after the start lets this node append. */
  whenOpen: () => Promise<void>;
  /** Whether the agent is in a turn that is no task's. */
  isInTurn: (agent: OpId) => boolean;
  /** How long an agent waits for a person. 0: nobody is asked on this node. */
  askTimeoutMs: number;
  log: (line: string) => void;
};

export class Approvals {
  readonly #o: ApprovalsOptions;
  readonly #waiting = new Map<OpId, Waiter>();
  /** Requests of this node that nobody decided yet, with or without an agent that waits, and their tasks. */
  readonly #open = new Map<OpId, OpId>();
  readonly #settling = new Map<OpId, Promise<unknown>>();
  #closed = false;

  constructor(o: ApprovalsOptions) {
    this.#o = o;
    o.remote.serve('approval.answer', answerParams, (answer) => this.#answerHere(answer));
  }

  /** At the start: what was open when this node stopped stays open as long as its attempt runs. */
  start(): void {
    const { store, self } = this.#o;
    for (const row of store.list('approval', { where: { state: 'open', node: self }, limit: OPEN_MAX }))
      if (row.requested !== undefined) this.#open.set(row.id, row.requested.task);
    if (this.#open.size > 0) void this.#o.whenOpen().then(() => this.#closeEnded(new Set(this.#open.values())));
  }

  /** A rule may answer what waits, and an attempt that ended waits for nothing. */
  arrived(arrivals: readonly Arrival[]): void {
    if (this.#open.size === 0) return;
    const tasks = new Set(this.#open.values());
    const ended = arrivals.flatMap(({ op }) =>
      op.body.type === 'task.ended' && tasks.has(op.header.entity) ? [op.header.entity] : [],
    );
    if (ended.length > 0) void this.#closeEnded(new Set(ended));
    if (!arrivals.some(({ op }) => op.body.type === 'rule.added')) return;
    const rules = this.#rules();
    for (const [id, { asked }] of this.#waiting) void this.#rule(id, rulingOf(asked, rules));
  }

  /** Nobody is answered any more. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const id of this.#waiting.keys()) this.#release(id, undefined);
  }

  /** Of the desk: what the agent is told, or undefined when it does not wait any more. Never rejects. */
  async ask(question: Question): Promise<PermissionAnswer | undefined> {
    try {
      return await this.#ask(question);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#o.log(`asking people for ${question.plan.agent.registered.name} failed: ${why}`);
      return deny('this node could not ask anybody');
    }
  }

  /** From a door of this node, about a request of any node. */
  async answer(answer: ApprovalAnswer): Promise<ApprovalOutcome | Refusal> {
    const { store, self, remote } = this.#o;
    const row = store.get('approval', answer.approval);
    if (!isKnownApproval(row)) return unknown(answer.approval);
    if (row.outcome !== undefined) return already(row.outcome);
    const { node } = row.requested;
    if (node === self) return this.#answerHere(answer);
    const reply = await remote.ask({
      to: node,
      method: 'approval.answer',
      params: answer,
      deadlineMs: CALL_DEADLINE_MS,
      answer: outcomeSchema,
    });
    if (!isRefusal(reply) || reply.code !== 'node_unreachable') return reply;
    const message = `only the agent's node can decide this, and ${reply.message}; try again when it is back`;
    return { ...reply, code: 'home_unreachable', message };
  }

  async #ask({ plan, cwd, request, closed, tell }: Question): Promise<PermissionAnswer | undefined> {
    if (request.request.length > NAME_MAX_CHARS) return deny('its name is too long to be asked about');
    const held = await this.#find(plan, request);
    if (held?.outcome?.kind === 'decided') return toldBy(held.outcome);
    const place = await realPlaceOf(cwd, request.paths);
    const { kind, tool, detail } = request;
    const { id, registered } = plan.agent;
    const asked: Asked = { kind, tool, detail, agent: { id, name: registered.name }, ...place };
    const ruling = rulingOf(asked, this.#rules());
    const isOpen = held !== undefined && held.outcome === undefined;
    if (ruling.effect !== 'ask' && !isOpen) {
      const verb = ruling.effect === 'allow' ? 'allowed' : 'denied';
      tell(`${verb}${ruling.rule === null ? '' : ' by a rule'}: ${shown(request.title)}`);
      return { behavior: ruling.effect, message: ruling.why };
    }
    const refused = this.#o.askTimeoutMs === 0 ? 'nobody is asked on this node' : this.#full();
    if (refused !== undefined && !isOpen) {
      tell(`denied, ${refused}: ${shown(request.title)}`);
      return deny(refused);
    }
    const approval = isOpen ? held.id : await this.#request({ plan, request, why: ruling.why });
    if (isRefusal(approval)) return deny(`this node could not ask anybody: ${approval.message}`);
    tell(`asks a person (${ruling.why}): ${shown(request.title)}`);
    const outcome = this.#wait(approval, asked, closed);
    if (isOpen) await this.#rule(approval, ruling);
    return told(await outcome, tell);
  }

  async #request(o: Pick<Question, 'plan' | 'request'> & { why: string }): Promise<OpId | Refusal> {
    await this.#o.whenOpen();
    const body = await requestedBody(o, this.#o.stash);
    const arrivals = await this.#o.append([{ entity: undefined, by: nodePrincipal(this.#o.self), body }]);
    if (isRefusal(arrivals)) return arrivals;
    const [arrival] = arrivals;
    if (arrival === undefined) throw new Error('an append of one op answered with none');
    this.#open.set(arrival.op.header.entity, o.plan.task);
    return arrival.op.header.entity;
  }

  /** Resolves with what was decided, and undefined when the agent does not wait any more. */
  #wait(id: OpId, asked: Asked, closed: AbortSignal): Promise<ApprovalOutcome | undefined> {
    const { self, askTimeoutMs } = this.#o;
    return new Promise((resolve) => {
      const note = `nobody answered within ${minutes(askTimeoutMs)}`;
      const timer = setTimeout(
        () => void this.#settle(id, nodePrincipal(self), decided('deny', note, null)),
        // A restart begins it anew: while its node was away, nobody could answer.
        askTimeoutMs,
      );
      this.#waiting.set(id, { asked, timer: timer.unref(), resolve });
      const onClosed = (): void => void this.#void(id, voidOf(closed));
      if (this.#closed) this.#release(id, undefined);
      else if (closed.aborted) onClosed();
      else closed.addEventListener('abort', onClosed, { once: true });
    });
  }

  async #void(id: OpId, why: Void): Promise<void> {
    if (why !== 'detached')
      await this.#settle(id, nodePrincipal(this.#o.self), { type: 'approval.closed', reason: why });
    this.#release(id, undefined);
  }

  #release(id: OpId, outcome: ApprovalOutcome | undefined): void {
    const waiter = this.#waiting.get(id);
    if (waiter === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiter.timer);
    waiter.resolve(outcome);
  }

  async #rule(id: OpId, { effect, rule, why }: Ruling): Promise<void> {
    if (effect === 'ask') return;
    await this.#settle(id, nodePrincipal(this.#o.self), decided(effect, why, rule));
  }

  async #answerHere({ approval, decision, note, by }: ApprovalAnswer): Promise<ApprovalOutcome | Refusal> {
    const row = this.#o.store.get('approval', approval);
    if (!isKnownApproval(row) || row.requested.node !== this.#o.self) return unknown(approval);
    if (!by.startsWith('user:'))
      return refusal('forbidden', 'only people answer agents', { expected: 'user:…', got: by });
    if (row.requested.kind === 'question' && decision === 'allow' && note.trim() === '')
      return refusal('invalid', 'a question needs an answer', { expected: 'note', got: 'nothing' });
    if (row.requested.dispute !== undefined && decision === 'allow' && faultIn(note) === undefined)
      return refusal('invalid', 'the answer says who is at fault', {
        expected: 'payer | worker | both | nobody, and why',
      });
    if (row.outcome === undefined && this.#isOver(row)) {
      const reason = { type: 'approval.closed', reason: 'ended' } as const;
      await this.#settle(approval, nodePrincipal(this.#o.self), reason);
      return refusal('conflict', 'the attempt that asked this is over: nobody waits for the answer');
    }
    return this.#settle(approval, by, decided(decision, note, null));
  }

  /** The one place where a request of this node is decided, or becomes void: whoever comes second hears who was first. */
  async #settle(id: OpId, by: Principal, body: Settling): Promise<ApprovalOutcome | Refusal> {
    // Each of those who wait looks again: the first may have failed.
    for (let under = this.#settling.get(id); under !== undefined; under = this.#settling.get(id)) await under;
    const before = this.#o.store.get('approval', id)?.outcome;
    if (before !== undefined) return already(before);
    const work = this.#o.append([{ entity: id, by, body }]).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      return refusal('stopping', `nothing was stored: ${why}`);
    });
    this.#settling.set(id, work);
    const stored = await work;
    this.#settling.delete(id);
    if (isRefusal(stored)) return stored;
    const outcome = this.#o.store.get('approval', id)?.outcome;
    if (outcome === undefined) throw new Error('what was just decided is not there');
    this.#open.delete(id);
    this.#release(id, outcome.kind === 'decided' ? outcome : undefined);
    return outcome;
  }

  async #closeEnded(tasks: ReadonlySet<OpId>): Promise<void> {
    for (const [id, task] of this.#open) {
      const row = tasks.has(task) ? this.#o.store.get('approval', id) : undefined;
      if (isKnownApproval(row) && this.#isOver(row)) await this.#void(id, 'ended');
    }
  }

  /** A turn that is no task's is over: what it asked is void. */
  async turnOver(agent: OpId): Promise<void> {
    if (this.#open.size > 0) await this.#closeEnded(new Set([agent]));
  }

  #isOver({ requested }: KnownApproval): boolean {
    if (requested.dispute !== undefined) return false;
    if (requested.task === requested.agent) return !this.#o.isInTurn(requested.agent);
    const row = this.#o.store.get('task', requested.task);
    const chain = row === undefined ? undefined : taskChain(row);
    return chain?.running?.value.agent !== requested.agent || chain.attempt !== requested.attempt;
  }

  /** The newest of that name, which asks for the same: one that was withdrawn may be asked again, and an answer is good for what it was given for. */
  async #find(plan: Question['plan'], request: PermissionRequest): Promise<ApprovalRow | undefined> {
    const { store, self, stash } = this.#o;
    const where = { task: plan.task, node: self };
    const found = store
      .list('approval', { where, order: [['created', 'desc']], limit: OF_TASK_MAX })
      .find(({ requested }) => requested?.attempt === plan.attempt && requested.request === request.request);
    if (found?.requested === undefined) return undefined;
    return asksTheSame(found.requested, await requestedBody({ plan, request, why: '' }, stash)) ? found : undefined;
  }

  #full(): string | undefined {
    return this.#open.size >= OPEN_MAX ? `${OPEN_MAX} requests of this node wait for people already` : undefined;
  }

  #rules(): LiveRule[] {
    return this.#o.store.list('rule', { where: { live: 1 }, limit: RULES_MAX }).filter(isLiveRule);
  }
}

function voidOf({ reason }: AbortSignal): Void {
  return reason === 'withdrawn' || reason === 'ended' ? reason : 'detached';
}

const minutes = (ms: number): string => (ms < 60_000 ? `${ms / 1000} s` : `${Math.round(ms / 6_000) / 10} min`);
