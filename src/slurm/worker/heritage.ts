/** What a worker goes on with: what one of its own name left, and what was staged for it at the launch. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MailboxFollower } from '#runtime/shared-mailbox/follower.ts';
import { inboxRecord, mailboxName } from '../record.ts';
import { tellFirst, type Staged } from '../staged.ts';
import { leftIn, type Left } from './outbox.ts';
import { RecordNames } from './record-names.ts';

export type Place = { base: string; job: string; node: number };

const inboxOf = ({ base, job, node }: Place): string => join(base, 'mailbox/inbox', mailboxName(job, node));
export const outboxOf = ({ base, job, node }: Place): string => join(base, 'mailbox/outbox', mailboxName(job, node));

const twoDigits = (node: number): string => String(node).padStart(2, '0');

export const runsOf = ({ base, job }: Place): string => join(base, 'runs', job);
export const checkpointOf = (place: Place): string => join(runsOf(place), `checkpoint_${twoDigits(place.node)}`);
export const heartbeatOf = (place: Place): string => join(runsOf(place), `heartbeat_${twoDigits(place.node)}.json`);

export type Heritage = {
  inbox: string;
  outbox: string;
  cwd: string;
  left: Left;
  /** Of records that are done with. */
  names: RecordNames;
};

/**
 * Makes the mailbox, and at the first start puts into it what is to be said first: what an agent of another allocation was told and had not done with,
 * then the prompt. Throws what the file system throws.
 */
export async function inherit(place: Place, staged: Staged, launch: string | undefined): Promise<Heritage> {
  const [inbox, outbox] = [inboxOf(place), outboxOf(place)];
  for (const path of [inbox, outbox]) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const left = await leftIn(outbox);
  const before = staged.continues === undefined ? undefined : { ...place, job: staged.continues };
  const there = before === undefined ? undefined : await leftIn(outboxOf(before));
  if (left.starts === 0) {
    const open = before === undefined || there === undefined ? [] : await openIn(inboxOf(before), there);
    const prompt = staged.prompt === undefined ? [] : [{ type: 'user', content: staged.prompt, injection_id: launch }];
    tellFirst(inbox, [...open, ...prompt]);
  }
  const own = join(runsOf(place), `agent_${twoDigits(place.node)}`);
  const cwd = left.cwd ?? there?.cwd ?? own;
  const names = await RecordNames.upTo(inbox, left.acknowledged);
  return { inbox, outbox, cwd, left: { ...left, thread: left.thread ?? there?.thread }, names };
}

/** What a worker of another allocation was told and had not done with: what it had begun bears the mark. */
async function openIn(inbox: string, { acknowledged, taken }: Left): Promise<object[]> {
  const follower = new MailboxFollower(inbox, { from: acknowledged, pollMs: () => 0 });
  follower.finish();
  const open: { record: object; isTaken: boolean }[] = [];
  for await (const { kind, position, ...line } of follower.lines()) {
    if (kind !== 'record' || !('value' in line)) continue;
    const record = inboxRecord.safeParse(line.value).data;
    if (record?.type === 'user') open.push({ record, isTaken: false });
    if (position.inode !== taken?.inode || position.offset !== taken.offset) continue;
    for (const one of open) one.isTaken = true;
  }
  return open.map(({ record, isTaken }) => (isTaken ? { ...record, redelivered: true } : record));
}
