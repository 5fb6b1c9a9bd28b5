/** How the user called this program, so that a line of a message can be typed as it stands: `skep` where it is on PATH, else `bin/skep`. */
import type { World } from './world.ts';

/** A command in a message: `skep` before a verb. */
const COMMAND = /(^|[\s(:])skep (?=[a-z-])/g;

/** `text` with every `skep VERB` as the user has to type it. bin/skep says how in SKEP_TYPED. */
export function asTyped(text: string, { env }: Pick<World, 'env'>): string {
  const typed = env['SKEP_TYPED'];
  return typed === undefined || typed === ''
    ? text
    : text.replace(COMMAND, (_, before: string) => `${before}${typed} `);
}
