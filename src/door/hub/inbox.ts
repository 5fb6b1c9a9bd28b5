/**
 * What one client says, carried out in the order in which it came: at once while nothing waits, else after the frame before. Frames that only add to the log
 * may overlap: they begin in order, which is their order there, and share a commit; each is answered after the one before.
 */

/** Frames of one client that are not carried out yet. */
const WAITING_MAX = 64;

export type InboxOptions<Frame, Answer> = {
  handle: (frame: Frame) => Promise<Answer> | Answer;
  answered: (answer: Answer) => void;
  onFault: (error: unknown) => void;
};

export class Inbox<Frame, Answer> {
  private readonly o: InboxOptions<Frame, Answer>;
  private waiting = 0;
  /** The end of what is under way; undefined while nothing is. Never rejects. */
  private last: Promise<void> | undefined;
  /** All that is under way may overlap. */
  private isOverlapping = false;

  constructor(o: InboxOptions<Frame, Answer>) {
    this.o = o;
  }

  /** False, and nothing is done: too many wait. */
  take(frame: Frame, mayOverlap: boolean): boolean {
    if (this.waiting >= WAITING_MAX) return false;
    const { last } = this;
    if (last !== undefined && !(mayOverlap && this.isOverlapping)) {
      this.isOverlapping = false;
      this.last = this.follow(
        last.then(() => this.o.handle(frame)),
        last,
      );
      return true;
    }
    try {
      const answer = this.o.handle(frame);
      if (last === undefined && !(answer instanceof Promise)) this.o.answered(answer);
      else this.last = this.follow(answer, last);
      this.isOverlapping = mayOverlap;
    } catch (error) {
      this.o.onFault(error);
    }
    return true;
  }

  /** Resolves when all that came is carried out. */
  end(): Promise<void> {
    return this.last ?? Promise.resolve();
  }

  private async follow(answer: Promise<Answer> | Answer, before: Promise<void> | undefined): Promise<void> {
    this.waiting += 1;
    try {
      const [given] = await Promise.all([answer, before]);
      this.o.answered(given);
    } catch (error) {
      this.o.onFault(error);
    } finally {
      this.waiting -= 1;
      if (this.waiting === 0) this.last = undefined;
    }
  }
}
