/** A shared directory as one worker sees it: what it writes reaches the others a moment later, and the other way round, until the way is cut. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Between two looks at what is to be carried. */
const LOOK_MS = 20;

export class LaggingShare {
  /** As that worker sees it. What its agents make lies in the directory of all: a path there is the same on both sides. */
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), 'sk-lag-')));
  readonly #carried = new Map<string, number>();
  readonly #carry: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `of`: the directory of all; `mailbox`: of that worker, as `7_00`. */
  constructor(of: string, mailbox: string) {
    const [job = '', node = ''] = mailbox.split('_');
    for (const name of ['mailbox/inbox', 'mailbox/outbox', join('runs', job)]) {
      mkdirSync(join(this.base, name), { recursive: true });
      mkdirSync(join(of, name), { recursive: true });
    }
    symlinkSync(join(of, 'tools'), join(this.base, 'tools'));
    const box = (name: string): string => join('mailbox', name, `${mailbox}.jsonl`);
    const beat = join('runs', job, `heartbeat_${node}.json`);
    this.#carry = () => {
      this.#append(join(this.base, box('outbox')), join(of, box('outbox')));
      this.#append(join(of, box('inbox')), join(this.base, box('inbox')));
      const text = contentOf(join(this.base, beat));
      if (text.length === 0) return;
      writeFileSync(join(of, `${beat}.carried`), text);
      renameSync(join(of, `${beat}.carried`), join(of, beat));
    };
    this.heal();
  }

  /** What its worker has written, whether anybody has seen it or not. */
  written(mailbox: string): string {
    return contentOf(join(this.base, 'mailbox/outbox', `${mailbox}.jsonl`)).toString();
  }

  cut(): void {
    clearInterval(this.#timer);
  }

  heal(): void {
    this.#timer = setInterval(this.#carry, LOOK_MS);
  }

  /** After its worker has ended. */
  remove(): void {
    this.cut();
    rmSync(this.base, { recursive: true, force: true });
  }

  #append(from: string, to: string): void {
    const content = contentOf(from);
    const at = this.#carried.get(from) ?? 0;
    if (content.length === at) return;
    mkdirSync(dirname(to), { recursive: true });
    appendFileSync(to, content.subarray(at));
    this.#carried.set(from, content.length);
  }
}

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    // Not there yet.
    return Buffer.alloc(0);
  }
}
