/**
 * What leaves in one turn of the event loop leaves in one write a connection. What goes to many is put into bytes once, and many who are told the same
 * share also the bytes of several frames together: so the cost of a broadcast is that of its writes.
 */
import type { Duplex } from 'node:stream';

/** A text as one WebSocket frame of a server: unmasked, whole (RFC 6455, section 5.2). */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = 0x81;
  if (head === 2) frame[1] = length;
  else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, head);
  return frame;
}

/** Different bytes of one turn that are kept to be shared. */
const SHARED_MAX = 64;

export class Outgoing {
  private readonly waiting = new Set<Line>();
  private shared: { frames: readonly Buffer[]; bytes: Buffer }[] = [];

  /** The line has something to write. */
  add(line: Line): void {
    if (this.waiting.size === 0) setImmediate(() => this.flush());
    this.waiting.add(line);
  }

  drop(line: Line): void {
    this.waiting.delete(line);
  }

  private flush(): void {
    const lines = [...this.waiting];
    this.waiting.clear();
    for (const line of lines) line.flush();
    this.shared = [];
  }

  /** The frames one after the other. */
  together(frames: readonly Buffer[]): Buffer {
    const [only] = frames;
    if (only !== undefined && frames.length === 1) return only;
    const held = this.shared.find((one) => isSame(one.frames, frames));
    if (held !== undefined) return held.bytes;
    const bytes = Buffer.concat(frames);
    if (this.shared.length < SHARED_MAX) this.shared.push({ frames, bytes });
    return bytes;
  }
}

const isSame = (a: readonly Buffer[], b: readonly Buffer[]): boolean =>
  a.length === b.length && a.every((frame, at) => frame === b[at]);

/** The sending half of one connection. It writes past the WebSocket, which would frame and write each text by itself. */
export class Line {
  private readonly stream: Duplex;
  private readonly outgoing: Outgoing;
  private frames: Buffer[] = [];
  private frameBytes = 0;

  constructor(stream: Duplex, outgoing: Outgoing) {
    this.stream = stream;
    this.outgoing = outgoing;
  }

  send(frame: Buffer): void {
    this.frames.push(frame);
    this.frameBytes += frame.length;
    if (this.frames.length === 1) this.outgoing.add(this);
  }

  /** Not taken by the system yet. */
  waitingBytes(): number {
    return this.frameBytes + this.stream.writableLength;
  }

  flush(): void {
    const { frames } = this;
    this.outgoing.drop(this);
    if (frames.length === 0) return;
    this.frames = [];
    this.frameBytes = 0;
    if (this.stream.writable) this.stream.write(this.outgoing.together(frames));
  }
}
