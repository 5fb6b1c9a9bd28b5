/** The tables of the file, as the list of steps that made them. A step is never changed once released: a later one follows it. */
import type { DatabaseSync } from 'node:sqlite';
import { numberCell } from './cells.ts';
import { StoreError } from './errors.ts';

export type Migration = { name: string; sql: string };

/** Views are not in this list: their tables are made anew whenever their version differs. */
export const migrations: readonly Migration[] = [
  {
    name: 'log, heads, cursors and local rows',
    sql: `
      CREATE TABLE op (
        n INTEGER PRIMARY KEY,
        node TEXT NOT NULL,
        seq INTEGER NOT NULL,
        lamport INTEGER NOT NULL,
        entity TEXT NOT NULL,
        type TEXT NOT NULL,
        hash TEXT NOT NULL,
        header TEXT NOT NULL,
        body TEXT NOT NULL,
        sig TEXT
      ) STRICT;
      CREATE UNIQUE INDEX op_log ON op (node, seq);
      CREATE INDEX op_timeline ON op (entity, lamport);
      -- Ops that a proof of a fork took out: evidence, counted nowhere.
      CREATE TABLE voided (
        n INTEGER PRIMARY KEY,
        node TEXT NOT NULL,
        seq INTEGER NOT NULL,
        hash TEXT NOT NULL,
        header TEXT NOT NULL,
        body TEXT NOT NULL,
        sig TEXT
      ) STRICT;
      CREATE TABLE head (
        node TEXT PRIMARY KEY,
        seq INTEGER NOT NULL,
        hash TEXT NOT NULL,
        lamport INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE cursor (
        view TEXT PRIMARY KEY,
        -- The view's version and the names of its columns.
        shape TEXT NOT NULL,
        n INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE local (
        name TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (name, key)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    name: 'sealed runs',
    sql: `
      -- Old ops of one author, in the form of run.ts.
      CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        node TEXT NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        first_n INTEGER NOT NULL,
        last_n INTEGER NOT NULL,
        -- The op types in it, each between two blanks.
        types TEXT NOT NULL,
        data BLOB NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX run_log ON run (node, last);
      CREATE INDEX run_arrival ON run (last_n, first_n);
      -- Which runs speak of an entity, by some bits of its hash.
      CREATE TABLE run_entity (
        entity INTEGER NOT NULL,
        run INTEGER NOT NULL,
        PRIMARY KEY (entity, run)
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

/** Brings the file to the last step, one transaction a step. Throws `store_newer` for a file with more steps than this list has. */
export function migrate(db: DatabaseSync, steps: readonly Migration[] = migrations): void {
  const version = schemaVersion(db);
  if (version > steps.length) {
    const message = `The file has schema ${version}, this skep knows those up to ${steps.length}: run the newer skep that wrote it.`;
    throw new StoreError('store_newer', message);
  }
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    try {
      db.exec(`BEGIN IMMEDIATE; ${step.sql}; PRAGMA user_version = ${index + 1}; COMMIT`);
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

export const schemaVersion = (db: DatabaseSync): number =>
  numberCell(db.prepare('PRAGMA user_version').get() ?? {}, 'user_version');
