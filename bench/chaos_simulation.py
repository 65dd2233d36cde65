"""A day played thousands of times on a clock of its own: the agent's own code on the twin of Kafka and a real SQLite file.

    python -m bench.chaos_simulation --schedules 2000 [--seed 0] [--processes 2] [--bug commit-before-store]

A seed decides what comes next: a message, a turn of one of two agents, a crash between any two steps, a pause in the middle of
sending, a rebalance, time going on, the clock of one host jumping by up to two hours. Then everything is let run to its end, and the promises of docs/delivery.md are checked. A
seed that breaks one is printed, and replays. `--bug` plants a known mistake, to see that it would be found.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import multiprocessing
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import Engine
from sqlmodel import Session

from bench.chaos_promises import broken_promises
from bench.chaos_schedule import World
from feedback.database import open_database, transaction

#: Schedules that share one database file: small tables are quick.
A_FILE = 500
BUGS = ("none", "commit-before-store", "publish-before-store", "no-read-back", "no-lease-check", "wall-clock-lease")


@contextmanager
def crashing_transactions(current: list[World]) -> Iterator[None]:
    """Die before and after any commit of the agent and the relay; pause after a commit, with no transaction open."""

    @contextmanager
    def dying(books: Engine, *, waits_for_disk: bool = True) -> Iterator[Session]:
        with transaction(books, waits_for_disk=waits_for_disk) as session:
            yield session
            current[0].may_crash()
        current[0].may_crash()
        current[0].may_pause()

    with (
        patch("connectors.agent.transaction", dying),
        patch("connectors.outbox.transaction", dying),
        patch("connectors.agent.write_impression", lambda report, model, **_: model.write(report)),
        patch("connectors.agent.critical", lambda *_: []),
    ):
        yield


def play(books: Engine, look: sqlite3.Connection, seed: int, bug: str, current: list[World]) -> tuple[list[str], int]:
    """One schedule: the promises it broke, and how many crashes it had."""
    world = World(books, look, seed, bug)
    current[:] = [world]
    for _ in range(world.chance.randrange(20, 80)):
        world.step()
    world.run_out()
    return broken_promises(world), world.crashes


@contextmanager
def quick_books(folder: Path) -> Iterator[tuple[Engine, sqlite3.Connection]]:
    """SQLite, and a second look at it."""
    books = open_database(f"sqlite:///{folder}/simulation.db")
    with contextlib.closing(sqlite3.connect(folder / "simulation.db", isolation_level=None)) as look:
        yield books, look
    books.dispose()


#: How many schedules were played, with how many crashes, and what the failing seeds broke.
Played = tuple[int, int, dict[int, list[str]]]


def simulate(schedules: int, first_seed: int, bug: str = "none", seconds: float = 1e9) -> Played:
    """Plays one seed after the other; stops after `seconds`, and at the first failure when a mistake is planted."""
    failures: dict[int, list[str]] = {}
    crashes = played = 0
    current: list[World] = []
    started = time.monotonic()
    # Here processes crash and the machine does not: no need to wait for a disk.
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    for first in range(first_seed, first_seed + schedules, A_FILE):
        with contextlib.ExitStack() as closing:
            folder = Path(closing.enter_context(tempfile.TemporaryDirectory(dir=memory)))
            closing.enter_context(crashing_transactions(current))
            books, look = closing.enter_context(quick_books(folder))
            for seed in range(first, min(first + A_FILE, first_seed + schedules)):
                broken, died = play(books, look, seed, bug, current)
                played, crashes = played + 1, crashes + died
                if broken:
                    failures[seed] = broken
                if time.monotonic() - started > seconds or (bug != "none" and failures):
                    return played, crashes, failures
    return played, crashes, failures


def simulate_in(processes: int, schedules: int, first_seed: int, bug: str, seconds: float) -> Played:
    """The same on several cores, each with its own stretch of seeds."""
    if processes == 1:
        return simulate(schedules, first_seed, bug, seconds)
    share = -(-schedules // processes)
    stretches = [(min(share, schedules - start), first_seed + start, bug, seconds) for start in range(0, schedules, share)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        parts = pool.starmap(simulate, stretches)
    failures = {seed: broken for _, _, failed in parts for seed, broken in failed.items()}
    return sum(played for played, _, _ in parts), sum(crashes for _, crashes, _ in parts), failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bug", choices=BUGS, default="none")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    started, worked = time.monotonic(), os.times()
    played, crashes, failures = simulate_in(asked.processes, asked.schedules, asked.seed, asked.bug, asked.seconds)
    for seed, broken in list(failures.items())[:20]:
        print(f"seed {seed}: {'; '.join(broken)}")
    now = os.times()
    cpu = sum(now[:4]) - sum(worked[:4])
    seeds = f"seeds from {asked.seed}, {played} schedules, {crashes} crashes, {len(failures)} broken promises"
    print(f"{seeds}, {time.monotonic() - started:.1f} s, {1000 * cpu / played:.1f} ms of CPU each")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
