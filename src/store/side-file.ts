/** A database beside the log, for what is no fact of the swarm. Nothing is opened, or made, before it is needed. */
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from './errors.ts';

type Opened<S> = { db: DatabaseSync; statements: S };

export class SideFile<S> {
  readonly #o: { path: string; what: string; open: (path: string) => Opened<S> };
  #opened: Opened<S> | undefined;
  #isClosed = false;

  /** `what`: how a refusal calls what is in it, in the plural. `open` opens the file, or makes it, with its statements. */
  constructor(o: { path: string; what: string; open: (path: string) => Opened<S> }) {
    this.#o = o;
  }

  /** Whether anything was ever written. */
  isThere(): boolean {
    return this.#opened !== undefined || existsSync(this.#o.path);
  }

  /** Throws StoreError `store_closed` after `close`; nothing was stored then. */
  statements(): S {
    if (this.#isClosed) throw new StoreError('store_closed', `the ${this.#o.what} are closed: nothing was stored`);
    this.#opened ??= this.#o.open(this.#o.path);
    return this.#opened.statements;
  }

  close(): void {
    this.#isClosed = true;
    this.#opened?.db.close();
    this.#opened = undefined;
  }
}
