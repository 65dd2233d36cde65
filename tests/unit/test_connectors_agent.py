"""One message's life and one day, on the twin of Kafka, a real SQLite file and a model that follows a script."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.agent import Day, run, store
from connectors.broker import Event, Message
from connectors.deadletters import Limit, TooManyDeadLetters
from connectors.deliver.fhir import FhirForm
from connectors.deliver.hl7v2 import Hl7v2Form
from connectors.topics import Topics
from connectors.twin import InMemoryBroker
from engine.adapters import Adapter
from engine.write import LanguageModel
from feedback.capture import preferences_of
from feedback.database import open_database, reading
from feedback.inbox import count_by_outcome
from feedback.outbox import count_waiting
from ingest.report import Exam, Radiologist, Reading, Report, Section, Status, Unreadable
from tests.fakes.model import ScriptedModel, away

TOPICS = Topics()
DRAFT = "No acute cardiopulmonary process."


def read_json(raw: bytes, source: str | None, content_type: str | None) -> Iterator[Reading]:
    """A reader for tests: one JSON object, or a list of them, with the words of a report."""
    try:
        said = json.loads(raw)
    except ValueError:
        raise Unreadable("not-a-report", "The message is no report: send HL7 v2 or FHIR.") from None
    for index, one in enumerate(said if isinstance(said, list) else [said]):
        if one.get("breaks"):
            raise RuntimeError(f"the words {one['findings']} must not be seen")
        if one.get("ignored"):
            yield Reading("ignored", index, "not-a-report")
            continue
        sections = {Section.FINDINGS: one.get("findings", ""), Section.IMPRESSION: one.get("impression", "")}
        yield Reading(
            "report",
            index,
            report=Report(
                kind="hl7v2",
                message_id=None,
                message_type="ORU^R01",
                version="2.5.1",
                accessions=(one["accession"],),
                status=Status(one.get("status", "preliminary")),
                exam=Exam(text="Chest radiograph", modality="CR"),
                radiologist=Radiologist("r17", "principal"),
                priority=one.get("priority"),
                issued=datetime.fromisoformat(one["issued"]) if "issued" in one else None,
                sections={name: text for name, text in sections.items() if text},
                text=f"FINDINGS: {one.get('findings', '')} IMPRESSION: {one.get('impression', '')}",
            ),
        )


class Hospital:
    """A day on the twin, and what can be seen of it from outside."""

    def __init__(self, books: Engine, model: LanguageModel) -> None:
        self._agent = threading.Thread()
        self.broker = InMemoryBroker()
        self.books = books
        self.day = Day(
            broker=self.broker,
            books=books,
            model=model,
            reader=read_json,
            promoted_for=lambda radiologist: None,
            forms=[FhirForm(TOPICS.impressions), Hl7v2Form(TOPICS.impressions_hl7v2)],
            workers=4,
        )

    def sends(self, *reports: dict[str, Any] | bytes) -> None:
        """The integration engine emits."""
        self.broker.publish(
            [
                Message(TOPICS.reports, b"", one if isinstance(one, bytes) else json.dumps(one).encode(), (("source", b"test"),))
                for one in reports
            ]
        )

    def topic(self, name: str) -> list[Event]:
        return self.broker.tail(name, None, 0)

    def drafts(self) -> list[dict[str, Any]]:
        return [json.loads(event.value) for event in self.topic(TOPICS.impressions)]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The agent runs; at the end it is stopped as SIGTERM does, and what stopped it otherwise is raised."""
        stop = threading.Event()
        failures: list[BaseException] = []

        def work() -> None:
            try:
                run(self.day, stop)
            except BaseException as failure:  # noqa: BLE001
                failures.append(failure)

        agent = self._agent = threading.Thread(target=work)
        agent.start()
        try:
            yield
        finally:
            stop.set()
            agent.join(30)
        assert not agent.is_alive()
        if failures:
            raise failures[0]

    def works_through(self, messages: int) -> None:
        """The agent runs until so many messages have an outcome and nothing waits to be sent."""
        with self.at_work():
            self.waits_for(lambda: self.outcomes(sum) >= messages and self.unsent() == 0)

    def outcomes(self, of: Callable[[Sequence[int]], int]) -> int:
        with reading(self.books) as session:
            return of([number for outcome, number in count_by_outcome(session).items() if outcome != "waiting"])

    def unsent(self) -> int:
        with reading(self.books) as session:
            return count_waiting(session)

    def waits_for(self, enough: Callable[[], bool], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while self._agent.is_alive() and not enough():
            assert time.monotonic() < until, "the agent did not get there"
            time.sleep(0.02)


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    books = open_database(f"sqlite:///{tmp_path}/impresario.db")
    yield Hospital(books, ScriptedModel(lambda prompt, adapter, n: [DRAFT] * n))
    books.dispose()


FINDINGS = {"accession": "ACC1", "findings": "The lungs are clear. No pleural effusion. The heart is normal in size."}


def test_findings_that_await_an_impression_get_a_draft_and_the_offset_moves(hospital: Hospital) -> None:
    hospital.sends(FINDINGS)

    hospital.works_through(1)

    (draft,) = hospital.drafts()
    assert draft["conclusion"] == DRAFT
    assert draft["status"] == "preliminary"
    (event,) = hospital.topic(TOPICS.impressions)
    assert event.key is not None and event.header("ce_id") == draft["id"] and event.header("report-id") == event.key.decode()
    assert event.header("kind") == "draft" and event.header("adapter") == "none" and event.header("radiologist") == "r17"
    assert len(hospital.topic(TOPICS.impressions_hl7v2)) == 1
    feed = hospital.broker.join([TOPICS.reports], "impresario", lambda places: {})
    assert feed.poll(0.1, 10) == []


def test_a_report_sent_twice_is_drafted_once(hospital: Hospital) -> None:
    hospital.sends(FINDINGS, FINDINGS)
    hospital.works_through(2)

    hospital.sends(FINDINGS)
    hospital.works_through(3)

    assert len(hospital.drafts()) == 1
    assert isinstance(hospital.day.model, ScriptedModel) and len(hospital.day.model.asked) == 1


def test_a_signature_teaches_and_is_not_drafted(hospital: Hospital) -> None:
    hospital.sends(FINDINGS, FINDINGS | {"status": "final", "impression": "Normal chest."})

    hospital.works_through(2)

    with reading(hospital.books) as session:
        (preference,) = preferences_of(session, "r17", 10)
    assert (preference.rejected, preference.chosen) == (DRAFT, "Normal chest.")
    assert len(hospital.drafts()) == 1


def test_a_preliminary_that_comes_after_its_final_is_not_drafted(hospital: Hospital) -> None:
    hospital.sends(FINDINGS | {"status": "final", "impression": "Normal chest."}, FINDINGS)

    hospital.works_through(2)

    assert hospital.drafts() == []


def test_new_findings_for_the_same_report_are_drafted_anew(hospital: Hospital) -> None:
    hospital.sends(FINDINGS, FINDINGS | {"findings": "There is a small left pleural effusion."})

    hospital.works_through(2)

    first, second = hospital.drafts()
    assert first["id"] != second["id"]
    assert len({event.key for event in hospital.topic(TOPICS.impressions)}) == 1


def test_what_cannot_be_read_is_set_aside_byte_for_byte_and_the_rest_flows_on(hospital: Hospital) -> None:
    hospital.sends(b"\xff\x00 no report", FINDINGS)

    hospital.works_through(2)

    (letter,) = hospital.topic(TOPICS.dead_letters)
    assert letter.value == b"\xff\x00 no report"
    assert letter.header("impresario-code") == "not-a-report"
    assert letter.header("kafka_dlt-original-topic") == TOPICS.reports
    assert letter.header("source") == "test"
    assert len(hospital.drafts()) == 1


def test_a_fault_of_our_reader_sets_the_message_aside_and_tells_no_word(
    hospital: Hospital, caplog: pytest.LogCaptureFixture
) -> None:
    hospital.sends({"accession": "A", "findings": "CANARYWORD", "breaks": True}, FINDINGS)

    with caplog.at_level(logging.DEBUG):
        hospital.works_through(2)

    (letter,) = hospital.topic(TOPICS.dead_letters)
    assert letter.header("impresario-code") == "reader-failed"
    assert "RuntimeError at test_connectors_agent.py" in caplog.text
    assert "CANARYWORD" not in caplog.text + str(letter.headers)
    assert len(hospital.drafts()) == 1


def test_a_fault_while_drafting_sets_the_message_aside_and_tells_no_word(
    hospital: Hospital, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(prompt: str, adapter: Adapter | None, n: int) -> list[str]:
        if "CANARYWORD" in prompt:
            raise KeyError(prompt)
        return [DRAFT]

    hospital.day.model._script = breaks  # type: ignore[attr-defined]
    hospital.sends({"accession": "A", "findings": "CANARYWORD"}, FINDINGS)

    with caplog.at_level(logging.DEBUG):
        hospital.works_through(2)

    assert [letter.header("impresario-code") for letter in hospital.topic(TOPICS.dead_letters)] == ["not-handled"]
    assert "CANARYWORD" not in caplog.text
    assert len(hospital.drafts()) == 1


def test_a_feed_that_cannot_be_read_stops_the_agent_before_it_is_emptied(hospital: Hospital) -> None:
    hospital.day = replace(hospital.day, dead_letters=Limit(0.5, 10), workers=1)
    hospital.sends(*[b"garbage"] * 200)

    with pytest.raises(TooManyDeadLetters, match=r"10 messages in a row could not be read \(the last: not-a-report\)"):
        hospital.works_through(200)

    assert len(hospital.topic(TOPICS.dead_letters)) <= 11


def test_a_bundle_with_something_unreadable_in_it_is_set_aside_and_its_reports_are_drafted(hospital: Hospital) -> None:
    hospital.sends([FINDINGS, FINDINGS | {"accession": "ACC2"}, {"ignored": True}])  # type: ignore[arg-type]

    hospital.works_through(1)

    assert len(hospital.drafts()) == 2


def test_with_the_model_away_the_findings_are_shown_in_their_own_words(tmp_path: Path) -> None:
    books = open_database(f"sqlite:///{tmp_path}/impresario.db")
    hospital = Hospital(books, ScriptedModel(away))
    hospital.sends(FINDINGS | {"findings": "There is a large right pneumothorax. The heart is normal in size."})

    hospital.works_through(1)

    (event,) = hospital.topic(TOPICS.impressions)
    assert event.header("kind") == "extractive"
    books.dispose()


def test_an_unacknowledged_publish_is_found_on_the_topic_and_not_repeated(hospital: Hospital) -> None:
    hospital.sends(FINDINGS)
    hospital.day = replace(hospital.day, lease=1.0)
    publish = hospital.broker.publish

    def published_but_never_heard_of(messages: Sequence[Message]) -> list[tuple[int, int]]:
        publish(messages)
        raise SystemError("the process dies here")

    hospital.broker.publish = published_but_never_heard_of  # type: ignore[method-assign]
    with pytest.raises(SystemError):
        hospital.works_through(1)
    hospital.broker.publish = publish  # type: ignore[method-assign]

    hospital.works_through(1)

    assert hospital.unsent() == 0
    assert len(hospital.drafts()) == 1


def test_a_stored_message_without_an_outcome_is_taken_up_again(hospital: Hospital) -> None:
    hospital.sends(*[FINDINGS | {"accession": f"A{number}"} for number in range(30)])
    asked = 0

    def dies_at_the_tenth(prompt: str, adapter: Adapter | None, n: int) -> list[str]:
        nonlocal asked
        asked += 1
        if asked == 10:
            raise SystemExit("killed")
        return [DRAFT]

    hospital.day.model._script = dies_at_the_tenth  # type: ignore[attr-defined]
    with pytest.raises(SystemExit):
        hospital.works_through(30)

    hospital.works_through(30)

    assert len({draft["id"] for draft in hospital.drafts()}) == len(hospital.drafts()) == 30


def test_when_the_agent_is_told_to_stop_it_finishes_what_it_has_in_hand(hospital: Hospital) -> None:
    begun = threading.Event()

    def slowly(prompt: str, adapter: Adapter | None, n: int) -> list[str]:
        begun.set()
        time.sleep(0.3)
        return [DRAFT]

    hospital.day.model._script = slowly  # type: ignore[attr-defined]
    hospital.sends(*[FINDINGS | {"accession": f"A{number}"} for number in range(20)])

    with hospital.at_work():
        assert begun.wait(60)

    shown = len(hospital.drafts())
    assert 1 <= shown <= 8 and hospital.unsent() == 0
    hospital.works_through(20)
    assert len({draft["id"] for draft in hospital.drafts()}) == len(hospital.drafts()) == 20


def test_when_an_exam_is_called_off_its_draft_is_withdrawn_once(hospital: Hospital) -> None:
    hospital.sends(FINDINGS, FINDINGS | {"status": "cancelled"}, FINDINGS | {"status": "cancelled"}, FINDINGS)

    hospital.works_through(4)

    shown, withdrawn = hospital.drafts()
    assert (shown["status"], withdrawn["status"]) == ("preliminary", "entered-in-error")
    assert shown["id"] == withdrawn["id"] and "conclusion" not in withdrawn
    types = [event.header("ce_type") for event in hospital.topic(TOPICS.impressions)]
    assert types == ["impresario.impression.drafted", "impresario.impression.withdrawn"]


def test_a_signature_leaves_the_draft_alone_unless_the_hospital_wants_it_withdrawn(hospital: Hospital) -> None:
    hospital.day = replace(hospital.day, withdraw_signed=True)
    hospital.sends(FINDINGS, FINDINGS | {"status": "final", "impression": "Normal chest."})

    hospital.works_through(2)

    assert [draft["status"] for draft in hospital.drafts()] == ["preliminary", "entered-in-error"]


def test_a_critical_result_is_an_event_sent_once_and_quotes_nothing(hospital: Hospital) -> None:
    findings = "There is a large tension pneumothorax on the right. CANARYWORD."
    hospital.sends(
        FINDINGS | {"findings": findings}, FINDINGS | {"findings": findings, "status": "final", "impression": "As above."}
    )

    hospital.works_through(2)

    (event,) = hospital.topic(TOPICS.events)
    said = json.loads(event.value)
    assert said["type"] == event.header("ce_type") == "impresario.result.critical"
    assert said["subject"] == said["data"]["report"] == (event.key or b"").decode()
    assert said["data"]["tier"] == 1 and "CANARY" not in event.value.decode()


def test_a_stat_report_is_drafted_before_the_routine_ones_that_wait(hospital: Hospital) -> None:
    hospital.day = replace(hospital.day, workers=1)
    routine = [FINDINGS | {"accession": f"A{number}"} for number in range(40)]
    hospital.sends(*routine, FINDINGS | {"accession": "S", "priority": "stat"})

    hospital.works_through(41)

    in_time = sorted(hospital.topic(TOPICS.impressions), key=lambda event: event.timestamp)
    first = [json.loads(event.value)["identifier"][2]["value"] for event in in_time[:2]]
    assert "S" in first


def test_a_message_that_killed_the_agent_three_times_is_set_aside_and_its_neighbours_are_drafted(hospital: Hospital) -> None:
    hospital.sends(FINDINGS, {"accession": "KILLER", "findings": "x"}, FINDINGS | {"accession": "ACC2"})
    hospital.day = replace(hospital.day, deadly=lambda raws: [n for n, raw in enumerate(raws) if b"KILLER" in raw])
    events = hospital.topic(TOPICS.reports)
    for _ in range(3):
        store(events, hospital.day)

    hospital.works_through(3)

    assert [letter.header("impresario-code") for letter in hospital.topic(TOPICS.dead_letters)] == ["kills-the-reader"]
    assert len(hospital.drafts()) == 2
