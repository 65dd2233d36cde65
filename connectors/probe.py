"""Messages that were begun again and again without an end are first read in a process of its own: what kills it is found out there.

`python -m connectors.probe MODULE:FUNCTION` is that process: messages in on stdin, each with its length before it; one byte out when it is
up, and one per message that was read and lived through.
"""

from __future__ import annotations

import contextlib
import importlib
import resource
import struct
import subprocess
import sys
from collections.abc import Sequence

#: Starts after which a message is suspected of killing whoever reads it. An innocent neighbour is read here once more, and goes its way.
SUSPICIOUS = 3
LENGTH = struct.Struct(">Q")
SECONDS = 30
MEMORY = 4 * 1024**3


def deadly(messages: Sequence[bytes], reader: str = "connectors.probe:read_and_extract") -> frozenset[int]:
    """Which of these, by their place, kill or stall a process that reads them."""
    found: set[int] = set()
    start = 0
    while start < len(messages):
        survived = _survived(messages[start:], reader)
        start += survived
        if start < len(messages):
            found.add(start)
            start += 1
    return frozenset(found)


def _survived(messages: Sequence[bytes], reader: str) -> int:
    """How many were read before the process ended."""
    said = b"".join(LENGTH.pack(len(message)) + message for message in messages)
    command = [sys.executable, "-m", "connectors.probe", reader]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        out, _ = process.communicate(said, timeout=SECONDS + len(messages))
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
    # A probe that does not even come up (no memory left, say) accuses nobody.
    return len(out) - 1 if out else len(messages)


def read_and_extract(message: bytes) -> None:
    """What the agent does with the words of a message before it asks a model. An exception is no death: the agent catches it."""
    from engine.extract import extract
    from ingest.read import read

    for reading in read(message):
        if reading.report is not None:
            extract(reading.report.findings, reading.report.exam.text or "")


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the report
    module, _, name = sys.argv[1].partition(":")
    reader = getattr(importlib.import_module(module), name)
    sys.stdout.buffer.write(b"!")
    sys.stdout.buffer.flush()
    while header := sys.stdin.buffer.read(LENGTH.size):
        message = sys.stdin.buffer.read(LENGTH.unpack(header)[0])
        with contextlib.suppress(Exception):  # the agent sets it aside by itself
            reader(message)
        sys.stdout.buffer.write(b".")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
