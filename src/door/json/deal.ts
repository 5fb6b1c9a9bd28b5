/** What became of a proposal, in words for its timeline. */
import { speakerName } from '#core/market/speaker.ts';
import type { Op } from '#core/op.ts';
import type { Evidence } from '#core/schema/market-body.ts';
import type { Door } from '../door.ts';
import { shortId } from './text.ts';

/** Of what somebody wrote; the whole of it stands with the proposal. */
const SAID_SHOWN_CHARS = 200;

/** Undefined for an op about anything else. */
export function dealSummary({ body, header }: Op, door: Door): string | undefined {
  const who = speakerName(door.node.store, header.by);
  switch (body.type) {
    case 'proposal.made':
      return `proposed by ${who}`;
    case 'proposal.accepted':
      return `accepted by ${who}${body.stake === 0 ? '' : `, who stakes ${body.stake}`}`;
    case 'proposal.rejected':
      return `rejected by ${who}${said(body.reason)}`;
    case 'proposal.expired':
      return 'expired';
    case 'proposal.delivered':
      return `${who} says that it is done${said(body.proof)}`;
    case 'proposal.completed':
      return `completed: ${evidenceText(body.evidence, who)}`;
    case 'proposal.disputed':
      return `disputed by ${who}${said(body.reason)}`;
    case 'proposal.settled':
      return `settled by ${who}, at fault ${body.fault}${said(body.note)}`;
    default:
      return undefined;
  }
}

function said(text: string | null): string {
  const line = text?.replace(/\s+/g, ' ').trim() ?? '';
  return line === '' ? '' : `: ${line.slice(0, SAID_SHOWN_CHARS)}`;
}

function evidenceText(evidence: Evidence, who: string): string {
  switch (evidence.kind) {
    case 'payer':
      return `${who} says so, who pays`;
    case 'merged':
      return `task ${shortId(evidence.task)} is merged as ${evidence.commit.slice(0, 12)}`;
    case 'check':
      return `task ${shortId(evidence.check)} passed, a check of ${shortId(evidence.task)}`;
    case 'task':
      return `task ${shortId(evidence.task)}, which was offered, is completed`;
  }
}
