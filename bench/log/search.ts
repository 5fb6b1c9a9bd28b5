/** Asks an indexed store for messages in many ways, and beside it SQLite for the same words without an index. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseSearch } from '../../src/core/search/query.ts';
import type { Reader } from '../../src/core/search/reader.ts';
import type { Asked } from '../../src/core/search/search.ts';
import { searchMessages } from '../../src/core/search/search.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { inputOf } from '../load/window.ts';
import { median } from '../figures.ts';
import { mailbox, openChannel, RARE, RARE_SECRET, speaker } from './said.ts';
import { Words } from './words.ts';

const RUNS = 9;
const PEER_RUNS = 3;
const LIMIT = 20;

const input = inputOf<{ dir: string }>();
const path = join(input.dir, 'skep.db');
const [often = '', second = '', third = ''] = new Words(10).frequent(3);
const agent: Reader = { by: speaker(10), mailbox: mailbox(10), isVerified: true };
const [busy, quiet] = [openChannel(0), openChannel(39)];

type Kind = { name: string; line: string; reader?: Reader; sort?: Asked['sort']; isEmpty?: boolean; from?: boolean };
const KINDS: readonly Kind[] = [
  { name: 'the most frequent word', line: often },
  { name: 'a rare word', line: RARE },
  { name: 'a word that is nowhere', line: 'nowherenowhere', isEmpty: true },
  { name: 'three frequent words', line: `${often} ${second} ${third}` },
  { name: 'a phrase', line: `"${often} ${second}"` },
  { name: 'a beginning of three letters', line: `${often.slice(0, 3)}*` },
  { name: 'a frequent beginning in a channel', line: `${often.slice(0, 3)}* in:${quiet}` },
  { name: 'a frequent word in a busy channel', line: `${often} in:${busy}` },
  { name: 'a frequent word in a quiet channel', line: `${often} in:${quiet}` },
  { name: 'a frequent word without another', line: `${often} -${second}` },
  { name: 'a frequent word of one speaker', line: often, from: true },
  { name: 'a frequent word long ago', line: `${often} before:2026-01-03` },
  { name: 'the best of a frequent word', line: often, sort: 'best' },
  { name: 'a viewer, a frequent word', line: often, reader: 'viewer' },
  { name: 'a viewer, a word of mailboxes alone', line: RARE_SECRET, reader: 'viewer', isEmpty: true },
  { name: 'an agent, a frequent word', line: often, reader: agent },
  { name: 'an agent, a rare word', line: RARE, reader: agent },
  { name: 'an agent, a frequent beginning', line: `${often.slice(0, 3)}* ${second}`, reader: agent },
];

function askedOf({ line, reader = 'operator', sort = 'newest', from }: Kind): Asked {
  const query = parseSearch(line);
  if ('refused' in query) throw new Error(query.message);
  const rest = { query, channel: query.in, reader, sort, limit: LIMIT, cursor: undefined };
  return { ...rest, from: from === true ? [speaker(3)] : undefined };
}

const figures: Record<string, number> = {};
const store = await SqliteStore.open(path);
let [worstMs, slowestMs] = [0, 0];
for (const kind of KINDS) {
  const asked = askedOf(kind);
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const began = performance.now();
    const { found, left } = await searchMessages(store, asked);
    times.push(performance.now() - began);
    if (left > 0 || (found.length === 0) !== (kind.isEmpty ?? false))
      throw new Error(`${kind.name}: ${found.length} found`);
  }
  const middle = median(times);
  figures[kind.name] = middle;
  worstMs = Math.max(worstMs, middle);
  slowestMs = Math.max(slowestMs, ...times);
}
await store.close();

const db = new DatabaseSync(path, { readOnly: true });
const like = db.prepare(`SELECT key FROM view_message WHERE "row" LIKE ? ORDER BY lamport DESC LIMIT ${LIMIT}`);
const peer: number[] = [];
for (let run = 0; run < PEER_RUNS; run += 1) {
  const began = performance.now();
  like.all(`%${RARE}%`);
  peer.push(performance.now() - began);
}
db.close();
process.stdout.write(`${JSON.stringify({ done: true, ...figures, worstMs, slowestMs, likeMs: median(peer) })}\n`);
