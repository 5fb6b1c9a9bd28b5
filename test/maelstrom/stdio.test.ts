/** Nodes as Maelstrom starts them: one process each, messages as lines on standard input and output, and a router between them that can cut them apart. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Answer, Envelope } from '#maelstrom/message.ts';
import { envelopeSchema } from '#maelstrom/message.ts';

const MAIN = fileURLToPath(new URL('../../src/maelstrom/main.ts', import.meta.url));
const NAMES = ['n1', 'n2', 'n3'];

/** What Maelstrom does between processes: it passes messages on, unless the two are cut apart. */
class Router {
  private readonly children = new Map<string, ChildProcessWithoutNullStreams>();
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private next = 0;
  isCut: (from: string, to: string) => boolean = () => false;
  readonly complaints: string[] = [];

  start(name: string): void {
    const child = spawn(process.execPath, [MAIN]);
    this.children.set(name, child);
    // What is on its way to one that has ended is lost.
    child.stdin.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', (line) =>
      this.route(envelopeSchema.parse(JSON.parse(line)), line),
    );
    createInterface({ input: child.stderr }).on('line', (line) => void this.complaints.push(line));
  }

  ask(dest: string, body: { type: string; [field: string]: unknown }): Promise<Answer> {
    const msgId = (this.next += 1);
    const answer = new Promise<Answer>((resolve) => this.waiting.set(msgId, resolve));
    this.write(dest, JSON.stringify({ src: 'c1', dest, body: { ...body, msg_id: msgId } }));
    return answer;
  }

  write(dest: string, line: string): void {
    this.children.get(dest)?.stdin.write(`${line}\n`);
  }

  /** Ends as Maelstrom ends them: the input closes. Resolves with the exit codes. */
  async stop(): Promise<(number | null)[]> {
    return Promise.all(
      [...this.children.values()].map(async (child) => {
        const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
        child.stdin.end();
        return child.exitCode ?? (await exited);
      }),
    );
  }

  private route({ src, dest, body }: Envelope, line: string): void {
    if (this.children.has(dest)) {
      if (!this.isCut(src, dest)) this.write(dest, line);
      return;
    }
    this.waiting.get(body.in_reply_to ?? 0)?.(body);
  }
}

/** Asks until the answer is as wanted; the test's own limit is the bound. */
async function eventually(ask: () => Promise<Answer>, isWanted: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
  }
}

const holds = (wanted: number[]) => (answer: Answer) => {
  const shown = answer['messages'] ?? answer['value'];
  return Array.isArray(shown) && wanted.every((value) => shown.includes(value));
};

describe('nodes on standard input and output', () => {
  let router: Router;

  beforeEach(async () => {
    router = new Router();
    for (const name of NAMES) router.start(name);
    for (const name of NAMES) await router.ask(name, { type: 'init', node_id: name, node_ids: NAMES });
  });

  afterEach(() => router.stop());

  test('end with their input', async () => {
    expect(await router.stop()).toEqual([0, 0, 0]);
    expect(router.complaints).toEqual([]);
  });

  test('echo, broadcast, and a partition that heals', async () => {
    expect(await router.ask('n2', { type: 'echo', echo: 'hello' })).toMatchObject({ type: 'echo_ok', echo: 'hello' });
    router.write('n2', 'this is no JSON');
    for (const name of NAMES) await router.ask(name, { type: 'topology', topology: {} });
    expect(await router.ask('n1', { type: 'broadcast', message: 1 })).toMatchObject({ type: 'broadcast_ok' });
    for (const name of NAMES) await eventually(() => router.ask(name, { type: 'read' }), holds([1]));
    router.isCut = (from, to) => (from === 'n3') !== (to === 'n3');
    await router.ask('n3', { type: 'broadcast', message: 3 });
    await router.ask('n1', { type: 'broadcast', message: 2 });
    await eventually(() => router.ask('n2', { type: 'read' }), holds([1, 2]));
    const alone = await router.ask('n3', { type: 'read' });
    expect(new Set(Array.isArray(alone['messages']) ? alone['messages'] : [])).toEqual(new Set([1, 3]));
    router.isCut = () => false;
    for (const name of NAMES) await eventually(() => router.ask(name, { type: 'read' }), holds([1, 2, 3]));
    expect(router.complaints).toEqual(['not a message: this is no JSON']);
  });

  test('lin-kv: a majority goes on, and who comes back reads what it decided', async () => {
    const written = (answer: Answer): boolean => answer.type === 'write_ok';
    await eventually(() => router.ask('n1', { type: 'write', key: 1, value: 1 }), written);
    router.isCut = (from, to) => (from === 'n3') !== (to === 'n3');
    const swap = { type: 'cas', key: 1, from: 1, to: 2 };
    expect(await router.ask('n2', swap)).toMatchObject({ type: 'cas_ok' });
    router.isCut = () => false;
    const read = await eventually(
      () => router.ask('n3', { type: 'read', key: 1 }),
      ({ type }) => type === 'read_ok',
    );
    expect(read).toMatchObject({ value: 2 });
  });
});
