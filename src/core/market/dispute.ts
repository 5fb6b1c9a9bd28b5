/** A dispute as an approval that asks the operator who is at fault, with what the log holds of both sides. */
import { visible } from '../approval/visible.ts';
import { masked } from '../approval/mask.ts';
import type { NodeId, Principal } from '../brand.ts';
import { nodePrincipal, parsedOpId } from '../brand.ts';
import type { Draft } from '../op.ts';
import { compareStamps } from '../op.ts';
import type { Fault } from '../schema/market-body.ts';
import { taskChain } from '../view/chain.ts';
import { isKnownMessage } from '../view/message.ts';
import type { KnownProposal } from '../view/proposal.ts';
import { workerOf } from '../view/proposal.ts';
import type { Views } from '../view/views.ts';
import { namedIn } from './evidence.ts';
import { isSameSpeaker, speakerId, speakerName } from './speaker.ts';

/** The newest messages between the two that the operator is shown. */
const MESSAGES_MAX = 20;
/** Of one message there, and of the whole: an op holds 64 KiB. */
const [MESSAGE_MAX_CHARS, DETAIL_MAX_CHARS] = [300, 12_000];

const FAULTS: readonly Fault[] = ['payer', 'worker', 'both', 'nobody'];

/** The operator's answer: its first word says who is at fault, the rest is told to both. Undefined for another word. */
export function faultIn(note: string): { fault: Fault; note: string } | undefined {
  const [word = '', ...rest] = note.trim().split(/\s+/);
  const fault = FAULTS.find((one) => one === word.toLowerCase().replace(/[^a-z]+$/, ''));
  return fault === undefined ? undefined : { fault, note: rest.join(' ') };
}

type Around = { views: Views; self: NodeId };

export function disputeDraft(row: KnownProposal, o: { reason: string; by: Principal }, { views, self }: Around): Draft {
  const title = `Dispute about "${row.made.task.replace(/\s+/g, ' ').slice(0, 200)}"`;
  const agent = o.by.startsWith('agent:') ? parsedOpId(o.by.slice('agent:'.length)) : row.id;
  return {
    entity: undefined,
    by: nodePrincipal(self),
    body: {
      type: 'approval.requested',
      // No task asks: the proposal stands in its place, and `dispute` says so.
      task: row.id,
      attempt: 1,
      agent,
      request: 'dispute',
      kind: 'question',
      tool: 'market',
      title: visible(masked(title)),
      detail: visible(masked(evidenceText(row, o, views))).slice(0, DETAIL_MAX_CHARS),
      cwd: null,
      paths: [],
      why: 'a party disputes the deal: answer payer, worker, both or nobody, and why',
      dispute: { proposal: row.id, by: o.by },
    },
  };
}

function evidenceText(row: KnownProposal, o: { reason: string; by: Principal }, views: Views): string {
  const { made, accepted, delivered } = row;
  const worker = workerOf(row) ?? made.by;
  const side = (who: Principal): string => (isSameSpeaker(who, made.by) ? 'payer' : 'worker');
  const proof = delivered?.value.proof ?? null;
  return [
    `${side(o.by)} ${speakerName(views, o.by)} (${speakerId(o.by)}) says: ${o.reason}`,
    `proposal ${row.id}: ${made.task}`,
    `payer: ${speakerName(views, made.by)} (${speakerId(made.by)}), pays ${made.amount ?? 'nothing'} ${made.currency ?? ''}, stakes ${made.stake}`,
    ...(made.terms === null ? [] : [`terms: ${made.terms}`]),
    `worker: ${speakerName(views, worker)} (${speakerId(worker)}), stakes ${accepted?.value.stake ?? 0}`,
    delivered === undefined
      ? 'the worker did not say that it is done'
      : `the worker says that it is done: ${proof ?? 'without a proof'}`,
    ...namedIn(proof).map((id) => taskLine(views, id)),
    ...messagesBetween(views, made.by, worker),
  ].join('\n');
}

function taskLine(views: Views, id: string): string {
  const row = views.get('task', id);
  if (row === undefined) return `task ${id}: not known here`;
  const { status, ended } = taskChain(row);
  const merged = views.get('merge', id)?.merged?.value.commit;
  const commits = ended?.value.work?.commits;
  return `task ${id}: ${status}${commits === undefined ? '' : `, ${commits} commits`}${merged === undefined ? '' : `, merged as ${merged}`}`;
}

function messagesBetween(views: Views, a: Principal, b: Principal): string[] {
  const heard = (reader: Principal, from: Principal) =>
    views
      .list('message', {
        where: { channel: speakerId(reader) },
        order: [['lamport', 'desc']],
        limit: MESSAGES_MAX * 10,
      })
      .filter(isKnownMessage)
      .filter(({ sent }) => sent.from === from);
  const both = [...heard(a, b), ...heard(b, a)].toSorted((x, y) => compareStamps(x.sent.stamp, y.sent.stamp));
  return both.slice(-MESSAGES_MAX).map(({ sent }) => {
    const text = typeof sent.text === 'string' ? sent.text : sent.text.head;
    return `${speakerName(views, sent.from)}: ${text.slice(0, MESSAGE_MAX_CHARS)}`;
  });
}
