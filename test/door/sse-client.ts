/** Reads server-sent events one by one. */
import { z } from 'zod';

export type SseEvent = { event: string; id: string | undefined; data: Record<string, unknown> };

export class SseClient {
  readonly status: number;
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly decoder = new TextDecoder();
  private text = '';

  constructor(response: Response) {
    this.status = response.status;
    if (response.body === null) throw new Error('no body');
    this.reader = response.body.getReader();
  }

  /** The next event; undefined when the stream has ended. */
  async next(): Promise<SseEvent | undefined> {
    for (;;) {
      const end = this.text.indexOf('\n\n');
      if (end !== -1) {
        const event = this.parsed(this.text.slice(0, end));
        this.text = this.text.slice(end + 2);
        if (event !== undefined) return event;
        continue;
      }
      if (!(await this.more())) return undefined;
    }
  }

  /** The next comment. */
  async comment(): Promise<string> {
    for (;;) {
      const [found] = /^:.*$/m.exec(this.text) ?? [];
      if (found !== undefined) return found;
      if (!(await this.more())) throw new Error('the stream ended');
    }
  }

  private async more(): Promise<boolean> {
    const { value, done } = await this.reader.read();
    if (done) return false;
    this.text += this.decoder.decode(value, { stream: true });
    return true;
  }

  private parsed(block: string): SseEvent | undefined {
    const field = (name: string): string | undefined =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2);
    const [event, data] = [field('event'), field('data')];
    if (event === undefined || data === undefined) return undefined;
    return { event, id: field('id'), data: z.record(z.string(), z.unknown()).parse(JSON.parse(data)) };
  }

  async close(): Promise<void> {
    await this.reader.cancel();
  }
}
