/** One process that a holder holds: its child, the outbox that the holder writes for it, and the inbox that it is fed from. */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Exit, ProcSpec } from '#ports.ts';
import { Child } from './child.ts';
import { isObject } from './json-lines.ts';
import { claimProcDirectory, markOf, procDirectory } from './layout.ts';
import { MailboxReader } from './mailbox.ts';
import { OutboxWriter } from './outbox.ts';
import { OutputSplitter } from './output-splitter.ts';
import type { ProcTable } from './proc-table.ts';
import { messageOf } from './refusal.ts';

export type HeldProcOptions = {
  /** The real path of the runtime's directory. */
  directory: string;
  spec: ProcSpec;
  table: ProcTable;
  nowMs: () => number;
  /** The outbox has grown. */
  grown: () => void;
  /** Called once, last, after the exit was written; `written` is false when the disk refused it. */
  ended: (exit: Exit, written: boolean) => void;
};

export class HeldProc {
  readonly #o: HeldProcOptions;
  readonly #outbox: OutboxWriter;
  readonly #inbox: MailboxReader;
  readonly #started: Promise<void>;
  #child: Child | undefined;
  #killGraceMs: number | undefined;
  #why: string | null = null;

  /**
   * Claims the id's directory and starts the child. Throws `proc_exists`, and what the file system throws; then nothing was started. A child that
   * cannot be started ends with the reason in `exit.error`.
   */
  constructor(o: HeldProcOptions) {
    this.#o = o;
    this.#outbox = claimProcDirectory(o.directory, o.spec, (made) => new OutboxWriter(made, o.spec.outboxMaxBytes));
    const path = procDirectory(o.directory, o.spec.id);
    this.#inbox = new MailboxReader(join(path, 'inbox.jsonl'));
    const { argv, cwd, env, id } = o.spec;
    const child = Child.start({ argv, cwd, env, mark: markOf(o.directory, id), pipeDirectory: path }, o.table);
    this.#started = child.then(
      (started) => this.#hold(started),
      (error: unknown) => this.#end({ code: null, signal: null, error: `not_started: ${messageOf(error)}` }),
    );
  }

  /** Resolves when the child runs, or could not be started. */
  started(): Promise<void> {
    return this.#started;
  }

  /** The inbox has grown. */
  ring(): void {
    this.#inbox.ring();
  }

  /** The ladder; see {@link Child.kill}. A child that is only just being started gets it when it runs. `why` becomes the error of its exit, unless it succeeds. */
  kill(graceMs: number, why: string | null = null): void {
    this.#why ??= why;
    this.#killGraceMs = graceMs;
    this.#child?.kill(graceMs);
  }

  #hold(child: Child): void {
    this.#child = child;
    this.#outbox.started(child.pid, this.#o.nowMs());
    if (this.#killGraceMs !== undefined) child.kill(this.#killGraceMs);
    const splitters = { out: new OutputSplitter(), err: new OutputSplitter() };
    const run = child.run((stream, chunk) => {
      for (const text of splitters[stream].push(chunk)) this.#outbox.text(stream, text);
      this.#o.grown();
    });
    const end = (exit: Exit): void => {
      for (const stream of ['out', 'err'] as const) {
        const rest = splitters[stream].end();
        if (rest !== undefined) this.#outbox.text(stream, rest);
      }
      this.#end(exit);
    };
    run.then(end, (error: unknown) => end({ code: null, signal: null, error: `unknown_end: ${messageOf(error)}` }));
    this.#feed(child).catch((error: unknown) => {
      const lines = `[skep: its inbox cannot be read, so it gets no more input: ${messageOf(error)}]`;
      this.#outbox.text('err', { lines, more: false, bytes: 0 });
    });
  }

  /** Hands the inbox to the child line by line, as fast as it takes them: what it does not read stays in the file. */
  async #feed(child: Child): Promise<void> {
    const pipe = child.stdin;
    for await (const line of this.#inbox.lines()) {
      const value = line.kind === 'record' ? line.value : undefined;
      if (!isObject(value) || value['t'] !== 'in' || typeof value['line'] !== 'string') continue;
      if (pipe === undefined || pipe.destroyed) return;
      if (!pipe.write(`${value['line']}\n`)) await drainedOrClosed(pipe);
    }
  }

  #end(exit: Exit): void {
    this.#inbox.close();
    const told = exit.code === 0 ? exit : { ...exit, error: exit.error ?? this.#why };
    this.#o.ended(told, this.#outbox.exit(told));
  }
}

function drainedOrClosed(pipe: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      pipe.off('drain', done).off('close', done);
      resolve();
    };
    pipe.on('drain', done).on('close', done);
  });
}
