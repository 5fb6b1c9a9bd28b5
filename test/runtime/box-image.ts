/** What boxes of each kind are made of, for tests that run in all of them. */
import { containerImage } from './container-image.ts';
import { rootFolder } from './root-folder.ts';

export const BOX_KINDS = ['sandbox', 'container', 'nspawn'] as const;

/** Made where it is not there; null for a sandbox. */
export function imageOf(kind: (typeof BOX_KINDS)[number]): string | null {
  if (kind === 'sandbox') return null;
  return kind === 'container' ? containerImage() : rootFolder();
}
