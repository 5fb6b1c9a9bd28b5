/** Posts through the admin socket: JSON lines, all requests of one turn of the event loop in one write. */
import { connect } from 'node:net';
import type { WindowSpec } from './window.ts';
import { inputOf, PAYLOAD, runWindow } from './window.ts';

const input = inputOf<WindowSpec & { socket: string }>();
const socket = connect(input.socket).setEncoding('utf8');
await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));

const waiting = new Map<number, () => void>();
let out = '';
let rest = '';
let nextId = 0;

const flush = (): void => {
  socket.write(out);
  out = '';
};

function answered(line: string): void {
  const answer: { id: number; status: number; body: { id: string } } = JSON.parse(line);
  if (answer.status !== 201) throw new Error(`refused: ${line}`);
  const done = waiting.get(answer.id);
  waiting.delete(answer.id);
  done?.();
}

socket.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  lines.forEach(answered);
});

await runWindow(input, () => {
  const id = nextId++;
  const request = { id, method: 'POST', path: '/api/posts', body: { content: PAYLOAD, author: 'bench' } };
  if (out === '') setImmediate(flush);
  out += `${JSON.stringify(request)}\n`;
  return new Promise<void>((resolve) => waiting.set(id, resolve));
});
socket.destroy();
