import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsedOpId } from '#core/brand.ts';
import type { AgentEvent } from '#agent-ports.ts';
import { AttemptTranscript } from '#host/transcript.ts';
import { TranscriptFile } from '#store/transcripts.ts';

const TASK = parsedOpId(`${'a'.repeat(32)}-1`);
const AGENT = parsedOpId(`${'a'.repeat(32)}-2`);
const of = { task: TASK, attempt: 1 };
let directory = '';
let file: TranscriptFile;
const log: string[] = [];
const open = (limits?: { entries: number; attempts: number; bytes: number }): TranscriptFile =>
  new TranscriptFile({
    path: join(directory, 'transcripts.db'),
    log: (line) => log.push(line),
    ...(limits === undefined ? {} : { limits }),
  });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'skep-transcript-'));
  file = open();
});
afterEach(() => {
  file.close();
  rmSync(directory, { recursive: true, force: true });
});

function begin(): AttemptTranscript {
  file.begin({ ...of, agent: AGENT });
  return new AttemptTranscript({ file, of, nowMs: () => 1_000 });
}
const tell = (transcript: AttemptTranscript, events: readonly AgentEvent[]): void => {
  for (const event of events) transcript.on(event);
  transcript.flush();
};
const entries = (range: { before?: number; after?: number; limit?: number } = {}) =>
  file.read(of, { limit: 100, ...range }).entries;
const says = (text: string): AgentEvent => ({ kind: 'delta', stream: 'stdout', text });
const call = (id: string, state: 'running' | 'completed', output?: string): AgentEvent => ({
  kind: 'tool',
  id,
  name: 'bash',
  title: `bash: ${id}`,
  state,
  input: { text: id, chars: id.length },
  output: output === undefined ? undefined : { text: output, chars: output.length },
});
const asks = (request: string): AgentEvent => ({
  kind: 'permission',
  request: { request, kind: 'command', tool: 'bash', title: 'rm x', detail: 'rm x', cwd: '/', paths: [] },
});
const began: AgentEvent = { kind: 'turn_started', turn: 't1' };
const ended: AgentEvent = { kind: 'turn_ended', turn: 't1', outcome: 'completed', text: 'done', exit: undefined };
const usage = { model: 'm', inputTokens: 10, cachedTokens: 5, outputTokens: 3, reasoningTokens: 0, costUsd: 0.5 };

describe('the transcript of an attempt', () => {
  it('has an entry for each turn, text, call, question and end', () => {
    const transcript = begin();
    transcript.prompts('Do it.');
    tell(transcript, [
      began,
      { kind: 'delta', stream: 'thought', text: 'Hm.' },
      says('let '),
      says('me\n'),
      call('ls', 'running'),
      asks('r1'),
    ]);
    transcript.answered('r1', { behavior: 'deny', message: 'not that' });
    transcript.person('rather this');
    tell(transcript, [
      { kind: 'permission_closed', request: 'r1' },
      call('ls', 'completed', 'a\u001b[31mb'),
      { kind: 'usage', id: '1', usage },
      { kind: 'usage', id: '2', usage },
      { kind: 'context', tokens: 18, max: 100 },
      ended,
    ]);
    expect(entries()).toMatchObject([
      { n: 1, kind: 'turn', turn: 't1', prompt: { text: 'Do it.', chars: 6 } },
      { n: 2, kind: 'text', stream: 'thought', text: 'Hm.' },
      { n: 3, kind: 'text', stream: 'said', text: 'let me\n' },
      { n: 4, kind: 'tool', state: 'completed', input: { text: 'ls' }, output: { text: 'ab' } },
      { n: 5, kind: 'permission', state: 'denied', note: 'not that', detail: { text: 'rm x' } },
      { n: 6, kind: 'person', text: { text: 'rather this' } },
      {
        n: 7,
        kind: 'end',
        outcome: 'completed',
        text: null,
        usage: { input_tokens: 20, cached_tokens: 10, output_tokens: 6, cost_usd: 1 },
      },
    ]);
    expect(file.find(of)).toMatchObject({ agent: AGENT, context: { tokens: 18, max: 100 } });
    expect(file.findOf(AGENT)).toMatchObject(of);
  });

  it('says in which conversation it was, the last one where there were two, also in a file of an earlier version', () => {
    file.close();
    const earlier = new DatabaseSync(join(directory, 'transcripts.db'));
    earlier.exec(`CREATE TABLE attempt (begun INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, task TEXT NOT NULL,
      attempt INTEGER NOT NULL, agent TEXT NOT NULL, context TEXT);
      INSERT INTO attempt (name, task, attempt, agent) VALUES ('${TASK}.9', '${TASK}', 9, '${AGENT}')`);
    earlier.close();
    file = open();
    expect(file.find({ task: TASK, attempt: 9 })).toMatchObject({ agent: AGENT, conversation: null });
    const transcript = begin();
    transcript.folder = '/work/one';
    tell(transcript, [{ kind: 'session', session: 'first' }, began, { kind: 'session', session: 'second' }]);
    file.close();
    file = open();
    expect(file.find(of)).toMatchObject({ conversation: { id: 'second', folder: '/work/one' } });
    expect(log).toEqual([]);
  });

  it('is read backwards in pages, and on from a change', () => {
    const transcript = begin();
    tell(transcript, [began, ...Array.from({ length: 20 }, (_, at) => call(`c${at}`, 'running'))]);
    expect(entries({ limit: 5 }).map(({ n }) => n)).toEqual([17, 18, 19, 20, 21]);
    expect(entries({ before: 17, limit: 5 }).map(({ n }) => n)).toEqual([12, 13, 14, 15, 16]);
    expect(file.read(of, { before: 3, limit: 5 })).toMatchObject({ first: 1, more: false });
    const { change } = transcript;
    tell(transcript, [call('c3', 'completed', 'x'), says('new')]);
    expect(entries({ after: change })).toMatchObject([
      { n: 5, state: 'completed' },
      { n: 22, text: 'new' },
    ]);
    expect(entries({ after: transcript.change })).toEqual([]);
  });

  it('puts a turn that is told again in the place of what was told of it', () => {
    const first = begin();
    first.prompts('Do it.');
    tell(first, [began, says('half'), asks('r1')]);
    first.answered('r1', { behavior: 'allow', message: '' });
    tell(first, [call('ls', 'running'), says('a'), asks('r2')]);
    const again = begin();
    tell(again, [began, says('half and more'), call('ls', 'running'), call('ls', 'completed', 'x'), asks('r2'), ended]);
    expect(entries()).toMatchObject([
      { n: 1, kind: 'turn', prompt: { text: 'Do it.' } },
      { n: 2, kind: 'text', text: 'half and more' },
      { n: 3, kind: 'permission', request: 'r1', state: 'allowed' },
      { n: 4, kind: 'tool', state: 'completed' },
      // In the place of a text: the second telling had none.
      { n: 5, kind: 'end' },
      { n: 6, kind: 'permission', request: 'r2', state: 'closed' },
    ]);
  });

  it('cuts a long text into entries at the ends of lines, however it comes', () => {
    const lines = Array.from({ length: 2_000 }, (_, at) => `line ${at}\n`);
    const transcript = begin();
    tell(transcript, [began, ...lines.map(says)]);
    const texts = entries().flatMap((one) => (one.kind === 'text' ? [one.text] : []));
    expect(texts.join('')).toBe(lines.join(''));
    expect(texts.every((text) => text.length <= 4_096 && text.endsWith('\n'))).toBe(true);
    tell(begin(), [began, says(lines.join(''))]);
    expect(entries().flatMap((one) => (one.kind === 'text' ? [one.text] : []))).toEqual(texts);
  });
});

describe('the file of transcripts', () => {
  it('drops the oldest entries of an attempt, and the oldest attempts', () => {
    file.close();
    file = open({ entries: 200, attempts: 2, bytes: 1e9 });
    const transcript = begin();
    tell(transcript, [began, ...Array.from({ length: 499 }, (_, at) => call(`c${at}`, 'running'))]);
    expect(file.read(of, { limit: 1 })).toMatchObject({ first: 301, last: 500 });
    for (const attempt of [2, 3]) file.begin({ task: TASK, attempt, agent: AGENT });
    expect(file.find(of)).toBeUndefined();
    expect(entries()).toEqual([]);
    expect(file.findOf(AGENT)).toMatchObject({ attempt: 3 });
  });

  it('gives no more at once than one frame carries, and says that there is more', () => {
    const transcript = begin();
    const long = 'x'.repeat(8_000);
    tell(transcript, [began, ...Array.from({ length: 100 }, (_, at) => call(`c${at}`, 'completed', long))]);
    const page = file.read(of, { limit: 500 });
    expect(page.more).toBe(true);
    expect(JSON.stringify(page).length).toBeLessThan(300_000);
    expect(page.entries.at(-1)?.n).toBe(101);
  });

  it('is made anew where it cannot be read, and holds what it held before a restart', () => {
    tell(begin(), [began]);
    file.close();
    file = open();
    expect(entries()).toHaveLength(1);
    file.close();
    writeFileSync(join(directory, 'transcripts.db'), 'no database at all, but some bytes that are long enough');
    file = open();
    expect(file.find(of)).toBeUndefined();
    expect(log.at(-1)).toContain('made anew');
  });
});
