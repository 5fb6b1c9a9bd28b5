/**
 * Files that clients of this hub send. Whatever comes goes into the node's files, by its hash: so what is known is not sent again, a cut is gone on
 * from, and its reader may be away, at another hub, or an agent of the swarm. A reader that is here and has accepted is passed the chunks as they come.
 */
import type { Hash, Principal } from '#core/brand.ts';
import { hashOf } from '#core/brand.ts';
import { nameBar, pathBar } from '#core/file/name.ts';
import { addressBar } from '#core/message/leave.ts';
import { TokenBucket } from '#core/token-bucket.ts';
import { writeOffer } from '../file/desk.ts';
import { isRefusal } from '../refusal.ts';
import type { At } from './channels.ts';
import { isKnownTo } from './channels.ts';
import type { WordOf } from './file-words.ts';
import { chunkWord, json } from './file-words.ts';
import type { Refused } from './frames.ts';
import { bad } from './frames.ts';
import type { Hub } from './hub.ts';
import { speakerOf } from './key.ts';
import type { Session } from './session.ts';

/** As in AgentChat: an offer that nothing was heard of for so long is forgotten. What came of its file stays. */
const OFFER_MS = 1_800_000;
/** Of one sender at once, and of all. */
const [OWN_MAX, ALL_MAX] = [16, 1_000];
/** What one sender may bring in an hour, and at once. */
const [BYTES_PER_HOUR, BURST_BYTES] = [512 * 1024 * 1024, 256 * 1024 * 1024];

export type Transfer = {
  tid: string;
  from: string;
  by: Principal;
  to: string;
  name: string;
  files: { path: string; size: number }[];
  sha256: Hash;
  sizeBytes: number;
  /** The chunk that is expected, and where its bytes begin unless it says so itself. */
  next: number;
  at: number;
  /** How many bytes are here. */
  held: number;
  heardMs: number;
};

type Answer = Promise<Refused | undefined>;
type To = { to: string };

const keyOf = (from: string, to: string, tid: string): string => `${from} ${to} ${tid}`;

/** A word of the hub itself about a transfer. */
export const tellSender = (session: Session | undefined, word: object): void =>
  session?.send('MSG', {
    from: '@server',
    from_name: 'server',
    to: session.member?.id,
    content: JSON.stringify(word),
    verified: true,
  });

export class IncomingFiles {
  private readonly hub: Hub;
  /** In the order in which something was heard of them. */
  private readonly transfers = new Map<string, Transfer>();
  private readonly budgets = new Map<string, TokenBucket>();

  constructor(hub: Hub) {
    this.hub = hub;
  }

  find(from: string, to: string, tid: string): Transfer | undefined {
    return this.transfers.get(keyOf(from, to, tid));
  }

  drop({ from, to, tid }: Transfer): void {
    this.transfers.delete(keyOf(from, to, tid));
  }

  /** The hub says how much is here, and asks the reader, or takes the file in its name. */
  async offer(word: WordOf<'offer'>, content: string, at: At & To): Answer {
    const { hub, session, member, to } = at;
    const refused = this.bar(word, at);
    if (refused !== undefined) return refused;
    const { tid, totalSize: sizeBytes, files } = word;
    const sha256 = hashOf(word.sha256);
    const here = await hub.door.node.files.piece({ sha256, sizeBytes, offset: 0, data: new Uint8Array() });
    if (isRefusal(here)) return told(here);
    if (here.isWhole && here.offset !== sizeBytes) return bad('INVALID_MSG', `that file has ${here.offset} bytes`);
    if (!this.mayBring(member.id, sizeBytes - here.offset))
      return bad('RATE_LIMITED', `you may bring ${BYTES_PER_HOUR} bytes an hour`);
    const about = { tid, from: member.id, by: member.by, to, files, sha256, sizeBytes };
    const name = nameOf(files);
    this.keep({ ...about, name, next: 0, at: 0, held: here.offset, heardMs: hub.door.now() });
    tellSender(session, { _ft: 'have', tid, offset: here.offset });
    const reader = hub.session(to);
    if (reader === undefined) tellSender(session, { _ft: 'accept', tid });
    else passOn(content, at, reader);
    return undefined;
  }

  private bar({ tid, files }: WordOf<'offer'>, { hub, member, to }: At & To): Refused | undefined {
    for (const { path } of files) {
      const barred = pathBar(path);
      if (barred !== undefined) return told(barred);
    }
    const party = speakerOf(to);
    if (to !== '@operator' && (party === undefined || !isKnownTo(hub, to, party)))
      return bad('AGENT_NOT_FOUND', `Agent ${to} not found`);
    const closed = addressBar(hub.door.node.store, member.by, to);
    if (closed !== undefined) return told(closed);
    this.forgetOld();
    const own = [...this.transfers.values()].filter(({ from }) => from === member.id);
    if (own.length >= OWN_MAX && this.find(member.id, to, tid) === undefined)
      return bad('RATE_LIMITED', `${OWN_MAX} files of yours are on their way: complete one first`);
    return undefined;
  }

  /** Out of order, it is told what is expected, and nothing is kept; what is here already is left out. */
  async chunk(content: string, at: At & To): Answer {
    const { hub, member, to } = at;
    const { data: word, error } = chunkWord.safeParse(json(content));
    if (word === undefined)
      return bad('INVALID_MSG', `a chunk of a file is expected: ${error.issues[0]?.message ?? ''}`);
    const transfer = this.find(member.id, to, word.tid);
    if (transfer === undefined) return bad('INVALID_MSG', `you have offered no file ${word.tid} to ${to}`);
    if (word.idx > transfer.next) return bad('INVALID_MSG', `chunk ${transfer.next} is expected, not ${word.idx}`);
    if (word.idx < transfer.next) return undefined;
    const data = Buffer.from(word.data, word.encoding ?? 'utf8');
    const begin = word.offset ?? transfer.at;
    const end = begin + data.byteLength;
    if (begin > transfer.held) return bad('INVALID_MSG', `bytes from ${transfer.held} on are expected, not ${begin}`);
    if (end > transfer.sizeBytes) return this.over(transfer, `it was offered with ${transfer.sizeBytes} bytes`);
    if (end > transfer.held) {
      const { sha256, sizeBytes, held } = transfer;
      const piece = { sha256, sizeBytes, offset: held, data: data.subarray(held - begin) };
      const kept = await hub.door.node.files.piece(piece);
      if (isRefusal(kept)) return kept.code === 'invalid' ? this.over(transfer, 'it has another SHA-256') : told(kept);
      transfer.held = kept.offset;
    }
    Object.assign(transfer, { next: word.idx + 1, at: end });
    this.keep({ ...transfer, heardMs: hub.door.now() });
    hub.outgoingFiles.pass(transfer, { content, begin, end, idx: word.idx });
    return undefined;
  }

  /** All of it is here, and its hash is right: it is offered, on disk, to its reader, wherever that is. */
  async complete(word: WordOf<'complete'>, { hub, session, member, to }: At & To): Answer {
    const transfer = this.find(member.id, to, word.tid);
    if (transfer === undefined) return bad('INVALID_MSG', `you have offered no file ${word.tid} to ${to}`);
    if (word.sha256 !== transfer.sha256) return this.over(transfer, 'it was offered with another SHA-256');
    const sizeBytes = await hub.door.node.files.sizeBytes(transfer.sha256);
    if (sizeBytes === undefined)
      return bad(
        'INVALID_MSG',
        `${transfer.held} of ${transfer.sizeBytes} bytes are here: bytes from there on are missing`,
      );
    const party = speakerOf(to);
    if (to !== '@operator' && (party === undefined || !isKnownTo(hub, to, party)))
      return this.over(transfer, `${to} is gone`);
    const { tid, name, files, sha256 } = transfer;
    const several = files.length > 1 ? { files } : {};
    const isTold = hub.session(to) !== undefined;
    const offered = { to, name, sha256, sizeBytes, transfer: tid, isTold, ...several };
    const row = await writeOffer(offered, { by: member.by, door: hub.door });
    if (isRefusal(row)) return told(row);
    this.drop(transfer);
    await hub.inOrder(() => tellSender(session, { _ft: 'have', tid, offset: sizeBytes, id: row.id }));
    return undefined;
  }

  /** Nothing more comes of it, and both are told. */
  private over(transfer: Transfer, error: string): Refused {
    this.drop(transfer);
    const word = { _ft: 'ack', tid: transfer.tid, ok: false, error };
    tellSender(this.hub.session(transfer.to), word);
    tellSender(this.hub.session(transfer.from), word);
    return bad('INVALID_MSG', `${transfer.name} is not handed over: ${error}`);
  }

  private keep(transfer: Transfer): void {
    this.drop(transfer);
    this.transfers.set(keyOf(transfer.from, transfer.to, transfer.tid), transfer);
    const [oldest] = this.transfers.keys();
    if (this.transfers.size > ALL_MAX && oldest !== undefined) this.transfers.delete(oldest);
  }

  private forgetOld(): void {
    const sinceMs = this.hub.door.now() - OFFER_MS;
    for (const transfer of this.transfers.values()) {
      if (transfer.heardMs > sinceMs) return;
      this.drop(transfer);
    }
  }

  private mayBring(from: string, bytes: number): boolean {
    const nowMs = this.hub.door.now();
    const budget =
      this.budgets.get(from) ?? new TokenBucket({ perSecond: BYTES_PER_HOUR / 3_600, burst: BURST_BYTES }, nowMs);
    this.budgets.delete(from);
    this.budgets.set(from, budget);
    const [oldest] = this.budgets.keys();
    if (this.budgets.size > ALL_MAX && oldest !== undefined) this.budgets.delete(oldest);
    return budget.tryTake(Math.max(0, bytes), nowMs);
  }
}

/** What is said of a file to one that is here: kept by nobody, and back to its speaker, as a MSG to one is. */
export function passOn(content: string, { session, member, to }: At & To, reader: Session): void {
  const fields = { from: member.id, from_name: member.name, to, content, verified: member.verified };
  if (reader !== session) reader.send('MSG', fields);
  session.send('MSG', fields);
}

/** Of one file its own, without the folder; of several, that of the archive in which they come. */
function nameOf(files: readonly { path: string }[]): string {
  const last = files[0]?.path.split('/').at(-1) ?? '';
  return files.length === 1 && nameBar(last) === undefined ? last : `archive-of-${files.length}-files.slurp`;
}

export const told = ({ code, message }: { code: string; message: string }): Refused =>
  bad(code === 'forbidden' ? 'NOT_ALLOWED' : code === 'conflict' ? 'RATE_LIMITED' : 'INVALID_MSG', message);
