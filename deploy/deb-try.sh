#!/usr/bin/env bash
# Installs the package in a bare Debian of this machine's release, looks at it, removes it, purges it, and tells what is
# left. A command of its own, not part of .ci/run: the first run downloads a Debian (kept in target/package/).
#
#   deploy/deb.sh && deploy/deb-try.sh [PACKAGE.deb]
#
# There is no systemd at work in such a root: the unit's files and links are looked at, the service is not started.
# deploy/boot-try.sh does that.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"

package=${1:-$(ls "${CARGO_TARGET_DIR:-target}"/debian/portevoix_*.deb)}
# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
base=$PWD/target/package/$release.tar
root=$PWD/target/package/root

command -v debootstrap >/dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
}

# The mirror that this machine uses itself.
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' "Created-By: Packages" |
    awk -v release="$release" '$2 == release { print $1; exit }')

# What the package depends on, downloaded once with the root.
depends=$(dpkg-deb -f "$package" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/,/ /g')
if [ ! -f "$base" ]; then
    mkdir -p target/package
    rm -rf "$root"
    debootstrap --variant=minbase --include="$(echo init-system-helpers $depends | tr ' ' ',')" \
        "$release" "$root" "$mirror" >target/package/debootstrap.log ||
        { tail -n 5 target/package/debootstrap.log "$root"/debootstrap/debootstrap.log; exit 1; }
    tar -C "$root" -cf "$base" .
fi
rm -rf "$root"
mkdir -p "$root"
tar -C "$root" -xf "$base"
cp "$package" "$root/tmp/portevoix.deb"
trap 'rm -rf "$root"' EXIT

inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
step() { echo; echo "== $*"; }
# Every file with what it holds, but for what dpkg and the loader write about all packages.
photo() {
    (cd "$root" && find . -xdev \
        \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o -path ./var/lib/dpkg -o -path ./var/log \
        -o -path ./var/cache -o -path ./etc/ld.so.cache \) -prune -o \
        \( -type f -exec md5sum {} + -o -type l -printf '%l  %p\n' -o -printf '%y  %p\n' \)) | sort
}

# systemd makes this folder for the state of all services without a user of their own.
mkdir -p -m 700 "$root/var/lib/private"
photo >target/package/before

step install
inside dpkg -i /tmp/portevoix.deb
inside dpkg -s portevoix | grep -E '^(Status|Version|Installed-Size|Depends)'

step files
inside dpkg -L portevoix | while read -r file; do [ -d "$root$file" ] || echo "$file"; done
step configuration files
inside dpkg-query -W -f '${Conffiles}\n' portevoix
step links that enable the service
(cd "$root" && find etc/systemd -name '*portevoix*' -printf '%p -> %l\n')

step portevoix --version
inside portevoix --version

step portevoix check --config /etc/portevoix
inside portevoix check --config /etc/portevoix

step the same, with the example in the file made real
mkdir "$root/tmp/real"
sed 's/^#\([][a-z.].*\)$/\1/' "$root/etc/portevoix/portevoix.toml" >"$root/tmp/real/portevoix.toml"
inside portevoix check --config /tmp/real

step portevoix check --config /usr/share/doc/portevoix/examples/press-shop
inside portevoix check --config /usr/share/doc/portevoix/examples/press-shop

step "the service runs for 3 seconds and stops when asked to"
inside STATE_DIRECTORY=/tmp/state timeout 3 portevoix run 2>&1 | tee target/package/run.log || true
grep -q 'stopped$' target/package/run.log

step remove, with a state and a secret as a gateway would have them
mkdir -p "$root/var/lib/private/portevoix" "$root/etc/portevoix/secrets"
ln -s private/portevoix "$root/var/lib/portevoix"
touch "$root/var/lib/private/portevoix/portevoix.sqlite" "$root/etc/portevoix/secrets/mqtt-password"
inside dpkg -r portevoix
(cd "$root" && ls -d etc/portevoix/* var/lib/portevoix)

step purge
inside dpkg -P portevoix

step what is left
photo >target/package/after
comm -13 target/package/before target/package/after | sed 's/^.*  //' | tee target/package/left
# Told in deploy/README.md: what an administrator puts into /etc/portevoix stays.
diff <(printf '%s\n' ./etc/portevoix ./etc/portevoix/secrets ./etc/portevoix/secrets/mqtt-password) \
    <(sort target/package/left) || { echo "more or less is left than deploy/README.md tells" >&2; exit 1; }
comm -23 target/package/before target/package/after | sed 's/^/gone or changed: /'
