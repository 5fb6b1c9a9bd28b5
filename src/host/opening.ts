/**
 * Doors of a node that has just started: what they would append waits for the check after the start, in most cases some hundredths of a second.
 * A caller is not kept longer than it would wait for any answer.
 */
import type { BootStanding } from '#core/boot-check.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';

/** Longer than peers that are there need to link and to answer. */
const WAIT_MS = 5_000;

export class Opening {
  private readonly core: { standing(): BootStanding };
  private readonly journal: { checked(standing: BootStanding): void };
  private readonly opened = Promise.withResolvers<void>();

  constructor(core: { standing(): BootStanding }, journal: { checked(standing: BootStanding): void }) {
    this.core = core;
    this.journal = journal;
  }

  /** The check came to something, whatever it is. */
  open(): void {
    this.journal.checked(this.core.standing());
    this.opened.resolve();
  }

  /** Resolves when the check after the start has come to something; never, when it does not. */
  whenOpen(): Promise<void> {
    return this.opened.promise;
  }

  /** Undefined when the node may append; else why not. Waits a little for that. Nothing was stored. */
  async refusal(): Promise<Refusal | undefined> {
    if (this.isOpen()) return undefined;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, WAIT_MS);
    await Promise.race([this.opened.promise, late.promise]);
    clearTimeout(timer);
    if (this.isOpen()) return undefined;
    const { answered, needed } = this.core.standing();
    return refusal(
      'starting',
      'this node has just started and asks its peers what they know of it, before it writes anything; try again in a moment',
      { expected: `answers of ${needed} of its peers`, got: String(answered) },
    );
  }

  private isOpen(): boolean {
    return this.core.standing().state !== 'comparing';
  }
}
