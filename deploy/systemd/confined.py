#!/usr/bin/env python3
"""Runs a program with the system calls that portevoix.service leaves it, where no systemd is at work:

    deploy/systemd/confined.py target/release/portevoix demo

What is forbidden fails with "Operation not permitted", as in the service. Needs python3-seccomp and systemd-analyze.
Looked at: SystemCallFilter, MemoryDenyWriteExecute, RestrictAddressFamilies, NoNewPrivileges.
"""

import ctypes
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import seccomp

PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 38, 65, 1

unit = Path(__file__).with_name("portevoix.service").read_text().splitlines()


def values(key):
    return [line.split("=", 1)[1].split() for line in unit if line.startswith(key + "=")]


def calls(group):
    """The calls of a group such as @system-service, with those of the groups in it."""
    if not group.startswith("@"):
        return {group}
    lines = subprocess.check_output(["systemd-analyze", "syscall-filter", "--no-pager", group], text=True).splitlines()
    words = [line.strip() for line in lines if line.startswith("    ")]
    return set().union(*(calls(word) for word in words if not word.startswith("#")))


allowed = calls("@default")
for words in values("SystemCallFilter"):
    groups = set().union(*(calls(word.lstrip("~")) for word in words))
    allowed = allowed - groups if words[0].startswith("~") else allowed | groups

# The program itself is started after the filter is in place.
allowed |= {"execve"}
rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
for name in sorted(allowed - {"socket"}):
    try:
        rules.add_rule(seccomp.ALLOW, name)
    except (RuntimeError, OSError, ValueError):
        pass  # A call of another architecture.
for family in values("RestrictAddressFamilies")[0]:
    rules.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, getattr(socket, family)))

libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}; Linux 6.3 or later is needed")
rules.load()
os.execv(sys.argv[1], sys.argv[1:])
