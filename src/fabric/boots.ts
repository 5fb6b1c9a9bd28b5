/**
 * Node ids that were seen running twice. Both runs go on dialling, so each is refused as long as another one shows itself: whoever is left
 * alone after its twin was stopped is welcome again.
 */
import type { NodeId } from '#core/brand.ts';

/** A run not seen for this long has stopped: a running one dials again every few seconds. */
const FORGET_MS = 30_000;

/** Node ids remembered; beyond it the oldest conflict is forgotten, and found again when both runs link again. */
const NODES_MAX = 256;

/** Runs remembered of one node id: more than two are a third copy or a restart. */
const BOOTS_MAX = 8;

export class TwinBoots {
  readonly #seen = new Map<NodeId, Map<string, number>>();

  /** Two runs of one node are there at once. */
  note(node: NodeId, boots: readonly [string, string], nowMs: number): void {
    const oldest = this.#seen.keys().next();
    if (!this.#seen.has(node) && this.#seen.size >= NODES_MAX && oldest.done !== true) this.#seen.delete(oldest.value);
    this.#seen.set(node, new Map(boots.map((boot) => [boot, nowMs])));
  }

  /** True while another run of that node shows itself. Asking counts as a sight of `boot`. */
  refuses(node: NodeId, boot: string, nowMs: number): boolean {
    const seen = this.#seen.get(node);
    if (seen === undefined) return false;
    const others = [...seen].filter(([other, sinceMs]) => other !== boot && nowMs - sinceMs < FORGET_MS);
    if (others.length === 0) {
      this.#seen.delete(node);
      return false;
    }
    this.#seen.set(node, new Map([...others.slice(0, BOOTS_MAX), [boot, nowMs]]));
    return true;
  }
}
