#!/usr/bin/env node
// Drives a skep router: `fleet.mjs [--port N] [--token-file FILE] COMMAND [JSON] | ask SWARM NODE TEXT | follow`. See SKILL.md.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';

const PROTOCOL = 'codeswarm.router.v1';
/** The last answer of each command; `inject` has one for each node. */
const LAST = {
  swarm_launch: ['swarm_launched'],
  inject: ['inject_delivered', 'inject_failed'],
  approve_execution: ['exec_approval_resolved'],
  swarm_terminate: ['swarm_terminated'],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string', default: '8765' }, 'token-file': { type: 'string' } },
});
const [word = 'follow', ...rest] = positionals;
const tokenFile = values['token-file'] ?? process.env['SKEP_ROUTER_TOKEN_FILE'];
if (tokenFile === undefined) fail('where is the token? --token-file FILE, or SKEP_ROUTER_TOKEN_FILE');

const socket = connect({ host: '127.0.0.1', port: Number(values.port) });
socket.on('error', (error) => fail(`no router at port ${values.port}: ${error.message}`));
socket.on('close', () => fail('the router hung up'));
const send = (value) => socket.write(`${JSON.stringify(value)}\n`);
send({ type: 'auth', token: readFileSync(tokenFile, 'utf8').trim() });

const request = randomUUID();
const isAsk = word === 'ask';
const command = isAsk ? 'inject' : word;
const payload = isAsk ? { swarm_id: rest[0], nodes: Number(rest[1]), content: rest[2] } : JSON.parse(rest[0] ?? '{}');
if (word !== 'follow') send({ protocol: PROTOCOL, type: 'command', command, request_id: request, payload });

let injection;
let open = 0;
/** True where this is the last that is to be told. */
function isOver({ event, data }) {
  if (event === 'command_rejected') return data.request_id === request || data.request_id === null;
  if (isAsk && data.injection_id !== undefined && data.injection_id === injection)
    return event === 'turn_complete' || event === 'inject_failed';
  if (data.request_id !== request) return false;
  if (event === 'inject_ack') {
    injection = data.injection_id;
    open += 1;
  }
  const isLast = (LAST[command] ?? [command]).includes(event);
  if (isLast && command === 'inject') open -= 1;
  return isLast && !isAsk && open === 0;
}
const isOurs = ({ event, data }) =>
  word === 'follow' ||
  event === 'command_rejected' ||
  data.request_id === request ||
  (isAsk && data.injection_id === injection);

let text = '';
socket.setEncoding('utf8');
socket.on('data', (chunk) => {
  const lines = (text + String(chunk)).split('\n');
  text = lines.pop() ?? '';
  for (const line of lines) {
    const { event, data } = JSON.parse(line);
    const told = { event, data };
    const over = isOver(told);
    if (isOurs(told)) process.stdout.write(`${JSON.stringify(told)}\n`);
    if (over) process.exit(event === 'command_rejected' || event === 'inject_failed' ? 1 : 0);
  }
});

function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}
