"""A program with a cursor, for the kit: prints what stands in the file `values`, and keeps how far that is settled."""

import json
import os
import select
import sys
from pathlib import Path

folder = Path(sys.argv[1])
cursor = Path(os.environ["PORTEVOIX_STATE"]) / "cursor"
done = int(cursor.read_text()) if cursor.exists() else 0
given = done


def say(line):
    print(json.dumps(line), flush=True)


def listen(seconds):
    while select.select([sys.stdin], [], [], seconds)[0]:
        line = os.read(0, 4096)
        if not line:
            sys.exit(0)
        for word in line.splitlines():
            fresh = cursor.with_suffix(".new")
            fresh.write_text(str(json.loads(word)["settled"]))
            fresh.rename(cursor)
        seconds = 0


(folder / "pid").write_text(str(os.getpid()))
if (folder / "cut").exists():
    sys.exit("the line is cut")
say({"portevoix": 1})
while True:
    listen(0.005)
    values = (folder / "values").read_text().split("\n")[:-1] if (folder / "values").exists() else []
    for value in values[given:]:
        listen(0)
        given += 1
        say({"tag": "press-3/oil", "value": float(value), "ticket": given})
