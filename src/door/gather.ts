/**
 * Writes to a client of the feed, at most thirty a second: the first at once, what comes soon after it together. A system call for each event is
 * most of what a busy tab costs its node.
 */

/** Two frames of a screen: nobody sees the difference. */
const GAP_MS = 33;

/** A connection that can hold its writes back. Corks nest: a library that corks for itself does no harm. */
type Corkable = { cork(): void; uncork(): void };

export class Gather {
  private readonly connection: Corkable;
  private timer: NodeJS.Timeout | undefined;
  private waits = false;

  constructor(connection: Corkable) {
    this.connection = connection;
  }

  /** To be called after each write: it has left, unless one left a moment ago; what is written within the gap behind it waits. */
  written(): void {
    if (this.timer === undefined) this.holdBack();
    else this.waits = true;
  }

  /** What waits leaves now. Idempotent. */
  flush(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.connection.uncork();
  }

  private holdBack(): void {
    this.waits = false;
    this.connection.cork();
    this.timer = setTimeout(() => {
      this.flush();
      if (this.waits) this.holdBack();
    }, GAP_MS);
  }
}
