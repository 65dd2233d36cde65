"""One scenario's own topics, database, model and agents on shared servers, and what every row of the fault matrix does with them."""

from __future__ import annotations

import contextlib
import random
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from bench.chaos_parts import (
    AgentProcess,
    ModelServer,
    Seen,
    seen_by_the_ris,
    send,
    settings_for,
    topics_named,
    wait_until,
)
from connectors.broker import BrokerAway, KafkaBroker
from connectors.topics import Topics
from demo import parts
from feedback.database import open_database, reading
from feedback.inbox import count_by_outcome
from feedback.outbox import count_waiting

PARTITIONS = 6
#: Seconds a row waits for what must come: a busy machine is slow, and only a stuck row waits so long.
PATIENCE = 400


class NotPlayed(Exception):
    """The fault did not happen, so the row proves nothing."""


def must(happened: bool, what: str) -> None:
    if not happened:
        raise NotPlayed(what)


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
        """As a RIS that tries again while the broker does not answer."""
        for _ in range(5):
            with contextlib.suppress(BrokerAway):
                return seen_by_the_ris(self.broker, self.topics)
            time.sleep(2)
        return seen_by_the_ris(self.broker, self.topics)

    def waits_for_drafts(self, number: int, seconds: float = PATIENCE) -> bool:
        return wait_until(lambda: self.sees().drafted >= number, seconds, 0.5)

    def waits_under_supervision(self, agents: list[AgentProcess], number: int, seconds: float = PATIENCE) -> bool:
        """For so many drafts, starting again whoever stops."""
        return wait_until(lambda: all(map(supervised, agents)) and self.sees().drafted >= number, seconds, 0.5)

    def close(self) -> None:
        self.model.close()
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

    wait_until(is_quiet, PATIENCE, 0.5)
    books.dispose()
    for agent in crew:
        if agent.is_running:
            agent.stop()
