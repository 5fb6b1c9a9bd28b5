/** Server-sent events over HTTP: one queue a client, bounded, and a comment now and then so that nobody in between thinks it dead. */
import type { ServerResponse } from 'node:http';
import type { Sink } from './feed.ts';
import { Gather } from './gather.ts';

/** Shorter than the patience of common proxies. */
const HEARTBEAT_MS = 15_000;
/** What may wait for a slow client beyond its first batch. More, and it is dropped: it comes back with `Last-Event-ID`. */
const WAITING_MAX_BYTES = 4 * 1024 * 1024;
/** How long a client waits before it comes back. */
const RETRY_MS = 2_000;

export class HttpStreams {
  private readonly heartbeatMs: number;
  private readonly open_ = new Set<ServerResponse>();
  private timer: NodeJS.Timeout | undefined;

  constructor(heartbeatMs: number = HEARTBEAT_MS) {
    this.heartbeatMs = heartbeatMs;
  }

  /** Sends the head, opens the stream with a sink, and closes it when the client is gone. */
  open(response: ServerResponse, headers: Readonly<Record<string, string>>, start: (sink: Sink) => () => void): void {
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.open_.add(response);
    this.timer ??= this.beat();
    const gather = response.socket === null ? undefined : new Gather(response.socket);
    const stop = start({
      deliver: (batch) => {
        write(response, batch.sse());
        gather?.written();
      },
      end: () => response.end(),
    });
    // The first batch may be large: its size is what this client is allowed on top.
    allowed.set(response, response.writableLength + WAITING_MAX_BYTES);
    const gone = (): void => {
      gather?.flush();
      stop();
      this.open_.delete(response);
      if (this.open_.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
    response.once('close', gone);
    response.once('error', () => response.destroy());
    if (response.destroyed) gone();
  }

  /** Ends all streams. Idempotent. */
  close(): void {
    for (const response of this.open_) response.end();
  }

  private beat(): NodeJS.Timeout {
    const timer = setInterval(() => {
      for (const response of this.open_) write(response, ': still here\n\n');
    }, this.heartbeatMs);
    return timer.unref();
  }
}

/** How much may wait for each client. */
const allowed = new WeakMap<ServerResponse, number>();

function write(response: ServerResponse, text: string): void {
  if (response.writableEnded || response.destroyed) return;
  response.write(text);
  if (response.writableLength > (allowed.get(response) ?? Infinity)) response.destroy();
}
