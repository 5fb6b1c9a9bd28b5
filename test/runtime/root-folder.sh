#!/usr/bin/env bash
# root-folder.sh DIR: makes a small root folder of this machine's programs and the libraries that they need. Nothing where it is there.
set -euo pipefail
# Test files run side by side: one makes it, the others wait and find it done; one that was stopped on the way left a part only.
exec 8>"$1.lock"
flock 8
[ -d "$1" ] && exit 0
root=$1.part
rm -rf "$root"
mkdir -p "$root"/{usr/bin,usr/sbin,usr/lib,usr/lib64,etc,root,run,proc,sys,dev,tmp,home,opt,srv}
chmod 755 "$root"
chmod 1777 "$root/tmp"
for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
# add PROGRAM [FOLDER]: with what it needs, from that folder where it is not on PATH.
add() {
  local file library
  file=$(readlink -f "${2:+$2/$1}" || readlink -f "$(type -P "$1")")
  install -m 755 "$file" "$root${2:-/usr/bin}/$1"
  ldd "$file" 2>/dev/null | grep -oE '/[^ ]+' | while read -r library; do
    [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; }
  done || true
}
for program in node bash sh env cat ls cp mv rm mkdir ln touch chmod sleep id mount unshare setpriv head tail sort wc tr cut grep sed pwd true false yes timeout setsid seq git printf mknod chroot su nsenter; do
  add "$program"
done
# By which git clones; it lies beside git's other commands.
helpers=$(git --exec-path)
mkdir -p "$root$helpers"
add git-remote-http "$helpers"
ln -s git-remote-http "$root$helpers/git-remote-https"
# What older programs name one by one, and newer ones find in the one library of C.
for library in librt.so.1 libpthread.so.0 libdl.so.2 libm.so.6; do
  library=$(ldconfig -p | sed -n "s|.*$library.* => ||p" | head -n 1)
  [ -z "$library" ] || [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")"; cp -L "$library" "$root$library"; }
done
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
mv "$root" "$1"
