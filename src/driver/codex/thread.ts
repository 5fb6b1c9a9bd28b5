export type CodexDialectOptions = {
  cwd: string;
  version: string;
  /** Params of `thread/start`, `thread/resume` and `thread/fork`, but for the conversation's name. */
  thread: Readonly<Record<string, unknown>>;
  /** Tool servers of skep's own: their calls need no leave. */
  servers: readonly string[];
  /** The conversation to go on with. */
  resume: string | null;
  /** With a copy of it. */
  isFork?: boolean;
};

/** How the conversation of a session is asked for. Its turns are not told again. */
export function threadAsked({ resume, thread, isFork }: CodexDialectOptions): {
  method: 'thread/start' | 'thread/resume' | 'thread/fork';
  params: object;
} {
  if (resume === null) return { method: 'thread/start', params: thread };
  const method = isFork === true ? 'thread/fork' : 'thread/resume';
  return { method, params: { ...thread, threadId: resume, excludeTurns: true } };
}
