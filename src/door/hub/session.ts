/** One connection to the hub: who it is, where it is, how fast it may go on, and what is sent to it. */
import type { Principal } from '#core/brand.ts';
import type { Heads } from '#core/op.ts';
import { TokenBucket } from '#core/token-bucket.ts';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { ErrorCode } from './frames.ts';
import type { Hearer, Outgoing } from './outgoing.ts';
import { Line, pingFrame, textFrame } from './outgoing.ts';

/** Frames in ten seconds before the login; beyond it the connection is closed. */
const [FRAMES_BEFORE, FRAMES_S] = [10, 10];
/** And after it, each second on average. */
export const FRAMES_PER_S = 6;
const CHUNKS_PER_S = 10;
/** A search is a walk through lists of the index. */
const [SEARCHES_PER_S, SEARCHES_AT_ONCE] = [1, 5];
/** What may wait for a slow reader, beside the history that it asked for. */
const WAITING_MAX_BYTES = 4 * 1024 * 1024;
/** A closed client gets so long to read what is queued and to answer. */
const CLOSE_MAX_MS = 5_000;

const RECEIPT = 'received';

/** Of RFC 6455. */
export const CLOSE = { normal: 1000, goingAway: 1001, policy: 1008, tryAgain: 1013 } as const;

export type Member = {
  /** With its `@`. */
  id: string;
  by: Principal;
  name: string;
  verified: boolean;
  presence: string;
  statusText: string | null;
  nickMs: number;
};

export type Challenge = {
  id: string;
  nonce: string;
  name: string;
  publicKey: string;
  invite: string | null;
  expiresMs: number;
};

export type SessionOptions = {
  socket: WebSocket;
  /** What lies under the WebSocket. */
  stream: Duplex;
  outgoing: Outgoing;
  ip: string;
  userAgent: string;
  now: () => number;
  messageMs: number;
  framesPerS: number;
};

export class Session implements Hearer {
  readonly socket: WebSocket;
  readonly ip: string;
  readonly openedMs: number;
  readonly userAgent: string;
  /** When it was heard last, by the monotonic clock. */
  heardMs = performance.now();
  member: Member | undefined;
  challenge: Challenge | undefined;
  /** By channel: the arrival up to which its history was shown. */
  readonly channels = new Map<string, number>();
  readonly spokeMs = new Map<string, number>();
  /** What of its own mailbox this session was given: a message told twice here is sent once. */
  given: Heads = {};
  /** How much of that came to its end, where nobody wrote it down yet. */
  received: Heads | undefined;
  /** How much of it is known to have come, and what was asked after. */
  private confirmed = this.given;
  private asked: Heads | undefined;
  /** Another session has its place: what it leaves is that one's. */
  displaced = false;
  private readonly line: Line;
  private readonly now: () => number;
  private readonly framesPerS: number;
  private frames: TokenBucket | undefined;
  private readonly messages: TokenBucket | undefined;
  private chunks: TokenBucket | undefined;
  private searches: TokenBucket | undefined;
  private allowedBytes = WAITING_MAX_BYTES;

  constructor(o: SessionOptions) {
    this.socket = o.socket;
    this.line = new Line(o.stream, o.outgoing);
    this.userAgent = o.userAgent;
    this.ip = o.ip;
    this.now = o.now;
    this.openedMs = o.now();
    this.frames = new TokenBucket({ perSecond: FRAMES_BEFORE / FRAMES_S, burst: FRAMES_BEFORE }, this.openedMs);
    this.framesPerS = o.framesPerS;
    this.messages =
      o.messageMs === 0 ? undefined : new TokenBucket({ perSecond: 1_000 / o.messageMs, burst: 1 }, this.openedMs);
  }

  enter(member: Member): void {
    this.member = member;
    this.challenge = undefined;
    const perSecond = this.framesPerS;
    this.frames =
      perSecond === Infinity ? undefined : new TokenBucket({ perSecond, burst: perSecond * FRAMES_S }, this.now());
  }

  mayFrame(): boolean {
    return this.frames?.tryTake(1, this.now()) ?? true;
  }

  maySpeak(): boolean {
    return this.messages?.tryTake(1, this.now()) ?? true;
  }

  maySearch(): boolean {
    this.searches ??= new TokenBucket({ perSecond: SEARCHES_PER_S, burst: SEARCHES_AT_ONCE }, this.now());
    return this.searches.tryTake(1, this.now());
  }

  mayChunk(): boolean {
    this.chunks ??= new TokenBucket({ perSecond: CHUNKS_PER_S, burst: CHUNKS_PER_S }, this.now());
    return this.chunks.tryTake(1, this.now());
  }

  /** `atMs`: when it was, where that is not now. */
  send(type: string, fields: object = {}, atMs: number = this.now()): void {
    this.sendFrame(textFrame(JSON.stringify({ type, ...fields, ts: atMs })));
  }

  /**
   * Asks for a sign that what it was given came, and not only left here: a line that is dead takes words for minutes. The pong comes behind all that was
   * sent before; one is under way at a time. Of a guest nothing is written down.
   */
  askReceipt(): void {
    if (this.asked !== undefined || this.given === this.confirmed || this.member?.verified !== true) return;
    this.asked = this.given;
    this.sendFrame(pingFrame(RECEIPT));
  }

  ponged(text: string): void {
    if (text !== RECEIPT || this.asked === undefined) return;
    this.received = this.confirmed = this.asked;
    this.asked = undefined;
    this.askReceipt();
  }

  error(code: ErrorCode, message: string): void {
    this.send('ERROR', { code, message });
  }

  /** A reader that falls behind is closed: it comes back, and goes on after its cursor. */
  sendFrame(frame: Buffer): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.line.send(frame);
    this.checkWaiting();
  }

  /** The same for part of what is told to many. */
  take(bytes: Buffer): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.line.take(bytes);
    this.checkWaiting();
  }

  private checkWaiting(): void {
    if (this.line.waitingBytes() > this.allowedBytes)
      this.close(CLOSE.tryAgain, 'reads too slowly: come back, and JOIN with after');
  }

  /** So much waits that whoever has more for it waits, too. */
  isBehind = (): boolean => this.line.waitingBytes() > WAITING_MAX_BYTES / 4;

  /** Resolves when the system took what was sent, or the connection ended. */
  taken = (): Promise<void> => this.line.taken();

  /** History that was asked for is allowed on top of what may wait. */
  allowWaiting(): void {
    this.allowedBytes = this.line.waitingBytes() + WAITING_MAX_BYTES;
  }

  /** Says why behind what is queued, and cuts the line when that is not read in time. Idempotent. */
  close(code: number, reason: string): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.line.finish();
    this.socket.close(code, reason);
    const timer = setTimeout(() => this.socket.terminate(), CLOSE_MAX_MS).unref();
    this.socket.once('close', () => clearTimeout(timer));
  }
}
