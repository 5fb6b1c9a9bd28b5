/** What stands in outboxes, in the words of codeswarm's router. */
import type { MailboxPosition } from '#runtime/shared-mailbox/follower.ts';
import { outboxRecord, type OutboxRecord } from '../record.ts';
import { codexWords, type Dialects } from './codex-words.ts';
import type { FarLine } from './wire.ts';

/** `position`: behind the record in its outbox. `redelivered`: it may have been told before, by a router that was killed. */
export type FleetEvent = {
  event: string;
  data: Record<string, unknown> & { swarm_id: string; job_id: string; node_id: number };
  mailbox: string;
  position: MailboxPosition;
  redelivered: boolean;
};

/** A swarm is an allocation: its name follows from the number of the job, so nobody has to keep it. */
export const swarmOf = (job: string): string => `slurm-${job}`;

/** `slurm-12`: 12; undefined for another name. */
export const jobOf = (swarm: string): string | undefined => /^slurm-([A-Za-z0-9-]{1,64})$/.exec(swarm)?.[1];

/** `12_00`: job 12, node 0. */
export function placeOf(mailbox: string): { job: string; node: number } {
  const at = mailbox.lastIndexOf('_');
  return { job: mailbox.slice(0, at), node: Number(mailbox.slice(at + 1)) };
}

/** A record that names no sender, as codeswarm's worker writes its errors, is of the one whose mailbox it is. */
export function readLine(line: FarLine): OutboxRecord | undefined {
  if (line.t !== 'line' || typeof line.record !== 'object') return undefined;
  const { job, node } = placeOf(line.mailbox);
  return outboxRecord.safeParse({ job_id: job, node_id: node, ...line.record }).data;
}

type Told = {
  redelivered: boolean;
  isLate: boolean;
  /** Of this mailbox, where codeswarm's own worker writes it. */
  dialects: Dialects;
};

/** Nothing for what only the two ends of a mailbox care about. What an earlier worker wrote after a later one began bears `late`. */
export function eventsOf(line: FarLine, o: Told): FleetEvent[] {
  const { mailbox, position } = line;
  const { job, node } = placeOf(mailbox);
  const told = (event: string, more: Record<string, unknown>): FleetEvent[] => [
    {
      event,
      data: { ...more, ...(o.isLate ? { late: true } : {}), swarm_id: swarmOf(job), job_id: job, node_id: node },
      mailbox,
      position,
      redelivered: o.redelivered,
    },
  ];
  if (line.t === 'fault') return told('debug', { source: 'outbox', message: `no record: ${line.why}` });
  const record = readLine(line);
  if (record === undefined) return told('debug', { source: 'outbox', message: 'a record that no router knows' });
  switch (record.type) {
    case 'start':
      return told('worker_started', { hostname: record.hostname, restart: record['restart'] ?? 0 });
    case 'worker_event':
      return told(record.event, { ...record.payload, ...marksOf(record) });
    case 'worker_error':
      return told('agent_error', { message: record.error, ...marksOf(record) });
    case 'complete':
      return told('thread_status', { status: { type: 'idle' }, reason: record.reason ?? null });
    case 'codex_rpc':
      // skep's workers say the same in words of their own.
      if (record.restart !== undefined) return [];
      return codexWords(record.payload, o.dialects).flatMap(({ event, data }) =>
        told(event, { ...data, ...marksOf({ injection_id: textIn(record['injection_id']) }) }),
      );
    case 'codex_stderr':
    case 'taken':
    case 'acknowledged':
    case 'proc_started':
    case 'proc_output':
    case 'proc_exit':
    case 'proc_checkpointed':
    case 'exec_done':
    case 'tool_call':
      return [];
  }
}

const textIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const marksOf = ({
  injection_id: injection,
  redelivered,
}: {
  injection_id?: string | undefined;
  redelivered?: boolean | undefined;
}): object => ({
  ...(injection === undefined ? {} : { injection_id: injection }),
  ...(redelivered === true ? { redelivered } : {}),
});
