/**
 * The index over messages on disk: a table of FTS5 that keeps words and no text, and beside it which message stands at which place. It is made at the first
 * search and kept from then on, in small steps between which everything else goes on; a store in which nobody searches has no such table.
 */
import { setImmediate as turnEnd } from 'node:timers/promises';
import type { DatabaseSync } from 'node:sqlite';
import { parsedOpId } from '#core/brand.ts';
import { channelOf } from '#core/channel/rules.ts';
import type { Op } from '#core/op.ts';
import { createsEntity, isKnown, opId } from '#core/op.ts';
import type { IndexAnswer, IndexQuery } from '#core/search/message-index.ts';
import { placeAt, placesOf } from '#core/search/message-index.ts';
import { wordsIn } from '#core/search/words.ts';
import type { Views } from '#core/view/views.ts';
import { numberCell, textCell } from './cells.ts';
import { StoreError } from './errors.ts';
import { matchText, nameWord, OPEN } from './match-text.ts';
import type { OpLog } from './op-log.ts';
import type { Entry } from './run.ts';

/** Raised when what is kept of a message changes: the index is then made anew, at the next search. */
const VERSION = 2;
/** Arrivals looked at in one step: some 10 ms, after which timers and sockets get their turn. */
const STEP_OPS = 512;
/** Steps that a search waits for: some 20,000 ops, a second or so. */
const WAITED_STEPS = 40;
/** Further behind than this it does not fall, once it is there: then a search finds little to do. */
const BEHIND_MAX = 8_192;
/** Words that one beginning stands for; FTS5 itself gathers more of them, which takes it the longer the more messages hold them. */
const BEGUN_MAX = 128;
/** Words that are known to be kept. */
const KNOWN_MAX = 50_000;
/** Places of one moment that are tried before a message goes to the end. */
const TRIED_MAX = 64;
const PER_MOMENT = placeAt(1) - placeAt(0);

const TYPE = 'message.sent';

export class MessageIndex {
  private readonly db: DatabaseSync;
  private readonly log: OpLog;
  private readonly views: Views;
  private readonly whenBegun: (run: () => void) => void;
  private sql: ReturnType<typeof prepare> | undefined;
  /** Of the order of arrival, how far it has come. */
  private indexedTo = 0;
  private step: Promise<void> | undefined;
  private readonly known = new Set<string>();
  private isClosed = false;

  /** `whenBegun` runs a transaction as soon as one may begin. */
  constructor(o: { db: DatabaseSync; log: OpLog; views: Views; whenBegun: (run: () => void) => void }) {
    this.db = o.db;
    this.log = o.log;
    this.views = o.views;
    this.whenBegun = o.whenBegun;
    const isThere = this.db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'message_index_state'").get();
    if (isThere === undefined) return;
    const row = this.db.prepare('SELECT version, n FROM message_index_state').get() ?? {};
    // One of another version costs its room, and nothing else, until somebody searches.
    if (numberCell(row, 'version') !== VERSION) return;
    this.sql = prepare(this.db);
    this.indexedTo = numberCell(row, 'n');
  }

  async find(query: IndexQuery): Promise<IndexAnswer> {
    this.used();
    for (let waited = 0; waited < WAITED_STEPS && this.left() > 0; waited += 1) await this.nextStep();
    const sql = this.used();
    const match = matchText(query, (beginning) => this.wordsFrom(beginning));
    const [from, to] = placesOf(query);
    const rows = match === undefined ? [] : sql.find.all(match, BigInt(from), BigInt(to), query.limit);
    const hits = rows.map((row) => ({ id: parsedOpId(textCell(row, 'id')), place: numberCell(row, 'n') }));
    return { hits, left: this.left() };
  }

  /** Something was committed. */
  onCommit(): void {
    if (this.sql === undefined || this.log.lastArrival() - this.indexedTo < BEHIND_MAX) return;
    // What went wrong here is said to whoever searches next.
    this.nextStep().catch(() => undefined);
  }

  /** A log was cut back, within the store's transaction. That is rare: what it said goes with all the rest, which is looked at anew. */
  clear(): void {
    if (this.sql === undefined) return;
    this.known.clear();
    this.db
      .exec(`INSERT INTO message_index (message_index) VALUES ('delete-all'); DELETE FROM message_place; DELETE FROM message_word;
      UPDATE message_index_state SET run = 0, n = 0`);
    this.indexedTo = 0;
  }

  close(): void {
    this.isClosed = true;
  }

  /** The statements, over tables that are there. */
  private used(): ReturnType<typeof prepare> {
    if (this.isClosed) throw new StoreError('store_closed', 'The store is closed: nothing is looked for.');
    if (this.sql !== undefined) return this.sql;
    this.db.exec(`BEGIN IMMEDIATE; ${CREATE}; COMMIT`);
    this.sql = prepare(this.db);
    return this.sql;
  }

  private left(): number {
    const { run, n } = this.state();
    const sealed = this.log.sealedOpsOf({ type: TYPE, after: n, afterRun: run });
    const first = this.log.firstOpenAfter(n);
    return sealed + (first === undefined ? 0 : this.log.lastArrival() - first + 1);
  }

  private state(): { run: number; n: number } {
    const row = this.used().state.get() ?? {};
    return { run: numberCell(row, 'run'), n: numberCell(row, 'n') };
  }

  /** One step at a time, whoever waits for it; while anything is left, another one follows. */
  private nextStep(): Promise<void> {
    this.step ??= this.takeStep().finally(() => (this.step = undefined));
    return this.step;
  }

  private async takeStep(): Promise<void> {
    await turnEnd();
    const ran = Promise.withResolvers<void>();
    this.whenBegun(() => {
      try {
        if (!this.isClosed) this.fold();
        ran.resolve();
      } catch (error) {
        ran.reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    await ran.promise;
    if (this.isClosed || this.left() === 0) return;
    // Behind this step, and whether or not anybody waits.
    setImmediate(() => void this.nextStep().catch(() => undefined));
  }

  /** Sealed ops first, whole runs: what is sealed later either stands there already or comes in a run that is later. */
  private fold(): void {
    const { run, n } = this.state();
    const sealed = this.log.sealedRuns({ type: TYPE, after: n, afterRun: run, atLeast: STEP_OPS });
    if (sealed.entries.length > 0) {
      this.write(sealed.entries, { run: sealed.last, n });
      return;
    }
    const first = this.log.firstOpenAfter(n);
    const to = Math.min(this.log.lastArrival(), (first ?? n) + STEP_OPS - 1);
    const open = first === undefined ? [] : this.log.openOf({ type: TYPE, after: n, upTo: to });
    this.write(open, { run: sealed.last, n: to });
  }

  private write(entries: readonly Entry[], at: { run: number; n: number }): void {
    const sql = this.used();
    // What a crash takes of it is made once more: so no step waits for the disk. The next commit of ops does, for all that stands before it.
    try {
      this.db.exec('PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE');
      const placed = entries.flatMap(({ op }) => this.placed(op));
      // Else FTS5 writes out what it holds at each step back.
      for (const { n, text, place, who } of placed.toSorted((a, b) => a.n - b.n))
        sql.add.run(BigInt(n), text, place, who);
      sql.move.run(at.run, at.n);
      this.db.exec('COMMIT');
    } catch (error) {
      this.known.clear();
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw error;
    } finally {
      this.db.exec('PRAGMA synchronous = FULL');
    }
    this.indexedTo = at.n;
  }

  private placed(op: Op): { n: number; text: string; place: string; who: string }[] {
    if (!isKnown(op) || op.body.type !== TYPE || !createsEntity(op)) return [];
    const { channel, text } = op.body;
    const n = this.freePlace(placeAt(op.header.wallMs));
    this.used().place.run(BigInt(n), opId(op));
    // Of one whose making has not arrived nobody knows: what is found there is looked at once more before it is shown.
    const isOpen = channel.startsWith('#') && channelOf(this.views, channel)?.inviteOnly !== true;
    const words = wordsIn(typeof text === 'string' ? text : text.head).map(({ word }) => word);
    this.keepWords(words);
    return [
      {
        n,
        text: words.join(' '),
        place: `${isOpen ? `${OPEN} ` : ''}${nameWord(channel)}`,
        who: nameWord(op.header.by),
      },
    ];
  }

  private keepWords(words: readonly string[]): void {
    if (this.known.size > KNOWN_MAX) this.known.clear();
    for (const word of words) {
      if (this.known.has(word)) continue;
      this.known.add(word);
      this.used().word.run(word);
    }
  }

  /** Undefined where they are more than {@link BEGUN_MAX}. */
  private wordsFrom(beginning: string): string[] | undefined {
    const rows = this.used().words.all(beginning, `${beginning}\u{10ffff}`, BEGUN_MAX + 1);
    return rows.length > BEGUN_MAX ? undefined : rows.map((row) => textCell(row, 'word'));
  }

  private freePlace(moment: number): number {
    const { highest, last } = this.used();
    for (let tried = 0; tried < TRIED_MAX; tried += 1) {
      const from = moment + tried * PER_MOMENT;
      const { n } = highest.get(BigInt(from), BigInt(from + PER_MOMENT)) ?? {};
      if (typeof n !== 'number') return from;
      if (n + 1 < from + PER_MOMENT) return n + 1;
    }
    return numberCell(last.get() ?? {}, 'n') + 1;
  }
}

const CREATE = `
  DROP TABLE IF EXISTS message_index;
  DROP TABLE IF EXISTS message_place;
  DROP TABLE IF EXISTS message_word;
  DROP TABLE IF EXISTS message_index_state;
  CREATE VIRTUAL TABLE message_index USING fts5 (text, place, who, content = '', contentless_delete = 1, tokenize = 'ascii');
  CREATE TABLE message_place (n INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT;
  CREATE TABLE message_word (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  -- Runs up to this one, and of what is in no run all arrivals up to this one.
  CREATE TABLE message_index_state (version INTEGER NOT NULL, run INTEGER NOT NULL, n INTEGER NOT NULL) STRICT;
  INSERT INTO message_index_state (version, run, n) VALUES (${VERSION}, 0, 0)`;

function prepare(db: DatabaseSync) {
  return {
    state: db.prepare('SELECT run, n FROM message_index_state'),
    move: db.prepare('UPDATE message_index_state SET run = ?, n = ?'),
    add: db.prepare('INSERT INTO message_index (rowid, text, place, who) VALUES (?, ?, ?, ?)'),
    place: db.prepare('INSERT INTO message_place (n, id) VALUES (?, ?)'),
    word: db.prepare('INSERT OR IGNORE INTO message_word (word) VALUES (?)'),
    words: db.prepare('SELECT word FROM message_word WHERE word >= ? AND word < ? LIMIT ?'),
    highest: db.prepare('SELECT max(n) AS n FROM message_place WHERE n >= ? AND n < ?'),
    last: db.prepare('SELECT max(n) AS n FROM message_place'),
    find: db.prepare(`
      SELECT place.n AS n, place.id AS id FROM (
        SELECT rowid AS n FROM message_index WHERE message_index MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid DESC LIMIT ?
      ) AS hit JOIN message_place AS place ON place.n = hit.n ORDER BY place.n DESC`),
  };
}
