"""Reads a kiln and prints what it says as JSON lines, for portevoix.

Only the standard library is needed. `read` stands for your own way to reach the machine: a serial line, a vendor's
library, a page of an old controller. Here a kiln is imitated.
"""

import json
import math
import os
import random
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

STATE = Path(os.environ.get("PORTEVOIX_STATE", "."))


def say(**line):
    # NaN is not JSON: better to fail here than to print what nobody can read.
    print(json.dumps(line, allow_nan=False), flush=True)


def read(tick):
    """The temperature of the kiln in °C, or None while its probe does not answer."""
    if tick % 60 in range(50, 55):
        return None
    return 920 + 60 * math.sin(tick / 15) + random.uniform(-2, 2)


def firings(count):
    """The firings of today, as they stand in the book of the workshop."""
    plates = ["tiles", "bowls", "vases"]
    return [
        {"number": f"F-{at + 1:03}", "ware": plates[at % 3], "pieces": 40 + 10 * at, "done": at < count}
        for at in range(3)
    ]


def remember(settled):
    """Whatever is settled is safe with portevoix, also after a power cut. A cursor is replaced in one step."""
    fresh = STATE / "cursor.new"
    fresh.write_text(str(settled))
    fresh.replace(STATE / "cursor")


def listen():
    """Reads what is settled. Its end says that portevoix is gone, and so are we."""
    for line in sys.stdin:
        remember(json.loads(line)["settled"])
    os._exit(0)


def main():
    cursor = STATE / "cursor"
    tick = int(cursor.read_text()) if cursor.exists() else 0
    threading.Thread(target=listen, daemon=True).start()
    say(portevoix=1)
    while True:
        tick += 1
        now = datetime.now(timezone.utc).isoformat()
        temperature = read(tick)
        if temperature is None:
            say(tag="kiln-1/chamber", quality="bad", reason="the probe does not answer", at=now, ticket=tick)
        else:
            say(tag="kiln-1/chamber", value=round(temperature, 1), at=now, ticket=tick)
        if tick % 30 == 1:
            say(begin="firings")
            for firing in firings(tick // 30 % 4):
                say(list="firings", fields=firing)
            say(whole="firings")
        time.sleep(1)


main()
