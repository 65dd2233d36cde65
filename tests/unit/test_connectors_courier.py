"""A courier with a system that asks for much, fails at one draft, or answers what nobody thought of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from sqlalchemy import Engine

from connectors.courier import Courier, Delivery
from connectors.deliver import ACCEPTED, Answer
from connectors.deliver.web import seconds_until
from feedback.database import reading, transaction
from feedback.outbox import Outgoing, Waiting, count_waiting, send

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


class System:
    """Answers as it is told to."""

    def __init__(self, answer: Callable[[Waiting], Answer]) -> None:
        self.answer = answer

    def say(self, message: Waiting) -> Answer:
        return self.answer(message)

    def hang_up(self) -> None:
        """Nothing is held."""

    def greet(self) -> str:
        return "there"


class Clock:
    """For the courier and its stop: a wait takes no time and moves the clock."""

    def __init__(self, waits: int = 100) -> None:
        self.now, self.waits, self._most = AT, list[float](), waits

    def __call__(self) -> datetime:
        return self.now

    def is_set(self) -> bool:
        return len(self.waits) >= self._most

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)
        return False


def stored(books: Engine, *names: str) -> None:
    with transaction(books) as session:
        send(session, [Outgoing(name, "delivery:ris", name.encode(), (), name.encode()) for name in names], AT)


def waiting(books: Engine) -> int:
    with reading(books) as session:
        return count_waiting(session)


def run(books: Engine, system: System, clock: Clock) -> None:
    stop: Event = clock  # type: ignore[assignment]  # as much of one as a courier asks
    Courier(books, Delivery("ris", system), clock=clock).run(stop)


def test_a_draft_that_breaks_the_system_each_time_does_not_keep_the_others_from_it(books: Engine) -> None:
    stored(books, "breaks it", "second", "third")
    taken: list[bytes] = []

    def answer(message: Waiting) -> Answer:
        if message.value == b"breaks it":
            return Answer("away", "it answered 502")
        taken.append(message.value)
        return ACCEPTED

    run(books, System(answer), Clock(40))

    assert taken == [b"second", b"third"]
    assert waiting(books) == 1


def test_a_system_that_is_really_away_is_asked_every_few_seconds_and_told_in_one_sentence(
    books: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    stored(books, "first", "second")
    clock = Clock()
    back = AT + timedelta(minutes=2)
    taken: list[bytes] = []

    def answer(message: Waiting) -> Answer:
        if clock.now < back:
            return Answer("away", "nobody listens there")
        taken.append(message.value)
        return ACCEPTED

    run(books, System(answer), clock)

    assert sorted(taken) == [b"first", b"second"] and max(clock.waits) <= 5
    assert [record.getMessage() for record in caplog.records] == ["ris is away: nobody listens there. Its drafts wait."]


def test_a_system_that_asks_for_a_day_is_asked_again_after_five_minutes(books: Engine) -> None:
    stored(books, "draft")
    clock = Clock(3)

    run(books, System(lambda message: Answer("away", "it answered 503", after=86_400.0)), clock)

    assert clock.waits == [300, 300, 300]


def test_a_fault_of_a_line_holds_back_its_own_report_and_says_no_word_of_it(
    books: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    stored(books, "CANARY", "second")
    taken: list[bytes] = []

    def answer(message: Waiting) -> Answer:
        if message.value == b"CANARY":
            raise KeyError(message.value.decode())
        taken.append(message.value)
        return ACCEPTED

    run(books, System(answer), Clock(5))

    assert taken == [b"second"] and waiting(books) == 1
    assert "a fault of ours: KeyError at line" in caplog.text and "CANARY" not in caplog.text


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("Sun, 01 Mar 2026 08:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 07:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("\u00b2", None),
        ("-5", None),
        ("9" * 400, 999_999_999),
    ],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(said: str, seconds: float | None) -> None:
    assert seconds_until(said, AT) == seconds
