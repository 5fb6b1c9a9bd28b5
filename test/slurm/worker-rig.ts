/** Workers as processes of their own, with a mailbox directory and whatever stands for `codex` there. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MailboxFollower, type FollowedLine } from '#runtime/shared-mailbox/follower.ts';
import { outboxRecord, type OutboxRecord } from '#slurm/record.ts';
import { soon } from '../contract/runtime.ts';

const SKEP = fileURLToPath(new URL('../../bin/skep.mjs', import.meta.url));
const FAKE = fileURLToPath(new URL('fake-codex.mjs', import.meta.url));

/** The shared directory of a fleet. */
export class Fleet {
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), 'sk-fleet-')));
  readonly #workers: WorkerProcess[] = [];
  readonly #readers: OutboxReader[] = [];

  /** With the stand-in as its own `codex`. */
  static withFake(): Fleet {
    const fleet = new Fleet();
    Fleet.installFake(fleet.base);
    return fleet;
  }

  static installFake(base: string): void {
    const bin = join(base, 'tools/npm-global/bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(FAKE, join(bin, 'codex'));
  }

  inbox(name: string): string {
    return join(this.base, 'mailbox/inbox', `${name}.jsonl`);
  }

  /** By hand, as with `echo … >>`. */
  tell(name: string, record: object): void {
    mkdirSync(dirname(this.inbox(name)), { recursive: true });
    appendFileSync(this.inbox(name), `${JSON.stringify(record)}\n`);
  }

  /** `env`: beside the one that finds node. `base`: as that worker sees the shared directory. */
  start(env: Readonly<Record<string, string>> = {}, base = this.base, job = '7'): WorkerProcess {
    // A worker keeps its processes below it, by job and node, and ends what an earlier one left there.
    const worker = new WorkerProcess(base, { TMPDIR: this.base, ...env }, job);
    this.#workers.push(worker);
    return worker;
  }

  /** Resolves when that file is there. */
  appears(path: string): Promise<void> {
    const look = async (): Promise<void> => {
      while (!existsSync(join(this.base, path))) await setTimeout(50);
    };
    return soon(path, look());
  }

  /** `mayTear`: a line that a full disk took in part is no fault of the test. */
  outbox(name = '7_00', o: { mayTear?: boolean } = {}): OutboxReader {
    const reader = new OutboxReader(join(this.base, 'mailbox/outbox', `${name}.jsonl`), o.mayTear === true);
    this.#readers.push(reader);
    return reader;
  }

  async remove(): Promise<void> {
    for (const reader of this.#readers) await reader.close();
    for (const worker of this.#workers) await worker.kill();
    rmSync(this.base, { recursive: true, force: true });
  }
}

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;

  constructor(base: string, env: Readonly<Record<string, string>>, job = '7') {
    const args = [SKEP, 'slurm', 'worker', '--base', base, '--job', job, '--node', '0'];
    const all = {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: base,
      SLURMD_NODENAME: 'n1',
    };
    this.#child = spawn(process.execPath, args, { env: { ...all, ...env }, stdio: ['ignore', 'ignore', 'inherit'] });
    this.#ended = once(this.#child, 'exit');
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Its exit code, or the signal that ended it. */
  async ended(): Promise<unknown> {
    const [code, signal] = await soon('the end of the worker', this.#ended);
    return code ?? signal;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** Reads an outbox from its beginning. */
export class OutboxReader {
  readonly seen: OutboxRecord[] = [];
  readonly #follower: MailboxFollower;
  readonly #lines: AsyncGenerator<FollowedLine>;

  readonly #mayTear: boolean;

  constructor(path: string, mayTear: boolean) {
    this.#mayTear = mayTear;
    this.#follower = new MailboxFollower(path, { pollMs: () => 20 });
    this.#lines = this.#follower.lines();
  }

  /** Reads up to the first record that fits. */
  until(what: string, fits: (record: OutboxRecord) => boolean): Promise<OutboxRecord> {
    return soon(what, this.#until(what, fits));
  }

  /** As {@link until}, for what takes as long as it takes: the test's own limit counts. */
  whenever(what: string, fits: (record: OutboxRecord) => boolean): Promise<OutboxRecord> {
    return this.#until(what, fits);
  }

  /** Reads up to the next event of that name; its payload. */
  async event(name: string, fits: (payload: Record<string, unknown>) => boolean = () => true): Promise<Event> {
    const record = await this.until(name, (one) => isEvent(one) && one.event === name && fits(one.payload));
    if (!isEvent(record)) throw new Error('unreachable');
    return record;
  }

  events(name: string): Event[] {
    return this.seen.filter(isEvent).filter((one) => one.event === name);
  }

  /** Also while somebody waits for a record, who then hears that there is none. */
  async close(): Promise<void> {
    this.#follower.close();
    await this.#lines.return(undefined);
  }

  async #until(what: string, fits: (record: OutboxRecord) => boolean): Promise<OutboxRecord> {
    for (;;) {
      const next = await this.#lines.next();
      if (next.done === true) throw new Error(`the outbox ended before: ${what}`);
      if (next.value.kind === 'fault' && next.value.why === 'not_json' && this.#mayTear) continue;
      const record = outboxRecord.parse(next.value.kind === 'record' ? next.value.value : next.value.why);
      this.seen.push(record);
      if (fits(record)) return record;
    }
  }
}

type Event = Extract<OutboxRecord, { type: 'worker_event' }>;
const isEvent = (record: OutboxRecord): record is Event => record.type === 'worker_event';
