# Sourced from bash: `. tools/use-node.sh`. Afterwards `node` is at least 24.16.
#
# A fitting node on PATH is used as it is. Otherwise the one pinned in tools/node is installed (once, from npm, checked
# against its lock file) and put first on PATH. Says nothing when there is nothing to install; all messages go to
# stderr. Returns 1 when no fitting node could be had, and leaves PATH as it was.

# skep_node_fits NODE: is that program a node of at least 24.16? Its own word is enough, and takes no start of a VM.
skep_node_fits() {
  local version major minor
  version=$("$1" --version 2>/dev/null) || return 1
  [[ $version =~ ^v([0-9]+)\.([0-9]+)\. ]] || return 1
  major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
  ((major > 24 || (major == 24 && minor >= 16)))
}

# skep_alone COMMAND...: runs it while no other shell does. Two first starts at once would write the same folder.
skep_alone() {
  (
    command -v flock >/dev/null && flock -w 300 9
    "$@"
  ) 9>"${TMPDIR:-/tmp}/skep-install-$(id -u).lock"
}

skep_install_node() {
  skep_node_fits "$1/node_modules/.bin/node" || npm ci --prefix "$1" --no-audit --no-fund --loglevel=error >&2
}

skep_use_node() {
  local pinned bin
  skep_node_fits node && return 0

  pinned=$(cd "$(dirname "${BASH_SOURCE[0]}")/node" && pwd) || return 1
  bin=$pinned/node_modules/.bin
  if ! skep_node_fits "$bin/node"; then
    if ! command -v npm >/dev/null; then
      echo "skep: needs Node.js 24.16 or newer, or npm to install it. See https://nodejs.org." >&2
      return 1
    fi
    echo "skep: installing Node.js 24 into tools/node (once, about 190 MB) ..." >&2
    skep_alone skep_install_node "$pinned"
    if ! skep_node_fits "$bin/node"; then
      echo "skep: could not install Node.js 24 into $pinned; the messages of npm above say why." >&2
      return 1
    fi
  fi
  export PATH="$bin:$PATH"
  # Whatever compiles against node finds the headers of this node, not those of the system's.
  npm_config_nodedir=$(dirname "$(dirname "$(readlink -f "$bin/node")")")
  export npm_config_nodedir
}

skep_use_node
