"""The relay's own thread: woken by what is stored, and noting what it sent though nothing more comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from connectors.outbox import Relay
from connectors.twin import InMemoryBroker
from feedback.database import reading, transaction
from feedback.outbox import Outgoing, count_waiting, send

TOPIC = "radiology.impressions"


@pytest.fixture
def broker() -> InMemoryBroker:
    kept = InMemoryBroker()
    kept.prepare([TOPIC], 1)
    return kept


@contextmanager
def running(relay: Relay) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        relay.wake()
        thread.join(10)
    assert not thread.is_alive()


def store(books: Engine, *drafts: str) -> None:
    with transaction(books) as session:
        send(session, [Outgoing(draft, TOPIC, b"R1", (("ce_id", draft.encode()),), b"{}") for draft in drafts], datetime.now(UTC))


def waiting(books: Engine) -> int:
    with reading(books) as session:
        return count_waiting(session)


def within_ten_seconds(is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not is_so() and time.monotonic() < until:
        time.sleep(0.01)
    return is_so()


def test_a_draft_that_was_sent_is_noted_though_no_other_follows(books: Engine, broker: InMemoryBroker) -> None:
    relay = Relay(books, broker, our_topics=[TOPIC])

    with running(relay):
        store(books, "D1")
        relay.wake()
        is_noted = within_ten_seconds(lambda: waiting(books) == 0)

    assert is_noted
    assert len(broker.tail(TOPIC, None, 0)) == 1


def test_a_draft_another_process_stored_is_sent_without_a_word_to_us(books: Engine, broker: InMemoryBroker) -> None:
    with running(Relay(books, broker, our_topics=[TOPIC])):
        store(books, "D1")

        assert within_ten_seconds(lambda: len(broker.tail(TOPIC, None, 0)) == 1)


def test_a_relay_that_is_told_to_stop_sends_and_notes_what_is_stored(books: Engine, broker: InMemoryBroker) -> None:
    relay = Relay(books, broker, our_topics=[TOPIC])

    with running(relay):
        store(books, *(f"D{number}" for number in range(500)))

    assert waiting(books) == 0
    assert [event.header("ce_id") for event in broker.tail(TOPIC, None, 0)] == [f"D{number}" for number in range(500)]


def test_a_lone_draft_costs_the_relay_one_transaction(
    books: Engine, broker: InMemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    go_on = Relay._go_on
    monkeypatch.setattr(Relay, "_go_on", lambda relay: turns.append(1) or go_on(relay))  # type: ignore[func-returns-value]
    relay = Relay(books, broker, our_topics=[TOPIC])
    wait = relay._stored.wait
    monkeypatch.setattr(relay._stored, "wait", lambda seconds: wait(10))  # on a slow machine its own beat would be counted

    with running(relay):
        for number in range(5):
            store(books, f"D{number}")
            relay.wake()
            assert within_ten_seconds(lambda so_many=number + 1: len(broker.tail(TOPIC, None, 0)) == so_many)  # type: ignore[misc]

    assert len(turns) <= 5 + 2  # the last one notes and finds nothing, as does the stop
