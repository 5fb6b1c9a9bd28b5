/** How a command ends: its exit code, and the failures that carry one. The codes are promised in docs/cli.md. */

export const EXIT = {
  /** Done as asked. */
  ok: 0,
  /** A negative answer: the task did not complete, a check of `doctor` failed, a node could not start. */
  negative: 1,
  /** The command line, the environment or the configuration file is wrong. Nothing was asked of a node. */
  usage: 2,
  /** The node understood and refused; nothing was changed. */
  refused: 3,
  /** No node answered. */
  unreachable: 4,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with a message for a person and one of the codes above. What it says is all there is to say: no stack is shown. */
export class CommandFailure extends Error {
  readonly code: ExitCode;
  /** What to do about it, a line each. */
  readonly hints: readonly string[];
  /** What `--json` prints on standard error beside the message. */
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(
    code: ExitCode,
    message: string,
    o: { hints?: readonly string[]; detail?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, { cause: o.cause });
    this.name = 'CommandFailure';
    this.code = code;
    this.hints = o.hints ?? [];
    this.detail = o.detail ?? {};
  }
}

export const usageFailure = (message: string, ...hints: string[]): CommandFailure =>
  new CommandFailure(EXIT.usage, message, { hints });
