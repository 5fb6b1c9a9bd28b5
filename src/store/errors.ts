/** What a store refuses or fails with. The message says what was expected, what came and what to do; `cause` is kept. */
export type StoreErrorCode =
  /** Another process holds the file. Nothing was changed. */
  | 'store_locked'
  /** The file was written by a newer skep. Nothing was changed. */
  | 'store_newer'
  /** What the file holds is not what this store wrote. */
  | 'store_damaged'
  /** A transaction failed: what was handed in may or may not be on disk, and nothing more is taken. The node must stop. */
  | 'store_failed'
  /** Handed in after `close`. Nothing was stored. */
  | 'store_closed'
  /** An op that does not follow the head of its log: a bug of the caller. Nothing of its write was stored. */
  | 'not_consecutive'
  /** A query the view cannot answer: a bug of the caller. */
  | 'bad_query'
  /** Somebody else is receiving this blob already. */
  | 'blob_busy';

export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
