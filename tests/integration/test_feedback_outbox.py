"""What is to leave: stored once, handed out in order, to one relay at a time, and handed out again when that one dies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from feedback.database import open_database, transaction
from feedback.outbox import Outgoing, Published, Waiting, count_waiting, mark_published, release, send, unpublished
from tests.integration.feedback_books import NOON, later

LEASE = timedelta(minutes=5)


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    where = f"sqlite:///{tmp_path}/books.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(where)
    yield engine
    engine.dispose()


def about(name: str, key: str = "report 1", topic: str = "radiology.impressions") -> Outgoing:
    return Outgoing(name, topic, key.encode(), (("ce_id", name.encode()),), f"words of {name}".encode())


def stored(books: Engine, *outgoing: Outgoing) -> None:
    with transaction(books) as session:
        send(session, outgoing, NOON)


def claim(books: Engine, worker: str, minute: float = 0, limit: int = 100, topics: list[str] | None = None) -> list[str]:
    with transaction(books) as session:
        waiting = unpublished(session, limit=limit, worker=worker, lease=LEASE, at=later(minute), topics=topics)
        return [dict(message.headers)["ce_id"].decode() for message in waiting]


def claimed(books: Engine, worker: str, minute: float = 0) -> list[Waiting]:
    with transaction(books) as session:
        return unpublished(session, limit=100, worker=worker, lease=LEASE, at=later(minute))


def test_the_same_message_stored_twice_leaves_once(books: Engine) -> None:
    stored(books, about("d1"))
    stored(books, about("d1"), about("d2"))

    assert claim(books, "relay") == ["d1", "d2"]


def test_a_days_messages_stored_at_once_are_each_stored_once_and_leave_in_their_order(books: Engine) -> None:
    names = [f"d{number}" for number in range(45)]
    stored(books, about("d7"))
    stored(books, *map(about, names), about("d7"))

    assert claim(books, "relay") == ["d7", *(name for name in names if name != "d7")]


def test_one_cause_may_leave_on_two_topics(books: Engine) -> None:
    stored(books, about("d1"), about("d1", topic="radiology.events"))

    assert claim(books, "relay", topics=["radiology.events"]) == ["d1"]
    assert claim(books, "relay") == ["d1", "d1"]


def test_a_message_leaves_as_the_bytes_that_were_stored(books: Engine) -> None:
    stored(books, Outgoing("d1", "t", None, (("binary", b"\x00\xff"),), b"\xff\x00 value"))

    (message,) = claimed(books, "relay")

    assert (message.key, message.headers, message.value) == (None, (("binary", b"\x00\xff"),), b"\xff\x00 value")
    assert (message.created_at, message.attempts) == (NOON, 1)


def test_what_one_relay_holds_no_other_is_given(books: Engine) -> None:
    stored(books, about("d1"), about("d2", key="report 2"))

    assert claim(books, "relay", limit=1) == ["d1"]
    assert claim(books, "other") == ["d2"]
    assert claim(books, "third") == []


def test_the_second_message_of_a_report_never_overtakes_the_first(books: Engine) -> None:
    stored(books, about("d1"), about("d2"))

    assert claim(books, "relay", limit=1) == ["d1"]
    assert claim(books, "other") == []
    assert claim(books, "relay") == ["d1", "d2"]


def test_a_dead_relays_messages_are_handed_to_the_next(books: Engine) -> None:
    stored(books, about("d1"))
    claim(books, "dead")

    assert claim(books, "other", minute=4.9) == []
    assert claim(books, "other", minute=5.1) == ["d1"]
    assert claimed(books, "other", minute=5.1)[0].attempts == 3


def test_a_relay_that_slept_through_its_lease_cannot_mark_what_another_took(books: Engine) -> None:
    stored(books, about("d1"))
    (message,) = claimed(books, "sleeper")
    claim(books, "other", minute=6)

    with transaction(books) as session:
        late = mark_published(session, [Published(message.id, 0, 1)], worker="sleeper", at=later(7))
        mine = mark_published(session, [Published(message.id, 0, 2)], worker="other", at=later(7))

    assert (late, mine) == (0, 1)


def test_what_was_published_is_not_handed_out_again(books: Engine) -> None:
    stored(books, about("d1"), about("d2"))
    first, _ = claimed(books, "relay")

    with transaction(books) as session:
        mark_published(session, [Published(first.id, 3, 14)], worker="relay", at=later(1))

    assert claim(books, "relay") == ["d2"]
    with transaction(books) as session:
        assert count_waiting(session) == 1
    stored(books, about("d1"))
    assert claim(books, "relay") == ["d2"]


def test_a_failed_delivery_waits_and_keeps_its_lane_waiting(books: Engine) -> None:
    stored(books, about("d1"), about("d2"), about("d3", key="report 2"))
    first = claimed(books, "relay")[0]

    with transaction(books) as session:
        release(session, [first.id], worker="relay", not_before=later(10))

    assert claim(books, "relay", minute=1) == ["d3"]
    assert claim(books, "relay", minute=11) == ["d1", "d2", "d3"]


def test_a_relay_that_stops_gives_back_what_it_held(books: Engine) -> None:
    stored(books, about("d1"))
    (message,) = claimed(books, "relay")

    with transaction(books) as session:
        release(session, [message.id], worker="relay")

    assert claim(books, "other") == ["d1"]


def test_four_relays_at_once_send_every_message_once_and_every_lane_in_order(books: Engine) -> None:
    stored(books, *(about(f"{number:03}", key=f"report {number % 7}") for number in range(120)))
    sent: list[tuple[str, str]] = []
    writing = threading.Lock()

    def relay(name: str) -> None:
        while True:
            with transaction(books) as session:
                waiting = unpublished(session, limit=5, worker=name, lease=LEASE, at=NOON)
            with writing:
                sent.extend(((message.key or b"").decode(), message.value.decode()) for message in waiting)
            with transaction(books) as session:
                mark_published(session, [Published(message.id) for message in waiting], worker=name, at=NOON)
                if not waiting and not count_waiting(session):
                    return

    relays = [threading.Thread(target=relay, args=(f"relay {number}",)) for number in range(4)]
    for one in relays:
        one.start()
    for one in relays:
        one.join()

    assert len(sent) == len(set(sent)) == 120
    for lane in range(7):
        words = [value for key, value in sent if key == f"report {lane}"]
        assert words == sorted(words)
