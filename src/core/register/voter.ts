/** The voting half of the register: what this node's acceptor answers. Each answer leaves after its row is on disk. */
import type { NodeId, OpId } from '../brand.ts';
import type { SlotValue } from '../schema/body.ts';
import { taskChain } from '../view/chain.ts';
import type { TaskRow } from '../view/task.ts';
import type { World } from '../world.ts';
import type { AcceptorRow, VoteReply } from './acceptor.ts';
import {
  accept,
  acceptorRowSchema,
  acceptSchema,
  NOTHING_PROMISED,
  prepare,
  prepareSchema,
  slotKey,
} from './acceptor.ts';
import { fitsSlot, standingOf } from './admissible.ts';

/** Whoever holds a vote whose decision did not become an op in this time finishes the slot. */
export const REPAIR_MS = 2_000;

export class Voter {
  private readonly world: World;
  /** The running attempt's lease is not over for this node. */
  private readonly isHeld: (row: TaskRow) => boolean;

  constructor(world: World, isHeld: (row: TaskRow) => boolean) {
    this.world = world;
    this.isHeld = isHeld;
  }

  /** Answers `slot.prepare` and `slot.accept`; the reply leaves after the vote is on disk. Undefined for another method. */
  vote(method: string, params: unknown): VoteReply | undefined {
    if (method === 'slot.prepare') {
      const message = prepareSchema.safeParse(params);
      if (!message.success) return unreadable(message.error.message);
      const { wants, ballot } = message.data;
      if (wants === 'lost' && this.hears(message.data.task, ballot.node)) {
        return { vote: 'silent', reason: 'the grantee was heard within its lease' };
      }
      return this.judge(message.data, (row) => prepare(row, message.data));
    }
    if (method === 'slot.accept') {
      const message = acceptSchema.safeParse(params);
      if (!message.success) return unreadable(message.error.message);
      const { value, slot } = message.data;
      if (!fitsSlot(value, slot)) return { vote: 'silent', reason: 'the value does not fit the slot' };
      return this.judge(message.data, (row, owner) => accept(row, message.data, owner));
    }
    return undefined;
  }

  /** The grantee is heard, and it is not the grantee itself that calls its attempt lost. */
  hears(task: OpId, proposer: NodeId): boolean {
    const row = this.world.store.get('task', task);
    return row !== undefined && taskChain(row).running?.value.node !== proposer && this.isHeld(row);
  }

  private judge(
    message: { task: OpId; slot: number; carry: SlotValue | null },
    decide: (row: AcceptorRow, owner: NodeId | undefined) => { row: AcceptorRow | undefined; reply: VoteReply },
  ): VoteReply {
    const key = slotKey(message.task, message.slot);
    const held = this.row(key);
    const task = this.world.store.get('task', message.task);
    if (task?.created !== undefined && !this.world.canDecide(task.created.voters)) {
      return { vote: 'silent', reason: 'this node has just started and asks its peers what they know of it' };
    }
    const standing = standingOf({
      row: task,
      self: this.world.self,
      slot: message.slot,
      carry: message.carry ?? held.carried,
    });
    switch (standing.kind) {
      case 'decided':
        return { vote: 'decided', value: standing.value };
      case 'conflict':
        this.world.alarm(standing.reason);
        return { vote: 'silent', reason: standing.reason };
      case 'silent':
        return { vote: 'silent', reason: standing.reason };
      case 'open': {
        const voted = decide(held, standing.owner);
        if (voted.row !== undefined) {
          this.world.persist({ table: 'vote', key, value: voted.row });
          this.world.timers.set(`repair:${key}`, this.world.nowMs + REPAIR_MS * (1 + this.world.random()));
        }
        return voted.reply;
      }
    }
  }

  /** What this acceptor remembers of a slot, votes that are not on disk yet included. */
  row(key: string): AcceptorRow {
    const stored = acceptorRowSchema.safeParse(this.world.row('vote', key));
    return stored.success ? stored.data : NOTHING_PROMISED;
  }
}

const unreadable = (reason: string): VoteReply => ({ vote: 'silent', reason: reason.slice(0, 200) });
