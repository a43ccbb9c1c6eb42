#!/usr/bin/env python3
"""The licences of the crates that are part of the program, for its packages: each text once, with who uses it."""

import json
import re
import subprocess
import sys
from pathlib import Path

target = sys.argv[1] if len(sys.argv) > 1 else "x86_64-unknown-linux-gnu"
metadata = json.loads(subprocess.check_output(
    ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]))
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}

# Everything that `portevoix` links: neither what builds it nor what tests it.
linked, todo = set(), [next(p["id"] for p in metadata["packages"] if p["name"] == "portevoix")]
while todo:
    found = todo.pop()
    if found in linked:
        continue
    linked.add(found)
    todo += [dep["pkg"] for dep in nodes[found]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]

texts, without = {}, []
for package in sorted((packages[found] for found in linked), key=lambda package: package["name"]):
    if package["source"] is None:
        continue
    name = f'{package["name"]} {package["version"]} ({package["license"] or "no licence named"})'
    folder = Path(package["manifest_path"]).parent
    files = [file for file in sorted(folder.iterdir())
             if file.is_file() and re.match(r"(?i)(un)?licen[cs]e|copying|notice", file.name)]
    for file in files:
        text = file.read_text(errors="replace").replace("\r\n", "\n").strip()
        # The same words with other line ends are the same text.
        users = texts.setdefault(" ".join(text.split()), (text, []))[1]
        if name not in users:
            users.append(name)
    if not files:
        without.append(name)

print("portevoix holds parts of these projects, under these licences.")
for text, users in texts.values():
    print("\n" + "=" * 78 + "\n")
    print("\n".join(users) + "\n\n" + text)
if without:
    print("\n" + "=" * 78 + "\n\nThese name their licence without its text:\n")
    print("\n".join(without))
