/**
 * A refusal of the runtime: the caller's fault or a promise that can no longer be kept. `code` is for programs, the message for people.
 *
 * Codes: `proc_exists`, `bad_spec`, `bad_line`, `proc_ended`, `detached`, `runtime_closed`, `holder_unavailable`.
 */
export class RuntimeRefusal extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RuntimeRefusal';
    this.code = code;
  }
}

/** The `code` of anything thrown (`ENOENT`, `proc_exists`), or undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What to say of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
