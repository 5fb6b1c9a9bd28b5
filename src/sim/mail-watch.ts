/** What an observer sees of messages, and what must hold of it. */
import type { NodeId, OpId } from '#core/brand.ts';
import { homeOf, readerOf } from '#core/message/address.ts';
import type { Handed } from '#core/message/mailboxes.ts';
import { isKnownMessage, messageState } from '#core/view/message.ts';
import type { SimNode } from './node.ts';

export class MailWatch {
  /** Messages whose sender was told that they are on disk. */
  readonly sent = new Set<OpId>();
  readonly bites = { handed: 0, redelivered: 0, failedTurns: 0, readerCrashes: 0 };
  private readonly broken: (rule: string) => void;
  private readonly had = new Set<string>();
  /** The last number of each author that a reader was handed as new. */
  private readonly last = new Map<string, number>();

  constructor(broken: (rule: string) => void) {
    this.broken = broken;
  }

  /** Always: new ones come in their author's order, what comes again says so, and what is closed comes no more. */
  handed(agent: OpId, node: SimNode, handed: readonly Handed[]): void {
    for (const { message, redelivered } of handed) {
      const key = `${agent} ${message.id}`;
      this.bites.handed += 1;
      if (redelivered) this.bites.redelivered += 1;
      else if (this.had.has(key))
        this.broken(`always/redelivered-is-marked: ${message.id} came to ${agent} unmarked again`);
      else this.inOrder(agent, message.sent.stamp);
      this.had.add(key);
      const row = node.committed().get('message', message.id);
      if (!isKnownMessage(row) || messageState(row) !== 'open')
        this.broken(`always/closed-stays-closed: ${message.id} came to ${agent} although it was closed`);
    }
  }

  private inOrder(agent: OpId, { node, seq }: { node: NodeId; seq: number }): void {
    const key = `${agent} ${node}`;
    const last = this.last.get(key) ?? 0;
    if (seq < last) this.broken(`always/first-in-first-out: ${agent} was handed ${node}-${seq} after ${node}-${last}`);
    this.last.set(key, Math.max(last, seq));
  }

  /** Eventually: every message whose reader's machine lives is closed. */
  allClosed(living: readonly SimNode[]): boolean {
    return [...this.sent].every((id) => living.every((node) => this.isClosed(id, node, living)));
  }

  private isClosed(id: OpId, node: SimNode, living: readonly SimNode[]): boolean {
    const row = node.committed().get('message', id);
    if (!isKnownMessage(row)) return !living.some((one) => id.startsWith(one.id));
    const reader = readerOf(row.sent.channel);
    const isOwed = reader !== undefined && living.some((one) => one.id === homeOf(reader));
    return !isOwed || messageState(row) !== 'open';
  }

  /** Finally: each was handled by its reader, and that was written once. */
  check(living: readonly SimNode[]): void {
    for (const node of living) {
      const store = node.committed();
      for (const id of this.sent) {
        if (!this.isClosed(id, node, living))
          this.broken(`finally/message-closed: ${id} is open at node ${node.index}`);
        const ends = store.opsAbout(id, Number.MAX_SAFE_INTEGER).filter(({ body }) => body.type !== 'message.sent');
        if (ends.length > 1) this.broken(`finally/closed-once: ${id} was closed ${ends.length} times`);
        const row = store.get('message', id);
        if (isKnownMessage(row) && messageState(row) === 'acknowledged' && !this.wasHad(id))
          this.broken(`finally/acknowledged-was-handed: ${id} was acknowledged, and nobody had it`);
      }
    }
  }

  private wasHad(id: OpId): boolean {
    return [...this.had].some((key) => key.endsWith(` ${id}`));
  }
}
