/** Names of records (`append_id`) that a worker has met: one that comes twice counts once, also where the worker was started anew in between. */
import { MailboxFollower, type MailboxPosition } from '#runtime/shared-mailbox/follower.ts';
import { inboxRecord } from '../record.ts';

/** One that comes twice came of a connection, or of a router, that was lost moments ago. */
const NAMES_MAX = 10_000;

export class RecordNames {
  readonly #names = new Set<string>();

  /**
   * Those of an inbox up to a place, behind which it is read again; none where that place is not in it. Throws what the file system throws.
   */
  static async upTo(inbox: string, place: MailboxPosition | undefined): Promise<RecordNames> {
    const names = new RecordNames();
    if (place === undefined) return names;
    const follower = new MailboxFollower(inbox, { pollMs: () => 0 });
    follower.finish();
    for await (const line of follower.lines()) {
      const record = line.kind === 'record' ? inboxRecord.safeParse(line.value).data : undefined;
      names.isNew(record?.append_id);
      if (line.position.inode === place.inode && line.position.offset === place.offset) return names;
    }
    return new RecordNames();
  }

  /**
   * False for one that was met before. 1. A router's connection is cut with a record under way. 2. It connects anew, does not find the record, and
   * appends it again. 3. The far end of the first connection is not dead yet, and appends it, too.
   */
  isNew(name: string | undefined): boolean {
    if (name === undefined) return true;
    if (this.#names.has(name)) return false;
    this.#names.add(name);
    if (this.#names.size > NAMES_MAX) for (const oldest of this.#names.keys().take(1)) this.#names.delete(oldest);
    return true;
  }
}
