/** What is fuzzed: each target takes any bytes, must stay what it is, and says at the end what it counted. A promise that breaks is thrown. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { nodeIdOf } from '#core/brand.ts';
import { signedText } from '#core/chain.ts';
import type { Frame } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import { parseJson } from '#core/schema/header.ts';
import { announcementKey, Announcements, encodeAnnouncement } from '#fabric/announcement.ts';
import type { Decoded } from '#fabric/framing.ts';
import { encodeFrame, FrameDecoder, parseFrame, PREFIX_BYTES } from '#fabric/framing.ts';
import { JSON_MAX_BYTES } from './mutate.ts';
import { Machine } from '../core/machine.ts';
import { Writer } from '../core/writer.ts';

export type Target = {
  readonly name: string;
  /** Good inputs to begin with. */
  readonly corpus: readonly Buffer[];
  /** How much of its inputs is changed as JSON, the rest as bytes. */
  readonly jsonShare: number;
  /** Each input by itself; throws when a promise breaks. */
  run(input: Buffer): Promise<void> | void;
  /** After many inputs: does it still do its work? */
  check(): Promise<void> | void;
  readonly counts: Record<string, number>;
  close?(): Promise<void>;
};

const golden = new URL('../fabric/golden/', import.meta.url);
const session = new URL('../older/0.1.0/session.jsonl', import.meta.url);
const goldenFrames = readdirSync(golden).map((file) => readFileSync(new URL(file, golden)));
/** Frames without their length, so that they can be changed as JSON. */
const payloads = [
  ...goldenFrames.map((bytes) => bytes.subarray(PREFIX_BYTES)),
  ...readFileSync(session, 'utf8')
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line)),
];

/** Whole frames, and payloads that {@link framed} makes frames. */
export const streams = [...goldenFrames, ...payloads];

/** JSON gets its length before it; other bytes are a stream as they are. */
export function framed(input: Buffer): Buffer {
  if (input[0] !== 0x7b) return input;
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(input.length);
  return Buffer.concat([prefix, input]);
}

const shown = (found: readonly Decoded[]): string => found.map((one) => JSON.stringify(one)).join('\n');

/** What a node writes anew for others as it came. */
const isPassedOn = (frame: Frame): boolean =>
  frame.type === FRAME.call || frame.type === FRAME.reply || 'op' in frame || 'ops' in frame;

/** The stream of a peer, cut anywhere into chunks. */
export function decoderTarget(): Target {
  const counts = { frame: 0, unknown: 0, bad: 0 };
  const read = (input: Buffer, chunkBytes: number, isTrusted: boolean): Decoded[] => {
    const decoder = new FrameDecoder();
    if (isTrusted) decoder.trust();
    const found: Decoded[] = [];
    for (let at = 0; at < input.length; at += chunkBytes) {
      decoder.push(input.subarray(at, at + chunkBytes));
      for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
        found.push(next);
        if (next.kind === 'bad') return found;
      }
    }
    return found;
  };
  return {
    name: 'decoder',
    corpus: streams,
    jsonShare: 0.5,
    counts,
    run(bytes) {
      const input = framed(bytes);
      const found = read(input, input.length + 1, true);
      // Few bytes in tiny pieces, many in larger ones: no input takes more than some thousand chunks.
      const chunkBytes = 1 + Math.floor(input.length / 2_000) + ((input[PREFIX_BYTES] ?? 0) % 50);
      assert.equal(shown(read(input, chunkBytes, true)), shown(found), 'chunks make no difference');
      read(input, chunkBytes, false);
      for (const next of found) {
        counts[next.kind] += 1;
        if (next.kind !== 'frame' || !isPassedOn(next.frame)) continue;
        const again = parseFrame(encodeFrame(next.frame).subarray(PREFIX_BYTES));
        assert.equal(again.kind, 'frame', 'what was read can be passed on');
      }
    },
    check: () => undefined,
  };
}

/** Datagrams of anybody on the network. */
export function announcementTarget(): Target {
  const counts = { malformed: 0, foreign: 0, repeated: 0, idle: 0, found: 0 };
  const [self, peer] = [nodeIdOf('1'.repeat(32)), nodeIdOf('2'.repeat(32))];
  const key = announcementKey('the secret of a fuzzed swarm');
  const made = (count: number): Buffer =>
    encodeAnnouncement({ node_id: peer, p2p_port: 7101, host: '192.0.2.7', boot: 'a'.repeat(32), count }, key);
  const genuine = [1, 2, 3].map(made);
  const heard = new Announcements(self, key);
  let count = 3;
  return {
    name: 'announcement',
    corpus: genuine,
    jsonShare: 0.5,
    counts,
    run(input) {
      const { kind } = heard.hear(input, '192.0.2.7');
      counts[kind] += 1;
      if (kind === 'found' || kind === 'idle' || kind === 'repeated') {
        const said: unknown = parseJson(input.toString());
        const isGenuine = genuine.some((one) => macOf(parseJson(one.toString())) === macOf(said));
        assert(isGenuine, `believed what nobody made: ${input.toString().slice(0, 300)}`);
      }
    },
    check() {
      count += 1;
      assert.equal(heard.hear(made(count), '192.0.2.7').kind, 'found', 'a genuine one is believed still');
    },
  };
}

const macOf = (said: unknown): unknown =>
  typeof said === 'object' && said !== null && 'mac' in said ? said.mac : said;

/** A core lives for so many inputs, so that what it holds stays small. */
const CORE_INPUTS_MAX = 2_000;

/** Frames of a linked peer, at the core: some signed by the peer itself, whose log they are about. */
export function coreTarget(): Target {
  const counts = { frames: 0, dropped: 0, invalid: 0, cores: 0 };
  const [enemy, friend] = [new Writer(1), new Writer(2)];
  const opening = friend.frame([friend.hello()]);
  const honest = { head: 1 };
  let inputs = 0;
  let machine = new Machine(0);
  const begin = async (): Promise<void> => {
    machine = new Machine(0);
    counts.cores += 1;
    inputs = 0;
    await machine.linkUp(enemy.node);
    await machine.linkUp(friend.node);
    honest.head = 1;
    friend.head = { seq: 1, hash: opened };
    await machine.receive(friend.node, opening);
  };
  const opened = friend.head.hash;
  const corpus = [enemy.frame([enemy.hello(), ...enemy.posts(3)]), enemy.frame(enemy.posts(2))];
  const texts = corpus.map((frame) => Buffer.from(JSON.stringify(frame)));
  return {
    name: 'core',
    corpus: [...texts, ...payloads],
    jsonShare: 0.98,
    counts,
    async run(input) {
      if (inputs % CORE_INPUTS_MAX === 0) await begin();
      inputs += 1;
      const decoded = parseFrame(resigned(input, enemy));
      if (decoded.kind !== 'frame') {
        counts.dropped += 1;
        return;
      }
      counts.frames += 1;
      const before = machine.core.tallies().get(enemy.node)?.refused ?? 0;
      await machine.receive(enemy.node, decoded.frame);
      counts.invalid += (machine.core.tallies().get(enemy.node)?.refused ?? 0) - before;
      machine.takeSent();
      machine.takeActions();
      assert.equal(machine.failure, undefined, 'the core goes on');
    },
    async check() {
      if (counts.cores === 0) return;
      honest.head += 1;
      await machine.receive(friend.node, friend.frame(friend.posts(1)));
      assert.equal(machine.store.heads().get(friend.node)?.seq, honest.head, 'an honest op is taken in still');
      machine.nowMs += 1_000;
      await machine.tick();
    },
  };
}

/** Half of what is changed in ops is signed anew by the enemy, whose key is good: forks, gaps, stamps far ahead. */
function resigned(input: Buffer, enemy: Writer): Buffer {
  if (input.length % 2 === 0 || input.length > JSON_MAX_BYTES) return input;
  const frame = parseJson(input.toString());
  if (typeof frame !== 'object' || frame === null || !('ops' in frame) || !Array.isArray(frame.ops)) return input;
  const last: unknown = frame.ops.at(-1);
  const header: unknown = Array.isArray(last) ? last[0] : undefined;
  if (typeof header !== 'string') return input;
  const sig = enemy.crypto.sign(signedText(enemy.crypto.sha256(header)));
  return Buffer.from(JSON.stringify({ ...frame, sig }));
}
