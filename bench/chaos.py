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
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.chaos_parts import (
    AgentProcess,
    ModelServer,
    Seen,
    agents,
    dictated,
    seen_by_the_ris,
    send,
    settings_for,
    topics_named,
    wait_until,
)
from connectors.broker import KafkaBroker, Message
from connectors.topics import Topics
from demo import parts
from feedback.database import open_database, reading
from feedback.inbox import count_by_outcome
from feedback.outbox import count_waiting

PARTITIONS = 6


@dataclass
class World:
    """One scenario's own topics and database on shared servers."""

    kafka: parts.KafkaServer
    database: str
    folder: Path
    chance: random.Random
    reports: int
    kills: int
    topics: Topics = field(default_factory=lambda: topics_named(f"chaos-{uuid.uuid4().hex[:8]}"))
    model: ModelServer = field(default_factory=ModelServer)
    sent: int = 0
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.broker = KafkaBroker(self.kafka.bootstrap)
        self.broker.prepare(self.topics.all, PARTITIONS)

    @property
    def settings(self) -> dict[str, str]:
        return settings_for(self.topics, kafka=self.kafka.bootstrap, database=self.database, vllm=self.model.url)

    def sends(self, upto: int) -> None:
        """Reports numbered from the last sent up to `upto`."""
        upto = min(upto, self.reports)
        send(self.broker, self.topics, range(self.sent, upto))
        self.sent = upto

    def sees(self) -> Seen:
        return seen_by_the_ris(self.broker, self.topics)

    def waits_for_drafts(self, number: int, seconds: float = 180) -> bool:
        return wait_until(lambda: self.sees().drafted >= number, seconds, 0.5)

    def close(self) -> None:
        self.model.close()
        self.broker.close()


@dataclass(frozen=True)
class Result:
    """One row of the table. `proof` says how it is known that the fault happened."""

    scenario: str
    proof: str
    sent: int
    drafted: int
    second_drafts: int
    repeated: int
    dead_letters: int
    unhandled: int
    unsent: int
    seconds: float
    exit_status: int | None

    @property
    def holds(self) -> bool:
        wrong = (self.second_drafts, self.repeated, self.unhandled, self.unsent)
        return not any(wrong) and self.drafted + self.dead_letters == self.sent


def kill(world: World) -> str:
    """kill -9 the agent again and again while reports come in."""
    killed = 0
    with agents(1, world.settings, world.folder) as (agent,):
        for number in range(world.kills):
            before = world.sees().drafted
            world.sends((number + 1) * world.reports // world.kills)
            if number % 2:  # every other time in the middle of its work, else at any time, its start-up too
                wait_until(lambda before=before: world.sees().drafted > before, 60, 0.1)  # type: ignore[misc]
            time.sleep(world.chance.uniform(0.0, 2.0))
            if agent.is_running:
                agent.kill()
                killed += 1
            agent.start()
        world.waits_for_drafts(world.reports)
        settle(world, [agent])
    return f"{killed} SIGKILLs, {agent.starts} starts"


def two_agents(world: World) -> str:
    """Two agents share the partitions; one is killed in the middle of its work."""
    with agents(2, world.settings, world.folder) as (first, second):
        wait_until(lambda: "Partitions given" in first.log and "Partitions given" in second.log, 60)
        world.sends(world.reports // 2)
        world.waits_for_drafts(world.reports // 8)
        first.kill()
        world.sends(world.reports)
        world.waits_for_drafts(world.reports)
        settle(world, [second])
    moves = second.log.count("Partitions given to us")
    return f"one of two killed; the other was given partitions {moves} times"


def rolling_restart(world: World) -> str:
    """SIGTERM each of two agents in turn, under load."""
    statuses = []
    with agents(2, world.settings, world.folder) as crew:
        for _ in range(2):
            for agent in crew:
                world.sends(world.sent + world.reports // 4)
                wait_until(lambda agent=agent: agent.log.count("Partitions given") >= agent.starts, 60)  # type: ignore[misc]
                time.sleep(world.chance.uniform(0, 1))
                statuses.append(agent.stop())
                agent.start()
        world.sends(world.reports)
        world.waits_for_drafts(world.reports)
        settle(world, crew)
    return f"4 SIGTERMs, exit statuses {statuses}"


def frozen(world: World) -> str:
    """SIGSTOP an agent until the group has given its work to another; then let it go on as a zombie."""
    with agents(2, world.settings, world.folder) as (first, second):
        wait_until(lambda: "Partitions given" in first.log and "Partitions given" in second.log, 60)
        world.sends(world.reports)
        world.waits_for_drafts(world.reports // 8)
        first.signal(signal.SIGSTOP)
        # Frozen inside a transaction it may hold a lock of PostgreSQL, which ends its session after a minute; until then the other
        # stops with a sentence and is started again.
        wait_until(lambda: supervised(second) and world.sees().drafted >= world.reports, 180, 1)
        first.signal(signal.SIGCONT)
        time.sleep(5)
        supervised(second)
        settle(world, [first, second])
    return f"stopped until its work was done by the other; {second.log.count('Partitions given')} handovers"


def broker_down(world: World) -> str:
    """Kafka dies for five seconds under load, twice; a supervisor restarts the agent when it gives up."""
    with agents(1, world.settings, world.folder) as (agent,):
        for part in (1, 2):
            world.sends(part * world.reports // 2)
            enough = world.sent - world.reports // 4
            wait_until(lambda enough=enough: supervised(agent) and world.sees().drafted >= enough, 120, 0.5)  # type: ignore[misc]
            world.kafka.kill()
            time.sleep(5)
            world.kafka.start()
        wait_until(lambda: supervised(agent) and world.sees().drafted >= world.reports, 180, 1)
        settle(world, [agent])
    return f"broker killed twice; {agent.starts} starts of the agent"


def model_down(world: World) -> str:
    """The model answers 500 for a while, then works again: nothing waits for it, nothing is lost."""
    with agents(1, world.settings, world.folder) as (agent,):
        world.model.fails = True
        world.sends(world.reports // 2)
        world.waits_for_drafts(world.reports // 2)
        world.model.fails = False
        time.sleep(6)
        world.sends(world.reports)
        world.waits_for_drafts(world.reports)
        settle(world, [agent])
    kinds = [event.header("kind") for event in world.sees().events]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted({str(kind) for kind in kinds}))


def twice(world: World) -> str:
    """Every message comes twice, and then the whole day is sent again."""
    with agents(1, world.settings, world.folder) as (agent,):
        for _ in range(2):
            send(world.broker, world.topics, [number for number in range(world.reports) for _ in range(2)])
            world.waits_for_drafts(world.reports)
        world.sent = world.reports
        settle(world, [agent])
    return f"{4 * world.reports} messages for {world.reports} reports"


def poison(world: World) -> str:
    """One message in five is broken in one of several ways; the rest flows on."""
    broken = [
        b"",
        b"\x00" * 50,
        b"not a report",
        b'{"resourceType": "DiagnosticReport"',
        b"PID|1||no header",
        dictated(1)[:20],
        b"\xff\xfe\x00",
        b"[" * 5000,
        b"<xml/>",
        b"MSH|^~\\&|",
    ]
    with agents(1, world.settings, world.folder) as (agent,):
        messages = []
        for number in range(world.reports):
            messages.append(Message(world.topics.reports, str(number).encode(), dictated(number), ()))
            if number % 4 == 0:
                messages.append(Message(world.topics.reports, None, broken[number // 4 % len(broken)] or b" ", ()))
        world.broker.publish(messages)
        world.sent = len(messages)
        world.waits_for_drafts(world.reports)
        settle(world, [agent])
    return f"{len(messages) - world.reports} broken messages"


SCENARIOS: dict[str, Callable[[World], str]] = {
    "kill": kill,
    "two-agents": two_agents,
    "rolling-restart": rolling_restart,
    "frozen": frozen,
    "broker-down": broker_down,
    "model-down": model_down,
    "twice": twice,
    "poison": poison,
}


def supervised(agent: AgentProcess) -> bool:
    """Start it again if it has stopped, as compose or systemd do."""
    if not agent.is_running:
        agent.start()
    return True


def settle(world: World, crew: list[AgentProcess]) -> None:
    """Let everything handled be sent, then stop as an operator does."""
    books = open_database(world.database)

    def is_quiet() -> bool:
        with reading(books) as session:
            return count_waiting(session) == 0 and not count_by_outcome(session).get("waiting")

    wait_until(is_quiet, 90, 0.5)
    books.dispose()
    for agent in crew:
        if agent.is_running:
            agent.stop()


def play(name: str, world: World) -> Result:
    """One scenario from start to check."""
    proof = SCENARIOS[name](world)
    books = open_database(world.database)
    with reading(books) as session:
        kept, unsent = count_by_outcome(session), count_waiting(session)
    books.dispose()
    seen = world.sees()
    return Result(
        scenario=name,
        proof=proof,
        sent=world.sent,
        drafted=seen.drafted,
        second_drafts=seen.second_drafts,
        repeated=seen.repeated,
        dead_letters=kept.get("unreadable", 0),
        unhandled=kept.get("waiting", 0),
        unsent=unsent,
        seconds=round(time.monotonic() - world.started, 1),
        exit_status=None,
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
    parser.add_argument("--reports", type=int, default=100)
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
        try:
            server.start()
            for scenario in asked.scenarios or SCENARIOS:
                place = folder / scenario
                place.mkdir(parents=True)
                with database_of(asked.database, place) as database:
                    world = World(server, database, place, random.Random(asked.seed), asked.reports, asked.kills)
                    result = play(scenario, world)
                    world.close()
                results.append(result)
                print(json.dumps(asdict(result)) if asked.json else row(result), flush=True)
        finally:
            server.stop()
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
