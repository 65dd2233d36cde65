"""What is ready is written together, and claims run out by a clock that cannot jump."""

from __future__ import annotations

import resource
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from connectors.agent import Thought, Work, commit, read, settle, store, think
from connectors.broker import Event, Message
from connectors.courier import LEASE, Courier, Delivery
from connectors.crew import Crew
from connectors.deadletters import Limit, TooManyDeadLetters
from connectors.deliver import ACCEPTED, Answer
from connectors.lanes import Lanes
from connectors.outbox import Relay
from connectors.progress import Progress
from connectors.twin import InMemoryBroker
from feedback.capture import record_version
from feedback.database import DatabaseRefused, DatabaseUnavailable, DiskFailed, transaction
from feedback.inbox import count_by_outcome
from feedback.outbox import Outgoing, Waiting, count_waiting, send
from feedback.sqlite_log import ROOM, log_kept_short
from ingest.report import Report
from tests.fakes.model import ScriptedModel
from tests.unit.test_connectors_agent import DRAFT, FINDINGS, TOPICS, Hospital

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def hospital(books: Engine) -> Hospital:
    return Hospital(books, ScriptedModel(lambda prompt, adapter, n: [DRAFT] * n))


def thought_of(hospital: Hospital) -> list[Thought]:
    """Everything on the reports topic, stored, read and thought about."""
    events = hospital.topic(TOPICS.reports)
    arrivals = store(events, hospital.day)
    works = [Work(event, one, tuple(read(event, hospital.day))) for event, one in zip(events, arrivals, strict=True)]
    return [think(work, hospital.day) for work in works]


def outcomes(books: Engine) -> dict[str, int]:
    with transaction(books) as session:
        return count_by_outcome(session)


def test_messages_that_are_ready_share_one_transaction(hospital: Hospital, books: Engine) -> None:
    hospital.sends(*[FINDINGS | {"accession": f"A{number}"} for number in range(5)])
    thoughts = thought_of(hospital)
    opened: list[Engine] = []

    @contextmanager
    def counted(engine: Engine, *, waits_for_disk: bool) -> Iterator[Session]:
        opened.append(engine)
        with transaction(engine, waits_for_disk=waits_for_disk) as session:
            yield session

    with patch("connectors.agent.transaction", counted):
        settle(thoughts, hospital.day)

    assert len(opened) == 1
    assert outcomes(books) == {"report": 5}


def test_the_one_message_that_breaks_the_transaction_is_set_aside_and_the_others_are_drafted(
    hospital: Hospital, books: Engine
) -> None:
    hospital.sends(*[FINDINGS | {"accession": f"A{number}"} for number in range(5)])
    thoughts = thought_of(hospital)
    (poisoned,) = thoughts[2].work.reports

    def refused(session: Session, report: Report, *, arrival_id: int | None, at: datetime) -> bool:
        if report.id == poisoned.id:
            raise DatabaseRefused("the database refused a row")
        return record_version(session, report, arrival_id=arrival_id, at=at)

    with patch("connectors.agent.record_version", refused):
        settle(thoughts, hospital.day)

    assert outcomes(books) == {"report": 4, "unreadable": 1}
    with transaction(books) as session:
        assert count_waiting(session) == 4 * 2 + 1  # two forms of each draft, and one dead letter


def test_settling_the_same_messages_again_changes_nothing(hospital: Hospital, books: Engine) -> None:
    hospital.sends(FINDINGS, FINDINGS | {"accession": "ACC2"})
    thoughts = thought_of(hospital)

    settle(thoughts, hospital.day)
    settle(thoughts, hospital.day)

    with transaction(books) as session:
        assert count_waiting(session) == 4


def test_no_more_is_set_aside_at_once_than_the_limit_allows() -> None:
    limit = Limit(0.5, 3)

    assert limit.until_too_much([True, False, True, True, True, True]) == 5
    assert limit.until_too_much([True, False] * 10) == 20
    limit.count(True, "truncated")
    limit.count(True, "truncated")
    assert limit.until_too_much([True, True]) == 1
    with pytest.raises(TooManyDeadLetters):
        limit.count(True, "truncated")


class Timer:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class DyingBroker(InMemoryBroker):
    def publish(self, messages: Sequence[Message]) -> list[tuple[int, int]]:
        raise KeyboardInterrupt("the process dies here")


class WatchedBroker(InMemoryBroker):
    """Counts how often the end of a topic was looked at."""

    looks = 0

    def tail(self, topic: str, since: datetime | None, at_least: int) -> list[Event]:
        self.looks += 1
        return super().tail(topic, since, at_least)


def draft_of(number: int) -> Outgoing:
    name = f"draft-{number}"
    return Outgoing(name, TOPICS.impressions, b"report", (("ce_id", name.encode()),), b"{}")


def test_a_draft_whose_claim_went_with_the_power_is_found_on_its_topic_and_not_sent_again(books: Engine) -> None:
    broker, sent = WatchedBroker(), draft_of(1)
    with transaction(books) as session:
        send(session, [sent], datetime.now(UTC))
    broker.publish([Message(sent.topic, sent.key, sent.value, sent.headers)])

    noted = Relay(books, broker, our_topics=TOPICS.ours).send_some()

    assert noted == 1
    assert len(broker.tail(TOPICS.impressions, None, 0)) == 1


def test_what_is_stored_while_a_relay_runs_is_sent_without_looking_first(books: Engine) -> None:
    broker = WatchedBroker()
    relay = Relay(books, broker, our_topics=TOPICS.ours)
    relay.send_some()
    with transaction(books) as session:
        send(session, [draft_of(1)], datetime.now(UTC))

    relay.send_some()

    assert broker.looks == 0
    assert len(broker.tail(TOPICS.impressions, None, 0)) == 1


def test_a_draft_is_on_the_disk_before_anybody_is_shown_it(books: Engine) -> None:
    happened: list[str] = []

    class Showing(InMemoryBroker):
        def publish(self, messages: Sequence[Message]) -> list[tuple[int, int]]:
            happened.append("shown")
            return super().publish(messages)

    with transaction(books, waits_for_disk=False) as session:
        send(session, [draft_of(1)], datetime.now(UTC))

    with patch("feedback.database.os.fsync", lambda file: happened.append(str(Path(f"/proc/self/fd/{file}").readlink()))):
        Relay(books, Showing(), our_topics=TOPICS.ours).send_some()

    assert happened == [f"{books.url.database}-wal", "shown"]


def test_what_is_done_is_on_the_disk_before_its_offset_is_committed(hospital: Hospital, books: Engine) -> None:
    happened: list[str] = []
    hospital.sends(FINDINGS)
    progress, (thought,) = Progress(), thought_of(hospital)
    settle([thought], hospital.day)
    progress.take([thought.work.event])
    progress.finish(thought.work.event)

    class Committing:
        def commit(self, offsets: object) -> bool:
            happened.append("committed")
            return True

    with patch("feedback.database.os.fsync", lambda _: happened.append("on the disk")):
        commit(Committing(), progress, hospital.day)  # type: ignore[arg-type]  # as much of a feed as is asked

    assert happened == ["on the disk", "committed"]


@pytest.mark.parametrize("waits", [True, False])
def test_only_what_must_outlive_the_power_waits_for_the_disk(books: Engine, waits: bool) -> None:
    synced: list[int] = []

    with patch("feedback.database.os.fsync", synced.append), transaction(books, waits_for_disk=waits) as session:
        send(session, [draft_of(1)], NOON)

    assert bool(synced) is waits


def test_a_disk_that_fails_is_said_in_one_sentence(books: Engine) -> None:
    with (
        patch("feedback.database.os.fsync", side_effect=OSError(5, "Input/output error")),
        pytest.raises(DatabaseUnavailable, match="look at the disk"),
        transaction(books) as session,
    ):
        send(session, [draft_of(1)], NOON)


def test_a_log_is_as_long_as_it_will_be_before_anybody_waits_for_it(books: Engine) -> None:
    log = Path(f"{books.url.database}-wal")
    with transaction(books) as session:
        send(session, [draft_of(1)], NOON)

    with log_kept_short(books, 60):
        long = log.stat().st_size
        with transaction(books) as session:
            send(session, [draft_of(2)], NOON)
        still = log.stat().st_size

    assert long == still == ROOM
    with sqlite3.connect(str(books.url.database)) as another:  # another process, which reads the log from its start
        assert another.execute("SELECT count(*) FROM outbox").fetchone() == (2,)


def test_a_disk_without_room_for_a_long_log_leaves_it_as_it_was(books: Engine) -> None:
    with transaction(books) as session:
        send(session, [draft_of(1)], NOON)
    limits, length = resource.getrlimit(resource.RLIMIT_FSIZE), Path(f"{books.url.database}-wal").stat().st_size

    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with log_kept_short(books, 60):
            assert Path(f"{books.url.database}-wal").stat().st_size == length
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_log_that_grew_long_begins_anew_while_others_write(books: Engine) -> None:
    log = Path(f"{books.url.database}-wal")
    with patch("feedback.sqlite_log.LONG_LOG", 100_000), patch("feedback.sqlite_log.ROOM", 0), log_kept_short(books, 0.01):
        for number in range(4_000):  # the thread that carries it over has its turn some time
            with transaction(books, waits_for_disk=False) as session:
                send(session, [replace(draft_of(number), value=bytes(20_000))], NOON)
            time.sleep(0.005)
            if number > 100 and log.stat().st_size < number * 20_000 / 2:
                break

    assert log.stat().st_size < number * 20_000 / 2


@pytest.mark.parametrize("wrong_by", [timedelta(hours=-2), timedelta(0), timedelta(hours=2)])
def test_a_dead_relays_claim_is_over_after_its_lease_whatever_the_wall_clock_says(books: Engine, wrong_by: timedelta) -> None:
    timer = Timer()
    with transaction(books) as session:
        send(session, [Outgoing("draft", TOPICS.impressions, b"report", (("ce_id", b"draft"),), b"{}")], NOON)
    dead = Relay(books, DyingBroker(), our_topics=TOPICS.ours, clock=lambda: NOON, timer=timer)
    with pytest.raises(KeyboardInterrupt):
        dead.send_some()
    heir = Relay(books, InMemoryBroker(), our_topics=TOPICS.ours, clock=lambda: NOON + wrong_by, timer=timer)

    at_once = heir.send_some()
    timer.seconds += 9
    later = heir.send_some()

    assert (at_once, later) == (0, 1)


class Phone:
    """A line to a system that takes everything; or whose caller dies in mid-sentence."""

    def __init__(self, *, dies: bool = False) -> None:
        self.dies = dies
        self.said: list[str] = []

    def say(self, message: Waiting) -> Answer:
        if self.dies:
            raise KeyboardInterrupt("the process dies here")
        self.said.append(message.id)
        return ACCEPTED

    def hang_up(self) -> None:
        """Nothing to let go of."""

    def greet(self) -> str:
        return "a test"


@pytest.mark.parametrize("wrong_by", [timedelta(hours=-2), timedelta(0), timedelta(hours=2)])
def test_a_dead_couriers_claim_is_over_after_its_lease_whatever_the_wall_clock_says(books: Engine, wrong_by: timedelta) -> None:
    timer, phone = Timer(), Phone()
    with transaction(books) as session:
        send(session, [Outgoing("draft", "delivery:ris", b"report", (), b"{}")], NOON)
    with pytest.raises(KeyboardInterrupt):
        Courier(books, Delivery("ris", Phone(dies=True)), clock=lambda: NOON, timer=timer).carry_one()
    heir = Courier(books, Delivery("ris", phone), clock=lambda: NOON + wrong_by, timer=timer)

    heir.carry_one()
    at_once = len(phone.said)
    timer.seconds += LEASE.total_seconds() + 1
    heir.carry_one()

    assert (at_once, len(phone.said)) == (0, 1)


def test_a_living_relays_claim_is_respected_for_as_long_as_it_is_renewed(books: Engine) -> None:
    timer = Timer()
    with transaction(books) as session:
        send(session, [Outgoing("draft", TOPICS.impressions, b"report", (), b"{}")], NOON)
    busy = Relay(books, DyingBroker(), our_topics=TOPICS.ours, clock=lambda: NOON + timedelta(seconds=timer.seconds), timer=timer)
    with pytest.raises(KeyboardInterrupt):
        busy.send_some()
    other = Relay(books, InMemoryBroker(), our_topics=TOPICS.ours, clock=lambda: NOON + timedelta(hours=1), timer=timer)

    for _ in range(20):
        timer.seconds += 2
        assert busy._renew()
        assert other.send_some() == 0


def test_a_relay_and_a_courier_do_not_try_again_on_a_disk_that_failed(books: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedback.database._FAILED", set())
    phone, broker = Phone(), WatchedBroker()
    with transaction(books) as session:
        send(session, [draft_of(1), Outgoing("draft", "delivery:ris", b"report", (), b"{}")], NOON)

    with patch("feedback.database.os.fsync", side_effect=OSError(5, "Input/output error")), pytest.raises(DiskFailed):
        Relay(books, broker, our_topics=TOPICS.ours).run_until(threading.Event(), 0)
    with pytest.raises(DiskFailed):
        Courier(books, Delivery("ris", phone)).run(threading.Event())

    assert (phone.said, broker.tail(TOPICS.impressions, None, 0)) == ([], [])


def test_a_courier_waits_for_the_disk_before_it_speaks_and_not_when_there_is_nothing_to_say(books: Engine) -> None:
    synced: list[int] = []
    courier = Courier(books, Delivery("ris", Phone(dies=True)))

    with patch("feedback.database.os.fsync", synced.append):
        courier.carry_one()
        idle = len(synced)
        with transaction(books, waits_for_disk=False) as session:
            send(session, [Outgoing("draft", "delivery:ris", b"report", (), b"{}")], NOON)
        with pytest.raises(KeyboardInterrupt):
            courier.carry_one()

    assert (idle, len(synced)) == (0, 1)


class Sender:
    """As much of a relay as a crew asks for; it fails in its last round."""

    released = False

    def run(self, stop: threading.Event) -> None:
        stop.wait()
        raise DatabaseUnavailable("in the last round")

    def keep_claims(self, stop: threading.Event) -> None:
        stop.wait()

    def wake(self) -> None:
        """Nobody sleeps."""

    def release(self) -> None:
        self.released = True


def test_a_relay_that_fails_in_its_last_round_is_told() -> None:
    sender = Sender()

    with (
        pytest.raises(DatabaseUnavailable, match="last round"),
        Crew[str, str](Lanes(1, 1.0), str, lambda _: None, sender, hands=1) as crew,  # type: ignore[arg-type]  # see Sender
    ):
        crew.finish()

    assert sender.released


def test_after_a_failure_no_hand_writes() -> None:
    written: list[Sequence[str]] = []

    def breaks(thoughts: Sequence[str]) -> None:
        written.append(thoughts)
        raise DatabaseUnavailable("gone")

    crew = Crew[str, str](Lanes(1, 1.0), str, breaks, Sender(), hands=1)  # type: ignore[arg-type]  # see Sender
    for thought in "ab":
        crew._ready.append((thought, thought))
        with suppress(DatabaseUnavailable):
            crew._write()

    assert written == [["a"]]
    with pytest.raises(DatabaseUnavailable):
        crew.raise_if_failed()
