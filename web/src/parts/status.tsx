/** How something stands: a word, its colour, and a dot whose shape says the same without colour. */

type Tone = 'grey' | 'blue' | 'green' | 'red' | 'amber';

const TONES: Readonly<Record<string, Tone>> = {
  pending: 'grey',
  claimed: 'blue',
  in_progress: 'blue',
  completed: 'green',
  failed: 'red',
  cancelled: 'grey',
  idle: 'green',
  busy: 'blue',
  waiting: 'amber',
  starting: 'blue',
  retrying: 'amber',
  rate_limited: 'amber',
  error: 'red',
  unknown: 'grey',
  paused: 'grey',
  offline: 'grey',
  unreachable: 'red',
  self: 'green',
  alive: 'green',
  suspect: 'amber',
  dead: 'red',
  left: 'grey',
  replaced: 'grey',
  revoked: 'red',
  retired: 'grey',
  running: 'green',
  stopped: 'grey',
  broken: 'red',
  destroyed: 'grey',
  interrupted: 'amber',
  timed_out: 'amber',
  lost: 'red',
  accepted: 'blue',
  disputed: 'red',
  rejected: 'grey',
  expired: 'grey',
  settled: 'amber',
  offered: 'blue',
  taken: 'green',
  open: 'grey',
  delivered: 'blue',
  acknowledged: 'green',
  read: 'green',
  muted: 'amber',
  banned: 'red',
  invited: 'blue',
  operator: 'blue',
  active: 'green',
  'gave up': 'red',
  answered: 'green',
  online: 'green',
  listening: 'green',
  away: 'amber',
};

const WORDS: Readonly<Record<string, string>> = {
  in_progress: 'running',
  self: 'this node',
  dead: 'unreachable',
};

const CLASSES: Readonly<Record<Tone, string>> = {
  grey: 'text-grey bg-grey-ground',
  blue: 'text-blue bg-blue-ground',
  green: 'text-green bg-green-ground',
  red: 'text-red bg-red-ground',
  amber: 'text-amber bg-amber-ground',
};

/** Statuses that mean: something goes on right now. */
const MOVING = new Set(['in_progress', 'busy']);
/** Statuses that are not yet, or not any more: an open dot. */
const HOLLOW = new Set([
  'pending',
  'paused',
  'offline',
  'cancelled',
  'unreachable',
  'dead',
  'left',
  'replaced',
  'revoked',
  'retired',
  'stopped',
  'broken',
  'destroyed',
  'rejected',
  'expired',
  'open',
]);
/** Statuses of nodes that are no part of the swarm any more. */
const OUT = new Set(['replaced', 'revoked', 'retired']);

export const isOut = (status: string): boolean => OUT.has(status);

/** The node's word for a paused agent is the seed's, `offline`; a person is told which it is. */
export const agentStatus = ({ status, paused }: { status: string; paused: boolean }): string =>
  paused && status === 'offline' ? 'paused' : status;

export const statusWord = (status: string): string => WORDS[status] ?? status.replaceAll('_', ' ');

export function StatusBadge({ status }: { status: string }) {
  // A message that bounced says why.
  const tone = TONES[status] ?? (status.startsWith('bounced') ? 'red' : 'grey');
  return (
    <span
      data-status={status}
      className={`inline-flex shrink-0 items-center gap-1.5 rounded-full px-2 text-xs leading-5 font-medium whitespace-nowrap ${CLASSES[tone]}`}
    >
      <Dot status={status} />
      {statusWord(status)}
    </span>
  );
}

export function Dot({ status }: { status: string }) {
  const shape = HOLLOW.has(status) ? 'border-[1.5px] border-current' : 'bg-current';
  const pulse = MOVING.has(status) ? 'animate-pulse' : '';
  return <span aria-hidden className={`size-1.5 rounded-full ${shape} ${pulse}`} />;
}
