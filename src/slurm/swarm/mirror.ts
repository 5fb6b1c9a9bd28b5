/** What a process on a compute node said, kept here as a holder keeps what its own say: whoever follows it finds it again after a restart. */
import { join } from 'node:path';
import type { Exit } from '#ports.ts';
import { MailboxReader, MailboxWriter } from '#runtime/mailbox.ts';
import { EXIT_ERROR_MAX_CHARACTERS } from '#runtime/outbox.ts';

type Output = { n: number; stream: 'out' | 'err'; text: string; dropped?: number | undefined };

export class Mirror {
  readonly #writer: MailboxWriter;
  readonly #maxBytes: number;
  /** The number of the last output that is here: each is here once, however often it comes. */
  #last: number;

  /** Of a process whose directory is there. */
  static async open(directory: string, maxBytes: number): Promise<Mirror> {
    const path = join(directory, 'outbox.jsonl');
    const reader = new MailboxReader(path);
    reader.finish();
    let last = 0;
    for await (const line of reader.lines()) {
      const value = line.kind === 'record' ? line.value : undefined;
      if (typeof value === 'object' && value !== null && 'n' in value && typeof value.n === 'number') last = value.n;
    }
    return new Mirror(path, { maxBytes, last });
  }

  private constructor(path: string, o: { maxBytes: number; last: number }) {
    this.#writer = new MailboxWriter(path);
    this.#maxBytes = o.maxBytes;
    this.#last = o.last;
  }

  /** Throws what the file system throws. */
  take({ n, stream, text, dropped }: Output): void {
    if (n <= this.#last) return;
    const isFull = this.#writer.sizeBytes > this.#maxBytes;
    const bytes = dropped ?? Buffer.byteLength(text) + 1;
    this.#writer.append(isFull || dropped !== undefined ? { t: 'dropped', bytes, n } : { t: stream, lines: text, n });
    this.#last = n;
  }

  /** The last that is taken. */
  exit(exit: Exit): void {
    const error = exit.error?.slice(0, EXIT_ERROR_MAX_CHARACTERS) ?? null;
    this.#writer.append({ t: 'exit', ...exit, error });
    this.#writer.close();
  }

  close(): void {
    this.#writer.close();
  }
}
