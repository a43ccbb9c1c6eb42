#!/usr/bin/env bash
# Builds the Debian package of this machine's architecture into target/debian/. Not part of .ci/run: it builds the
# whole program once more, optimised, which takes some minutes. deploy/deb-try.sh tries the package.
set -euo pipefail
cd "$(dirname "$0")/.."

version=3.8.0
tools=$PWD/target/tools
[ "$("$tools/bin/cargo-deb" --version 2>/dev/null)" = "$version" ] ||
    cargo install cargo-deb --version "$version" --locked --quiet --root "$tools"

mkdir -p target/package
python3 deploy/third-party.py "$(rustc -vV | sed -n 's/^host: //p')" | gzip -9n >target/package/third-party.txt.gz
gzip -9nc CHANGELOG.md >target/package/changelog.gz
chmod 644 target/package/*

built=${CARGO_TARGET_DIR:-target}/debian
rm -f "$built"/portevoix_*.deb
PATH=$tools/bin:$PATH cargo deb --locked --quiet "$@"
package=$(echo "$built"/portevoix_*.deb)
echo "$package: $(($(stat -c %s "$package") / 1024)) KiB"
