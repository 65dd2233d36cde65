"""The room's desk as an operator meets it: one sentence, a status, and never a word of a report or a secret."""

from __future__ import annotations

import errno
import json
import logging
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from pydantic import ValidationError
from sqlalchemy import Engine
from typer.testing import CliRunner

from connectors import again, desk
from connectors.broker import BrokerAway, Message, OffsetsGone
from connectors.deadletters import TooManyDeadLetters
from connectors.doctor import printable_settings
from connectors.manners import JsonLines, Sentences, ending_in_one_sentence, say_what_ended
from connectors.twin import InMemoryBroker
from feedback.database import DatabaseUnavailable, open_database, reading, transaction
from feedback.inbox import Outcome, StoredMessage, count_by_outcome, record_arrival, record_outcome
from settings import Settings

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPRESARIO_DATABASE", "sqlite:///books.db")
    monkeypatch.setenv("IMPRESARIO_KAFKA", "127.0.0.1:1")
    books = open_database("sqlite:///books.db")
    with transaction(books) as session:
        for offset, code in enumerate(["no-identity", "no-identity", "truncated", None]):
            arrival = record_arrival(
                session,
                topic="radiology.reports",
                partition=0,
                offset=offset,
                key=b"K",
                headers=[("source", b"old")],
                raw=b"CANARYTEXT %d" % offset,
                content_type=None,
                source="old",
                at=AT,
            )
            record_outcome(session, arrival, "unreadable" if code else "report", at=AT, code=code)
    yield books
    books.dispose()


def asked(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(desk.app, list(words))
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.usefixtures("books")
def test_dead_letters_are_listed_by_code_and_place_without_a_word_of_them() -> None:
    status, out, _ = asked("dead-letters", "list", "--code", "no-identity", "--json")

    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [(row["id"], row["code"], row["offset"]) for row in rows] == [(1, "no-identity", 0), (2, "no-identity", 1)]
    assert "CANARY" not in out


@pytest.mark.usefixtures("books")
def test_a_dead_letter_shows_what_would_become_of_it_now_and_its_bytes_only_when_asked() -> None:
    status, out, _ = asked("dead-letters", "show", "3", "--json")
    assert status == 0
    assert json.loads(out)["now"][0]["outcome"] == "unreadable"
    assert "CANARY" not in out

    assert asked("dead-letters", "show", "3", "--raw")[1] == "CANARYTEXT 2"


@pytest.mark.usefixtures("books")
def test_a_number_that_is_no_dead_letter_is_a_polite_no() -> None:
    assert asked("dead-letters", "show", "4")[0] == 1
    status, _, err = asked("dead-letters", "show", "99")
    assert (status, err.strip()) == (1, "There is no dead letter 99: `impresario dead-letters list` prints those there are.")


@pytest.mark.usefixtures("books")
def test_requeueing_without_saying_which_is_refused() -> None:
    status, _, err = asked("dead-letters", "requeue")

    assert status == 2 and "--code" in err


def test_a_requeued_letter_goes_back_to_its_topic_with_the_mended_profile_and_is_no_dead_letter_any_more(books: Engine) -> None:
    broker = InMemoryBroker()

    done = again.requeue(books, broker, again.stored(books, outcome="unreadable", code="no-identity"), at=AT, source="mended")

    events = broker.tail("radiology.reports", None, 0)
    assert done == [1, 2]
    assert [(event.value, event.header("source"), event.key) for event in events] == [
        (b"CANARYTEXT 0", "mended", b"K"),
        (b"CANARYTEXT 1", "mended", b"K"),
    ]
    with reading(books) as session:
        assert count_by_outcome(session) == {"ignored": 2, "unreadable": 1, "report": 1}


def test_a_replay_repeats_originals_in_order_and_passes_over_copies(books: Engine) -> None:
    broker = InMemoryBroker(partitions=1)
    with transaction(books) as session:
        record_arrival(
            session,
            topic="radiology.reports",
            partition=0,
            offset=9,
            key=b"K",
            headers=[(again.COPY_OF, b"1")],
            raw=b"a copy",
            content_type=None,
            source=None,
            at=AT,
        )

    assert again.replay(broker, again.stored(books, topic="radiology.reports")) == 4

    assert [event.value for event in broker.tail("radiology.reports", None, 0)] == [b"CANARYTEXT %d" % n for n in range(4)]


class TopicWithAnAgent(InMemoryBroker):
    """An agent behind it stores at once what is published, and can read it or not."""

    def __init__(self, books: Engine, outcome: Outcome) -> None:
        super().__init__(partitions=1)
        self._books, self._outcome = books, outcome

    def publish(self, messages: Sequence[Message]) -> list[tuple[int, int]]:
        places = super().publish(messages)
        with transaction(self._books) as session:
            for one, (partition, offset) in zip(messages, places, strict=True):
                arrival = record_arrival(
                    session,
                    topic=one.topic,
                    partition=partition,
                    offset=1000 + offset,
                    key=one.key,
                    headers=one.headers,
                    raw=one.value,
                    content_type=None,
                    source=None,
                    at=AT,
                )
                record_outcome(session, arrival, self._outcome, at=AT, code="no-identity")
        return places


def test_letters_that_come_back_as_unreadable_as_before_are_not_requeued_for_ever(
    books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "BATCH", 1)
    broker = TopicWithAnAgent(books, "unreadable")

    done = again.requeue(books, broker, again.stored(books, outcome="unreadable", code="no-identity"), at=AT)

    assert done == [1, 2]


def test_a_requeue_whose_broker_goes_away_in_the_middle_is_finished_by_saying_it_again(
    books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "BATCH", 1)
    broker = InMemoryBroker()

    def letters() -> Iterator[StoredMessage]:
        for letter in again.stored(books, outcome="unreadable"):
            yield letter
            broker.away = True

    with pytest.raises(BrokerAway):
        again.requeue(books, broker, letters(), at=AT)
    with reading(books) as session:
        assert count_by_outcome(session) == {"ignored": 1, "unreadable": 2, "report": 1}
    broker.away = False

    assert again.requeue(books, broker, again.stored(books, outcome="unreadable"), at=AT) == [2, 3]
    assert len(broker.tail("radiology.reports", None, 0)) == 3


def test_a_replay_repeats_what_was_requeued_as_it_was_read_then(books: Engine) -> None:
    broker = TopicWithAnAgent(books, "report")
    again.requeue(books, broker, again.stored(books, code="no-identity"), at=AT, source="mended")

    again.replay(broker, again.stored(books, topic="radiology.reports"))

    replayed = [event for event in broker.tail("radiology.reports", None, 0) if event.header(again.COPY_OF)]
    assert sorted(
        (event.value, event.header("source")) for event in replayed if b" 0" in event.value or b" 1" in event.value
    ) == [
        (b"CANARYTEXT 0", "mended"),
        (b"CANARYTEXT 1", "mended"),
    ]
    assert len(replayed) == 4 and not any(event.header(again.INSTEAD_OF) for event in replayed)


def test_a_password_in_an_address_is_not_printed() -> None:
    values = {"database": "postgresql://me:CANARY@db/impresario", "vllm": "http://me:CANARY@vllm:8000"}

    assert "CANARY" not in str(printable_settings(values, Path("nowhere.toml")))


@pytest.mark.parametrize(
    ("stops", "status"),
    [
        (BrokerAway("Kafka did not poll: KafkaTimeoutError."), 3),
        (DatabaseUnavailable("The disk of the database is full: free some space, then start again."), 3),
        (OffsetsGone("a gap"), 1),
        (TooManyDeadLetters("50 in a row"), 1),
        (ValueError("IMPRESARIO_DELIVER names fax: choose among fhir, hl7v2."), 2),
        (OSError(errno.EADDRINUSE, "Address already in use"), 2),
        (OSError(-2, "Name or service not known"), 2),
        (PermissionError(errno.EACCES, "Permission denied", "CANARY.hl7"), 1),
        (KeyError("CANARY words of a report"), 1),
        (ValidationError.from_exception_data("Patient", [{"type": "missing", "loc": ("name",), "input": "CANARY"}]), 1),
    ],
)
def test_whatever_stops_the_agent_is_one_sentence_and_a_status(
    stops: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(typer.Exit) as leaving, caplog.at_level(logging.INFO), ending_in_one_sentence():
        raise stops

    assert leaving.value.exit_code == status
    assert len(caplog.records) == 1
    assert "CANARY" not in caplog.text and caplog.records[0].exc_info is None


def test_a_form_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="IMPRESARIO_DELIVER names fax"):
        desk.forms_of(Settings(deliver=("fax",)), desk.topics_of(Settings()))


@pytest.mark.parametrize("written", ["fhir, hl7v2", '["fhir", "hl7v2"]'])
def test_a_list_may_be_set_as_doctor_prints_it(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRESARIO_DELIVER", written)

    assert Settings().deliver == ("fhir", "hl7v2")


def test_an_empty_list_of_radiologists_is_refused_as_it_could_mean_nobody_or_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRESARIO_OPTED_IN", "")

    with pytest.raises(ValidationError, match="leave the setting away"):
        Settings()


def test_doctor_tells_a_setting_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRESARIO_TOPIC_REPORT", "ours")

    told = {row["setting"]: row["value"] for row in printable_settings({"topic_reports": "theirs"}, Path("nowhere.toml"))}

    assert told["IMPRESARIO_TOPIC_REPORT"] == "(there is no such setting)"


def test_a_source_without_a_profile_is_refused_before_its_reports_become_dead_letters() -> None:
    with pytest.raises(ValueError, match="IMPRESARIO_SOURCE names our-ris: choose among"):
        desk.forms_of(Settings(source="our-ris"), desk.topics_of(Settings()))


def test_logs_in_json_are_one_object_per_line() -> None:
    record = logging.LogRecord("connectors.agent", logging.INFO, __file__, 1, "report %s kept", ("r1",), None)

    assert json.loads(JsonLines().format(record))["message"] == "report r1 kept"


def test_what_ends_a_thread_is_said_by_kind_and_place(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def end() -> None:
        raise ValueError("CANARY")

    monkeypatch.setattr(threading, "excepthook", say_what_ended)
    thread = threading.Thread(target=end, name="sender")
    thread.start()
    thread.join()

    assert "The thread sender ended by a fault (ValueError at test_connectors_desk.py:" in caplog.text
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize("form", [JsonLines(), Sentences("%(message)s")])
def test_a_librarys_stack_trace_becomes_its_kind_and_place(form: logging.Formatter) -> None:
    try:
        raise OSError("CANARY 100 % of it")
    except OSError:
        record = logging.LogRecord("sqlalchemy.pool", logging.ERROR, __file__, 1, "reset of %s failed", ("it",), sys.exc_info())

    said = form.format(record)

    assert "reset of it failed (OSError at test_connectors_desk.py:" in said
    assert "CANARY" not in said and "\n" not in said
