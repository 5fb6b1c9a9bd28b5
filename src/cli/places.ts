/** Where files of a person's own programs belong, by the XDG base directory specification. */
import { isAbsolute, join } from 'node:path';

type Surroundings = { env: Readonly<Record<string, string | undefined>>; home: string };

/** The specification says to ignore a relative path. */
function base(o: Surroundings, variable: string, fallback: string): string {
  const dir = o.env[variable];
  return dir !== undefined && isAbsolute(dir) ? dir : join(o.home, fallback);
}

/** The file that says what this machine's node is. */
export const configFile = (o: Surroundings): string =>
  join(base(o, 'XDG_CONFIG_HOME', '.config'), 'skep', 'config.toml');

/** Data directory of this machine's own node, that of `skep up`. */
export const stateDir = (o: Surroundings): string => join(base(o, 'XDG_STATE_HOME', '.local/state'), 'skep');

/** What may be removed at any time. */
export const cacheDir = (o: Surroundings): string => join(base(o, 'XDG_CACHE_HOME', '.cache'), 'skep');
