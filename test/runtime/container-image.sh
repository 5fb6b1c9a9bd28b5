#!/usr/bin/env bash
# container-image.sh NAME: makes a small image of this machine's programs and the libraries that they need. Nothing where it is there.
set -euo pipefail
# Test files run side by side: one makes it, the others wait and find it done.
exec 9>"${TMPDIR:-/tmp}/skep-box-test-image.lock"
flock 9
podman image exists "$1" && exit 0
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{usr/bin,usr/sbin,usr/lib,usr/lib64,etc,root,run,proc,sys,dev,tmp,home,opt,srv}
chmod 1777 "$root/tmp"
for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
add() {
  local file library
  file=$(readlink -f "$(type -P "$1")")
  cp "$file" "$root/usr/bin/$1"
  ldd "$file" 2>/dev/null | grep -oE '/[^ ]+' | while read -r library; do
    [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; }
  done || true
}
for program in node bash sh env cat ls cp mv rm mkdir ln touch chmod sleep id head tail sort wc tr cut grep sed pwd true false yes timeout setsid seq git printf; do
  add "$program"
done
# What older programs name one by one, and newer ones find in the one library of C.
for library in librt.so.1 libpthread.so.0 libdl.so.2 libm.so.6; do
  library=$(ldconfig -p | sed -n "s|.*$library.* => ||p" | head -n 1)
  [ -z "$library" ] || [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; }
done
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
tar -C "$root" -c . | podman import -q - "$1" >/dev/null
