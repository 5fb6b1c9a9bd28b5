/** `skep-maelstrom [--cork MS] [--links all|star]`: a node for Maelstrom. Reads messages from standard input and writes them to standard output. */
import { parseArgs } from 'node:util';
import { parseJson } from '#core/schema/header.ts';
import { createIdentity, nodeCrypto } from '#fabric/identity.ts';
import { envelopeSchema } from './message.ts';
import { MaelstromNode } from './node.ts';

/** A line is one message; Maelstrom's are far shorter. What is longer is dropped. */
const LINE_MAX = 16 * 1024 * 1024;

const { values } = parseArgs({
  options: { cork: { type: 'string', default: '0' }, links: { type: 'string', default: 'all' } },
});
const corkMs = Number(values.cork);
const { links } = values;
if (!Number.isFinite(corkMs) || corkMs < 0 || (links !== 'all' && links !== 'star')) {
  process.stderr.write('usage: skep-maelstrom [--cork MS] [--links all|star]\n');
  process.exit(2);
}

const identity = createIdentity();
const node = new MaelstromNode({
  settings: { corkMs, links },
  identity: () => ({ node: identity.node, publicKey: identity.publicKey, crypto: nodeCrypto(identity) }),
  clock: () => ({ nowMs: performance.now(), wallMs: Date.now() }),
  random: Math.random,
  later: (delayMs, run) => void (delayMs <= 0 ? setImmediate(run) : setTimeout(run, Math.ceil(delayMs))),
  soon: (run) => void setImmediate(run),
  send: (message) => void process.stdout.write(`${JSON.stringify(message)}\n`),
  say: (text) => void process.stderr.write(`${text}\n`),
});

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  if (rest.length > LINE_MAX) rest = '';
  for (const line of lines) {
    const message = envelopeSchema.safeParse(parseJson(line));
    if (message.success) node.receive(message.data);
    else if (line.trim() !== '') process.stderr.write(`not a message: ${line.slice(0, 200)}\n`);
  }
});
// Maelstrom closes the input when the test is over: nothing is kept.
process.stdin.on('end', () => process.exit(0));
