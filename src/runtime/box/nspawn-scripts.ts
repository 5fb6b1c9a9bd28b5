/** What a box of nspawn does around itself: shell scripts, as each of them runs in the place where it is needed. */

/** Where the box shows the file by which a user namespace bounds those within it, until it is shut. */
export const LIMIT_FOLDER = '/run/skep-user';

/**
 * Holds the box, in the process group of the runtime: joins the groups by which the system holds limits, starts the rest in a session of its own, and
 * waits. nspawn takes SIGTERM for its own end, and kills at once what is in the box; so it does not get it, and the first process of the agent, which
 * is the child of nspawn's child, does. Before there is one, nothing has begun, and all ends. nspawn dies with this shell, and so does this shell with
 * whoever started it; what is left after a SIGKILL is found by its mark. A shell gives what it starts beside itself no input, so that goes by another
 * number.
 */
export const HOLD = `
while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift
children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
ask() {
  asked=1
  for stub in $(children "$held"); do for first in $(children "$stub"); do
    kill -TERM "-$first" 2>/dev/null || kill -TERM "$first" 2>/dev/null; return
  done; done
  kill -KILL "$held" 2>/dev/null
}
held=
trap ask TERM
exec 3<&0
setsid setpriv --pdeathsig KILL "$@" <&3 3<&- &
held=$!
exec <&- 3<&- >&- 2>&-
while :; do
  asked=; wait "$held"; code=$?
  [ -n "$asked" ] && kill -0 "$held" && continue
  exit "$code"
done`;

/**
 * In a mount namespace of its own, of which nothing is left behind: the root is the image with the places of what is shown laid over it, and nspawn
 * has a folder of its own for what it keeps of boxes, so that two processes of one box do not meet. Each program run here delays the box: folders are
 * made by mount.
 */
export const OPEN = `
set -e
stage=$1; layers=$2; program=$3; shift 3
mount -t tmpfs -o mode=0700 skep "$stage"
mount -t overlay -o "ro,lowerdir=$layers,X-mount.mkdir" skep "$stage/root"
[ -d /run/systemd/nspawn ] || mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=0700 skep /run/systemd/nspawn
exec "$program" "--directory=$stage/root" "$@"`;

/** In the folder of the run, without any right. */
const GIVE_UP = `cd "$0"
exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all --no-new-privs "$@"`;

/**
 * In the box, as the agent's user in a namespace of its own, with the rights over that namespace: no further ones, \`/proc\` read-only, as settings of
 * the kernel ask for the user alone and that is root's; nothing of \`/sys\`, whose control groups could be written. Then the rights go.
 */
export const INSIDE = `
set -e
echo 0 >${LIMIT_FOLDER}/max_user_namespaces
mount -n -o remount,bind,ro,nosuid,nodev,noexec /proc
while read -r _ _ _ _ at _; do
  [ "$at" != /proc/sys/net ] || mount -n -o remount,bind,ro,nosuid,nodev,noexec /proc/sys/net
done </proc/self/mountinfo
mount -n -t tmpfs -o ro,size=4k none /sys
mount -n -t tmpfs -o ro,size=4k none ${LIMIT_FOLDER}
${GIVE_UP}`;

/** The same where the engine itself keeps what is written to from the box. */
export const SHUT = `
set -e
echo 0 >${LIMIT_FOLDER}/max_user_namespaces
${GIVE_UP}`;
