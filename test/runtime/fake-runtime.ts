/** A runtime of plain children without a holder: small, real, and gone with this process. For tests of what stands above a runtime. */
import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { Readable } from 'node:stream';
import type { ExecOptions, ExecResult, Exit, Proc, ProcSpec, Runtime, WholeLine } from '#ports.ts';
import type { ProcId } from '#core/brand.ts';
import { OutputSplitter } from '#runtime/output-splitter.ts';
import { WholeLines } from '#runtime/whole-lines.ts';
import type { RuntimeHome } from '../contract/runtime.ts';

const EXEC_OUTPUT_MAX_BYTES = 8 * 1024 * 1024;

const refusal = (code: string): Error => Object.assign(new Error(code), { code });

type Printed = { stream: 'out' | 'err'; lines: string; more: boolean };

/** One child, and all it has printed. */
class FakeChild extends EventEmitter {
  readonly texts: Printed[] = [];
  readonly inputs: string[] = [];
  readonly #child: ChildProcess | undefined;
  exit: Exit | undefined;

  constructor(spec: Pick<ProcSpec, 'argv' | 'cwd' | 'env'>) {
    super();
    this.setMaxListeners(0);
    const [program, ...rest] = spec.argv;
    // These pipes are sockets, and a bash of level 1 whose input is one takes itself for the shell of rshd, and reads ~/.bashrc.
    const env = { SHLVL: '2', ...spec.env };
    const child = spawn(program, rest, { cwd: spec.cwd, env, detached: true, stdio: 'pipe' });
    this.#child = child;
    child.stdin.on('error', () => {});
    const read = [this.#read(child.stdout, 'out'), this.#read(child.stderr, 'err')];
    child.on('error', (error) => this.#end({ code: null, signal: null, error: `${error.message} in ${spec.cwd}` }));
    child.on('exit', (code, signal) => {
      void Promise.all(read).then(() => this.#end({ code, signal, error: null }));
    });
  }

  write(line: string): void {
    this.inputs.push(line);
    this.#child?.stdin?.write(`${line}\n`);
  }

  endInput(text: string): void {
    this.#child?.stdin?.end(text);
  }

  async kill(graceMs: number): Promise<Exit> {
    this.#signal('SIGTERM');
    const timer = setTimeout(() => this.#signal('SIGKILL'), graceMs);
    while (this.exit === undefined) await once(this, 'news');
    clearTimeout(timer);
    return this.exit;
  }

  #signal(name: NodeJS.Signals): void {
    if (this.exit !== undefined || this.#child?.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, name);
    } catch {
      // It has just ended; its exit is on its way.
    }
  }

  async #read(pipe: Readable, stream: 'out' | 'err'): Promise<void> {
    const splitter = new OutputSplitter();
    for await (const chunk of pipe) {
      for (const text of splitter.push(Buffer.from(chunk))) this.#add({ stream, ...text });
    }
    const rest = splitter.end();
    if (rest !== undefined) this.#add({ stream, ...rest });
  }

  #add(text: Printed): void {
    this.texts.push(text);
    this.emit('news');
  }

  #end(exit: Exit): void {
    this.exit ??= exit;
    this.emit('news');
  }
}

class FakeProc implements Proc {
  readonly id: ProcId;
  readonly lines: AsyncIterable<string>;
  readonly errors: AsyncIterable<string>;
  readonly exited: Promise<Exit>;
  readonly #child: FakeChild;
  #detached = false;

  constructor(id: ProcId, child: FakeChild) {
    this.id = id;
    this.#child = child;
    this.lines = this.#lines('out');
    this.errors = this.#lines('err');
    this.exited = this.#exit();
    this.exited.catch(() => {});
  }

  async write(line: string): Promise<void> {
    if (line.includes('\n')) throw refusal('bad_line');
    if (this.#child.exit !== undefined) throw refusal('proc_ended');
    this.#child.write(line);
  }

  async *written(): AsyncGenerator<string> {
    yield* this.#child.inputs;
  }

  async *whole(maxBytes: number): AsyncGenerator<WholeLine> {
    const lines = new WholeLines(maxBytes);
    for await (const text of this.#follow('out')) yield* lines.push(text.lines, text.more);
  }

  kill(graceMs: number): Promise<Exit> {
    return this.#child.kill(graceMs);
  }

  async detach(): Promise<void> {
    this.#detached = true;
    this.#child.emit('news');
  }

  async #exit(): Promise<Exit> {
    while (this.#child.exit === undefined && !this.#detached) await once(this.#child, 'news');
    if (this.#child.exit === undefined) throw refusal('detached');
    return this.#child.exit;
  }

  async *#lines(stream: 'out' | 'err'): AsyncGenerator<string> {
    for await (const text of this.#follow(stream)) yield* text.lines.split('\n');
  }

  async *#follow(stream: 'out' | 'err'): AsyncGenerator<Printed> {
    for (let at = 0; ;) {
      const text = this.#child.texts[at];
      if (this.#detached) return;
      if (text !== undefined) {
        at += 1;
        if (text.stream === stream) yield text;
      } else if (this.#child.exit !== undefined) return;
      else await once(this.#child, 'news');
    }
  }
}

export class FakeRuntime implements Runtime {
  readonly #children: Map<ProcId, FakeChild>;
  readonly #procs = new Set<FakeProc>();
  #closed = false;

  constructor(children: Map<ProcId, FakeChild>) {
    this.#children = children;
  }

  async start(spec: ProcSpec): Promise<Proc> {
    if (this.#closed) throw refusal('runtime_closed');
    if (this.#children.has(spec.id)) throw refusal('proc_exists');
    const child = new FakeChild(spec);
    this.#children.set(spec.id, child);
    return this.#proc(spec.id, child);
  }

  async attach(id: ProcId): Promise<Proc | undefined> {
    const child = this.#children.get(id);
    return child === undefined ? undefined : this.#proc(id, child);
  }

  async exec(argv: readonly [string, ...string[]], o: ExecOptions): Promise<ExecResult> {
    const child = new FakeChild({ argv, ...o });
    child.endInput(o.stdin ?? '');
    const text = (stream: 'out' | 'err'): string =>
      child.texts.flatMap((one) => (one.stream === stream ? [`${one.lines}\n`] : [])).join('');
    let why: string | undefined;
    const end = (reason: string): void => {
      why ??= reason;
      void child.kill(100);
    };
    const timer = setTimeout(end, o.timeoutMs, 'timed_out');
    while (child.exit === undefined) {
      await once(child, 'news');
      if (text('out').length > EXEC_OUTPUT_MAX_BYTES / 2) end('output_limit');
    }
    clearTimeout(timer);
    const exit = why === undefined ? child.exit : { ...child.exit, code: null, error: why };
    return { exit, stdout: text('out'), stderr: text('err') };
  }

  async forget(id: ProcId): Promise<void> {
    if (this.#children.get(id)?.exit !== undefined) this.#children.delete(id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#procs].map((proc) => proc.detach()));
  }

  #proc(id: ProcId, child: FakeChild): FakeProc {
    const proc = new FakeProc(id, child);
    this.#procs.add(proc);
    return proc;
  }
}

/** Runtimes opened here share their children, as those of one directory do. */
export function makeFakeHome(): RuntimeHome {
  const children = new Map<ProcId, FakeChild>();
  return {
    open: () => new FakeRuntime(children),
    remove: async () => {
      await Promise.all([...children.values()].map((child) => child.kill(100)));
    },
  };
}
