"""Instructions for each reading, by kind of rule, counted by callgrind: the same every time, however busy the machine.

usage: instructions.py [--readings 200000] [KIND ...]

Needs valgrind. Plays once with so many readings and once with twice as many; the difference is theirs alone.
Build first: cargo bench --no-run --bench rules
"""
import argparse
import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def built():
    told = subprocess.check_output(
        ["cargo", "bench", "--no-run", "--bench", "rules", "--message-format", "json"], cwd=ROOT, text=True)
    found = [json.loads(line).get("executable") for line in told.splitlines() if '"executable":"' in line]
    return found[-1]


def count(program, layer, kind, readings):
    told = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "play", layer, kind,
         str(readings)], check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", told.stderr)[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--readings", type=int, default=200_000)
    parser.add_argument("kinds", nargs="*")
    options = parser.parse_args()
    program = built()
    kinds = options.kinds or subprocess.check_output([program, "kinds"], text=True).splitlines()
    for kind in kinds:
        for layer in ("judge",) if kind.startswith("expression") else ("judge", "turn"):
            once, twice = (count(program, layer, kind, options.readings * times) for times in (1, 2))
            print(f"{layer:6} {kind:18} {(twice - once) / options.readings:7.0f} instructions", flush=True)


main()
