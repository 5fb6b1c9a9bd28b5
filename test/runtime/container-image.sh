#!/usr/bin/env bash
# container-image.sh NAME: makes a small image of this machine's programs and the libraries that they need. Nothing where it is there.
set -euo pipefail
# Test files run side by side: one makes it, the others wait and find it done.
exec 9>"${TMPDIR:-/tmp}/skep-box-test-image.lock"
flock 9
podman image exists "$1" && exit 0
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
bash "$(dirname "${BASH_SOURCE[0]}")/root-folder.sh" "$root/all"
tar -C "$root/all" -c . | podman import -q - "$1" >/dev/null
