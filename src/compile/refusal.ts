/** A request that cannot be met as it stands; nothing was written. `hint` says what to do. */
export class CompileRefusal extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
