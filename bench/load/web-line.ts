/**
 * One connection to a WebSocket server, raw: what comes is counted, not looked at, unless somebody listens, so that a thousand of them in one process
 * leave the server its processor.
 */
import type { Socket } from 'node:net';
import { connect } from 'node:net';

/** Any mask but 0, which servers may pass over. */
const MASK = Buffer.from([0x5a, 0x17, 0xc3, 0x88]);
const PONG = Buffer.concat([Buffer.from([0x8a, 0x80]), MASK]);
const READY_MAX_MS = 30_000;

/** A text as one frame of a client (RFC 6455, section 5.2): masked, whole. */
export function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const isShort = payload.length < 126;
  if (payload.length > 65_535) throw new Error('the bench sends no frame so long');
  const head = Buffer.from(
    isShort ? [0x81, 0x80 | payload.length] : [0x81, 0xfe, payload.length >> 8, payload.length & 0xff],
  );
  for (const [at, byte] of payload.entries()) payload[at] = byte ^ (MASK[at % 4] ?? 0);
  return Buffer.concat([head, MASK, payload]);
}

export class WebLine {
  /** Bytes of texts that came, without the heads of their frames. */
  bytes = 0;
  /** Called after each piece that came, with the bytes of texts in it. */
  onBytes: (count: number) => void = () => {};
  /** Called with each text; while it is undefined texts are only counted. */
  onText: ((text: string) => void) | undefined;
  private readonly socket: Socket;
  private rest: Buffer = Buffer.alloc(0);
  /** Of the frame under way, not here yet. */
  private missing = 0;
  private parts: Buffer[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Resolves when the server speaks WebSocket. */
  static async open(port: number): Promise<WebLine> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const line = new WebLine(socket);
    const ready = Promise.withResolvers<void>();
    const timer = setTimeout(() => ready.reject(new Error('no answer to an upgrade')), READY_MAX_MS);
    socket.once('error', ready.reject);
    socket.once('close', () => ready.reject(new Error('closed before the upgrade')));
    let head = '';
    const first = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', first);
      if (!head.startsWith('HTTP/1.1 101')) return ready.reject(new Error(head.slice(0, 200)));
      socket.on('data', (piece: Buffer) => line.take(piece));
      const after = Buffer.from(head.slice(end + 4), 'latin1');
      if (after.length > 0) line.take(after);
      ready.resolve();
    };
    socket.on('data', first);
    socket.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    await ready.promise.finally(() => clearTimeout(timer));
    return line;
  }

  send(text: string): void {
    this.socket.write(clientFrame(text));
  }

  /** Bytes of whole frames, as {@link clientFrame} makes them. */
  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** The first text that `find` makes something of. Nobody may listen meanwhile. */
  async hear<T>(find: (text: string) => T | undefined): Promise<T> {
    const found = Promise.withResolvers<T>();
    const timer = setTimeout(() => found.reject(new Error('the server did not say what was waited for')), READY_MAX_MS);
    this.onText = (text) => {
      const value = find(text);
      if (value !== undefined) found.resolve(value);
    };
    return found.promise.finally(() => {
      clearTimeout(timer);
      this.onText = undefined;
    });
  }

  close(): void {
    this.socket.on('error', () => {});
    this.socket.destroy();
  }

  private take(piece: Buffer): void {
    const chunk = this.rest.length === 0 ? piece : Buffer.concat([this.rest, piece]);
    this.rest = Buffer.alloc(0);
    const before = this.bytes;
    let at = 0;
    while (at < chunk.length) {
      if (this.missing === 0) {
        const head = headOf(chunk, at);
        if (head === undefined) {
          this.rest = chunk.subarray(at);
          break;
        }
        at += head.bytes;
        this.missing = head.length;
        // Of a hub, which asks who is silent whether it is there, and says nothing with it.
        if (head.isPing) this.socket.write(PONG);
      }
      const here = Math.min(this.missing, chunk.length - at);
      if (this.onText !== undefined) this.parts.push(chunk.subarray(at, at + here));
      at += here;
      this.missing -= here;
      this.bytes += here;
      if (this.missing === 0 && this.parts.length > 0) this.tell();
    }
    this.onBytes(this.bytes - before);
  }

  private tell(): void {
    const text = Buffer.concat(this.parts).toString();
    this.parts = [];
    this.onText?.(text);
  }
}

/** The head of an unmasked frame; undefined where it is not all there. */
function headOf(chunk: Buffer, at: number): { bytes: number; length: number; isPing: boolean } | undefined {
  const short = (chunk[at + 1] ?? 0x7f) & 0x7f;
  const bytes = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (chunk.length < at + bytes) return undefined;
  const isPing = chunk[at] === 0x89;
  if (short < 126) return { bytes, length: short, isPing };
  const length = short === 126 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2));
  return { bytes, length, isPing };
}
