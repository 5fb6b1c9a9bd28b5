/**
 * A refusal of a driver; nothing was started or sent.
 *
 * Codes: `not_supported` (this tool cannot do that), `turn_running`, `too_long`, `session_closed`, `not_started` (no program of that name, or it
 * cannot run).
 */
export class DriverRefusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'DriverRefusal';
    this.code = code;
  }

  /** The agent was not there or not free: another one may do what was wanted. */
  get isUntouched(): boolean {
    return this.code === 'agent_busy' || this.code === 'not_started';
  }
}
