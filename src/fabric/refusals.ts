/** Which refusals a person was told of: dialling goes on every few seconds, and once is enough. */
import type { Goodbye } from '#core/schema/frame.ts';
import type { Connection } from './connection.ts';
import { hostOf } from './link-info.ts';

/** Refusals remembered; beyond it the oldest is forgotten and may be told again. */
const REFUSALS_MAX = 1024;

type Where = Pick<Connection, 'outbound' | 'address' | 'peer'>;

export class Refusals {
  readonly #told = new Set<string>();

  isNew(where: Where, { code }: Goodbye): boolean {
    const key = `${placeOf(where)} ${code}`;
    if (this.#told.has(key)) return false;
    const [oldest] = this.#told;
    if (this.#told.size >= REFUSALS_MAX && oldest !== undefined) this.#told.delete(oldest);
    this.#told.add(key);
    return true;
  }

  /** It linked: a later refusal is news again. */
  forget(where: Where): void {
    const prefix = `${placeOf(where)} `;
    for (const key of this.#told) if (key.startsWith(prefix)) this.#told.delete(key);
  }
}

/** Each retry of a peer comes from another port, so an inbound connection counts by its host and key. */
const placeOf = (where: Where): string => (where.outbound ? where.address : `${hostOf(where)} ${where.peer ?? ''}`);
