/** Under what name a file may be handed over: the name of a file, and nothing that leads anywhere. */
import type { Refusal } from '../refusal.ts';
import { refusal } from '../refusal.ts';

/** What a click would run. */
const PROGRAM = /\.(exe|dll|msi|bat|cmd|com|scr|pif|lnk|app|dmg|so|dylib)$/i;

/** Why not under that name; undefined for a good one. */
export function nameBar(name: string): Refusal | undefined {
  const expected = 'the name of one file, without a folder';
  if (name === '' || name === '.' || name === '..' || /[/\\\p{C}]/u.test(name) || name.length > 255)
    return refusal('invalid', 'a file is handed over under a plain name', { expected, got: name.slice(0, 100) });
  if (PROGRAM.test(name))
    return refusal('forbidden', 'programs are not handed over', { expected: 'another type of file', got: name });
  return undefined;
}

/** The same for the path of one file of several, below a folder that its reader chooses. */
export function pathBar(path: string): Refusal | undefined {
  if (path.length <= 255)
    return path.split('/').reduce<Refusal | undefined>((bar, name) => bar ?? nameBar(name), undefined);
  return refusal('invalid', 'the path of a file is too long', { expected: 'at most 255 characters' });
}
