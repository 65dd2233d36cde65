"""Claim: whatever a line does to 200 senders over MLLP, what was acknowledged is kept, once, byte for byte, and nothing else is lost.

    python -m bench.mllp --connections 200 --messages 10 --seed 7

Three parts on real sockets and a real database. First one sender goes away at every byte of two messages, politely and by a reset in
turn. Then all senders at once send each message until they hear AA, and their lines break at random bytes and before the answer. Last
they send undisturbed, for the rate (CPU of this process, senders included).
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, select

from bench.chaos_parts import dictated
from connectors.mllp import Frames, framed
from connectors.mllp_door import Door, Keeper
from feedback.database import open_database, reading
from feedback.outbox import OUTBOX
from ingest.read import read

TOPIC = "radiology.reports"


class Sender:
    """One peer: it sends a message again until it hears AA for it."""

    def __init__(self, port: int, chance: random.Random, *, broken: float) -> None:
        self._port = port
        self._chance = chance
        self._broken = broken
        self._line: socket.socket | None = None
        self.broken = 0

    def deliver(self, message: bytes) -> None:
        while not self._tried(framed(message)):
            self.hang_up(by_reset=self._chance.random() < 0.5)
            self.broken += 1

    def hang_up(self, *, by_reset: bool = False) -> None:
        if self._line is not None:
            if by_reset:
                self._line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._line.close()
            self._line = None

    def _tried(self, frame: bytes) -> bool:
        if self._line is None:
            self._line = socket.create_connection(("127.0.0.1", self._port), timeout=120)
        if self._chance.random() < self._broken:
            self._line.sendall(frame[: self._chance.randrange(len(frame) + 1)])
            return False
        self._line.sendall(frame)
        return self._chance.random() >= self._broken and heard_aa(self._line)


def heard_aa(line: socket.socket) -> bool:
    frames = Frames()
    while received := line.recv(65536):
        if any(b"MSA|AA|" in answer for answer in frames.feed(received)):
            return True
    return False


def at_every_byte(port: int) -> int:
    """How many connections that was."""
    stream = framed(dictated(1)) + framed(dictated(2))
    for cut in range(len(stream) + 1):
        line = socket.create_connection(("127.0.0.1", port), timeout=120)
        line.sendall(stream[:cut])
        if cut % 2:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()
    last = Sender(port, random.Random(0), broken=0.0)
    for number in (1, 2):
        last.deliver(dictated(number))
    last.hang_up()
    return len(stream) + 1


def all_at_once(port: int, batches: Sequence[Sequence[bytes]], seed: int, broken: float) -> int:
    """Every sender its own messages in order; how many lines broke."""
    senders = [Sender(port, random.Random(seed + number), broken=broken) for number in range(len(batches))]
    together = threading.Barrier(len(senders))

    def send(number: int) -> None:
        together.wait()
        for message in batches[number]:
            senders[number].deliver(message)
        senders[number].hang_up()

    with ThreadPoolExecutor(len(senders)) as pool:
        list(pool.map(send, range(len(senders))))
    return sum(sender.broken for sender in senders)


def kept(books: Engine) -> Counter[bytes]:
    with reading(books) as session:
        return Counter(row.value for row in session.connection().execute(select(OUTBOX.c.value)))


def measured(doing: Callable[[], int]) -> tuple[int, float, float]:
    wall, work = time.monotonic(), time.process_time()
    number = doing()
    return number, time.monotonic() - wall, time.process_time() - work


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--messages", type=int, default=10, help="of each connection")
    parser.add_argument(
        "--broken", type=float, default=0.3, help="share of tries that break before, and again after, they are sent"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        books = open_database(f"sqlite:///{folder}/impresario.db")
        keeper = Keeper(books, lambda raw: list(read(raw)), topic=TOPIC)
        size, each = asked.connections, asked.messages
        numbers = range(10, 10 + 2 * size * each)
        messages = [dictated(number) for number in numbers]
        first, second = ([messages[n * each : (n + 1) * each] for n in range(part * size, (part + 1) * size)] for part in (0, 1))
        with Door(keeper.answers_to, host="127.0.0.1", port=0) as door:
            cuts, _, _ = measured(lambda: at_every_byte(door.port))
            broken, wall, _ = measured(lambda: all_at_once(door.port, first, asked.seed, asked.broken))
            _, quiet_wall, quiet_work = measured(lambda: all_at_once(door.port, second, asked.seed, 0.0))
        there = kept(books)
        books.dispose()
    wanted = Counter([dictated(1), dictated(2), *messages])
    said = {
        "connections": size,
        "messages": wanted.total(),
        "cut_at_every_byte": cuts,
        "lines_broken": broken,
        "lost": (wanted - there).total(),
        "kept_twice_or_torn": (there - wanted).total(),
        "seconds_broken": round(wall, 1),
        "undisturbed_per_second": round(size * each / quiet_wall),
        "undisturbed_per_cpu_second": round(size * each / quiet_work),
    }
    print(json.dumps(said) if asked.json else "\n".join(f"{name:28} {value}" for name, value in said.items()))
    return 0 if not said["lost"] and not said["kept_twice_or_torn"] else 1


if __name__ == "__main__":
    sys.exit(main())
