/**
 * Transcripts of this node's attempts, in a file of their own: not a fact of the swarm, so it is neither waited for nor backed up, and what does not
 * fit is dropped, the oldest first.
 */
import { rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { OpId } from '#core/brand.ts';
import { parsedOpId } from '#core/brand.ts';
import type { ContextUse, Conversation, Entry, TranscriptRange } from '#core/schema/transcript.ts';
import { contextSchema, conversationSchema, entrySchema } from '#core/schema/transcript.ts';
import { nullableTextCell, numberCell, textCell } from './cells.ts';
import { openDatabase } from './database.ts';
import { StoreError } from './errors.ts';
import { SideFile } from './side-file.ts';

/** Entries kept of one attempt: a day of an agent that never rests. */
const ENTRIES_MAX = 20_000;
/** The oldest are dropped so many at a time. */
const DROP_EVERY = 100;
/** Attempts of which anything is kept. */
const ATTEMPTS_MAX = 1_000;
/** What all of them may take: a disk is there for more than looking back. */
const BYTES_MAX = 512 * 1024 * 1024;
/** Of one answer: with its escapes it stays below the 1 MiB of a frame. */
const ANSWER_MAX_CHARS = 256 * 1024;
const CACHE_KIB = 2 * 1024;
/** Freed pages that go back to the disk with each attempt that is dropped. */
const GIVE_BACK_PAGES = 4_096;

export type AttemptName = { task: OpId; attempt: number };
export type KeptTranscript = AttemptName & {
  agent: OpId;
  context: ContextUse | null;
  conversation: Conversation | null;
};
export type LastTurn = { turn: string; after: { n: number; kind: string; entry: Entry | undefined }[] };
export type KeptEntries = { change: number; last: number; first: number; entries: Entry[]; more: boolean };

export class TranscriptFile {
  readonly #file: SideFile<ReturnType<typeof prepare>>;
  readonly #limits: { entries: number; attempts: number; bytes: number };

  constructor(o: {
    path: string;
    log: (line: string) => void;
    limits?: { entries: number; attempts: number; bytes: number };
  }) {
    const { path, log } = o;
    this.#file = new SideFile({ path, what: 'transcripts', open: () => openedAnyhow(path, log) });
    this.#limits = o.limits ?? { entries: ENTRIES_MAX, attempts: ATTEMPTS_MAX, bytes: BYTES_MAX };
  }

  /** An attempt begins, or goes on after a restart of its node: what is held of it stays. */
  begin({ task, attempt, agent }: AttemptName & { agent: OpId }): void {
    const { begin } = this.#file.statements();
    begin.run(nameOf({ task, attempt }), task, attempt, agent);
    this.#makeRoom();
  }

  write(of: AttemptName, entry: Entry): void {
    const { write, drop } = this.#file.statements();
    const name = nameOf(of);
    const json = JSON.stringify(entry);
    write.run(name, entry.n, entry.change, entry.kind, json);
    if (entry.n % DROP_EVERY === 0) drop.run(name, entry.n - this.#limits.entries);
  }

  remove(of: AttemptName, n: number): void {
    this.#file.statements().remove.run(nameOf(of), n);
  }

  setContext(of: AttemptName, context: ContextUse): void {
    this.#file.statements().context.run(JSON.stringify(context), nameOf(of));
  }

  /** Its tool goes on with it by that name, also when the attempt is over: of several the last counts. */
  setConversation(of: AttemptName, conversation: Conversation): void {
    this.#file.statements().conversation.run(JSON.stringify(conversation), nameOf(of));
  }

  /** The last turn that began, with the places of what is held of it; whole, what was asked in it. */
  lastTurn(of: AttemptName): LastTurn | undefined {
    const { lastTurn, placesAfter } = this.#file.statements();
    const name = nameOf(of);
    const found = lastTurn.get(name);
    const turn = found === undefined ? undefined : entryOf(found);
    if (turn?.kind !== 'turn') return undefined;
    const after = placesAfter.all(name, turn.n).map((row) => {
      const kind = textCell(row, 'kind');
      return { n: numberCell(row, 'n'), kind, entry: kind === 'permission' ? entryOf(row) : undefined };
    });
    return { turn: turn.turn, after };
  }

  find(of: AttemptName): KeptTranscript | undefined {
    if (!this.#file.isThere()) return undefined;
    const row = this.#file.statements().find.get(nameOf(of));
    return row === undefined ? undefined : keptOf(row);
  }

  /** Of its newest attempt. */
  findOf(agent: OpId): KeptTranscript | undefined {
    if (!this.#file.isThere()) return undefined;
    const row = this.#file.statements().findOf.get(agent);
    return row === undefined ? undefined : keptOf(row);
  }

  /** At most as much as one frame carries. */
  read(of: AttemptName, { before, after, limit }: TranscriptRange): KeptEntries {
    const { bounds, newest, changed } = this.#file.statements();
    const name = nameOf(of);
    const bound = bounds.get(name);
    if (bound === undefined) return { change: 0, first: 0, last: 0, entries: [], more: false };
    const known = {
      change: numberCell(bound, 'change'),
      first: numberCell(bound, 'first'),
      last: numberCell(bound, 'last'),
    };
    const isBackwards = after === undefined;
    const rows = isBackwards
      ? newest.all(name, before ?? Number.MAX_SAFE_INTEGER, limit + 1)
      : changed.all(name, after, limit + 1);
    const entries: Entry[] = [];
    let chars = 0;
    for (const row of rows.slice(0, limit)) {
      chars += textCell(row, 'json').length;
      if (chars > ANSWER_MAX_CHARS && entries.length > 0) break;
      entries.push(entryOf(row));
    }
    const more = entries.length < rows.length;
    return { ...known, entries: isBackwards ? entries.toReversed() : entries, more };
  }

  close(): void {
    this.#file.close();
  }

  #makeRoom(): void {
    const { count, oldest, used, forget, forgetEntries, giveBack } = this.#file.statements();
    const attempts = numberCell(count.get() ?? {}, 'attempts');
    for (let left = attempts; left > 1; left--) {
      if (left <= this.#limits.attempts && numberCell(used.get() ?? {}, 'bytes') <= this.#limits.bytes) return;
      const name = textCell(oldest.get() ?? {}, 'name');
      forgetEntries.run(name);
      forget.run(name);
      giveBack.run();
    }
  }
}

/** What cannot be read is made anew: nothing depends on it. */
function openedAnyhow(path: string, log: (line: string) => void) {
  try {
    return openedAt(path);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store_locked') throw error;
    log(`${path} cannot be read and is made anew: ${String(error)}`);
    for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
    return openedAt(path);
  }
}

function openedAt(path: string) {
  const db = openDatabase(path, undefined);
  try {
    // A write is not waited for: what a power failure takes is told again, or was a look back.
    db.exec(`PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${CACHE_KIB}`);
    db.exec(SCHEMA);
    // A file of an earlier version has no such column.
    const columns = db.prepare('PRAGMA table_info(attempt)').all();
    if (!columns.some((column) => textCell(column, 'name') === 'conversation'))
      db.exec('ALTER TABLE attempt ADD COLUMN conversation TEXT');
    return { db, statements: prepare(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS attempt (
  begun INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, task TEXT NOT NULL, attempt INTEGER NOT NULL, agent TEXT NOT NULL, context TEXT);
CREATE INDEX IF NOT EXISTS attempt_agent ON attempt (agent, begun);
CREATE TABLE IF NOT EXISTS entry (
  name TEXT NOT NULL, n INTEGER NOT NULL, change INTEGER NOT NULL, kind TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (name, n)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_change ON entry (name, change);
`;

function prepare(db: DatabaseSync) {
  return {
    begin: db.prepare('INSERT OR IGNORE INTO attempt (name, task, attempt, agent) VALUES (?, ?, ?, ?)'),
    write: db.prepare('INSERT OR REPLACE INTO entry (name, n, change, kind, json) VALUES (?, ?, ?, ?, ?)'),
    remove: db.prepare('DELETE FROM entry WHERE name = ? AND n = ?'),
    drop: db.prepare('DELETE FROM entry WHERE name = ? AND n <= ?'),
    context: db.prepare('UPDATE attempt SET context = ? WHERE name = ?'),
    conversation: db.prepare('UPDATE attempt SET conversation = ? WHERE name = ?'),
    find: db.prepare('SELECT * FROM attempt WHERE name = ?'),
    findOf: db.prepare('SELECT * FROM attempt WHERE agent = ? ORDER BY begun DESC LIMIT 1'),
    bounds: db.prepare(
      'SELECT max(change) AS change, min(n) AS first, max(n) AS last FROM entry WHERE name = ? GROUP BY name',
    ),
    newest: db.prepare('SELECT json FROM entry WHERE name = ? AND n < ? ORDER BY n DESC LIMIT ?'),
    changed: db.prepare('SELECT json FROM entry WHERE name = ? AND change > ? ORDER BY change LIMIT ?'),
    lastTurn: db.prepare(`SELECT json FROM entry WHERE name = ? AND kind = 'turn' ORDER BY n DESC LIMIT 1`),
    placesAfter: db.prepare(
      `SELECT n, kind, CASE kind WHEN 'permission' THEN json END AS json FROM entry WHERE name = ? AND n > ? ORDER BY n`,
    ),
    count: db.prepare('SELECT count(*) AS attempts FROM attempt'),
    oldest: db.prepare('SELECT name FROM attempt ORDER BY begun LIMIT 1'),
    used: db.prepare(
      `SELECT (p.page_count - f.freelist_count) * s.page_size AS bytes
       FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s`,
    ),
    giveBack: db.prepare(`PRAGMA incremental_vacuum(${GIVE_BACK_PAGES})`),
    forget: db.prepare('DELETE FROM attempt WHERE name = ?'),
    forgetEntries: db.prepare('DELETE FROM entry WHERE name = ?'),
  };
}

type Row = Parameters<typeof textCell>[0];

const nameOf = ({ task, attempt }: AttemptName): string => `${task}.${attempt}`;

const entryOf = (row: Row): Entry => entrySchema.parse(JSON.parse(textCell(row, 'json')));

function keptOf(row: Row): KeptTranscript {
  const context = nullableTextCell(row, 'context');
  const conversation = nullableTextCell(row, 'conversation');
  return {
    task: parsedOpId(textCell(row, 'task')),
    attempt: numberCell(row, 'attempt'),
    agent: parsedOpId(textCell(row, 'agent')),
    context: context === undefined ? null : contextSchema.parse(JSON.parse(context)),
    conversation: conversation === undefined ? null : conversationSchema.parse(JSON.parse(conversation)),
  };
}
