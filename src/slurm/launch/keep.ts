/** What a job left in the shared directory: read, and put away. */
import type { LaunchConfig } from './config.ts';
import type { Login } from './login.ts';
import { CARRY_MAX_MS } from './login.ts';
import { hasEnded } from './end.ts';
import type { Provider } from './provider.ts';
import { LaunchRefusal } from './refusal.ts';
import { baseOf } from './script.ts';

export const LOG_LINES_MAX = 10_000;

/** `node` undefined: the batch script's own output. */
export type Log = { node: number | undefined; lines: string[] };

type Kept = { provider: Provider; config: LaunchConfig; login: Login; job: string };

/** The last lines of the batch script's output and of each outbox, or of that of one node. */
export async function logsOf(o: Kept & { lines: number; node: number | undefined }): Promise<Log[]> {
  const { provider, config, login, job, lines, node } = o;
  await provider.of(job);
  const base = baseOf(config);
  const tail = async (pattern: string): Promise<string[]> => {
    const script =
      'cd "$1" && for f in $2; do [ -f "$f" ] && echo "$f" && tail -n "$3" "$f" | sed "s/^/ /"; done; true';
    return (await login.run(['sh', '-c', script, 'sh', base, pattern, String(lines)])).split('\n');
  };
  const which = node === undefined ? '*' : String(node).padStart(2, '0');
  const logs: Log[] = [];
  const own = node === undefined ? await tail(`skep_${job}.out skep_${job}.err`) : [];
  for (const line of [...own, ...(await tail(`mailbox/outbox/${job}_${which}.jsonl`))]) {
    if (line.startsWith(' ')) logs.at(-1)?.lines.push(line.slice(1));
    else if (line !== '') logs.push({ node: nodeIn(line), lines: [] });
  }
  return logs;
}

function nodeIn(path: string): number | undefined {
  const number = /_(\d{2,5})\.jsonl$/.exec(path)?.[1];
  return number === undefined ? undefined : Number(number);
}

/**
 * Moves all that an ended job left into one file, `archive/<JOB>.tar.gz` below the shared directory, and gives its path. Nothing is removed before the
 * file is whole; done again, it gives the same path. Throws a {@link LaunchRefusal} while the job waits or runs.
 */
export async function archive({ provider, config, login, job }: Kept): Promise<string> {
  const { state, launch } = await provider.of(job);
  if (!hasEnded(state)) {
    const next = state === 'COMPLETING' ? 'try again in a moment' : 'stop it first';
    throw new LaunchRefusal('active', `job ${job} is ${state}: ${next}`);
  }
  const path = `${baseOf(config)}/archive/${job}.tar.gz`;
  const script = `
    cd "$1" && mkdir -p -m 700 archive || exit 1
    set -- "$2" "$3"
    files=$(ls -d runs/"$1" mailbox/inbox/"$1"_*.jsonl mailbox/outbox/"$1"_*.jsonl skep_"$1".out skep_"$1".err "launches/$2.json" 2>/dev/null)
    [ -n "$files" ] || { [ -f "archive/$1.tar.gz" ] && exit 0; echo "nothing of job $1 is there" >&2; exit 1; }
    umask 077
    printf '%s\\n' "$files" | tar -czf "archive/$1.new" -T - && sync "archive/$1.new" && mv "archive/$1.new" "archive/$1.tar.gz" || exit 1
    printf '%s\\n' "$files" | while IFS= read -r file; do rm -rf "$file"; done`;
  await login.run(['sh', '-c', script, 'sh', baseOf(config), job, launch === '' ? 'none' : launch], {
    maxMs: CARRY_MAX_MS,
  });
  return path;
}
