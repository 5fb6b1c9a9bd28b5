/**
 * Frames as bytes: a 4-byte big-endian length, then that many bytes of UTF-8 JSON, an object with an integer `type`. As in the seed.
 */
import { isUtf8 } from 'node:buffer';
import { FRAME_MAX_BYTES } from '#core/op.ts';
import type { Frame } from '#core/schema/frame.ts';
import { FRAME, frameSchemas } from '#core/schema/frame.ts';

/** Length octets before each frame. */
export const PREFIX_BYTES = 4;

/** Frames of a peer that has not proved anything yet: a HELLO or GOODBYE has some 400 bytes. */
export const STRANGER_FRAME_MAX_BYTES = 8 * 1024;

/**
 * How deep calls and replies may nest. JSON is read without a stack but written with one, so a deeper frame could be read here and would
 * crash the node that relays it; what calls carry is some ten levels deep.
 */
export const DEPTH_MAX = 64;

/**
 * `1e20,` becomes `100000000000000000000,`: a call that is passed on is written anew, and one that then is too long would stop the node that relays it.
 */
const NUMBER_GROWTH = 5;

/** The bytes of a frame. Throws a `RangeError` for one above {@link FRAME_MAX_BYTES}, which is a bug of the sender: every limit above it is lower. */
export function encodeFrame(frame: Frame): Buffer {
  const text = JSON.stringify(frame);
  const length = Buffer.byteLength(text);
  if (length > FRAME_MAX_BYTES) {
    throw new RangeError(
      `a frame of type ${frame.type} has ${length} bytes, at most ${FRAME_MAX_BYTES} are sent; nothing was queued`,
    );
  }
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + length);
  bytes.writeUInt32BE(length, 0);
  bytes.write(text, PREFIX_BYTES);
  return bytes;
}

/** What a decoder found next. After `bad` the stream has no meaning any more; `unknown` is a newer node's frame, to be counted and ignored. */
export type Decoded =
  | { kind: 'frame'; frame: Frame }
  | { kind: 'unknown'; type: number }
  | { kind: 'bad'; problem: string };

/**
 * Cuts a stream into frames, however it is chunked. Each byte is copied at most once, into a buffer of the announced size: a frame that comes
 * whole in one chunk is read where it lies.
 */
export class FrameDecoder {
  #maxBytes = STRANGER_FRAME_MAX_BYTES;
  #chunk: Buffer = Buffer.alloc(0);
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixFilled = 0;
  /** The frame being gathered from several chunks. */
  #gathered: Buffer | undefined;
  #gatheredFilled = 0;

  /** The peer proved who it is: frames up to the full limit from now on. */
  trust(): void {
    this.#maxBytes = FRAME_MAX_BYTES;
  }

  /** Takes the next bytes of the stream. Call {@link next} until it returns undefined before pushing more. */
  push(chunk: Buffer): void {
    this.#chunk = this.#chunk.length === 0 ? chunk : Buffer.concat([this.#chunk, chunk]);
  }

  /** The next whole frame, or undefined when more bytes are needed. */
  next(): Decoded | undefined {
    if (this.#prefixFilled < PREFIX_BYTES) {
      const prefix = this.#take(PREFIX_BYTES - this.#prefixFilled);
      this.#prefixFilled += prefix.copy(this.#prefix, this.#prefixFilled);
      if (this.#prefixFilled < PREFIX_BYTES) return undefined;
    }
    const length = this.#prefix.readUInt32BE(0);
    if (length > this.#maxBytes) {
      return { kind: 'bad', problem: `a frame of ${length} bytes was announced, at most ${this.#maxBytes} are taken` };
    }
    const payload = this.#payload(length);
    if (payload === undefined) return undefined;
    this.#prefixFilled = 0;
    return parseFrame(payload);
  }

  #payload(length: number): Buffer | undefined {
    if (this.#gathered === undefined) {
      if (this.#chunk.length >= length) return this.#take(length);
      this.#gathered = Buffer.allocUnsafe(length);
      this.#gatheredFilled = 0;
    }
    this.#gatheredFilled += this.#take(length - this.#gatheredFilled).copy(this.#gathered, this.#gatheredFilled);
    if (this.#gatheredFilled < length) return undefined;
    const whole = this.#gathered;
    this.#gathered = undefined;
    return whole;
  }

  #take(atMostBytes: number): Buffer {
    const taken = this.#chunk.subarray(0, atMostBytes);
    this.#chunk = this.#chunk.subarray(taken.length);
    return taken;
  }
}

/** Reads the JSON of one frame. */
export function parseFrame(payload: Uint8Array): Decoded {
  const value = readJson(payload);
  if (value === undefined || typeof value !== 'object' || value === null)
    return bad('a frame is a JSON object in UTF-8');
  const type = 'type' in value ? value.type : undefined;
  if (typeof type !== 'number' || !Number.isSafeInteger(type)) return bad('a frame has an integer "type"');
  const schema = frameSchemas.get(type);
  if (schema === undefined) return { kind: 'unknown', type };
  const parsed = schema.safeParse(value);
  if (!parsed.success) return bad(`type ${type}: ${firstIssue(parsed.error.issues)}`);
  const frame = parsed.data;
  const nested = frame.type === FRAME.call ? frame.params : frame.type === FRAME.reply ? frame.result : undefined;
  if (nestsDeeper(nested, DEPTH_MAX)) return bad(`type ${type}: nested deeper than ${DEPTH_MAX} levels`);
  if (nested !== undefined && payload.length > FRAME_MAX_BYTES / NUMBER_GROWTH && lengthOf(frame) > FRAME_MAX_BYTES)
    return bad(`type ${type}: written out, its numbers make it longer than ${FRAME_MAX_BYTES} bytes`);
  return { kind: 'frame', frame };
}

const lengthOf = (frame: Frame): number => Buffer.byteLength(JSON.stringify(frame));
const bad = (problem: string): Decoded => ({ kind: 'bad', problem });

function firstIssue(issues: readonly { path: readonly PropertyKey[]; message: string }[]): string {
  const [issue] = issues;
  return issue === undefined ? 'malformed' : `${issue.path.map(String).join('.')}: ${issue.message}`.slice(0, 300);
}

function readJson(payload: Uint8Array): unknown {
  if (!isUtf8(payload)) return undefined;
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString());
  } catch {
    // No JSON is a fact about the sender: the caller counts it and closes the link.
    return undefined;
  }
}

/** Level by level and without recursion: the depth of hostile input is what is asked about. */
function nestsDeeper(value: unknown, depthMax: number): boolean {
  let level: object[] = isObject(value) ? [value] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === depthMax) return true;
    level = level.flatMap((outer) => Object.values(outer).filter(isObject));
  }
  return false;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
