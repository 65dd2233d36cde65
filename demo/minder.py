"""Minds one real part: starts it, and ends it with everything it started as soon as our own standard input closes.

A closed pipe is the one farewell that even `kill -9` of the parent sends. Run by path with the standard library alone:
`python -I -S minder.py SIGNAL GRACE USER COMMAND…` (USER `-` means the present one).
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys


def main(farewell: signal.Signals, grace: float, user: str | None, command: list[str]) -> None:
    """Live as long as the part and the parent both do, then leave nobody of our process group behind."""
    child_ended, announce = os.pipe()
    os.set_blocking(announce, False)
    signal.set_wakeup_fd(announce)
    for ignored in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, lambda *_: None)  # a handler, not SIG_IGN: the part would inherit that
    part = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - there is one thread here
    )
    while part.poll() is None:
        readable, _, _ = select.select([sys.stdin, child_ended], [], [], 1.0)
        if child_ended in readable:
            os.read(child_ended, 512)
        if sys.stdin in readable:
            end(part, farewell, grace)
    os.killpg(os.getpgid(0), signal.SIGKILL)  # whoever the part left behind goes with us


def end(part: subprocess.Popen[bytes], farewell: signal.Signals, grace: float) -> None:
    part.send_signal(farewell)
    try:
        part.wait(timeout=grace)
    except subprocess.TimeoutExpired:
        part.kill()
        part.wait()


def die_with_parent() -> None:
    """Linux: the kernel ends the part should its minder be killed."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


if __name__ == "__main__":
    main(signal.Signals[sys.argv[1]], float(sys.argv[2]), None if sys.argv[3] == "-" else sys.argv[3], sys.argv[4:])
