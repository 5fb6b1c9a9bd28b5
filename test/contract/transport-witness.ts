/** A handler that writes down what it is told, and lets a test wait for it. */
import type { NodeId } from '#core/brand.ts';
import type { Frame } from '#core/schema/frame.ts';
import type { LinkInfo, TransportHandler } from '#ports.ts';

/** A test that waits longer has failed; nothing is asserted about how much shorter it is. */
const WAIT_MAX_MS = 60_000;

type Happening =
  | { kind: 'up'; node: NodeId; link: LinkInfo }
  | { kind: 'down'; node: NodeId; reason: string }
  | { kind: 'frame'; node: NodeId; frame: Frame }
  | { kind: 'drained'; node: NodeId };

export class Witness implements TransportHandler {
  readonly happenings: Happening[] = [];
  readonly ups: LinkInfo[] = [];
  /** Reasons. */
  readonly downs: string[] = [];
  readonly frames: Frame[] = [];
  readonly #waiting = new Set<() => void>();

  linkUp(link: LinkInfo): void {
    this.ups.push(link);
    this.#note({ kind: 'up', node: link.node, link });
  }
  linkDown(node: NodeId, reason: string): void {
    this.downs.push(reason);
    this.#note({ kind: 'down', node, reason });
  }
  frame(node: NodeId, frame: Frame): void {
    this.frames.push(frame);
    this.#note({ kind: 'frame', node, frame });
  }
  drained(node: NodeId): void {
    this.#note({ kind: 'drained', node });
  }

  count(kind: Happening['kind']): number {
    return this.happenings.filter((happening) => happening.kind === kind).length;
  }

  /** Resolves when `holds` does; it is asked at each happening, and by {@link nudge}. */
  until(what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(ask);
        const seen = this.happenings.slice(-10).map(({ kind, node }) => `${kind} ${node}`);
        reject(new Error(`waited in vain until ${what}; last happenings: ${seen.join(', ')}`));
      }, WAIT_MAX_MS);
      const ask = (): void => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#waiting.delete(ask);
        resolve();
      };
      this.#waiting.add(ask);
      ask();
    });
  }

  /** Something that is no happening of the transport may have changed. */
  nudge(): void {
    for (const ask of this.#waiting) ask();
  }

  #note(happening: Happening): void {
    this.happenings.push(happening);
    this.nudge();
  }
}
