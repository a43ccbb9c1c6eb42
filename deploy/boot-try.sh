#!/usr/bin/env bash
# Boots a bare Debian with a systemd at work, installs the package there, and looks at the service as an administrator
# would: started, given a secret, posting what a broker says, started again by its watchdog, closed to other addresses,
# purged. A command of its own, after deploy/deb.sh and deploy/deb-try.sh (which makes the Debian); about two minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"

package=${1:-$(ls "${CARGO_TARGET_DIR:-target}"/debian/portevoix_*.deb)}
# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
base=$PWD/target/package/$release.tar
bootable=$PWD/target/package/$release-systemd.tar
root=$PWD/target/package/boot
[ -f "$base" ] || { echo "run deploy/deb-try.sh first" >&2; exit 1; }

command -v systemd-nspawn >/dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends systemd-container >/dev/null
}

fresh() {
    rm -rf "$root"
    mkdir -p "$root"
    tar -C "$root" -xf "$1"
}

if [ ! -f "$bootable" ]; then
    fresh "$base"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd-sysv dbus mosquitto mosquitto-clients curl' \
        >target/package/boot.log 2>&1 || { tail -n 5 target/package/boot.log; exit 1; }
    tar -C "$root" -cf "$bootable" .
fi
fresh "$bootable"
trap 'rm -rf "$root"' EXIT
cp "$package" "$root/root/portevoix.deb"
cp deploy/boot-inside.sh "$root/root/"
cat >"$root/etc/systemd/system/try.service" <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/bash /root/boot-inside.sh
StandardOutput=append:/root/told
StandardError=append:/root/told
ExecStopPost=systemctl poweroff
[Install]
WantedBy=multi-user.target
UNIT
ln -s ../try.service "$root/etc/systemd/system/multi-user.target.wants/try.service"

# The container is given the kind of control groups that this machine has.
unified=yes
[ -f /sys/fs/cgroup/cgroup.controllers ] || unified=no
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=$unified timeout 300 systemd-nspawn --quiet --directory="$root" --boot \
    --register=no --keep-unit --private-network --console=pipe >target/package/boot.log 2>&1 </dev/null || true

cat "$root/root/told"
[ "$(tail -n 1 "$root/root/told")" = "all is well" ]
