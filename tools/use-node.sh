# Sourced from bash: `. tools/use-node.sh`. Afterwards `node` is at least 24.16.
#
# A fitting node on PATH is used as it is. Otherwise the one pinned in tools/node is installed (once, from npm, checked
# against its lock file) and put first on PATH. Says nothing when there is nothing to install; all messages go to
# stderr. Returns 1 when no fitting node could be had, and leaves PATH as it was.

skep_node_fits() {
  "$1" -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 24 || (major === 24 && minor >= 16) ? 0 : 1);
  ' 2>/dev/null
}

skep_use_node() {
  local pinned bin
  skep_node_fits node && return 0

  pinned=$(cd "$(dirname "${BASH_SOURCE[0]}")/node" && pwd) || return 1
  bin=$pinned/node_modules/.bin
  if ! skep_node_fits "$bin/node"; then
    if ! command -v npm >/dev/null; then
      echo "skep: needs Node.js 24.16 or newer, or npm to install it. Install Node.js from https://nodejs.org." >&2
      return 1
    fi
    echo "skep: installing Node.js 24 into tools/node (once, about 190 MB) ..." >&2
    # Two first starts at once would write the same folder: the second waits, then finds it done.
    (
      command -v flock >/dev/null && flock -w 300 9
      skep_node_fits "$bin/node" || npm ci --prefix "$pinned" --no-audit --no-fund --loglevel=error >&2
    ) 9>"$pinned/.install-lock"
    if ! skep_node_fits "$bin/node"; then
      echo "skep: could not install Node.js 24 into $pinned. Look at the messages of npm above." >&2
      return 1
    fi
  fi
  export PATH="$bin:$PATH"
  # Anything that compiles against node finds the headers of this node, not those of the system's.
  npm_config_nodedir=$(dirname "$(dirname "$(readlink -f "$bin/node")")")
  export npm_config_nodedir
}

skep_use_node
