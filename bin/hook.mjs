// What a hook of Claude Code or Codex in a terminal runs (docs/terminals.md): tells the node of it, and where the tool waits for leave, brings
// the answer. Plain JavaScript without anything else of skep: it is started with each call of a tool. Whatever goes wrong, it says nothing and
// ends with 0, for a hook that fails stands on the person's screen, and one that ends with 2 stops the agent.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

/** A hook that only tells must not hold its agent up: a node that is there takes a line at once, even when it is busy. */
const TELL_MAX_MS = 2_000;
/** A question is asked again when its node goes away; one that stays away for so long is not waited for. Its dialog is open all the while. */
const AWAY_MAX_MS = 10 * 60_000;
const AGAIN_MS = 1_000;
const WITHDRAW_MAX_MS = 300;
/** Of one text: what a tool printed, or a file that it writes, can be anything. */
const TEXT_MAX_CHARS = 256 * 1024;

/** What the node reads, as docs/protocol.md has it. */
const FIELDS = [
  'hook_event_name',
  'session_id',
  'cwd',
  'source',
  'prompt',
  'tool_name',
  'tool_input',
  'notification_type',
  'last_assistant_message',
  'error',
];

const stop = () => process.exit(0);
for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, stop);
const limit = setTimeout(stop, TELL_MAX_MS);

const { socket: path, token, holds } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const told = JSON.parse(readFileSync(0, 'utf8'));
const hook = Object.fromEntries(FIELDS.filter((name) => name in told).map((name) => [name, short(told[name])]));

function short(value) {
  if (typeof value === 'string') return value.slice(0, TEXT_MAX_CHARS);
  return JSON.stringify(value)?.length > TEXT_MAX_CHARS ? {} : value;
}

const line = (body) => `${JSON.stringify({ id: 1, token, method: 'POST', path: '/api/hooks', body })}\n`;

if (holds && hook.hook_event_name === 'PermissionRequest') {
  clearTimeout(limit);
  ask(`hook.${randomBytes(12).toString('hex')}`, Date.now() + AWAY_MAX_MS);
} else {
  const socket = connect(path);
  socket.on('error', stop);
  socket.on('connect', () => socket.end(line({ hook }), stop));
}

/** Until there is an answer, from this life of the node or the next. */
function ask(request, untilMs) {
  const socket = connect(path);
  let answer = '';
  let isOpen = false;
  // The tool has closed the dialog: a person said no.
  const withdraw = () => {
    setTimeout(stop, WITHDRAW_MAX_MS);
    if (isOpen) socket.write(line({ request, withdrawn: true }), stop);
    else stop();
  };
  process.removeAllListeners('SIGTERM');
  process.on('SIGTERM', withdraw);
  socket.on('connect', () => {
    isOpen = true;
    socket.write(line({ hook, request }));
  });
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    answer += chunk;
    if (!answer.includes('\n')) return;
    const decision = JSON.parse(answer.slice(0, answer.indexOf('\n'))).body?.decision ?? undefined;
    if (decision === undefined) stop();
    const output = { hookSpecificOutput: { hookEventName: 'PermissionRequest', decision } };
    process.stdout.write(JSON.stringify(output), stop);
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    const nextMs = isOpen ? Date.now() + AWAY_MAX_MS : untilMs;
    if (Date.now() > nextMs) stop();
    setTimeout(() => ask(request, nextMs), AGAIN_MS);
  });
}
