/** What the hubs of a mesh tell one another in passing: presence, typing, a claim. Lost where nobody listens, and never on disk. */
import type { NodeId } from './brand.ts';

/** As many characters as one signal may have. */
export const SIGNAL_MAX_CHARS = 262_144;

export interface Signals {
  /** Tells every linked node that listens; without one, the text is not even asked for. One above {@link SIGNAL_MAX_CHARS} goes nowhere: false. */
  signal(text: () => string): boolean;
  /** What other nodes tell, until the returned function is called. */
  onSignal(listener: (from: NodeId, text: string) => void): () => void;
}
