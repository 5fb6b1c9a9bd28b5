/**
 * The turns of this node's agents that are woken by messages, in a file of their own: where each agent's conversation stands, what is under way, and a row
 * for each turn. What is under way is on disk before its process starts, so that a node that was killed goes on with it, or knows that it is lost.
 */
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { OpId } from '#core/brand.ts';
import { parsedOpId } from '#core/brand.ts';
import { agentCommandSchema } from '#core/schema/agent-command.ts';
import type { AgentTurn } from '#core/schema/agent-turn.ts';
import { agentTurnSchema } from '#core/schema/agent-turn.ts';
import { contextSchema } from '#core/schema/transcript.ts';
import { numberCell, textCell } from './cells.ts';
import { openDatabase } from './database.ts';
import { SideFile } from './side-file.ts';

/** Turns kept of one agent: some months of one that is asked every half hour. */
const TURNS_MAX = 5_000;
/** The oldest are dropped so many at a time. */
const DROP_EVERY = 100;

const standSchema = z.object({
  /** Which of the agent's conversations it is in, from 1. */
  conversation: z.number().int().min(1),
  /** The tool's own name for it; null: it has not begun. */
  session: z.string().nullable(),
  context: contextSchema.nullable(),
  /** It is nearly full: notes are written before anything else, and another begins. */
  isFull: z.boolean(),
  /** Turns one after the other that failed. */
  failures: z.number().int().min(0),
  /** Nothing is begun before. */
  parked: z.object({ untilMs: z.number(), why: z.string() }).nullable(),
  underWay: z
    .object({
      n: z.number().int().min(1),
      /** The secret by which the calls of its tools are known. */
      token: z.string(),
      /** The conversation that it was to go on with. */
      resume: z.string().nullable(),
    })
    .nullable(),
});
/** Where an agent stands between its turns. */
export type AgentStand = z.output<typeof standSchema>;

/** Commands kept of one agent. */
const COMMANDS_MAX = 500;
/** Of one node, more than may run: what a node that was killed has to go on with. */
const OPEN_MAX = 10_000;

const keptCommandSchema = z.object({
  row: agentCommandSchema,
  /** Why its node ends it, which is on disk before it does. */
  stop: z.enum(['stopped', 'timed_out']).nullable(),
  /** Of an ended one, until its agent was told: the end of what it printed. */
  last: z.string(),
  isTold: z.boolean(),
});
/** A command that goes on beyond a turn, as its node goes on with it after a restart. */
export type KeptCommand = z.output<typeof keptCommandSchema>;

const FRESH: AgentStand = {
  conversation: 1,
  session: null,
  context: null,
  isFull: false,
  failures: 0,
  parked: null,
  underWay: null,
};

export class TurnBook {
  readonly #file: SideFile<ReturnType<typeof prepare>>;

  constructor(path: string) {
    this.#file = new SideFile({ path, what: 'turns', open: openedAt });
  }

  stand(agent: OpId): AgentStand {
    if (!this.#file.isThere()) return FRESH;
    const row = this.#file.statements().stand.get(agent);
    return row === undefined ? FRESH : standSchema.parse(JSON.parse(textCell(row, 'json')));
  }

  /** Both or neither, on disk when it returns. */
  write(agent: OpId, stand: AgentStand, turn?: AgentTurn): void {
    const { setStand, setTurn, drop, begin, commit, rollback } = this.#file.statements();
    begin.run();
    try {
      setStand.run(agent, JSON.stringify(stand));
      if (turn !== undefined) {
        setTurn.run(agent, turn.n, JSON.stringify(turn));
        if (turn.n % DROP_EVERY === 0) drop.run(agent, turn.n - TURNS_MAX);
      }
      commit.run();
    } catch (error) {
      rollback.run();
      throw error;
    }
  }

  /** The newest first. */
  turns(agent: OpId, limit: number): AgentTurn[] {
    if (!this.#file.isThere()) return [];
    const rows = this.#file.statements().newest.all(agent, limit);
    return rows.map((row) => agentTurnSchema.parse(JSON.parse(textCell(row, 'json'))));
  }

  lastNumber(agent: OpId): number {
    if (!this.#file.isThere()) return 0;
    return numberCell(this.#file.statements().last.get(agent) ?? { n: 0 }, 'n');
  }

  /** On disk when it returns. */
  writeCommand(agent: OpId, kept: KeptCommand): void {
    const { setCommand, dropCommands } = this.#file.statements();
    setCommand.run(agent, kept.row.n, kept.isTold ? 0 : 1, JSON.stringify(kept));
    if (kept.isTold) dropCommands.run(agent, kept.row.n - COMMANDS_MAX);
  }

  /** The newest first. */
  commands(agent: OpId, limit: number): KeptCommand[] {
    return this.#file.isThere() ? this.#file.statements().newestCommands.all(agent, limit).map(commandOf) : [];
  }

  lastCommand(agent: OpId): number {
    return this.commands(agent, 1)[0]?.row.n ?? 0;
  }

  /** Those whose agents do not know of their end yet. */
  openCommands(): { agent: OpId; kept: KeptCommand }[] {
    const rows = this.#file.isThere() ? this.#file.statements().openCommands.all(OPEN_MAX) : [];
    return rows.map((row) => ({ agent: parsedOpId(textCell(row, 'agent')), kept: commandOf(row) }));
  }

  close(): void {
    this.#file.close();
  }
}

type Row = Parameters<typeof textCell>[0];
const commandOf = (row: Row): KeptCommand => keptCommandSchema.parse(JSON.parse(textCell(row, 'json')));

const SCHEMA = `
CREATE TABLE IF NOT EXISTS stand (agent TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS turn (agent TEXT NOT NULL, n INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (agent, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS command (agent TEXT NOT NULL, n INTEGER NOT NULL, open INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (agent, n)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS open_command ON command (open) WHERE open = 1;
`;
const CACHE_KIB = 1_024;

function openedAt(path: string) {
  const db = openDatabase(path, undefined);
  try {
    db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    db.exec(SCHEMA);
    return { db, statements: prepare(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

const prepare = (db: DatabaseSync) => ({
  begin: db.prepare('BEGIN IMMEDIATE'),
  commit: db.prepare('COMMIT'),
  rollback: db.prepare('ROLLBACK'),
  stand: db.prepare('SELECT json FROM stand WHERE agent = ?'),
  setStand: db.prepare('INSERT OR REPLACE INTO stand (agent, json) VALUES (?, ?)'),
  setTurn: db.prepare('INSERT OR REPLACE INTO turn (agent, n, json) VALUES (?, ?, ?)'),
  newest: db.prepare('SELECT json FROM turn WHERE agent = ? ORDER BY n DESC LIMIT ?'),
  last: db.prepare('SELECT coalesce(max(n), 0) AS n FROM turn WHERE agent = ?'),
  setCommand: db.prepare('INSERT OR REPLACE INTO command (agent, n, open, json) VALUES (?, ?, ?, ?)'),
  newestCommands: db.prepare('SELECT json FROM command WHERE agent = ? ORDER BY n DESC LIMIT ?'),
  openCommands: db.prepare('SELECT agent, json FROM command WHERE open = 1 LIMIT ?'),
  dropCommands: db.prepare('DELETE FROM command WHERE agent = ? AND n <= ? AND open = 0'),
  drop: db.prepare('DELETE FROM turn WHERE agent = ? AND n <= ?'),
});
