/** What the commands of a router have in common. */
import type { z } from 'zod';
import type { Answer, Command } from './door.ts';
import { placeOf, type FleetEvent } from './event.ts';
import { RouterRefusal } from './near-end.ts';
import type { Router } from './router.ts';
import type { Swarms } from './swarms.ts';

export type CommandTools = {
  router: Router;
  swarms: Swarms;
  nowMs: () => number;
  /** Resolves with the first event that is looked for; undefined after the time, or when the router stops. */
  until: (isIt: (event: FleetEvent) => boolean, limitMs: number) => Promise<FleetEvent | undefined>;
  /** All that an ended allocation left, as one file of this machine: its path. Throws where that cannot be had; what was left is there still. */
  download: (job: string) => Promise<string>;
};

/** Throws a `RouterRefusal` that names the field. */
export function parsed<T extends z.ZodType>(schema: T, payload: Command['payload']): z.output<T> {
  const read = schema.safeParse(payload);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw new RouterRefusal(`payload.${issue?.path.join('.')}: ${issue?.message}`);
}

export const reject = (answer: Answer, reason: string, more: object = {}): void =>
  answer('command_rejected', { reason, ...more });

export const openApprovals = (router: Router): object[] =>
  router.state.approvals.map(({ mailbox, approval, call, asked }) => {
    const { job, node } = placeOf(mailbox);
    return { ...asked, approval_id: approval, call_id: call, job_id: job, node_id: node };
  });
