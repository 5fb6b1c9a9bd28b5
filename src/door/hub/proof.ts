/** One agent asks another, through the hub, to prove its key: the other signs the nonce, and the hub checks it. */
import type { At } from './channels.ts';
import type { FrameOf, Refused } from './frames.ts';
import { bad } from './frames.ts';
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

  async ask({ target, nonce }: FrameOf<'VERIFY_REQUEST'>, { session, member, hub }: At): Answer {
    const other = hub.session(target);
    if (other === undefined) return bad('AGENT_NOT_FOUND', `Agent ${target} not found`);
    if (hub.door.node.store.get('identity', target.slice(1))?.key === undefined)
      return bad('NO_PUBKEY', `Agent ${target} has no key`);
    if (this.pending.size >= PENDING_MAX) return bad('RATE_LIMITED', 'too many proofs are under way');
    const id = prefixedId('verify', hub.door.now());
    const timer = setTimeout(() => {
      this.pending.delete(id);
      hub.session(member.id)?.send('VERIFY_FAILED', { request_id: id, target, reason: 'timeout' });
    }, ANSWER_MS).unref();
    this.pending.set(id, { asker: member.id, target, nonce, timer });
    other.send('VERIFY_REQUEST', { request_id: id, from: member.id, nonce });
    session.send('VERIFY_REQUEST', { request_id: id, target, status: 'pending' });
    return undefined;
  }

  async answer(frame: FrameOf<'VERIFY_RESPONSE'>, { session, member, hub }: At): Answer {
    const held = this.pending.get(frame.request_id);
    if (held === undefined) return bad('VERIFICATION_EXPIRED', 'there is no such request');
    if (held.target !== member.id) return bad('VERIFICATION_FAILED', 'this was asked of another');
    clearTimeout(held.timer);
    this.pending.delete(frame.request_id);
    const publicKey = hub.door.node.store.get('identity', member.id.slice(1))?.key?.value.publicKey ?? '';
    const isRight = held.nonce === frame.nonce && isSigned({ publicKey, text: held.nonce, signature: frame.sig });
    const asker = hub.session(held.asker);
    const about = { request_id: frame.request_id };
    session.send(isRight ? 'VERIFY_SUCCESS' : 'VERIFY_FAILED', { ...about, verified: isRight });
    if (isRight) asker?.send('VERIFY_SUCCESS', { ...about, agent: member.id, pubkey: publicKey });
    else asker?.send('VERIFY_FAILED', { ...about, target: member.id, reason: 'the signature is not of this nonce' });
    return undefined;
  }

  close(): void {
    for (const { timer } of this.pending.values()) clearTimeout(timer);
    this.pending.clear();
  }
}
