/**
 * A refusal of a driver; nothing was started or sent.
 *
 * Codes: `not_supported` (this tool cannot do that), `turn_running`, `session_closed`.
 */
export class DriverRefusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'DriverRefusal';
    this.code = code;
  }
}
