/** A runtime seen from inside of a box: what starts is put into the box, all else is the runtime's beneath. */
import type { ProcSpec, Runtime } from '#ports.ts';

export type BoxedRun = Pick<ProcSpec, 'argv' | 'cwd' | 'env' | 'sees'>;

/** What the runtime beneath starts, so that this runs in the box. Its working directory is the machine's root: the box has its own. */
export type IntoBox = (run: BoxedRun) => Pick<ProcSpec, 'argv' | 'env'>;

export function boxedRuntime(beneath: Runtime, into: IntoBox): Runtime {
  return {
    start: (spec) => beneath.start({ ...spec, ...into(spec), cwd: '/', sees: undefined }),
    attach: (id) => beneath.attach(id),
    exec: (argv, o) => {
      const boxed = into({ ...o, argv });
      return beneath.exec(boxed.argv, { ...o, env: boxed.env, cwd: '/', sees: undefined });
    },
    forget: (id) => beneath.forget(id),
    close: () => beneath.close(),
  };
}

/**
 * Joins the groups by which the system holds limits, and lets SIGTERM pass by: it goes to the whole process group, so what runs in the box hears it
 * itself and may tidy up, while the program that holds the box waits for its end. SIGKILL ends both.
 */
const ENTER = 'trap "" TERM; while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"';

export const enter = (
  groups: readonly string[],
  argv: readonly [string, ...string[]],
): readonly [string, ...string[]] => ['/bin/sh', '-c', ENTER, 'sh', ...groups, '--', ...argv];

/** Inside, SIGTERM means again what it always does: of coreutils. */
export const HEEDING: readonly string[] = ['/usr/bin/env', '--default-signal=TERM'];
