/**
 * What leaves in one turn of the event loop leaves in one write a connection. What is told to the same many, one thing after the other, is gathered as one
 * piece, put into bytes once and handed to each of them once: so the cost of a broadcast is that of its writes.
 */
import type { Duplex } from 'node:stream';

const [TEXT, PING] = [0x1, 0x9];

/** A text as one WebSocket frame of a server: unmasked, whole (RFC 6455, section 5.2). */
export const textFrame = (text: string): Buffer => wholeFrame(TEXT, text);

/** Is answered by a pong with the same text, of at most 125 bytes, behind all that came before it (section 5.5.2). */
export const pingFrame = (text: string): Buffer => wholeFrame(PING, text);

function wholeFrame(opcode: number, text: string): Buffer {
  const length = Buffer.byteLength(text);
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = 0x80 | opcode;
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
/** A piece for many is handed on at this size: what waits for one reader is counted only then. */
const PIECE_MAX_BYTES = 64 * 1024;

/** One that is told things: it sees to its own bound. */
export type Hearer = { take(bytes: Buffer): void };

/** What is being told to the same many, and has not been handed to them yet. */
type Piece = { to: string; hearers: readonly Hearer[]; frames: Buffer[]; bytes: number };

export class Outgoing {
  private readonly waiting = new Set<Line>();
  private shared: { frames: readonly Buffer[]; bytes: Buffer }[] = [];
  private piece: Piece | undefined;
  private isDue = false;

  /**
   * To many, whom `to` names: as long as the same are told, `hearers` is asked for once. Whoever adds to them, or takes away, calls {@link settle} first.
   */
  tell(to: string, frame: Buffer, hearers: () => readonly Hearer[]): void {
    if (this.piece?.to !== to || this.piece.bytes >= PIECE_MAX_BYTES) {
      this.settle();
      this.piece = { to, hearers: hearers(), frames: [], bytes: 0 };
      this.due();
    }
    this.piece.frames.push(frame);
    this.piece.bytes += frame.length;
  }

  /** Hands on what is being told: whatever is sent next comes after it. */
  settle(): void {
    const { piece } = this;
    if (piece === undefined) return;
    this.piece = undefined;
    const bytes = together(piece.frames);
    for (const one of piece.hearers) one.take(bytes);
  }

  /** The line has something to write. */
  add(line: Line): void {
    this.due();
    this.waiting.add(line);
  }

  drop(line: Line): void {
    this.waiting.delete(line);
  }

  private due(): void {
    if (this.isDue) return;
    this.isDue = true;
    setImmediate(() => this.flush());
  }

  private flush(): void {
    this.settle();
    this.isDue = false;
    const lines = [...this.waiting];
    this.waiting.clear();
    for (const line of lines) line.flush();
    this.shared = [];
  }

  /** The frames one after the other; the same for all who have the same. */
  share(frames: readonly Buffer[]): Buffer {
    if (frames.length === 1) return together(frames);
    const held = this.shared.find((one) => isSame(one.frames, frames));
    if (held !== undefined) return held.bytes;
    const bytes = together(frames);
    if (this.shared.length < SHARED_MAX) this.shared.push({ frames, bytes });
    return bytes;
  }
}

const together = (frames: readonly Buffer[]): Buffer => {
  const [only] = frames;
  return only !== undefined && frames.length === 1 ? only : Buffer.concat(frames);
};

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

  /** After all that was told before. */
  send(frame: Buffer): void {
    this.outgoing.settle();
    this.take(frame);
  }

  /** Part of what is told to many. */
  take(bytes: Buffer): void {
    this.frames.push(bytes);
    this.frameBytes += bytes.length;
    if (this.frames.length === 1) this.outgoing.add(this);
  }

  /** Not taken by the system yet. */
  waitingBytes(): number {
    return this.frameBytes + this.stream.writableLength;
  }

  /** All that was told so far is written. */
  finish(): void {
    this.outgoing.settle();
    this.flush();
  }

  /** Resolves when the system took what waits, or the connection ended: its reader may be as slow as it likes. */
  async taken(): Promise<void> {
    this.flush();
    const { stream } = this;
    if (!stream.writable || !stream.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stream.off('drain', done).off('close', done);
        resolve();
      };
      stream.on('drain', done).on('close', done);
    });
  }

  flush(): void {
    const { frames } = this;
    this.outgoing.drop(this);
    if (frames.length === 0) return;
    this.frames = [];
    this.frameBytes = 0;
    if (this.stream.writable) this.stream.write(this.outgoing.share(frames));
  }
}
