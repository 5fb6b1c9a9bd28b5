#!/usr/bin/env bash
# Compiles skep, and with it the graffiti wall, into one executable: build/graffiti-wall. Then: ./build/graffiti-wall demo --http-port=8080
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bash "$root/scripts/install-runtime.sh" || exit 1
exec "$root/bin/skep" compile "$root" --entry-point=bin/skep.mjs --app-name=graffiti-wall --output="$root/build/graffiti-wall"
