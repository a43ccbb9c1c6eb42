"""Synapse, until whoever started it is gone: its standard input is closed then, however that one ended.

    synapse_serve.py CONFIG
"""

import os
import sys
import threading

from synapse.app import homeserver


def end_with_the_other_end():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


threading.Thread(target=end_with_the_other_end, daemon=True).start()
sys.argv = [sys.argv[0], "-c", sys.argv[1]]
homeserver.main()
