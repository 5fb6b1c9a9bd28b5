/** From a submitted job to agents that listen. */
import { setTimeout } from 'node:timers/promises';
import type { LaunchConfig } from './config.ts';
import type { Login } from './login.ts';
import { hasEnded } from './end.ts';
import type { Progress, Provider } from './provider.ts';
import { LaunchRefusal } from './refusal.ts';
import { baseOf } from './script.ts';

/** Between two looks: a controller is shared by everybody. */
const LOOK_MS = 3_000;

export type ReadyOptions = {
  provider: Provider;
  config: LaunchConfig;
  login: Login;
  job: string;
  nodes: number;
  /** Agents tell of a conversation as soon as they listen: Codex does, unless it goes on with an earlier one. */
  tellsOfThread: boolean;
  progress: Progress;
  nowMs: () => number;
  /** Aborted where nobody waits any more; the job goes on. */
  signal?: AbortSignal;
};

/**
 * Resolves when every agent of the job listens. Throws a {@link LaunchRefusal} where the job ended before, with why; and above the hard limit, after
 * the job was cancelled.
 */
export async function untilReady(o: ReadyOptions): Promise<void> {
  const { provider, config, job, nodes, progress } = o;
  const begunMs = o.nowMs();
  const limits = config.launch;
  let said = '';
  let isDelayed = false;
  while (o.signal?.aborted !== true) {
    const { state, where, why, next } = await provider.of(job);
    if (hasEnded(state)) {
      const step = next === '' ? '' : `\nnext: ${next}`;
      throw new LaunchRefusal('ended', `job ${job} is ${state}: ${why}${await errorsOf(o)}${step}`);
    }
    const up = state === 'RUNNING' ? await countUp(o) : 0;
    if (up >= nodes) return progress('ready', `${nodes} of ${nodes} agents listen`);
    const words = state === 'RUNNING' ? `on ${where}: ${up} of ${nodes} agents listen` : `${state} ${why}`.trim();
    if (words !== said) progress(state === 'RUNNING' ? 'running' : 'queued', words);
    said = words;
    const seconds = (o.nowMs() - begunMs) / 1_000;
    if (seconds >= limits.hard_timeout_seconds) {
      await provider.stop(job);
      throw new LaunchRefusal(
        'ended',
        `job ${job} was not up within ${limits.hard_timeout_seconds} s and was cancelled`,
      );
    }
    if (seconds >= limits.soft_timeout_seconds && !isDelayed) {
      isDelayed = true;
      progress(
        'delayed',
        `not up within ${limits.soft_timeout_seconds} s; it is cancelled after ${limits.hard_timeout_seconds} s`,
      );
    }
    await setTimeout(LOOK_MS, undefined, o.signal === undefined ? {} : { signal: o.signal }).catch(() => {});
  }
}

/** Agents whose conversation has begun; of tools that begin one with their first turn, workers. */
async function countUp({ config, login, job, tellsOfThread }: ReadyOptions): Promise<number> {
  const text = tellsOfThread ? '"event":"thread_started"' : '"type":"start"';
  const script = 'grep -lF -e "$1" "$2"/mailbox/outbox/"$3"_*.jsonl 2>/dev/null | wc -l';
  return Number((await login.run(['sh', '-c', script, 'sh', text, baseOf(config), job])).trim());
}

/** The last words of its batch script. */
async function errorsOf({ config, login, job }: ReadyOptions): Promise<string> {
  const said = await login
    .run(['tail', '-n', '5', `${baseOf(config)}/skep_${job}.err`])
    .then((text) => text.trim())
    .catch(() => '');
  return said === '' ? '' : `\n${said}`;
}
