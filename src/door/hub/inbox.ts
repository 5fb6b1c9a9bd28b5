/** What one client says, carried out in the order in which it came: at once while nothing waits, else after the frame before. */

/** Frames of one client that wait for the one before. */
const WAITING_MAX = 64;

export class Inbox {
  private readonly handle: (text: string) => Promise<void> | undefined;
  private readonly onFault: (error: unknown) => void;
  private waiting = 0;
  /** The end of what is under way; undefined while nothing is. */
  private last: Promise<void> | undefined;

  /** `handle` gives a promise where the next frame has to wait. */
  constructor(handle: (text: string) => Promise<void> | undefined, onFault: (error: unknown) => void) {
    this.handle = handle;
    this.onFault = onFault;
  }

  /** False, and nothing is done: too many wait. */
  take(text: string): boolean {
    if (this.waiting >= WAITING_MAX) return false;
    if (this.last !== undefined) {
      this.follow(this.last.then(() => this.handle(text)));
      return true;
    }
    try {
      const answer = this.handle(text);
      if (answer !== undefined) this.follow(answer);
    } catch (error) {
      this.onFault(error);
    }
    return true;
  }

  /** Resolves when all that came is carried out. */
  end(): Promise<void> {
    return this.last ?? Promise.resolve();
  }

  private follow(answer: Promise<void>): void {
    this.waiting += 1;
    this.last = answer.catch(this.onFault).then(() => {
      this.waiting -= 1;
      if (this.waiting === 0) this.last = undefined;
    });
  }
}
