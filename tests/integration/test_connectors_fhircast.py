"""Drafts into an open report through a FHIRcast hub: on real sockets, by the standard's version rules, through gaps and broken lines."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from connectors.courier import Courier, Delivery
from connectors.deliver import Absences, NotThere, Shown
from connectors.deliver.fhir import FhirForm
from connectors.deliver.fhircast import FhircastHub
from connectors.deliver.web import Web
from engine.impression import Impression, Kind
from feedback.database import reading, transaction
from feedback.outbox import Outgoing, count_waiting, send
from ingest.report import Radiologist, Report, Section, Status
from tests.fakes.fhircast_hub import FhircastHubOnASocket

FORM = FhirForm("delivery:desktop")
WORDS = "Two nodules in the left lung."


@pytest.fixture
def hub() -> Iterator[FhircastHubOnASocket]:
    hub = FhircastHubOnASocket({"session-r17"})
    yield hub
    hub.close()


@pytest.fixture
def line(hub: FhircastHubOnASocket) -> Iterator[FhircastHub]:
    line = FhircastHub(Web(hub.url, answer_within=5), "session-{radiologist}", Absences(itertools.count(0, 30).__next__))
    yield line
    line.hang_up()


@pytest.fixture
def courier(books: Engine, line: FhircastHub) -> Courier:
    return Courier(books, Delivery("desktop", line))


def draft(number: int = 1, accession: str = "A1", withdrawn: str | None = None, radiologist: str | None = "r17") -> Outgoing:
    report = Report(
        kind="hl7v2",
        message_id="M1",
        message_type="ORU^R01",
        version="2.5.1",
        accessions=(accession,),
        status=Status.PRELIMINARY,
        radiologist=Radiologist(radiologist, "reader") if radiologist else None,
        sections={Section.FINDINGS: "Two nodules."},
    )
    impression = Impression(
        report_id=report.id,
        draft_id=f"draft-{accession}-{number}",
        kind=Kind.DRAFT,
        text="" if withdrawn else f"{number}. {WORDS}",
        coarse="",
        sentences=(),
        flags=(),
        adapter=None,
        base_model="base@1",
        prompt_version="1",
        seconds=0.1,
    )
    return FORM.message(Shown(report, impression, datetime.now(UTC), withdrawn_because=withdrawn))


def stored(books: Engine, *messages: Outgoing, at: datetime | None = None) -> None:
    with transaction(books) as session:
        send(session, messages, at or datetime.now(UTC))


def waits(books: Engine) -> int:
    with reading(books) as session:
        return count_waiting(session)


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def carried(courier: Courier, books: Engine, seconds: float = 30.0) -> None:
    until(lambda: (courier.carry_one() or True) and not waits(books), seconds)


def test_a_draft_stands_in_the_open_report_as_a_preliminary_observation_labelled_as_an_ais(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    hub.opens("session-r17", "A1")
    stored(books, draft())

    carried(courier, books)

    (observation,) = hub.content("session-r17")
    assert (observation["status"], observation["valueString"]) == ("preliminary", f"1. {WORDS}")
    assert observation["code"]["coding"][0]["code"] == "19005-8"
    assert "AIAST" in {one["code"] for one in observation["meta"]["security"]}
    assert observation["contained"][0]["resourceType"] == "Device"


def test_a_draft_waits_for_its_report_to_be_opened_and_comes_at_once_then(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    hub.opens("session-r17", "ANOTHER")
    stored(books, draft())
    for _ in range(3):
        courier.carry_one()
    with transaction(books) as session:  # it has been tried so often that its next turn would be in minutes
        session.connection().exec_driver_sql("update outbox set not_before = datetime('now', '+5 minutes')")
    assert not courier.carry_one() and hub.content("session-r17") == []

    hub.opens("session-r17", "A1")
    carried(courier, books, 10)

    assert len(hub.content("session-r17")) == 1


def test_a_version_that_is_no_longer_the_hubs_is_looked_up_and_the_draft_comes_all_the_same(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier, line: FhircastHub
) -> None:
    hub.opens("session-r17", "A1")
    changes = iter([True])

    def another_is_quicker() -> None:
        if next(changes, False):
            hub.changed_by_another("session-r17", {"resourceType": "Observation", "id": "measured"})

    hub.before_update = another_is_quicker
    stored(books, draft())

    carried(courier, books)

    assert hub.updates == ["409", "202"]
    assert {one["id"] for one in hub.content("session-r17")} >= {"measured"}
    assert len(hub.content("session-r17")) == 2


def test_a_refusal_that_comes_later_as_a_sync_error_is_heard(hub: FhircastHubOnASocket, books: Engine, courier: Courier) -> None:
    hub.opens("session-r17", "A1")
    hub.refuses_late = True
    changes = iter([True])
    hub.before_update = lambda: (
        hub.changed_by_another("session-r17", {"resourceType": "Observation", "id": "m"}) if next(changes, False) else None
    )
    stored(books, draft())

    carried(courier, books)

    assert hub.updates == ["202", "202"]
    assert len(hub.content("session-r17")) == 2


def test_an_event_that_was_missed_is_noticed_by_its_prior_version(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    hub.opens("session-r17", "A1")
    stored(books, draft(1))
    carried(courier, books)
    hub.hidden = lambda event: True
    hub.changed_by_another("session-r17", {"resourceType": "Observation", "id": "unheard"})
    hub.hidden = lambda event: False
    hub.changed_by_another("session-r17", {"resourceType": "Observation", "id": "heard"})
    answered = len(hub.answered)
    until(lambda: len(hub.answered) >= answered)

    stored(books, draft(2))
    carried(courier, books)

    drafts = [one for one in hub.content("session-r17") if "valueString" in one]
    assert [one["valueString"][0] for one in drafts] == ["2"]


def test_a_broken_line_is_opened_again_and_what_was_opened_meanwhile_is_known(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    hub.opens("session-r17", "ANOTHER")
    stored(books, draft())
    courier.carry_one()
    until(lambda: hub.subscribers("session-r17") == 1)

    hub.drop_lines()
    hub.opens("session-r17", "A1")
    carried(courier, books)

    assert len(hub.content("session-r17")) == 1


def test_a_withdrawal_takes_the_draft_out_of_the_open_report(hub: FhircastHubOnASocket, books: Engine, courier: Courier) -> None:
    hub.opens("session-r17", "A1")
    stored(books, draft(1), draft(2))
    carried(courier, books)
    assert [one["valueString"][0] for one in hub.content("session-r17")] == ["2"]

    stored(books, draft(1, withdrawn="cancelled"), draft(2, withdrawn="cancelled"))
    carried(courier, books)

    assert hub.content("session-r17") == []


def test_withdrawing_from_a_report_that_is_not_open_has_nothing_to_do(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    stored(books, draft(withdrawn="cancelled"))

    carried(courier, books)

    assert hub.updates == []


def test_a_report_opened_meanwhile_gets_no_draft_of_another(hub: FhircastHubOnASocket, books: Engine, courier: Courier) -> None:
    hub.opens("session-r17", "A1")
    quick = iter([True])
    hub.before_update = lambda: hub.opens("session-r17", "B2") if next(quick, False) else None
    stored(books, draft(accession="A1"))

    for _ in range(2):
        courier.carry_one()

    assert hub.updates == ["409"] and hub.content("session-r17") == []
    assert waits(books) == 1


def test_closing_another_report_closes_not_the_one_that_is_open(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    stored(books, draft(accession="C3"))
    courier.carry_one()
    until(lambda: hub.subscribers("session-r17") == 1)
    hub.opens("session-r17", "A1")
    hub.opens("session-r17", "B2")
    hub.closes("session-r17", "A1")
    until(lambda: len(hub.answered) == 3)

    stored(books, draft(accession="B2"))
    courier.carry_one()

    assert len(hub.content("session-r17")) == 1


def test_a_report_that_is_current_again_gets_the_draft_that_came_meanwhile(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    hub.opens("session-r17", "A1")
    stored(books, draft(accession="C3"))
    courier.carry_one()
    until(lambda: hub.subscribers("session-r17") == 1)
    hub.opens("session-r17", "B2")
    stored(books, draft(accession="A1"))
    courier.carry_one()

    hub.closes("session-r17")
    until(lambda: (courier.carry_one() or True) and waits(books) == 1)

    assert len(hub.content("session-r17")) == 1


def test_a_withdrawal_from_a_report_that_is_open_beside_the_current_one_waits_for_it(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    hub.opens("session-r17", "A1")
    stored(books, draft())
    carried(courier, books)
    hub.opens("session-r17", "B2")
    until(lambda: len(hub.answered) == 2)

    stored(books, draft(withdrawn="cancelled"))
    courier.carry_one()
    assert waits(books) == 1

    hub.closes("session-r17")
    carried(courier, books)
    assert hub.content("session-r17") == []


def test_a_withdrawal_is_not_done_while_the_line_to_its_session_is_broken(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier, line: FhircastHub
) -> None:
    hub.opens("session-r17", "A1")
    stored(books, draft())
    carried(courier, books)
    endpoints, hub.sessions = hub.sessions, set()
    hub.drop_lines()
    until(lambda: not line._sessions["session-r17"]._joined)

    stored(books, draft(withdrawn="cancelled"))
    courier.carry_one()
    assert waits(books) == 1
    hub.sessions = endpoints
    with transaction(books) as session:
        session.connection().exec_driver_sql("update outbox set not_before = null")
    until(lambda: hub.subscribers("session-r17") == 1)
    carried(courier, books)

    assert hub.content("session-r17") == []


@pytest.mark.parametrize("instead", [(200, "<html>It works!</html>"), (200, {}), (500, {}), (404, {})])
def test_a_hub_that_does_not_say_what_is_open_is_not_taken_to_say_nothing_is(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier, instead: tuple[int, object]
) -> None:
    hub.instead = instead
    hub.opens("session-r17", "A1")
    stored(books, draft(withdrawn="cancelled"))

    for _ in range(3):
        courier.carry_one()

    assert waits(books) == 1


def test_what_the_hub_said_before_a_report_was_opened_does_not_outlive_that(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    hub.opens("session-r17", "A1")
    stored(books, draft(accession="C3"))
    courier.carry_one()
    until(lambda: hub.subscribers("session-r17") == 1)
    hub.changed_by_another("session-r17", {"resourceType": "Observation", "id": "m"})
    opened = iter([True])

    def quickly() -> None:
        if next(opened, False):
            hub.opens("session-r17", "B2")
            until(lambda: len(hub.answered) == 2)

    hub.asked_for_context = quickly
    stored(books, draft(accession="A1", withdrawn="cancelled"), draft(accession="B2"))
    courier.carry_one()
    courier.carry_one()

    assert len(hub.content("session-r17")) == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        ["no", "object"],
        "text",
        {"event": {"hub.event": "DiagnosticReport-open", "context": None}},
        {"event": {"hub.event": "DiagnosticReport-open", "context": ["no", "context"]}},
        {"event": {"hub.event": "DiagnosticReport-update", "context": [{"key": "report", "resource": None}]}},
        {"event": {"hub.event": "DiagnosticReport-close"}},
    ],
)
def test_an_event_of_another_shape_does_not_end_the_session(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier, nonsense: object
) -> None:
    stored(books, draft())
    courier.carry_one()
    until(lambda: hub.subscribers("session-r17") == 1)

    hub.tells("session-r17", nonsense)
    hub.opens("session-r17", "A1")
    carried(courier, books)

    assert len(hub.content("session-r17")) == 1


def test_the_hubs_line_does_not_go_through_the_houses_proxy(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    hub.opens("session-r17", "A1")
    stored(books, draft())

    carried(courier, books, 10)

    assert len(hub.content("session-r17")) == 1


def test_a_draft_whose_confirmation_was_lost_is_found_in_the_report_and_not_put_again(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    hub.opens("session-r17", "A1")
    hub.hidden = lambda event: event["hub.event"] == "DiagnosticReport-update"
    stored(books, draft())

    carried(courier, books)

    assert hub.updates == ["202"] and len(hub.content("session-r17")) == 1


def test_a_radiologist_without_a_session_keeps_nobody_else_waiting(
    hub: FhircastHubOnASocket, books: Engine, courier: Courier
) -> None:
    hub.opens("session-r17", "A1")
    stored(books, draft(accession="B2", radiologist="nobody"), draft())

    until(lambda: (courier.carry_one() or True) and waits(books) == 1)

    assert len(hub.content("session-r17")) == 1


def test_every_event_of_the_hub_is_answered(hub: FhircastHubOnASocket, books: Engine, courier: Courier) -> None:
    stored(books, draft())
    courier.carry_one()
    until(lambda: hub.subscribers("session-r17") == 1)

    hub.opens("session-r17", "A1")
    hub.closes("session-r17")

    until(lambda: len(hub.answered) >= 2)


def test_a_draft_nobody_opened_for_a_week_is_given_up(hub: FhircastHubOnASocket, books: Engine, courier: Courier) -> None:
    stored(books, draft(), at=datetime.now(UTC) - timedelta(days=8))

    carried(courier, books)

    assert hub.updates == []


def test_the_doctor_learns_whether_the_hub_shares_content(line: FhircastHub) -> None:
    assert line.greet() == "answers, and shares the content of reports"

    with pytest.raises(NotThere, match="nobody listens there"):
        FhircastHub(Web("http://127.0.0.1:1/hub")).greet()
