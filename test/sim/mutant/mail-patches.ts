/** Mutants that lose, repeat or mix up messages. */
import type { PatchedMutant } from './patch.ts';
import { in_ } from './patch.ts';

export const MAIL_PATCHES: Record<string, PatchedMutant> = {
  'hands a message out before its row is on disk': {
    changes: [
      in_('core/message/mailboxes.ts', 'this.world.afterWrite(() => waiter.done(handed));', 'waiter.done(handed);'),
    ],
    look: 'mail',
    shows: ['always/redelivered-is-marked'],
  },
  'takes the row of what a reader waits for as written, and does not write it': {
    changes: [
      in_(
        'core/message/mailboxes.ts',
        "this.world.persist({ table: 'lease', key: opId(op), value: { agent: box.agent, deliveries: 1 } });",
        '',
      ),
    ],
    look: 'mail',
    shows: ['always/redelivered-is-marked'],
  },
  'forgets with a restart what it had handed out': {
    changes: [in_('core/message/mailboxes.ts', 'rows.get(row.id)?.deliveries ?? 0', '0')],
    look: 'mail',
    shows: ['always/redelivered-is-marked'],
  },
  'hands the newest message out first': {
    changes: [in_('core/message/mailbox.ts', 'this.waiting.splice(0, max)', 'this.waiting.splice(-max)')],
    look: 'mail',
    shows: ['always/first-in-first-out'],
  },
  'loses with its reader what was in hand': {
    changes: [
      in_('core/message/mailboxes.ts', 'for (const letter of letters) this.putBack(box, letter);', 'void letters;'),
    ],
    look: 'mail',
    shows: ['finally/message-closed'],
  },
  'takes any node at its word that a message was handled': {
    changes: [in_('core/view/message.ts', 'op.header.node !== homeOf(o.agent) ||', '')],
    look: 'test/core/view/message.test.ts',
  },
};
