/** What was wrong, for programs: the words are for people. */
export type RefusalCode =
  | 'config'
  | 'wanted'
  | 'no_ssh'
  | 'no_slurm'
  | 'partition'
  | 'nodes'
  | 'time'
  | 'account'
  | 'slurm'
  | 'no_program'
  | 'no_room'
  | 'no_login'
  | 'no_model'
  | 'unknown_job'
  | 'active'
  /** The connection broke while a job was submitted: whether there is one could not be asked. */
  | 'unsure'
  /** It ended, or was not up within the hard limit and was cancelled. */
  | 'ended';

/** Why nothing was launched or changed, in words for people. But for `unsure` no job of this launch waits or runs. */
export class LaunchRefusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LaunchRefusal';
    this.code = code;
  }
}
