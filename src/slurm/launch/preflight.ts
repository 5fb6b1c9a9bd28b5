/** What is looked at before anything is submitted: a job that waits an hour and then fails is the dearest way to learn of a typing error. */
import { baseOf, programOf, type Asked, type Wanted } from './script.ts';
import type { LaunchConfig } from './config.ts';
import type { Login } from './login.ts';
import type { Progress } from './provider.ts';
import { LaunchRefusal } from './refusal.ts';

/** A compute node that is free answers within a few seconds; one that is not is not waited for. */
const IMMEDIATE_SECONDS = 20;
/** An agent's run writes some megabytes; a full disk has less. */
const ROOM_KILOBYTES = 64 * 1024;

type Looked = { config: LaunchConfig; login: Login; wanted: Wanted; asked: Asked; progress: Progress };

/** That skep is on the cluster. */
export async function checkProgram({ config, login }: Pick<Looked, 'config' | 'login'>): Promise<void> {
  const program = programOf(config);
  await login.run(['test', '-x', program]).catch((error: unknown) => {
    if (error instanceof LaunchRefusal && error.code === 'no_ssh') throw error;
    throw new LaunchRefusal('no_program', `there is no program at ${program} (cluster.skep)`);
  });
}

/** The shared directory: something can be written to it. It is made where it is not there. */
export async function checkPlace({ config, login }: Pick<Looked, 'config' | 'login'>): Promise<void> {
  const base = baseOf(config);
  await login.run(['mkdir', '-p', '-m', '700', `${base}/mailbox/inbox`, `${base}/mailbox/outbox`, `${base}/launches`]);
  // A quota shows only when something is written, and `df` knows nothing of it.
  const script =
    'cd "$1" && f=.room.$$ && { head -c 1048576 /dev/zero > "$f" && sync "$f"; r=$?; rm -f "$f"; [ $r = 0 ]; } && df -Pk . | tail -n 1';
  const said = await login.run(['sh', '-c', script, 'sh', base]).catch((error: unknown) => {
    if (error instanceof LaunchRefusal && error.code === 'no_ssh') throw error;
    throw new LaunchRefusal('no_room', `nothing can be written to ${base}: ${wordsOf(error)}`);
  });
  const free = Number(said.trim().split(/\s+/)[3]);
  if (free < ROOM_KILOBYTES) throw new LaunchRefusal('no_room', `${base} has ${free} KiB left`);
}

/** Of a partition: it is there and open, and has the nodes and the time that are asked for. Of all else Slurm judges itself, by the script. */
export async function checkSlurm(o: Looked, script: string): Promise<void> {
  const { login, asked, wanted } = o;
  const named = asked.partition;
  const said = await login.run(['scontrol', 'show', 'partition', '-o', ...(named === undefined ? [] : [named])]);
  const partition = said
    .split('\n')
    .map((line) => (name: string) => new RegExp(String.raw`(?:^|\s)${name}=(\S*)`).exec(line)?.[1] ?? '')
    .find((field) => (named === undefined ? field('Default') === 'YES' : field('PartitionName') === named));
  if (partition === undefined) {
    throw new LaunchRefusal(
      'partition',
      named === undefined ? 'the cluster has no default partition: name one' : `there is no partition ${named}`,
    );
  }
  const name = partition('PartitionName');
  if (partition('State') !== 'UP') {
    throw new LaunchRefusal('partition', `partition ${name} is ${partition('State')}: nothing starts there`);
  }
  // A job that Slurm takes all the same, and never starts.
  const allowed = partition('AllowAccounts');
  if (
    asked.account !== undefined &&
    allowed !== '' &&
    allowed !== 'ALL' &&
    !allowed.split(',').includes(asked.account)
  ) {
    throw new LaunchRefusal('account', `partition ${name} is for accounts ${allowed}, not for ${asked.account}`);
  }
  const most = Math.min(Number(partition('TotalNodes')), limitIn(partition('MaxNodes')));
  if (wanted.nodes > most) {
    throw new LaunchRefusal(
      'nodes',
      `partition ${name} gives at most ${most} nodes, and ${wanted.nodes} are asked for`,
    );
  }
  const [limit, time] = [secondsOf(partition('MaxTime')), secondsOf(asked.time ?? '')];
  if (limit !== undefined && time !== undefined && time > limit) {
    throw new LaunchRefusal(
      'time',
      `partition ${name} gives at most ${partition('MaxTime')}, and ${asked.time} is asked for`,
    );
  }
  await login.run(['sbatch', '--test-only'], { input: script }).catch((error: unknown) => {
    throw namingAccount(error, asked);
  });
}

/** Slurm says that an account may not, but not which one: unknown, closed, or none of this user's. Anything else as it is. */
export function namingAccount(error: unknown, { account, qos }: Asked): unknown {
  if (!(error instanceof LaunchRefusal) || error.code !== 'account') return error;
  const names = `${account === undefined ? 'your default account' : `account ${account}`}${qos === undefined ? '' : `, QOS ${qos}`}`;
  return new LaunchRefusal('account', `${names}: ${error.message}`, { cause: error });
}

/** That the agent can work: its login on the shared home, and its model from a compute node. */
export async function checkAgent(o: Looked): Promise<void> {
  const { config, login, wanted, asked, progress } = o;
  const base = baseOf(config);
  if (wanted.tool === 'codex') {
    // A provider of one's own in the configuration needs no login.
    const script =
      'PATH="$1/tools/npm-global/bin:$1/tools/node/bin:$PATH"; c="${CODEX_HOME:-$HOME/.codex}/config.toml"; ' +
      'command -v codex >/dev/null || { echo missing; exit 0; }; ' +
      'grep -Eqs "^[[:space:]]*model_provider[[:space:]]*=" "$c" && { echo provider; exit 0; }; ' +
      'codex login status </dev/null 2>&1 || echo out';
    const said = (await login.run(['sh', '-c', script, 'sh', base])).trim();
    if (said === 'missing') {
      throw new LaunchRefusal(
        'no_program',
        `there is no codex on the cluster: skep slurm bring brings one to ${base}/tools`,
      );
    }
    if (/(?:^|\n)out$/.test(said)) {
      throw new LaunchRefusal('no_login', 'codex is not logged in on the cluster: run codex login there');
    }
  }
  const url = config.cluster.model_url;
  if (url === undefined) {
    progress('check', 'whether compute nodes reach the model is not known: cluster.model_url names no address');
    return;
  }
  const options = Object.entries(asked).flatMap(([name, value]) => (name === 'time' ? [] : [`--${name}=${value}`]));
  const code =
    'fetch(process.argv[1]).then(() => console.log("reached"), (e) => console.log("no: " + (e.cause?.code || e.cause?.message || e.message)))';
  const path = 'PATH="$1/tools/node/bin:$PATH" exec node -e "$2" "$3"';
  const said = await login
    .run([
      'srun',
      '-Q',
      '-N1',
      '-n1',
      '-t1',
      `--immediate=${IMMEDIATE_SECONDS}`,
      ...options,
      'sh',
      '-c',
      path,
      'sh',
      base,
      code,
      url,
    ])
    .catch((error: unknown) => {
      if (error instanceof LaunchRefusal && error.code === 'no_ssh') throw error;
      return `unknown: ${wordsOf(error)}`;
    });
  const answer = said.trim();
  if (answer.startsWith('no: ')) {
    throw new LaunchRefusal('no_model', `a compute node does not reach ${url}: ${answer.slice(4)}`);
  }
  progress(
    'check',
    answer === 'reached' ? `a compute node reaches ${url}` : `no compute node was free to ask for ${url}`,
  );
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const limitIn = (text: string): number => (/^\d+$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY);

/** `1-00:00:00`, `20:00`, `90`: as Slurm writes times; undefined for UNLIMITED and what is none. */
export function secondsOf(text: string): number | undefined {
  const read = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text);
  if (read === null) return undefined;
  const [days, first, second, third] = read.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  if (first === undefined) return undefined;
  if (days !== undefined) return days * 86_400 + first * 3_600 + (second ?? 0) * 60 + (third ?? 0);
  if (third !== undefined) return first * 3_600 + (second ?? 0) * 60 + third;
  return second === undefined ? first * 60 : first * 60 + second;
}
