/** Notices that a tool at work says nothing. It is a suspicion for people, never a reason to end anything: some commands are silent for long. */
const SILENCE_MS = 5 * 60_000;

export class Silence {
  readonly #limitMs: number;
  readonly #suspect: (limitMs: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #isSuspected = false;

  constructor(suspect: (limitMs: number) => void, limitMs = SILENCE_MS) {
    this.#limitMs = limitMs;
    this.#suspect = suspect;
  }

  /** Begins to listen, or hears something. True when that ends a suspicion. */
  heard(): boolean {
    const was = this.#isSuspected;
    this.stop();
    this.#timer = setTimeout(() => {
      this.#isSuspected = true;
      this.#suspect(this.#limitMs);
    }, this.#limitMs).unref();
    return was;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#isSuspected = false;
  }
}
