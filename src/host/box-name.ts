/** What a box may be called. */
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { BoxKind } from '#core/schema/box-body.ts';

/** `nixos-container` takes 11 characters, two of which are `h-`. */
const NAME_MAX_NSPAWN = 9;
export const BOX_NAME = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

/** Why it may not; undefined where it may. */
export function wrongName(name: string, runtime: BoxKind): Refusal | undefined {
  if (!BOX_NAME.test(name))
    return refusal('invalid', 'that is no name of a box', {
      expected: 'up to 40 small letters, digits and dashes, no dash at either end',
      got: name,
    });
  if (runtime !== 'nspawn' || name.length <= NAME_MAX_NSPAWN) return undefined;
  const why = `the name is too long for nspawn: with h- before it, containers of NixOS have at most ${NAME_MAX_NSPAWN + 2} characters`;
  return refusal('invalid', why, { expected: `at most ${NAME_MAX_NSPAWN} characters`, got: `${name.length}` });
}
