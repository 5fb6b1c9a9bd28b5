/** The longest a timer can wait; beyond it, it would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** A turn under way, with its limit. */
export class Turn {
  readonly name: string;
  /** Resolves when it has ended, or nobody here follows it any more. */
  readonly ended: Promise<void>;
  /** Why we end it, once we do. */
  why: 'interrupted' | 'timed_out' | undefined;
  /** Why it fails whatever its tool says of its end, once it does. */
  broken: string | undefined;
  readonly #limit: NodeJS.Timeout;
  #resolve: () => void = () => {};

  constructor(name: string, leftMs: number, timeOut: () => void) {
    this.name = name;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#limit = setTimeout(timeOut, Math.min(leftMs, TIMER_MAX_MS));
  }

  end(): void {
    clearTimeout(this.#limit);
    this.#resolve();
  }

  /** True when it ended in time. */
  async within(limitMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, limitMs, false);
    });
    try {
      return await Promise.race([this.ended.then(() => true), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
