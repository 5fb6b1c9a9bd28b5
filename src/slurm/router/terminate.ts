/** `swarm_terminate`: an allocation ends; a turn that runs may end first, unless it is forced. */
import { basename } from 'node:path';
import { z } from 'zod';
import { setTimeout as sleep } from 'node:timers/promises';
import { parsed, reject, type CommandTools } from './command.ts';
import type { Answer, Command } from './door.ts';

/** As in codeswarm: turns that run get so long to end, and are looked at so often. */
const [GRACE_MS, LOOK_MS, TOLD_EVERY] = [300_000, 500, 10];
/** Workers leave their checkpoints within Slurm's own grace; a controller that is gone is waited for no longer. */
const [GONE_MAX_MS, GONE_LOOK_MS] = [180_000, 1_000];

const payloadSchema = z.looseObject({
  swarm_id: z.string().min(1).max(100),
  terminate_params: z
    .looseObject({ download_workspaces_on_shutdown: z.boolean().optional(), force: z.boolean().optional() })
    .default({}),
});

export async function terminateSwarm(payload: Command['payload'], tools: CommandTools, answer: Answer): Promise<void> {
  const { swarm_id: wanted, terminate_params: params } = parsed(payloadSchema, payload);
  const { router, swarms } = tools;
  const found = await swarms.find(wanted);
  if (found === undefined) return reject(answer, `unknown swarm_id: ${wanted}`);
  const { id, swarm } = found;
  const { job, nodes } = swarm;
  const whole = { swarm_id: id, job_id: job };
  if (swarm.state === 'terminated') return answer('swarm_terminated', { swarm_id: id });
  // A second one forces.
  const isForced = params.force === true || swarm.state === 'terminating';
  if (isForced) router.force(job);
  swarms.mark(id, 'terminating');
  answer('swarm_status', { ...whole, node_count: nodes, status: 'terminating' });
  const provider = swarms.provider(swarm.provider);
  if (provider === undefined) return reject(answer, `the provider ${swarm.provider} of this swarm is not configured`);
  const progress = (stage: string, message: string): void =>
    answer('swarm_terminate_progress', {
      ...whole,
      provider_backend: provider.backend,
      stage,
      message,
      timestamp: new Date(tools.nowMs()).toISOString(),
    });
  const quiet = await isQuiet(tools, job, progress);
  progress(quiet, `nodes whose turn runs: ${router.turnsOf(job)}`);
  progress('provider_terminate', `job ${job} is told to end`);
  await provider.stop(job);
  for (let waitedMs = 0; waitedMs < GONE_MAX_MS; waitedMs += GONE_LOOK_MS) {
    const running = (await provider.list()).some((one) => one.job === job);
    if (!running) {
      swarms.mark(id, 'terminated');
      progress('completed', `job ${job} is gone`);
      if (params.download_workspaces_on_shutdown === true) await downloaded(tools, whole, answer);
      return answer('swarm_terminated', { swarm_id: id });
    }
    await sleep(GONE_LOOK_MS);
  }
  progress('failed', `job ${job} is still there after ${GONE_MAX_MS / 1000} s`);
  reject(answer, `job ${job} was told to end, and has not ended within ${GONE_MAX_MS / 1000} s`);
}

/** Told before the last answer: whoever waits for that has the file. */
async function downloaded(
  tools: CommandTools,
  whole: { swarm_id: string; job_id: string },
  answer: Answer,
): Promise<void> {
  try {
    const path = await tools.download(whole.job_id);
    answer('workspace_archive_ready', { ...whole, archive_path: path, archive_name: basename(path) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    answer('workspace_archive_failed', { ...whole, reason });
  }
}

async function isQuiet(
  { router }: CommandTools,
  job: string,
  progress: (stage: string, message: string) => void,
): Promise<'quiescent' | 'force_requested' | 'graceful_timeout'> {
  for (let looks = 0; looks * LOOK_MS < GRACE_MS; looks += 1) {
    if (router.isForced(job)) return 'force_requested';
    if (router.turnsOf(job) === 0) return 'quiescent';
    if (looks % TOLD_EVERY === 0) progress('graceful_wait', `nodes whose turn runs: ${router.turnsOf(job)}`);
    await sleep(LOOK_MS);
  }
  return 'graceful_timeout';
}
