/** One agent asks another, through the hub, to prove its key: the other signs the nonce, and the hub checks it. */
import type { At } from './channels.ts';
import type { FrameOf, Refused } from './frames.ts';
import { bad } from './frames.ts';
import type { Hub } from './hub.ts';
import { isSigned } from './key.ts';
import { prefixedId } from './login.ts';

/** As in AgentChat. */
const ANSWER_MS = 30_000;
/** Requests under way in one hub; more are refused. */
const PENDING_MAX = 1_000;

type Pending = { asker: string; target: string; nonce: string; timer: NodeJS.Timeout };
type Answer = Promise<Refused | undefined>;

export class Proofs {
  private readonly pending = new Map<string, Pending>();
  /** Asked by another hub of somebody here. */
  private readonly far = new Set<string>();

  /** The answer to a proof may come by another hub. */
  constructor(hub: Hub) {
    hub.far.listen((signal) => {
      if (signal.kind === 'frame') this.passed(signal);
      if (signal.kind === 'proof') this.judge({ ...signal, by: signal.by }, hub);
    });
  }

  async ask({ target, nonce }: FrameOf<'VERIFY_REQUEST'>, { session, member, hub }: At): Answer {
    const { store, info } = hub.door.node;
    const row = store.get('identity', target.slice(1));
    const other = hub.session(target);
    const isFar = row?.session !== undefined && row.session.value !== info.self;
    if (other === undefined && !isFar) return bad('AGENT_NOT_FOUND', `Agent ${target} not found`);
    if (row?.key === undefined) return bad('NO_PUBKEY', `Agent ${target} has no key`);
    if (this.pending.size >= PENDING_MAX) return bad('RATE_LIMITED', 'too many proofs are under way');
    const id = prefixedId('verify', hub.door.now());
    const timer = setTimeout(() => {
      this.pending.delete(id);
      hub.session(member.id)?.send('VERIFY_FAILED', { request_id: id, target, reason: 'timeout' });
    }, ANSWER_MS).unref();
    this.pending.set(id, { asker: member.id, target, nonce, timer });
    tellOne(target, { type: 'VERIFY_REQUEST', fields: { request_id: id, from: member.id, nonce } }, hub);
    session.send('VERIFY_REQUEST', { request_id: id, target, status: 'pending' });
    return undefined;
  }

  async answer(frame: FrameOf<'VERIFY_RESPONSE'>, { member, hub }: At): Answer {
    const { request_id, nonce, sig } = frame;
    const held = this.pending.get(request_id);
    if (held === undefined) {
      if (!this.far.delete(request_id)) return bad('VERIFICATION_EXPIRED', 'there is no such request');
      hub.far.say({ kind: 'proof', by: member.id, request_id, nonce, sig });
      return undefined;
    }
    if (held.target !== member.id) return bad('VERIFICATION_FAILED', 'this was asked of another');
    this.judge({ by: member.id, request_id, nonce, sig }, hub);
    return undefined;
  }

  private judge(o: { by: string; request_id: string; nonce: string; sig: string }, hub: Hub): void {
    const held = this.pending.get(o.request_id);
    if (held === undefined || held.target !== o.by) return;
    clearTimeout(held.timer);
    this.pending.delete(o.request_id);
    const publicKey = hub.door.node.store.get('identity', o.by.slice(1))?.key?.value.publicKey ?? '';
    const isRight = held.nonce === o.nonce && isSigned({ publicKey, text: held.nonce, signature: o.sig });
    const type = isRight ? 'VERIFY_SUCCESS' : 'VERIFY_FAILED';
    const about = { request_id: o.request_id };
    tellOne(o.by, { type, fields: { ...about, verified: isRight } }, hub);
    const told = isRight
      ? { ...about, agent: o.by, pubkey: publicKey }
      : { ...about, target: o.by, reason: 'the signature is not of this nonce' };
    hub.session(held.asker)?.send(type, told);
  }

  /** A request that another hub asks of somebody here. */
  private passed({ type, fields }: { type: string; fields: Record<string, unknown> }): void {
    const id = fields['request_id'];
    if (type !== 'VERIFY_REQUEST' || typeof id !== 'string' || this.far.size >= PENDING_MAX) return;
    this.far.add(id);
    setTimeout(() => this.far.delete(id), ANSWER_MS).unref();
  }

  close(): void {
    for (const { timer } of this.pending.values()) clearTimeout(timer);
    this.pending.clear();
  }
}

/** To the session of that id, at whichever hub it is. */
function tellOne(
  to: string,
  o: { type: 'VERIFY_REQUEST' | 'VERIFY_SUCCESS' | 'VERIFY_FAILED'; fields: Record<string, unknown> },
  hub: Hub,
): void {
  const session = hub.session(to);
  if (session === undefined) hub.far.say({ kind: 'frame', to, ...o });
  else session.send(o.type, o.fields);
}
