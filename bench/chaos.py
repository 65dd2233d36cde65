"""The fault matrix: pull a plug, and find every report where it should be, once.

    python -m bench.chaos                        the whole matrix, sizes for a laptop
    python -m bench.chaos kill --reports 200 --kills 20 --database postgresql

Every row says what was done to whom and proves that it happened; the checks are the same for all: as many messages handled or set
aside as were sent, one draft id and one text per report on the topic, nothing repeated, nothing left to send.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import chaos_messages as messages
from bench import chaos_processes as processes
from bench import chaos_services as services
from bench.chaos_world import NotPlayed, World
from demo import parts
from feedback.database import open_database, reading
from feedback.inbox import count_by_outcome
from feedback.outbox import count_waiting


@dataclass(frozen=True)
class Result:
    """One row of the table. `proof` says how it is known that the fault happened."""

    scenario: str
    proof: str
    was_played: bool
    sent: int
    drafted: int
    second_drafts: int
    repeated: int
    dead_letters: int
    unhandled: int
    unsent: int
    seconds: float

    @property
    def holds(self) -> bool:
        wrong = (self.second_drafts, self.repeated, self.unhandled, self.unsent)
        return self.was_played and not any(wrong) and self.drafted + self.dead_letters == self.sent


#: Each row plays one fault, and says how it is known that it happened; its docstring is what the table means by its name.
SCENARIOS: dict[str, Callable[[World], str]] = {
    "kill": processes.kill,
    "two-agents": processes.two_agents,
    "rolling-restart": processes.rolling_restart,
    "storm": processes.storm,
    "frozen": processes.frozen,
    "killer": processes.killer,
    "disk-full": processes.disk_full,
    "no-files": processes.no_files,
    "broker-down": services.broker_down,
    "all-dead": services.all_dead,
    "topic-cut": services.topic_cut,
    "model-ill": services.model_ill,
    "database-crash": services.database_crash,
    "no-connections": services.no_connections,
    "twice": messages.twice,
    "out-of-order": messages.out_of_order,
    "poison": messages.poison,
}
#: Faults that only one kind of database has; the others are played on the one asked for.
DATABASES = {"disk-full": "sqlite", "database-crash": "postgresql", "no-connections": "postgresql"}


def play(name: str, world: World) -> Result:
    """One scenario from start to check."""
    try:
        proof, was_played = SCENARIOS[name](world), True
    except NotPlayed as reason:
        proof, was_played = str(reason), False
    books = open_database(world.database)
    with reading(books) as session:
        kept, unsent = count_by_outcome(session), count_waiting(session)
    books.dispose()
    seen = world.sees()
    return Result(
        scenario=name,
        proof=proof,
        was_played=was_played,
        sent=world.sent,
        drafted=seen.drafted,
        second_drafts=seen.second_drafts,
        repeated=seen.repeated,
        dead_letters=kept.get("unreadable", 0),
        unhandled=kept.get("waiting", 0),
        unsent=unsent,
        seconds=round(time.monotonic() - world.started, 1),
    )


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/impresario.db"
    else:
        with parts.postgres(folder / "postgres") as url:
            yield url


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", choices=[[], *SCENARIOS], help="default: all")
    parser.add_argument("--reports", type=int, default=160)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--keep", type=Path, help="keep logs and databases in this folder")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()

    results = []
    with tempfile.TemporaryDirectory(prefix="impresario-chaos-") as name:
        folder = asked.keep or Path(name)
        server = parts.KafkaServer(folder / "kafka")
        print(f"seed {asked.seed}, {asked.reports} reports a row, {asked.kills} kills, {asked.database}", flush=True)
        try:
            server.start()
            for scenario in asked.scenarios or SCENARIOS:
                place = folder / scenario
                place.mkdir(parents=True)
                with database_of(DATABASES.get(scenario, asked.database), place) as database:
                    world = World(server, database, place, random.Random(asked.seed), asked.reports, asked.kills)
                    result = play(scenario, world)
                    world.close()
                results.append(result)
                print(json.dumps(asdict(result)) if asked.json else row(result), flush=True)
        finally:
            server.stop()
    held = sum(result.holds for result in results)
    print(f"{held} of {len(results)} rows hold, {sum(result.seconds for result in results):.0f} s")
    return 0 if all(result.holds for result in results) else 1


def row(result: Result) -> str:
    mark = "holds" if result.holds else "FAILS"
    return (
        f"{mark}  {result.scenario:16} sent {result.sent:5}  drafted {result.drafted:5}  dead {result.dead_letters:3}  second "
        f"{result.second_drafts}  repeated {result.repeated}  unhandled {result.unhandled}  unsent {result.unsent}  "
        f"{result.seconds:6.1f} s  ({result.proof})"
    )


if __name__ == "__main__":
    sys.exit(main())
