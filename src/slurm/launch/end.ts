/** How an allocation ended, or why it waits, in words for people: what happened and what to do next, from Slurm's word and from what its workers left. */
import type { Login } from './login.ts';
import { LaunchRefusal } from './refusal.ts';
import { outboxRecord } from '../record.ts';

/** Of one allocation: its workers, the last word of each that had one, checkpoints, and whether the kernel ended processes for want of memory. */
export type Left = { workers: number; reasons: readonly string[]; checkpoints: number; isOutOfMemory: boolean };

export type Ended = { job: string; state: string; exitCode: string; nodes: number; where: string };

/** `next` is empty where nothing is to be done. */
export type End = { why: string; next: string };

/** An outbox by its own name; those that were moved aside have another one. */
const OUTBOX = /^outbox \S*_\d{2,5}\.jsonl$/;

/** What a batch script's standard error says of it: srun's words, and slurmstepd's. */
const LOOK = [
  'cd "$1" 2>/dev/null || exit 0',
  'for f in mailbox/outbox/"$2"_*.jsonl; do [ -e "$f" ] && { echo "outbox $f"; grep -F \'"type":"complete"\' "$f" | tail -n 1; }; done',
  'for f in runs/"$2"/checkpoint_*/notes.json; do [ -e "$f" ] && echo checkpoint; done',
  'grep -qsiE "oom.kill|out of memory" skep_"$2".err && echo memory',
  'exit 0',
].join('\n');

/** Undefined where it cannot be looked at. */
export async function leftOf(login: Login, base: string, job: string): Promise<Left | undefined> {
  let lines: string[];
  try {
    lines = (await login.run(['sh', '-c', LOOK, 'sh', base, job])).split('\n');
  } catch (error) {
    if (error instanceof LaunchRefusal) return undefined;
    throw error;
  }
  return {
    workers: lines.filter((line) => OUTBOX.test(line)).length,
    reasons: lines.flatMap((line) => reasonIn(line)),
    checkpoints: lines.filter((line) => line === 'checkpoint').length,
    isOutOfMemory: lines.includes('memory'),
  };
}

function reasonIn(line: string): string[] {
  if (!line.startsWith('{')) return [];
  try {
    const record = outboxRecord.safeParse(JSON.parse(line)).data;
    return record?.type === 'complete' && record.reason !== undefined ? [record.reason] : [];
  } catch {
    // Torn by the end that is asked for.
    return [];
  }
}

type Words = (o: Ended & { left: Left; goesOn: string }) => End;

const ENDS: Readonly<Record<string, Words>> = {
  COMPLETED: ({ left, goesOn }) => {
    const cut = left.reasons.filter((reason) => reason === 'walltime').length;
    if (cut === 0) return { why: 'every worker ended as it was told', next: '' };
    return {
      why: `its walltime was near: ${cut} of ${left.workers} workers stopped for it${kept(left)}`,
      next: goesOn,
    };
  },
  FAILED: ({ job, left, goesOn }) => {
    if (left.isOutOfMemory) return outOfMemory({ left, goesOn });
    const gaveUp = left.reasons.includes('gave_up') ? ': its agent died again and again' : '';
    const next = `skep slurm logs ${job} shows the last words of its agents, skep_${job}.err those of the batch script`;
    return { why: `a worker ended with an error${gaveUp}`, next };
  },
  CANCELLED: ({ left, goesOn }) => ({ why: `somebody cancelled it${kept(left)}`, next: goesOn }),
  TIMEOUT: ({ left, goesOn }) => ({
    why: `its walltime was over${kept(left)}`,
    next: `${goesOn}; --time asks for a longer one`,
  }),
  DEADLINE: () => ({ why: 'it could not be done before its deadline', next: 'launch it again' }),
  NODE_FAIL: ({ where, left, goesOn }) => ({
    why: `a node of it failed${where === '' ? '' : ` (it had ${where})`}${kept(left)}`,
    next: `${goesOn}; Slurm leaves a node out until it is up again`,
  }),
  PREEMPTED: ({ left, goesOn }) => ({
    why: `a job of higher rank took its nodes${kept(left)}`,
    next: `${goesOn}; another --partition or --qos may be safe from that`,
  }),
  OUT_OF_MEMORY: ({ left, goesOn }) => outOfMemory({ left, goesOn }),
  BOOT_FAIL: () => ({ why: 'a node could not boot', next: 'launch it again' }),
};

const outOfMemory = ({ left, goesOn }: { left: Left; goesOn: string }): End => ({
  why: `it used more memory than it was given${kept(left)}`,
  next: `${goesOn}; --mem asks for more on each node`,
});

const kept = ({ workers, checkpoints }: Left): string =>
  workers === 0 ? '' : `; ${checkpoints} of ${workers} workers left a checkpoint`;

export const hasEnded = (state: string): boolean => Object.hasOwn(ENDS, state);

/** Empty words while it has not ended. `exitCode` as Slurm writes it, `0:15`. */
export function endOf(ended: Ended, left: Left | undefined): End {
  const words = Object.hasOwn(ENDS, ended.state) ? ENDS[ended.state] : undefined;
  if (words === undefined) return { why: '', next: '' };
  const known = left ?? { workers: 0, reasons: [], checkpoints: 0, isOutOfMemory: false };
  const again = `skep slurm launch --continue ${ended.job} --nodes ${ended.nodes}`;
  const goesOn = known.workers === 0 ? 'launch it again' : `${again} goes on with its agents`;
  const { why, next } = words({ ...ended, left: known, goesOn });
  const code = ended.exitCode === '' || ended.exitCode === '0:0' ? '' : `; exit code ${ended.exitCode}`;
  return { why: `${why}${code}`, next };
}

/** Slurm's reasons for a job that waits (squeue, `%r`), by how they begin. */
const WAITS: readonly (readonly [string, string])[] = [
  ['Resources', 'no such nodes are free yet'],
  ['Priority', 'others come first'],
  ['BeginTime', 'Slurm holds back for some minutes what it requeues'],
  ['ReqNodeNotAvail', 'nodes that it needs are down or kept for others'],
  ['PartitionDown', 'the partition is closed'],
  ['PartitionInactive', 'the partition is closed'],
  ['PartitionNodeLimit', 'it asks for more nodes than the partition gives, and never starts'],
  ['PartitionTimeLimit', 'it asks for more time than the partition gives, and never starts'],
  ['AccountNotAllowed', 'the partition is not for this account, and it never starts'],
  ['InvalidAccount', 'nobody knows this account any more, and it never starts'],
  ['InvalidQOS', 'nobody knows this QOS any more, and it never starts'],
  ['AssocGrpCPUMinutes', 'the account has spent what it was granted'],
  ['AssocGrpBilling', 'the account has spent what it was granted'],
  ['Assoc', 'a limit of the account is reached'],
  ['QOS', 'a limit of the QOS is reached'],
  ['JobHeld', 'it is held: scontrol release lets it go'],
];

/** `Resources: no such nodes are free yet`; a reason that is none of those as it is, and none for none. */
export function waitOf(reason: string): string {
  if (reason === 'None') return '';
  const words = WAITS.find(([beginning]) => reason.startsWith(beginning))?.[1];
  return words === undefined ? reason : `${reason}: ${words}`;
}
