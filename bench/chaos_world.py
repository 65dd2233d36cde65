"""One scenario's own topics, database, model and agents on shared servers, and what every row of the fault matrix does with them."""

from __future__ import annotations

import contextlib
import random
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, select

from bench.chaos_parts import (
    AgentProcess,
    ModelServer,
    Seen,
    TraceCollector,
    ending,
    seen_by_the_ris,
    send,
    settings_for,
    topics_named,
    wait_until,
)
from connectors.broker import BrokerAway
from connectors.kafka_broker import KafkaBroker
from connectors.topics import Topics
from feedback.database import open_database, reading
from feedback.inbox import count_by_outcome
from feedback.outbox import OUTBOX, count_waiting

PARTITIONS = 6
#: Seconds a row waits for what must come: a busy machine is slow, and only a stuck row waits so long.
PATIENCE = 400
#: Whatever of `chaos_parts.dictated` must be seen nowhere but in the database and in the messages themselves.
CANARIES = re.compile(
    rb"\bDOE\b|\bJANE\b|MRN\d{6}|ACC\d{6}|READER\^|pleural|pneumothorax|lungs are|acute abnormality|Normal chest"
)


class NotPlayed(Exception):
    """The fault did not happen, so the row proves nothing."""


def must(happened: bool, what: str) -> None:
    if not happened:
        raise NotPlayed(what)


class Kafka(Protocol):
    """One broker or several, which a row may take away and bring back."""

    bootstrap: str

    @property
    def is_running(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...


@dataclass
class World:
    """One scenario's own topics and database on shared servers."""

    kafka: Kafka
    database: str
    folder: Path
    chance: random.Random
    reports: int
    kills: int
    outage: float = 5.0  #: seconds a part is away
    topics: Topics = field(default_factory=lambda: topics_named(f"chaos-{uuid.uuid4().hex[:8]}"))
    model: ModelServer = field(default_factory=ModelServer)
    traces: TraceCollector = field(default_factory=TraceCollector)
    sent: int = 0
    started: float = field(default_factory=time.monotonic)
    recoveries: list[float] = field(
        default_factory=list
    )  #: seconds from the end of each fault to the draft of a report sent then
    metrics: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.broker = KafkaBroker(self.kafka.bootstrap)
        self.broker.prepare(self.topics.all, PARTITIONS)

    @property
    def settings(self) -> dict[str, str]:
        here = settings_for(self.topics, kafka=self.kafka.bootstrap, database=self.database, vllm=self.model.url)
        return here | {"TRACES": "otlp"}

    def agent(
        self,
        name: str,
        settings: Mapping[str, str] | None = None,
        limits: Mapping[int, int] | None = None,
        plain: Mapping[str, str] | None = None,
    ) -> AgentProcess:
        """One not started yet; `settings` replace those it would have."""
        own = self.settings | dict(settings or {})
        return AgentProcess(own, self.folder, name, limits=limits or {}, plain=self.traces.environment | dict(plain or {}))

    @contextmanager
    def agents(self, number: int, settings: Mapping[str, str] | None = None) -> Iterator[list[AgentProcess]]:
        """So many at work, none of which outlives the `with`."""
        crew = [self.agent(f"agent-{index}", settings) for index in range(number)]
        with ending(*crew):
            for one in crew:
                one.start()
            yield crew

    def sends(self, upto: int) -> None:
        """Reports numbered from the last sent up to `upto`."""
        upto = min(upto, self.reports)
        send(self.broker, self.topics, range(self.sent, upto))
        self.sent = upto

    def sends_one_more(self) -> None:
        """So that there is something to draft when everything is back."""
        self.reports += 1
        self.sends(self.sent + 1)

    def sees(self) -> Seen:
        """As a RIS that tries again while the broker does not answer."""
        for _ in range(20):
            with contextlib.suppress(BrokerAway):
                return seen_by_the_ris(self.broker, self.topics)
            time.sleep(2)
        return seen_by_the_ris(self.broker, self.topics)

    def waits_for_drafts(self, number: int, seconds: float = PATIENCE) -> bool:
        return wait_until(lambda: self.sees().drafted >= number, seconds, 0.5)

    def waits_under_supervision(self, agents: list[AgentProcess], number: int, seconds: float = PATIENCE) -> bool:
        """For so many drafts, starting again whoever stops."""
        return wait_until(lambda: all(map(supervised, agents)) and self.sees().drafted >= number, seconds, 0.5)

    def recovers(self, crew: list[AgentProcess]) -> float:
        """The fault is over: seconds until a report that is sent now, or one that waits, is drafted. Raises `NotPlayed` if none is."""
        back, already = time.monotonic(), self.sees().drafted
        self.sends_one_more()
        came = wait_until(lambda: all(map(supervised, crew)) and self.sees().drafted > already, PATIENCE, 0.1)
        must(came, "no draft after the fault was over")
        self.recoveries.append(time.monotonic() - back)
        return self.recoveries[-1]

    def close(self) -> None:
        self.model.close()
        self.traces.close()
        self.broker.close()


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

    wait_until(lambda: all(map(supervised, crew)) and is_quiet(), PATIENCE, 0.5)
    books.dispose()
    for agent in crew:
        if agent.is_running:
            world.metrics.append(agent.metrics)
            agent.stop()


def reordered(books: Engine, topic: str, seen: Seen) -> int:
    """Reports of which the topic tells the drafts in another order than the one they were stored in."""
    with reading(books) as session:
        rows = session.connection().execute(select(OUTBOX.c.number, OUTBOX.c.headers).where(OUTBOX.c.topic == topic)).all()
    numbers = {dict(row.headers)["ce_id"]: row.number for row in rows}
    told: dict[bytes | None, list[int]] = defaultdict(list)
    for event in seen.events:
        told[event.key].append(numbers.get(event.header("ce_id") or "", -1))
    return sum(order != sorted(order) for order in told.values())


def leaks(world: World, seen: Seen) -> list[str]:
    """Where words of a report or identifiers were seen though they must not be: files other than the database, metrics, traces, headers."""
    if not any(CANARIES.search(event.value) for event in seen.events):
        return ["nothing, for there was no canary to be found"]
    said = {"metrics": world.metrics, "traces": world.traces.said}
    for topic in (world.topics.impressions, world.topics.dead_letters, world.topics.events):
        said[f"headers of {topic}"] = [value for event in world.broker.tail(topic, None, 0) for _, value in event.headers]
    for file in files_of(world.folder):
        said[file.name] = [file.read_bytes(), str(file.relative_to(world.folder)).encode()]
    return [where for where, texts in said.items() if any(map(CANARIES.search, texts))]


def files_of(folder: Path) -> Sequence[Path]:
    """Every file an agent left but those of the database, which lie in `books`; a core file would be among them."""
    return [file for file in folder.rglob("*") if file.is_file() and "books" not in file.relative_to(folder).parts]
