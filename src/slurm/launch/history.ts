/**
 * Jobs as `squeue --json`, `scontrol show job --json` and `sacct --json` print them. The shapes changed with Slurm's versions: a state is a word (22.05),
 * a list of words (23.11), or stands below `state.current`; a number is one, or `{"set":true,"infinite":false,"number":4}`; an exit code is `0`, or
 * `{"status":["SUCCESS"],"return_code":{…},"signal":{"id":{…}}}`.
 */
import { z } from 'zod';

const number = z.union([
  z.number(),
  z.looseObject({ set: z.boolean(), number: z.number() }).transform((one) => (one.set ? one.number : 0)),
]);
const words = z.union([z.string(), z.array(z.string()).transform((all) => all[0] ?? '')]);
const state = z.union([words, z.looseObject({ current: words }).transform((one) => one.current)]);
const exit = z.union([
  // The status of `wait`: the code stands in its upper byte.
  number.transform((status) => ({ code: status >> 8, signal: status & 127 })),
  z
    .looseObject({
      return_code: number.nullish(),
      signal: z.looseObject({ signal_id: number.nullish(), id: number.nullish() }).nullish(),
    })
    .transform((one) => ({ code: one.return_code ?? 0, signal: one.signal?.signal_id ?? one.signal?.id ?? 0 })),
]);
const comment = z.union([z.string(), z.looseObject({ job: z.string().nullish() }).transform((one) => one.job ?? '')]);

const jobSchema = z
  .looseObject({
    job_id: number,
    name: z.string().default(''),
    user_name: z.string().optional(),
    user: z.string().optional(),
    job_state: state.optional(),
    state: state.optional(),
    node_count: number.optional(),
    allocation_nodes: number.optional(),
    nodes: z.union([z.string(), z.looseObject({}).transform(() => '')]).nullish(),
    exit_code: exit.optional(),
    comment: comment.nullish(),
  })
  .transform((job) => ({
    job: String(job.job_id),
    name: job.name,
    user: job.user_name ?? job.user ?? '',
    state: job.job_state ?? job.state ?? '',
    exitCode: `${job.exit_code?.code ?? 0}:${job.exit_code?.signal ?? 0}`,
    nodes: job.node_count ?? job.allocation_nodes ?? 0,
    where: job.nodes ?? '',
    comment: job.comment ?? '',
  }));

/** What is no such answer, and a job that is none, is passed over. */
export function jobsIn(text: string): z.output<typeof jobSchema>[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [];
  }
  const { jobs } = z.looseObject({ jobs: z.array(z.unknown()) }).safeParse(json).data ?? { jobs: [] };
  return jobs.flatMap((job) => jobSchema.safeParse(job).data ?? []);
}
