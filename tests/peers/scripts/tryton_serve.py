"""Serves a fresh copy of the database that tryton_make.py made: tryton_serve.py MADE PORT, in the folder of the copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

made, port = Path(sys.argv[1]), sys.argv[2]
here = Path.cwd()
subprocess.run([sys.executable, str(Path(__file__).with_name("tryton_make.py")), str(made)], check=True)
if not (here / "erp.sqlite").exists():
    shutil.copy(made / "erp.sqlite", here / "erp.sqlite")
(here / "trytond.conf").write_text(
    f"""[database]
uri = sqlite://
path = {here}
[web]
listen = 127.0.0.1:{port}
[session]
super_pwd =
"""
)
tool = Path(sys.prefix) / "bin" / "trytond"
# With -d the modules are loaded before the first call, which would otherwise fail.
os.execv(sys.executable, [sys.executable, str(tool), "-c", str(here / "trytond.conf"), "-d", "erp"])
