#!/usr/bin/env node
/**
 * A stand-in for `codex app-server` that answers at once and keeps no model: a prompt is a word and its argument.
 * `say TEXT`; `ask`, which wants leave and says how it was answered; `hold`, which ends its turn only when it is interrupted or given words; `die`;
 * `run SCRIPT`, whose exit code 3 makes it hold, and what it printed is its last word; `count N DIR`, which says so many numbers, a few at a time, and wants leave then.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const threadId = `thread-${process.pid}`;
let turns = 0;
let turn;
let used = 0;
let asked = 0;
let lastWords = 'nothing to do';

const notify = (method, params) => send({ method, params });
function begin(text) {
  turns += 1;
  turn = { id: `turn-${process.pid}-${turns}`, text };
  notify('turn/started', { threadId, turn: { id: turn.id } });
}
function end(text, status = 'completed') {
  lastWords = text;
  const item = { id: `item-${turn.id}`, type: 'agentMessage', text };
  notify('item/started', { item: { ...item, text: '' } });
  notify('item/agentMessage/delta', { itemId: item.id, delta: text });
  notify('item/completed', { item });
  used += 10;
  const tokens = { totalTokens: used, inputTokens: 8, cachedInputTokens: 2, outputTokens: 2, reasoningOutputTokens: 1 };
  notify('thread/tokenUsage/updated', {
    threadId,
    tokenUsage: { total: tokens, last: tokens, modelContextWindow: 1000 },
  });
  const { id } = turn;
  turn = undefined;
  notify('turn/completed', { threadId, turn: { id, status, error: null } });
}
function askLeave() {
  const params = { threadId, turnId: turn.id, itemId: 'call-1', command: 'rm -rf build', cwd: process.cwd() };
  send({ id: asked, method: 'item/commandExecution/requestApproval', params });
  asked += 1;
}
/** `N DIR`: each further quarter of the numbers waits for a file with its number in that directory. */
function count(from, [until, gates]) {
  if (from >= Number(until)) return askLeave();
  const quarter = Math.floor(from / (Number(until) / 4));
  const isOpen = quarter === 0 || existsSync(`${gates}/${quarter}`);
  const to = isOpen ? Math.min(from + 10, Number(until)) : from;
  for (let n = from; n < to; n += 1) {
    notify('item/agentMessage/delta', { itemId: `item-${turn.id}`, delta: `n${n}.\n` });
  }
  setTimeout(() => count(to, [until, gates]), 20);
}
function work(text) {
  const [, word, rest] = /\b(say|ask|hold|die|run|count)\b ?(.*)$/s.exec(text) ?? [];
  if (word === 'die') process.exit(7);
  // A reminder: what it said last stands.
  if (word === undefined) end(lastWords);
  if (word === 'say') end(rest);
  if (word === 'count') count(0, rest.trim().split(' '));
  if (word === 'run') {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', rest], { encoding: 'utf8', timeout: 300_000 });
    if (status === 3) notify('item/agentMessage/delta', { itemId: `item-${turn.id}`, delta: stdout });
    else end(`${stdout}${stderr}`.trim(), status === 0 ? 'completed' : 'failed');
  }
  if (word === 'ask') askLeave();
}
const methods = {
  initialize: () => ({ userAgent: 'fake' }),
  'thread/start': () => ({ thread: { id: threadId }, model: 'fake' }),
  'thread/resume': ({ threadId: id }) => ({ thread: { id }, model: 'fake' }),
  'turn/start': ({ input }) => {
    begin(input[0].text);
    setImmediate(() => work(input[0].text));
    return { turn: { id: turn.id } };
  },
  'turn/steer': ({ input }) => {
    setImmediate(() => end(`steered: ${input[0].text}`));
    return {};
  },
  'turn/interrupt': () => {
    setImmediate(() => end('', 'interrupted'));
    return {};
  },
};

process.stderr.write('fake codex is up\n');
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params, result } = JSON.parse(line);
  if (method === undefined) end(`answered: ${result.decision}`);
  else if (id !== undefined) send({ id, result: methods[method](params) });
});
