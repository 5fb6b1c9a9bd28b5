/** One `tmux -C` process: commands go in, answers and news of panes come out. Watching a hundred panes starts no second one. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { ControlLines } from './control-lines.ts';

/** tmux 3.3a was seen never to answer a command: whatever is not answered in this time ends the client, for later answers would be taken for others. */
const ANSWER_MAX_MS = 5_000;
/** Commands that wait for their answer. A pane has at most one capture under way, so this is far above the panes of one node. */
const WAITING_MAX = 10_000;
/** After its input has ended, the client gets so long to end by itself. */
const END_MAX_MS = 1_000;

export type ControlOptions = {
  /** Arguments that name the server: `['-S', path]`, or none for the user's own. */
  server: readonly string[];
  /** The session it attaches to; it hears of the panes of that session only. */
  session: string;
  env: Readonly<Record<string, string>>;
  onOutput: (pane: number) => void;
  onNotified: (line: string) => void;
  /** Called once, when the client is gone: the server or the session ended, or it did not answer. */
  onGone: (reason: string) => void;
};

type Waiting = {
  /** Answers that are still to come for this line. */
  left: number;
  lines: string[];
  resolve: (lines: string[]) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
};

export class ControlClient {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: Waiting[] = [];
  readonly #onGone: (reason: string) => void;
  readonly #ended = Promise.withResolvers<void>();
  #said = '';
  #gone = false;

  constructor(o: ControlOptions) {
    this.#onGone = o.onGone;
    // -u: what panes show comes as UTF-8 whatever this process's locale says. `=`: this name, not one that begins so.
    const args = [...o.server, '-u', '-C', 'attach-session', '-f', 'ignore-size', '-t', `=${o.session}`];
    this.#child = spawn('tmux', args, { stdio: 'pipe', env: o.env });
    const lines = new ControlLines({
      answered: (answer) => this.#answered(answer),
      output: o.onOutput,
      notified: (line) => {
        if (line.startsWith('%exit')) this.#said = line.slice('%exit'.length).trim();
        else o.onNotified(line);
      },
    });
    this.#child.stdout.on('data', (chunk: Buffer) => {
      try {
        lines.feed(chunk);
      } catch (error) {
        this.#end(error instanceof Error ? error.message : String(error));
      }
    });
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#said ||= chunk.toString().trim()));
    // A write that the dying client does not take any more; that it is gone is told by its exit.
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', (error) => this.#end(`tmux cannot be started: ${error.message}`));
    this.#child.on('close', () => {
      this.#end(this.#said === '' ? 'the tmux client ended' : this.#said);
      this.#ended.resolve();
    });
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /**
   * Runs one line of commands. `answers`: how many it gets, one a command and one more for what `if-shell` runs; an error ends the line. Resolves
   * with the lines of all of them; rejects with what tmux said, or when the client is gone.
   */
  ask(line: string, answers = 1): Promise<string[]> {
    if (this.#gone) return Promise.reject(new Error('the tmux client is gone'));
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(new Error(`${WAITING_MAX} tmux commands wait`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#end(`tmux did not answer within ${ANSWER_MAX_MS} ms: ${line}`),
        ANSWER_MAX_MS,
      );
      this.#waiting.push({ left: answers, lines: [], resolve, reject, timer });
      this.#child.stdin.write(`${line}\n`);
    });
  }

  /** Detaches; the server and its panes go on. Idempotent, bounded. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MAX_MS);
    this.#end('closed');
    await this.#ended.promise;
    clearTimeout(timer);
  }

  #answered({ ok, lines }: { ok: boolean; lines: string[] }): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    first.lines.push(...lines);
    first.left -= 1;
    if (ok && first.left > 0) return;
    this.#waiting.shift();
    clearTimeout(first.timer);
    if (ok) first.resolve(first.lines);
    else first.reject(new Error(`tmux: ${lines.join(' ')}`));
  }

  #end(reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const one of this.#waiting.splice(0)) {
      clearTimeout(one.timer);
      one.reject(new Error(reason));
    }
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MAX_MS);
    void this.#ended.promise.then(() => clearTimeout(timer));
    this.#onGone(reason);
  }
}

/** A word for tmux's command line, whatever is in it. */
export function quoted(word: string): string {
  // A tilde at the beginning is a home even in quotes.
  const escaped = word
    .replaceAll(/["\\$]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replace(/^~/, '\\176');
  return `"${escaped}"`;
}
