#!/usr/bin/env bash
# Installs the .deb from FOLDER in a clean Debian 12 root and starts the bar there under Xvfb.
#   try-deb.sh FOLDER        (as root; the clean root is made once and kept in the cache)
set -euo pipefail
folder=${1:?usage: try-deb.sh FOLDER}
deb=$(find "$folder" -maxdepth 1 -name '*.deb' | sort | tail -n 1)
[ -n "$deb" ] || { echo "no .deb in $folder: run cargo xtask bundle first" >&2; exit 1; }

cache="${XDG_CACHE_HOME:-$HOME/.cache}/sidetone"
clean="$cache/debian-bookworm.tar"
mkdir -p "$cache"
work=$(mktemp -d)
root="$work/root"
cleanup() {
    # The process namespace below has ended everything that was started inside.
    umount "$root/proc" 2> /dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

if [ ! -f "$clean" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sed 's,/*$,,' | grep '/debian$' | head -n 1)
    [ -n "$mirror" ] || { echo "this machine's apt names no Debian mirror" >&2; exit 1; }
    echo "making a clean Debian 12 root (once)"
    debootstrap --variant=minbase bookworm "$work/new" "$mirror" > "$work/debootstrap.log" 2>&1 ||
        { tail -n 20 "$work/debootstrap.log" >&2; exit 1; }
    tar -C "$work/new" -cf "$clean.part" .
    mv "$clean.part" "$clean"
    rm -rf "$work/new"
fi

mkdir -p "$root"
tar -C "$root" -xf "$clean"
cp "$deb" "$root/root/sidetone.deb"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# The clean root uses this machine's own way to Debian's packages.
rm -f "$root/etc/apt/sources.list"
cp -r /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/" 2> /dev/null || cp /etc/apt/sources.list "$root/etc/apt/"
cp -r /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2> /dev/null || true

echo "installing $(basename "$deb")"
chroot "$root" env DEBIAN_FRONTEND=noninteractive sh -ec '
    apt-get -q update > /dev/null
    apt-get -q -y install --no-install-recommends /root/sidetone.deb > /root/install.log 2>&1 || { tail -n 20 /root/install.log >&2; exit 1; }
    apt-get -q -y install --no-install-recommends xvfb dbus dbus-x11 > /dev/null 2>&1'
chroot "$root" dpkg -s sidetone | grep -E '^(Version|Installed-Size|Depends)'

cat > "$root/root/try.sh" <<'TRY'
set -eu
mount -t proc proc /proc
export HOME=/root XDG_RUNTIME_DIR=/run/try WEBKIT_DISABLE_DMABUF_RENDERER=1 DISPLAY=:77 GTK_A11Y=none
mkdir -p -m 700 "$XDG_RUNTIME_DIR"
Xvfb :77 -screen 0 1280x800x24 -nolisten tcp > /root/xvfb.log 2>&1 &
for _ in $(seq 100); do [ -S /tmp/.X11-unix/X77 ] && break; sleep 0.1; done
dbus-run-session -- sidetone > /root/sidetone.log 2>&1 &
bar=$!
# Up means: its web process runs too, which it starts with its first window.
for _ in $(seq 300); do
    kill -0 "$bar" 2> /dev/null || { echo "the bar ended:" >&2; cat /root/sidetone.log >&2; exit 1; }
    if ls -l /proc/[0-9]*/exe 2> /dev/null | grep -q WebKitWebProcess; then
        echo "the bar is up: its window's web process runs"
        exit 0
    fi
    sleep 0.1
done
echo "the bar opened no window in 30 s:" >&2
cat /root/sidetone.log >&2
exit 1
TRY
unshare --pid --fork --kill-child --mount chroot "$root" sh /root/try.sh
echo "the .deb installs and starts in a clean Debian 12"
