/** Runs git and tells what came of it. Nothing here throws because git refused: its exit code and its words are the result. */
import { setMaxListeners } from 'node:events';
import { execa } from 'execa';

/** What stays in this repository: reading refs, counting commits. Far more than any such call takes on a slow disk. */
const LOCAL_TIMEOUT_MS = 60_000;

/** Asking a remote for its refs: one round trip, behind a slow ssh login perhaps. */
export const REMOTE_TIMEOUT_MS = 120_000;

/** What moves objects or files: fetch, push, check-out, `git add` of a large tree. Half an hour for a very large repository on a slow line. */
export const TRANSFER_TIMEOUT_MS = 1_800_000;

/** Output of one call held in memory, unless the caller expects a long list. */
const OUTPUT_MAX_BYTES = 4 * 1024 * 1024;

/** A list of every file of a very large tree (about a million paths). */
export const LIST_MAX_BYTES = 64 * 1024 * 1024;

/** git ends itself in order on SIGTERM and takes its lock files away; what does not end in this time is killed. */
const KILL_AFTER_MS = 5_000;

/** Of git's words, how much a message repeats. */
const SAID_MAX_CHARS = 1_000;

/**
 * Settings of every call. Hooks, file system monitors and signing would run foreign programs or wait for a passphrase; `gc` would leave a
 * process behind.
 */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.quotePath=false',
  'core.safecrlf=false',
  'core.pager=cat',
  'color.ui=false',
  'commit.gpgSign=false',
  'push.gpgSign=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'push.recurseSubmodules=no',
].flatMap((setting) => ['-c', setting]);

/** Put before a call whose objects must be on disk when it ends; by itself git leaves that to the next minute. One wait for all of them. */
export const DURABLE = ['-c', 'core.fsync=all', '-c', 'core.fsyncMethod=batch'];

/** Variables of this process that git may see: where programs, keys, proxies and the user's own settings are. Everything else stays out. */
const INHERITED = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'XDG_CONFIG_HOME',
  'GIT_CONFIG_GLOBAL',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_SSL_CAINFO',
  'SSH_AUTH_SOCK',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

const FIXED: Readonly<Record<string, string>> = {
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  // ssh asks this program instead of a terminal, and it always says no.
  SSH_ASKPASS: 'false',
  SSH_ASKPASS_REQUIRE: 'force',
  GIT_OPTIONAL_LOCKS: '0',
  // Never `ext::` or another remote helper, whatever the user's settings allow: an origin is data that came in an op.
  GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
};

export type GitOptions = {
  cwd: string;
  /** The repository, where it shall not be looked for from `cwd` upwards. */
  gitDir?: string;
  /** Added to the fixed environment. */
  environment?: Readonly<Record<string, string>>;
  input?: string;
  timeoutMs?: number;
  outputMaxBytes?: number;
};

export type GitResult = {
  /** Exit code 0 and the whole output in `out`. */
  ok: boolean;
  exitCode: number | undefined;
  ended: 'exited' | 'timed_out' | 'stopped' | 'overflowed' | 'killed' | 'not_started';
  /** Standard output as UTF-8 (with replacement), without its last newline; the beginning of it when `ended` is `overflowed`. */
  out: string;
  /** Standard error, credentials in URLs struck out. */
  err: string;
};

type Finished = Awaited<ReturnType<typeof start>>;

/** Runs git for one node. Calls may run at the same time; each is bounded in time and output and has a session of its own, so no terminal. */
export class Git {
  readonly #inherited: Readonly<Record<string, string>>;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  /** `environment`: usually `process.env`, of which only the few variables named above are taken. */
  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.#inherited = Object.fromEntries(
      INHERITED.flatMap((name) => {
        const value = environment[name];
        return value === undefined ? [] : [[name, value]];
      }),
    );
    // One listener a running call, and there is no limit of ten to them.
    setMaxListeners(0, this.#stop.signal);
  }

  async run(args: readonly string[], options: GitOptions): Promise<GitResult> {
    if (this.#stop.signal.aborted)
      return { ok: false, exitCode: undefined, ended: 'stopped', out: '', err: 'the node is stopping' };
    const environment = {
      ...this.#inherited,
      ...FIXED,
      ...(options.gitDir === undefined ? {} : { GIT_DIR: options.gitDir }),
      ...options.environment,
    };
    const running = start([...SETTINGS, ...args], options, environment, this.#stop.signal);
    this.#running.add(running);
    try {
      return resultOf(await running);
    } finally {
      this.#running.delete(running);
    }
  }

  /** Ends what runs (SIGTERM to its process group, then SIGKILL) and refuses further calls. Idempotent; bounded by {@link KILL_AFTER_MS}. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running);
  }
}

function start(args: readonly string[], o: GitOptions, env: Record<string, string>, cancelSignal: AbortSignal) {
  const outputMaxBytes = o.outputMaxBytes ?? OUTPUT_MAX_BYTES;
  return execa('git', args, {
    cwd: o.cwd,
    env,
    extendEnv: false,
    ...(o.input === undefined ? { stdin: 'ignore' as const } : { input: o.input }),
    encoding: 'buffer',
    stripFinalNewline: false,
    maxBuffer: { stdout: outputMaxBytes, stderr: OUTPUT_MAX_BYTES },
    timeout: o.timeoutMs ?? LOCAL_TIMEOUT_MS,
    forceKillAfterDelay: KILL_AFTER_MS,
    // ssh, filters and index-pack are git's children and end with it.
    killDescendants: true,
    cancelSignal,
    reject: false,
  });
}

function endedOf(finished: Finished): GitResult['ended'] {
  if (finished.timedOut) return 'timed_out';
  if (finished.isCanceled) return 'stopped';
  if (finished.isMaxBuffer) return 'overflowed';
  if (finished.signal !== undefined) return 'killed';
  return finished.exitCode === undefined ? 'not_started' : 'exited';
}

function resultOf(finished: Finished): GitResult {
  const ended = endedOf(finished);
  const said = text(finished.stderr).trim();
  return {
    ok: ended === 'exited' && finished.exitCode === 0,
    exitCode: finished.exitCode,
    ended,
    out: text(finished.stdout).replace(/\n$/, ''),
    err: withoutCredentials(said === '' && finished.failed ? silence(finished) : said),
  };
}

const silence = ({ originalMessage, exitCode }: Finished): string =>
  originalMessage ?? `git said nothing and ended with exit code ${exitCode ?? 'unknown'}`;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const text = (bytes: Uint8Array | undefined): string => (bytes === undefined ? '' : decoder.decode(bytes));

const withoutCredentials = (said: string): string => said.replaceAll(/:\/\/[^/@\s']*@/g, '://***@');

/** What git said, cut to the length of a message; for a call that was ended, that. */
export function saidBy(result: GitResult): string {
  if (result.ended === 'timed_out') return 'git did not end in time';
  if (result.ended === 'stopped') return 'git was stopped because the node stops';
  if (result.ended === 'overflowed') return 'git printed more than the limit';
  const said = result.err
    .split('\n')
    .filter((line) => !line.startsWith('hint:'))
    .join('\n');
  return said.slice(0, SAID_MAX_CHARS);
}

/** The pieces of `-z` output. */
export const pieces = (out: string): string[] => out.split('\0').filter((piece) => piece !== '');
