"""A database older than Kafka: what it lost is read again, and nothing that was shown is shown twice."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, func, select

from bench.chaos_parts import ModelServer, dictated, topics_named, wait_until
from connectors.agent import Day, run
from connectors.broker import Message, Partition
from connectors.deliver.fhir import FhirForm
from connectors.restored import set_back
from connectors.twin import InMemoryBroker
from engine.vllm import VllmModel
from feedback.database import open_database, reading, transaction
from feedback.inbox import INBOX
from ingest.read import read

TOPICS = topics_named("restored")


@contextmanager
def a_day(broker: InMemoryBroker, books: Engine, model: ModelServer) -> Iterator[None]:
    """The agent at work for as long as the `with` lasts."""
    day = Day(
        broker=broker,
        books=books,
        model=VllmModel(model.url, "base"),
        reader=lambda raw, source, content_type: read(raw, content_type=content_type),
        promoted_for=lambda radiologist: None,
        forms=[FhirForm(TOPICS.impressions)],
        topics=TOPICS,
    )
    stop = threading.Event()
    agent = threading.Thread(target=run, args=(day, stop))
    agent.start()
    yield
    stop.set()
    agent.join(60)


def dictate(broker: InMemoryBroker, numbers: range) -> None:
    broker.publish([Message(TOPICS.reports, str(number).encode(), dictated(number), ()) for number in numbers])


def shown(broker: InMemoryBroker) -> list[tuple[str | None, bytes]]:
    return [(event.header("ce_id"), event.value) for event in broker.tail(TOPICS.impressions, None, 0)]


def stored(books: Engine) -> int:
    with reading(books) as session:
        return int(session.connection().execute(select(func.count()).where(INBOX.c.outcome.is_not(None))).scalar_one())


def copied(source: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(target)) as new:
        old.backup(new)


def test_what_a_restored_database_does_not_hold_is_read_again_and_shown_no_second_time(tmp_path: Path) -> None:
    broker, model = InMemoryBroker(), ModelServer()
    broker.prepare(TOPICS.all, 3)
    books = open_database(f"sqlite:///{tmp_path}/today.db")
    with a_day(broker, books, model):
        dictate(broker, range(10))
        assert wait_until(lambda: len(shown(broker)) == 10, 60)
    copied(tmp_path / "today.db", tmp_path / "an-hour-ago.db")
    with a_day(broker, books, model):
        dictate(broker, range(10, 20))
        assert wait_until(lambda: len(shown(broker)) == 20, 60)
    before = shown(broker)

    restored = open_database(f"sqlite:///{tmp_path}/an-hour-ago.db")
    with a_day(broker, restored, model):
        assert wait_until(lambda: stored(restored) == 20, 60)
        dictate(broker, range(20, 25))
        assert wait_until(lambda: len(shown(broker)) >= 25, 60)
    model.close()

    assert set(before) <= set(shown(broker))
    assert len({name for name, _ in shown(broker)}) == len(shown(broker)) == 25
    assert stored(restored) == 25


def test_a_database_that_holds_what_the_group_has_done_sets_nobody_back(tmp_path: Path) -> None:
    books = open_database(f"sqlite:///{tmp_path}/today.db")
    broker, model = InMemoryBroker(), ModelServer()
    broker.prepare(TOPICS.all, 3)
    with a_day(broker, books, model):
        dictate(broker, range(10))
        assert wait_until(lambda: len(shown(broker)) == 10, 60)
    model.close()
    done = dict(broker._groups["impresario"].committed)

    assert sum(done.values()) == 10
    assert set_back(done, books) == {}


def test_a_message_stored_and_never_finished_is_gone_back_for(tmp_path: Path) -> None:
    books = open_database(f"sqlite:///{tmp_path}/copy.db")
    with transaction(books) as session:
        for offset in (3, 4, 5):
            row = {"topic": "t", "partition": 1, "offset": offset, "sha256": "", "headers": [], "raw": b"", "starts": 1}
            outcome = None if offset == 4 else "report"
            session.connection().execute(INBOX.insert().values(**row, outcome=outcome, received_at=datetime.now(UTC)))

    assert set_back({Partition("t", 1): 6, Partition("t", 2): 0}, books) == {Partition("t", 1): 4}
    assert set_back({Partition("t", 1): 4}, books) == {}
