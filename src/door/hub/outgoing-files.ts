/** Files that readers of this hub take: from the log, that says what was offered, and the node's files, that fetch it from wherever it lies. */
import type { Op } from '#core/op.ts';
import { speakerId } from '#core/market/speaker.ts';
import type { KnownFile } from '#core/view/file.ts';
import { isKnownFile } from '#core/view/file.ts';
import { WebSocket } from 'ws';
import { take } from '../file/desk.ts';
import { isRefusal } from '../refusal.ts';
import type { At } from './channels.ts';
import type { WordOf } from './file-words.ts';
import { CHUNK_BYTES, chunkOf, chunkWish } from './file-words.ts';
import type { Refused } from './frames.ts';
import { bad } from './frames.ts';
import type { Hub } from './hub.ts';
import { isVerified } from './key.ts';
import type { Transfer } from './incoming-files.ts';
import { passOn, tellSender, told } from './incoming-files.ts';
import type { Session } from './session.ts';

/** Files of one reader among which an offer is looked for, newest first. */
const LOOKED_MAX = 1_000;
/** Offers that one who logs in is shown. */
const SHOWN_MAX = 50;
/** Files that one reader takes at once. */
const TAKING_MAX = 16;

/** Where a reader stands: the byte and the chunk that come next. */
type Taking = { at: number; idx: number; isUnderWay: boolean };
type Answer = Promise<Refused | undefined>;
type To = { to: string };

/** What its sender calls it, or else its id in the log. */
const tidOf = ({ id, offered }: KnownFile): string => offered.transfer ?? id;

export class OutgoingFiles {
  private readonly hub: Hub;
  private readonly bySession = new WeakMap<Session, Map<string, Taking>>();

  constructor(hub: Hub) {
    this.hub = hub;
  }

  /** The reader wants it, from a byte on. What is not all here yet comes as it arrives. */
  async accept({ tid, offset }: WordOf<'accept'>, content: string, at: At & To): Answer {
    const { hub, session, member, to } = at;
    const row = this.offerOf(member.id, to, tid);
    const coming = row === undefined ? hub.incomingFiles.find(to, member.id, tid) : undefined;
    const sizeBytes = row?.offered.sizeBytes ?? coming?.sizeBytes;
    if (sizeBytes === undefined) return bad('INVALID_MSG', `${to} has offered you no file ${tid}`);
    if (offset > sizeBytes) return bad('INVALID_MSG', `the file has ${sizeBytes} bytes`);
    const all = this.bySession.get(session) ?? new Map<string, Taking>();
    const key = `${to} ${tid}`;
    if (all.get(key)?.isUnderWay === true) return bad('INVALID_MSG', `the file ${tid} is on its way to you`);
    if (all.size >= TAKING_MAX) return bad('RATE_LIMITED', `you take ${TAKING_MAX} files: wait for one`);
    const taking = { at: offset, idx: 0, isUnderWay: false };
    this.bySession.set(session, all.set(key, taking));
    const sender = hub.session(to);
    if (row !== undefined) void this.send(session, row, taking);
    else if (sender !== undefined) passOn(content, at, sender);
    return undefined;
  }

  /** The reader has it, or not: that is noted, and its sender told, wherever that is. */
  async answer(word: WordOf<'ack' | 'reject'>, content: string, at: At & To): Answer {
    const { hub, session, member, to } = at;
    const { tid } = word;
    this.bySession.get(session)?.delete(`${to} ${tid}`);
    const row = this.offerOf(member.id, to, tid);
    const error =
      word._ft === 'ack'
        ? word.ok
          ? null
          : (word.error ?? 'failed')
        : ['rejected', word.reason ?? ''].filter((part) => part !== '').join(': ');
    if (row !== undefined) {
      const refused = await take(row, error, { by: member.by, door: hub.door });
      return refused === undefined ? undefined : told(refused);
    }
    const coming = hub.incomingFiles.find(to, member.id, tid);
    if (coming === undefined || word._ft === 'ack') return bad('INVALID_MSG', `${to} has offered you no file ${tid}`);
    hub.incomingFiles.drop(coming);
    const sender = hub.session(to);
    if (sender !== undefined) passOn(content, at, sender);
    return undefined;
  }

  /** A chunk that just came, to a reader that is here and stands at it. One that is behind has the rest from the disk, later. */
  pass(transfer: Transfer, chunk: { content: string; begin: number; end: number; idx: number }): void {
    const reader = this.hub.session(transfer.to);
    if (reader === undefined) return;
    const taking = this.bySession.get(reader)?.get(`${transfer.from} ${transfer.tid}`);
    if (taking === undefined || taking.isUnderWay || taking.at !== chunk.begin || reader.isBehind()) return;
    reader.send('FILE_CHUNK', { from: transfer.from, to: transfer.to, content: chunk.content });
    taking.at = chunk.end;
    taking.idx = chunk.idx + 1;
  }

  /** What arrived in the log of a file: its offer, to its reader; that it was taken, or not, to its sender. */
  tell({ body, header }: Op): void {
    const row = this.hub.door.node.store.get('file', header.entity);
    if (!isKnownFile(row)) return;
    const from = speakerId(row.offered.from);
    if (body.type === 'file.taken') {
      const by = speakerId(header.by);
      if (by !== row.offered.to) return;
      const word = {
        _ft: 'ack',
        tid: tidOf(row),
        ok: body.error === null,
        ...(body.error === null ? {} : { error: body.error }),
      };
      const fields = { from: by, from_name: this.hub.nameOf(header.by), to: from, content: JSON.stringify(word) };
      this.hub.session(from)?.send('MSG', { ...fields, verified: isVerified(header.by) });
      return;
    }
    const reader = this.hub.session(row.offered.to);
    if (reader === undefined) return;
    const taking = this.bySession.get(reader)?.get(`${from} ${tidOf(row)}`);
    if (taking === undefined) this.show(reader, row, {});
    else void this.send(reader, row, taking);
  }

  /** What was offered to it while it was away, and was not answered. */
  replay(session: Session): void {
    const { member } = session;
    if (member === undefined) return;
    const open = this.rowsFor(member.id).filter(({ taken }) => taken[member.by] === undefined);
    for (const row of open.slice(0, SHOWN_MAX).toReversed()) this.show(session, row, { replay: true });
  }

  private show(session: Session, row: KnownFile, mark: { replay?: true }): void {
    const { name, sizeBytes, sha256, from, to, files } = row.offered;
    const word = {
      _ft: 'offer',
      tid: tidOf(row),
      files: files ?? [{ path: name, size: sizeBytes }],
      totalSize: sizeBytes,
      sha256,
      chunks: Math.ceil(sizeBytes / CHUNK_BYTES),
      senderNick: this.hub.nameOf(from),
    };
    const fields = { from: speakerId(from), from_name: word.senderNick, to, content: JSON.stringify(word) };
    session.send('MSG', { ...fields, verified: isVerified(from), ...mark });
  }

  /** From where the reader stands to the end, no faster than it reads. Never rejects. */
  private async send(session: Session, row: KnownFile, taking: Taking): Promise<void> {
    const { sha256, node, sizeBytes, from, to } = row.offered;
    const sender = speakerId(from);
    const tid = tidOf(row);
    taking.isUnderWay = true;
    try {
      while (taking.at < sizeBytes) {
        const wish = { sha256, from: node, offset: taking.at, maxBytes: chunkWish(taking.at) };
        const read = await this.hub.door.node.files.read(wish);
        if (session.socket.readyState !== WebSocket.OPEN) return;
        const chunk = isRefusal(read) ? undefined : chunkOf(read, taking.at);
        if (chunk === undefined || chunk.length === 0)
          return tellSender(session, {
            _ft: 'ack',
            tid,
            ok: false,
            error: 'the file cannot be had now: accept it again',
          });
        const { length, ...data } = chunk;
        const word = { _ft: 'chunk', tid, idx: taking.idx, offset: taking.at, ...data };
        session.send('FILE_CHUNK', { from: sender, to, content: JSON.stringify(word) });
        taking.at += length;
        taking.idx += 1;
        await session.taken();
      }
      const content = JSON.stringify({ _ft: 'complete', tid, sha256 });
      const fields = { from: sender, from_name: this.hub.nameOf(from), to, content };
      session.send('MSG', { ...fields, verified: isVerified(from) });
    } catch (error) {
      this.hub.door.onFault(error, 'a file of the hub');
    } finally {
      this.bySession.get(session)?.delete(`${sender} ${tid}`);
    }
  }

  private offerOf(reader: string, from: string, tid: string): KnownFile | undefined {
    return this.rowsFor(reader).find((row) => tidOf(row) === tid && speakerId(row.offered.from) === from);
  }

  private rowsFor(reader: string): KnownFile[] {
    const wish = { where: { to: reader }, order: [['created', 'desc']], limit: LOOKED_MAX } as const;
    return this.hub.door.node.store.list('file', wish).filter(isKnownFile);
  }
}
