/** The changes of each mutant, and the source with them. */
import { MAIL_PATCHES } from './mail-patches.ts';
import type { PatchedMutant } from './patch.ts';
import { in_ } from './patch.ts';

/** By what each of them does. */
export const PATCHED: Record<string, PatchedMutant> = {
  ...MAIL_PATCHES,
  'takes the claim of the highest node among equal stamps': {
    changes: [in_('core/op.ts', 'return a.node < b.node ? -1 : 1;', 'return a.node < b.node ? 1 : -1;')],
    look: 'races',
  },
  'sends votes and proposals before they are on disk': {
    changes: [
      in_(
        'turn-loop.ts',
        'for (const relay of turn.relays) send(relay);',
        'for (const relay of [...turn.relays, ...turn.sends.splice(0)]) send(relay);',
      ),
    ],
    look: 'storms',
  },
  'starts before its start is on disk': {
    changes: [
      in_(
        'turn-loop.ts',
        'for (const relay of turn.relays) send(relay);',
        'for (const relay of turn.relays) send(relay); for (const action of turn.actions.splice(0)) act(action);',
      ),
    ],
    look: 'storms',
  },
  'chooses the value of its ballot 0 anew': {
    changes: [
      in_(
        'core/register/proposer.ts',
        'return { round: row.round, value, first: false, wanted: true };',
        'return { ...row, value, wanted: true };',
      ),
    ],
    look: 'explorer',
  },
  'is content with one vote less than a majority': {
    changes: [
      in_('core/register/ballot.ts', 'Math.floor(voters.length / 2) + 1', 'Math.max(1, Math.floor(voters.length / 2))'),
    ],
    look: 'storms',
  },
  'accepts below the ballot that it promised': {
    changes: [
      in_(
        'core/register/acceptor.ts',
        'compareBallots(ballot, row.promised) < 0',
        'compareBallots(ballot, row.promised) < -Infinity',
      ),
    ],
    look: 'storms',
  },
  'promises below the ballot that it promised': {
    changes: [
      in_(
        'core/register/acceptor.ts',
        'compareBallots(message.ballot, row.promised) < 0',
        'compareBallots(message.ballot, row.promised) < -Infinity',
      ),
    ],
    look: 'explorer',
  },
  'lets anybody begin with ballot 0': {
    changes: [
      in_('core/register/slots.ts', 'ownsBallotZero: owner === this.world.self,', 'ownsBallotZero: true,'),
      in_(
        'core/register/acceptor.ts',
        'ballot.round === 0 && ballot.node !== owner',
        'ballot.round === 0 && ballot.node === undefined',
      ),
    ],
    look: 'storms',
  },
  'adopts no value in phase 1': {
    changes: [in_('core/register/proposer.ts', 'const value = adopted(round)', 'const value = undefined')],
    look: 'storms',
  },
  'calls an attempt lost that it hears of again': {
    changes: [
      in_(
        'core/register/slots.ts',
        "if (step.isOwn && step.round.value.kind === 'lost' && this.voter.hears(row.id, this.world.self))",
        'if (false)',
      ),
    ],
    look: 'test/core/task/leases.test.ts',
  },
  'adopts the value of the lowest ballot': {
    changes: [
      in_(
        'core/register/proposer.ts',
        'compareBallots(reply.accepted.ballot, highest.ballot) > 0',
        'compareBallots(reply.accepted.ballot, highest.ballot) < 0',
      ),
    ],
    look: 'explorer',
  },
  'tells no value that it accepted': {
    changes: [
      in_(
        'core/register/acceptor.ts',
        "reply: { vote: 'promised', accepted: row.accepted }",
        "reply: { vote: 'promised', accepted: null }",
      ),
    ],
    look: 'storms',
  },
  'ends its attempt without asking the voters': {
    changes: [
      in_(
        'core/task/grantee.ts',
        'this.slots.propose({ task: o.task, slot, value });',
        "world.state(o.task, { type: 'task.ended', slot, value });",
      ),
    ],
    look: 'storms',
  },
  'opens slot k+1 while slot k is open': {
    changes: [
      in_(
        'core/view/chain.ts',
        'const end = row.ends[slot + 1];',
        "const end = row.ends[slot + 1] ?? (row.starts[slot] === undefined ? undefined : { value: { kind: 'lost' } });",
      ),
      in_(
        'core/register/admissible.ts',
        'if (before === null) return undefined;',
        'if (before === null) return isGrantSlot(slot) ? { owner: home, before } : undefined;',
      ),
    ],
    look: 'storms',
    shows: ['finally/slot-was-open'],
  },
  'keeps the claims of losers': {
    changes: [
      in_('core/task/board.ts', 'if (this.claimOf.get(agent) === task) this.claimOf.delete(agent);', 'void agent;'),
    ],
    look: 'storms',
  },
  'gives one number of its log to two ops': {
    changes: [in_('core/log.ts', 'this.heads.set(this.self, head);\n    return ops;', 'return ops;')],
    look: 'storms',
  },
  'takes ops behind a gap': {
    changes: [in_('core/log.ts', 'if (first.header.seq > head.seq + 1) {', 'if (first.header.seq < 0) {')],
    look: 'storms',
  },
  'takes the answer to an earlier question for one of this life': {
    changes: [
      in_(
        'core/calls.ts',
        'const id = `${world.self.slice(0, 8)}.${this.life}.${(this.next += 1)}`;',
        'const id = `${world.self.slice(0, 8)}.${(this.next += 1)}`;',
      ),
    ],
    look: 'test/core/calls.test.ts',
  },
  'lets one peer push the clock anywhere': {
    changes: [in_('core/log.ts', 'if (lamport - this.clock > LAMPORT_JUMP_MAX) return false;', '')],
    look: 'test/core/log.test.ts',
  },
  'has a wrong row in its policy': {
    changes: [in_('core/policy.ts', "'task.cancel': ACTORS,", "'task.cancel': READERS,")],
    look: 'test/core/policy.test.ts',
  },
  'pushes a merge without its fence': {
    changes: [in_('workspace/push.ts', '`--force-with-lease=${o.fence}:`,', '')],
    look: 'test/workspace/push.test.ts',
  },
  'pushes branch and fence one without the other': {
    changes: [in_('workspace/push.ts', "'--atomic',", '')],
    look: 'test/workspace/push.test.ts',
  },
  'reads a torn line as a whole one': {
    changes: [
      in_(
        'runtime/json-lines.ts',
        'this.#hold(chunk.subarray(from));',
        'if (from < chunk.length) yield this.#line(chunk.subarray(from));',
      ),
    ],
    look: 'test/runtime/mailbox.test.ts',
  },
  'is content with one answer after a start': {
    changes: [in_('core/boot-check.ts', 'Math.floor(peers / 2) + 1', '1')],
    look: 'test/core/boot-check.test.ts',
  },
  'counts starts alone, not what it voted': {
    changes: [in_('core/counts.ts', "(['vote', 'proposal', 'start'])", "(['start'])")],
    look: 'test/core/boot-check.test.ts',
  },
  'writes nothing down of what others counted': {
    changes: [in_('core/counts.ts', 'this.unwritten.add(node);', '')],
    look: 'test/core/boot-check.test.ts',
  },
  'votes before its peers have told what they know': {
    changes: [in_('core/boot-check.ts', "return this.state === 'alone' && voters.every", 'return voters.some')],
    look: 'test/core/boot-check.test.ts',
  },
  'takes ops of its own back that it forgot': {
    changes: [in_('core/log.ts', 'if (author === this.self) return', 'if (author === undefined) return')],
    look: 'test/core/fork.test.ts',
  },
  'begins an optimistic task without a settle window': {
    changes: [
      in_('core/task/optimist.ts', 'return false;\n  }\n\n  /** `settle', 'return true;\n  }\n\n  /** `settle'),
    ],
    look: 'test/core/task/optimist.test.ts',
  },
  'goes on with an optimistic attempt that it lost': {
    changes: [in_('core/task/optimist.ts', 'return running?.value.node !== this.world.self ||', 'return false &&')],
    look: 'test/core/task/optimist.test.ts',
  },
  'takes how a stopped optimistic attempt ended for its end': {
    changes: [
      in_('core/task/grantee.ts', 'this.optimist.hasLost(row, held)) return', 'held.agent === undefined) return'),
    ],
    look: 'optimistic',
  },
  'keeps the claims that lost': {
    changes: [
      in_('core/task/optimist.ts', "this.world.state(row.id, { type: 'task.claimWithdrawn', claim: id });", ''),
    ],
    look: 'test/core/task/optimist.test.ts',
  },
  'lets home begin with ballot 0 where an optimistic attempt ends': {
    changes: [
      in_(
        'core/register/admissible.ts',
        'owner: isOptimistic ? undefined : home, before: null',
        'owner: home, before: null',
      ),
    ],
    look: 'test/core/task/optimist.test.ts',
  },
  'leaves a decision that only a vote carries': {
    changes: [in_('core/register/slots.ts', 'vote.carried !== null &&', 'vote.carried === undefined &&')],
    look: 'test/core/register/repair.test.ts',
  },
  'works both of two tasks under one id': {
    changes: [in_('core/task/duplicates.ts', 'for (const row of later)', 'for (const row of [] as typeof later)')],
    look: 'test/core/task/duplicates.test.ts',
  },
  'seals with the first signature that it finds': {
    changes: [
      in_('store/run.ts', 'entries.at(-1)?.op.sig;', 'entries.find((one) => one.op.sig !== undefined)?.op.sig;'),
    ],
    look: 'sealed',
  },
  'seals one time of writing for all': {
    changes: [in_('store/run.ts', 'wallMs: need(wallMs[at]),', 'wallMs: need(wallMs[0]),')],
    look: 'sealed',
  },
  'seals what no signature covers yet': {
    changes: [in_('store/run.ts', 'if (op.sig !== undefined) length = at + 1;', 'length = at + 1;')],
    look: 'sealed',
  },
  'seals what others are named by as its own': {
    changes: [in_('store/run.ts', 'return place < 0 ?', 'return place <= 0 ?')],
    look: 'sealed',
  },
  'seals a header of a newer version by its known fields': {
    changes: [in_('store/run.ts', 'JSON.stringify(op.header) === op.headerText ?', 'op.headerText !== undefined ?')],
    look: 'test/store/run.test.ts',
  },
  'leaves a cut log sealed': {
    changes: [in_('store/memory.ts', 'disk.sealed.set(node, Math.min(disk.sealed.get(node) ?? 0, seq - 1));', '')],
    look: 'test/store/memory.test.ts',
  },
};

/** The source with the mutant's changes to this file. Throws where one no longer fits. */
export function changed(name: string, path: string, source: string): string {
  let text = source;
  for (const { file, find, replace } of PATCHED[name]?.changes ?? []) {
    if (!path.endsWith(`/${file}`)) continue;
    if (text.split(find).length !== 2) throw new Error(`mutant "${name}": ${file} no longer has once: ${find}`);
    text = text.replace(find, () => replace);
  }
  return text;
}
