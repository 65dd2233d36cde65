"""The fault matrix: pull a plug, and find every report where it should be, once.

    python -m bench.chaos                        the whole matrix, sizes for a laptop
    python -m bench.chaos kill --reports 200 --kills 20 --database postgresql

Every row says what was done to whom and proves that it happened; the checks are the same for all: as many messages handled or set
aside as were sent, one draft id and one text per report on the topic, nothing repeated, in another order or left to send, and no
word of a report or name of a patient in logs, metrics, traces or headers. What a test proves already is played as that test.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import chaos_cluster as cluster
from bench import chaos_databases as databases
from bench import chaos_messages as messages
from bench import chaos_network as network
from bench import chaos_processes as processes
from bench import chaos_services as services
from bench.chaos_world import Kafka, NotPlayed, World, leaks, reordered
from demo import parts
from feedback.database import open_database, reading
from feedback.inbox import count_by_outcome
from feedback.outbox import count_waiting


@dataclass(frozen=True)
class Row:
    """One fault. `what` plays it and says how it is known that it happened; its docstring is what the table means by its name."""

    what: Callable[[World], str]
    database: str | None = None  #: the one kind of database that has this fault; else the one asked for
    brokers: int = 1


#: In the order of docs/delivery.md.
ROWS: dict[str, Row] = {
    "kill": Row(processes.kill),
    "two-agents": Row(processes.two_agents),
    "rolling-restart": Row(processes.rolling_restart),
    "storm": Row(processes.storm),
    "frozen": Row(processes.frozen, "postgresql"),
    "killer": Row(processes.killer),
    "no-files": Row(processes.no_files),
    "no-memory": Row(processes.no_memory),
    "promotion": Row(services.promotion),
    "broker-down": Row(services.broker_down),
    "all-dead": Row(services.all_dead),
    "topic-cut": Row(services.topic_cut),
    "leader-moved": Row(cluster.leader_moved, brokers=3),
    "few-replicas": Row(cluster.few_replicas, brokers=3),
    "model-ill": Row(services.model_ill),
    "ack-lost": Row(network.ack_lost, "postgresql"),
    "black-hole": Row(network.black_hole, "postgresql"),
    "bad-line": Row(network.bad_line, "postgresql"),
    "database-crash": Row(databases.database_crash, "postgresql"),
    "failover": Row(databases.failover, "pair"),
    "no-connections": Row(databases.no_connections, "postgresql"),
    "disk-full": Row(databases.disk_full, "sqlite"),
    "power-cut": Row(databases.power_cut, "sqlite"),
    "stale-database": Row(databases.stale_database, "sqlite"),
    "twice": Row(messages.twice),
    "out-of-order": Row(messages.out_of_order),
    "poison": Row(messages.poison),
    "backlog": Row(messages.backlog),
}

#: Faults that tests play on real parts or at exact moments, by the row's name.
TESTS: dict[str, Sequence[str]] = {
    "schedules": ("tests/integration/test_connectors_simulation.py",),
    "adapters-lost": ("tests/integration/test_engine_vllm.py", "tests/integration/test_engine_faults.py"),
    "night-killed": (
        "tests/integration/test_trainer_night.py",
        "tests/unit/test_trainer_nightly.py",
        "tests/unit/test_shelf_adapters.py",
    ),
    "papers": ("tests/integration/test_connectors_kafka_security.py",),
    "mllp-lines": ("tests/integration/test_connectors_mllp_lines.py", "tests/integration/test_connectors_mllp_door.py"),
}


@dataclass(frozen=True)
class Result:
    """One row of the table. `proof` says how it is known that the fault happened."""

    scenario: str
    proof: str
    was_played: bool
    sent: int
    handled: int
    drafted: int
    dead_letters: int
    second_drafts: int
    repeated: int
    reordered: int
    unhandled: int
    unsent: int
    leaks: int
    recovered: float | None  #: the longest of its recoveries, in seconds
    seconds: float

    @property
    def holds(self) -> bool:
        wrong = (self.second_drafts, self.repeated, self.reordered, self.unhandled, self.unsent, self.leaks)
        is_all_there = self.drafted + self.dead_letters == self.sent <= self.handled
        return self.was_played and not any(wrong) and is_all_there


def play(name: str, world: World) -> Result:
    """One row from start to check."""
    try:
        proof, was_played = ROWS[name].what(world), True
    except NotPlayed as reason:
        proof, was_played = str(reason), False
    books = open_database(world.database)
    with reading(books) as session:
        kept, unsent = count_by_outcome(session), count_waiting(session)
    seen = world.sees()
    in_disorder, leaking = reordered(books, world.topics.impressions, seen), leaks(world, seen)
    books.dispose()
    return Result(
        scenario=name,
        proof=proof + "".join(f"; LEAK in {where}" for where in leaking),
        was_played=was_played,
        sent=world.sent,
        handled=sum(kept.values()) - kept.get("waiting", 0),
        drafted=seen.drafted,
        dead_letters=kept.get("unreadable", 0),
        second_drafts=seen.second_drafts,
        repeated=seen.repeated,
        reordered=in_disorder,
        unhandled=kept.get("waiting", 0),
        unsent=unsent,
        leaks=len(leaking),
        recovered=round(max(world.recoveries), 1) if world.recoveries else None,
        seconds=round(time.monotonic() - world.started, 1),
    )


def run_tests(name: str) -> bool:
    """A row that tests play: holds when none fails and none is skipped."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS[name]]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    said = (answer.stdout.strip().splitlines() or ["nothing"])[-1].strip("= ")
    held = answer.returncode == 0 and "skipped" not in said
    print(
        f"{'holds' if held else 'FAILS'}  {name:16} {said} ({' '.join(TESTS[name])}), {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return held


class Brokers:
    """The Kafka of each row: one broker for most, three for some; those a row does not want rest."""

    def __init__(self, folder: Path, closing: ExitStack) -> None:
        self._folder, self._closing = folder, closing
        self._running: dict[int, Kafka] = {}

    def so_many(self, number: int) -> Kafka:
        if number not in self._running:
            kafka: Kafka = (
                network.DoorToKafka(self._folder / "kafka") if number == 1 else cluster.KafkaCluster(self._folder / "cluster")
            )
            self._closing.callback(kafka.stop)
            self._running[number] = kafka
        for others in self._running.keys() - {number}:
            self._running[others].stop()
        self._running[number].start()
        return self._running[number]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS, *TESTS], help="default: all")
    parser.add_argument("--reports", type=int, default=60)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--outage", type=float, default=60, help="seconds a broker is away for long")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--keep", type=Path, help="keep logs and databases in this folder")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()

    began, held, names = time.monotonic(), 0, asked.rows or [*ROWS, *TESTS]
    print(f"seed {asked.seed}, {asked.reports} reports a row, {asked.kills} kills, {asked.database}", flush=True)
    with ExitStack() as closing:
        folder = asked.keep or Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="impresario-chaos-")))
        brokers = Brokers(folder.absolute(), closing)
        for name in names:
            if name in TESTS:
                held += run_tests(name)
                continue
            try:
                result = play_in(folder.absolute() / name, name, brokers, asked)
            except parts.PartMissing as reason:
                print(reason, file=sys.stderr)
                return 3
            except Exception:  # noqa: BLE001  the other rows are played all the same
                traceback.print_exc()
                print(f"FAILS  {name:16} (see the fault above)", flush=True)
                continue
            held += result.holds
            print(json.dumps(asdict(result)) if asked.json else line(result), flush=True)
    print(f"{held} of {len(names)} rows hold, {time.monotonic() - began:.0f} s")
    return 0 if held == len(names) else 1


def play_in(place: Path, name: str, brokers: Brokers, asked: argparse.Namespace) -> Result:
    """One row with its database, its topics and the brokers it wants."""
    place.mkdir(parents=True)
    with databases.KINDS[ROWS[name].database or asked.database](place) as database:
        kafka = brokers.so_many(ROWS[name].brokers)
        world = World(kafka, database, place, random.Random(asked.seed), asked.reports, asked.kills, asked.outage)
        try:
            return play(name, world)
        finally:
            world.close()


def line(result: Result) -> str:
    mark = "holds" if result.holds else "FAILS"
    back = "" if result.recovered is None else f"back in {result.recovered:.1f} s  "
    return (
        f"{mark}  {result.scenario:16} sent {result.sent:5}  handled {result.handled:5}  drafted {result.drafted:5}  dead "
        f"{result.dead_letters:3}  second {result.second_drafts}  repeated {result.repeated}  reordered {result.reordered}  unhandled "
        f"{result.unhandled}  unsent {result.unsent}  leaks {result.leaks}  {back}{result.seconds:6.1f} s  ({result.proof})"
    )


if __name__ == "__main__":
    sys.exit(main())
