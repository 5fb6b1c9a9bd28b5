# Sourced from bash: `. tools/setup.sh`. Afterwards `node` fits, node_modules is what package-lock.json says, and web/dist is
# built of what lies in web/.
#
# Installs only what is missing or older than its lock file, says so on stderr, and otherwise says nothing. Returns 1
# when something could not be installed.

skep_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$skep_root/tools/use-node.sh" || return 1

# npm writes node_modules/.package-lock.json last, so a newer one means a finished install of this lock.
skep_tree_fits() {
  [ -f "$1/node_modules/.package-lock.json" ] && [ ! "$1/package-lock.json" -nt "$1/node_modules/.package-lock.json" ]
}

skep_install_tree() {
  skep_tree_fits "$1" && return 0
  # `--include=dev`: NODE_ENV=production in a user's shell must not leave half a tree behind.
  (cd "$1" && npm ci --include=dev --no-audit --no-fund --loglevel=error >&2 </dev/null)
}

# skep_tree DIR: brings DIR/node_modules up to DIR/package-lock.json.
skep_tree() {
  skep_tree_fits "$1" && return 0
  echo "skep: installing libraries into $1/node_modules (once for each lock file) ..." >&2
  if ! skep_alone skep_install_tree "$1"; then
    echo "skep: could not install the libraries; the messages of npm above say why." >&2
    return 1
  fi
}

# The page's sources, and the libraries that are bundled with it.
skep_web_fits() {
  [ -f web/dist/index.html ] &&
    [ -z "$(find web/src web/index.html web/vite.config.ts web/package.json package-lock.json -newer web/dist/index.html -print -quit)" ]
}

# Built beside the old one and put in its place, so that a node that serves it never finds half a page.
skep_build_web() {
  cd "$skep_root" || return 1
  skep_web_fits && return 0
  local made
  made=$(mktemp -d "$skep_root/web/dist.XXXXXX") &&
    node_modules/.bin/vite build web --outDir "$made" --emptyOutDir --logLevel warn >&2 </dev/null &&
    touch "$made/index.html" && chmod 755 "$made" && rm -rf web/dist && mv "$made" web/dist && return 0
  rm -rf "$made"
  return 1
}

# skep_web: brings web/dist up to its sources; a few seconds when they changed.
skep_web() {
  (cd "$skep_root" && skep_web_fits) && return 0
  echo "skep: building the page into web/dist (after each change of web/) ..." >&2
  if ! skep_alone skep_build_web; then
    echo "skep: could not build the page; the messages of vite above say why." >&2
    return 1
  fi
}

skep_tree "$skep_root" && skep_web
