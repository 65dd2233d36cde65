"""Drafts to a FHIR server over REST, on real sockets: one resource per report, whatever the line or the server does."""

from __future__ import annotations

import http.client
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.courier import Courier, Delivery
from connectors.deliver import Absences, NotThere, Shown
from connectors.deliver.fhir import FhirForm
from connectors.deliver.fhir_server import FhirServer
from connectors.deliver.web import Web
from connectors.doctor import look_at_delivery
from connectors.tokens import from_file, given
from engine.impression import Impression, Kind
from feedback.capture import record_version
from feedback.database import open_database, reading, transaction
from feedback.outbox import Outgoing, count_waiting, send
from ingest.report import Report, Section, Status
from tests.fakes.fhir_server import FAULTS, FhirServerOnASocket

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
WORDS = "CANARY nodules in the left lung."
FORM = FhirForm("delivery:archive")


@pytest.fixture
def server() -> Iterator[FhirServerOnASocket]:
    server = FhirServerOnASocket()
    yield server
    server.close()


class Clock:
    """Runs ahead by ten minutes at every look, so that every pause is over."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=10)
        return self.now


def the_report(accession: str = "A1", status: Status = Status.PRELIMINARY) -> Report:
    return Report(
        kind="hl7v2",
        message_id="M1",
        message_type="ORU^R01",
        version="2.5.1",
        accessions=(accession,),
        status=status,
        sections={Section.FINDINGS: "Two nodules."},
        text="Two nodules.",
    )


def drafted(number: int = 1, accession: str = "A1", withdrawn: str | None = None) -> Outgoing:
    impression = Impression(
        report_id=the_report(accession).id,
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
    return FORM.message(Shown(the_report(accession), impression, AT + timedelta(minutes=number), withdrawn_because=withdrawn))


def stored(books: Engine, *messages: Outgoing) -> None:
    with transaction(books) as session:
        send(session, messages, AT)


def courier_to(server: FhirServerOnASocket, books: Engine, **settings: Any) -> Courier:
    """A courier for which time flies: what was not found is looked for again half a minute later."""
    line = FhirServer(Web(server.base, answer_within=0.5, **settings), Absences(itertools.count(0, 30).__next__))
    return Courier(books, Delivery("archive", line), clock=Clock())


def all_carried(courier: Courier, books: Engine, tries: int = 40) -> None:
    for _ in range(tries):
        courier.carry_one()
        with reading(books) as session:
            if not count_waiting(session):
                return
    raise AssertionError("a draft still waits")


def breaking(fault: str, at: int) -> Callable[[str], str | None]:
    """This fault at the request of that number."""
    numbers = itertools.count()
    return lambda request: fault if next(numbers) == at else None


def test_a_draft_arrives_preliminary_labelled_as_an_ais_and_with_its_origin(server: FhirServerOnASocket, books: Engine) -> None:
    stored(books, drafted())

    all_carried(courier_to(server, books), books)

    (resource,) = server.newest()
    assert resource["status"] == "preliminary" and resource["conclusion"] == f"1. {WORDS}"
    assert "AIAST" in {one["code"] for one in resource["meta"]["security"]}
    device, provenance = resource["contained"]
    assert (device["resourceType"], provenance["resourceType"]) == ("Device", "Provenance")
    assert provenance["agent"][0]["who"]["reference"] == f"#{device['id']}"
    assert server.requests == ["POST DiagnosticReport", "GET DiagnosticReport"]


def test_a_second_dictation_changes_the_resource_of_the_first(server: FhirServerOnASocket, books: Engine) -> None:
    stored(books, drafted(1), drafted(2))

    all_carried(courier_to(server, books), books)

    (resource,) = server.newest()
    assert resource["conclusion"].startswith("2.")
    assert [one["conclusion"][0] for one in server.resources[resource["id"]]] == ["1", "2"]


def test_a_withdrawn_draft_is_entered_in_error_and_shows_nothing(server: FhirServerOnASocket, books: Engine) -> None:
    stored(books, drafted(), drafted(withdrawn="cancelled"))

    all_carried(courier_to(server, books), books)

    (resource,) = server.newest()
    assert resource["status"] == "entered-in-error"
    assert "conclusion" not in resource and WORDS not in json.dumps(resource)


def test_withdrawing_what_never_arrived_makes_no_resource(server: FhirServerOnASocket, books: Engine) -> None:
    stored(books, drafted(withdrawn="cancelled"))

    all_carried(courier_to(server, books), books)

    assert server.newest() == []


@pytest.mark.parametrize("fault", FAULTS)
def test_one_resource_per_report_in_the_right_state_whatever_breaks_at_whichever_request(
    server: FhirServerOnASocket, books: Engine, fault: str
) -> None:
    for at in range(7):
        server.resources.clear()
        first, other = f"A{at}", f"B{at}"
        stored(books, drafted(1, first), drafted(2, first), drafted(2, first, withdrawn="cancelled"), drafted(1, accession=other))
        server.fault = breaking(fault, at)

        all_carried(courier_to(server, books), books)

        withdrawn, shown = sorted(server.newest(), key=lambda one: one["id"])
        assert withdrawn["status"] == "entered-in-error", at
        assert (shown["status"], shown["conclusion"]) == ("preliminary", f"1. {WORDS}"), at


@pytest.mark.parametrize("fault", FAULTS)
def test_a_withdrawal_reaches_the_resource_whatever_breaks_at_whichever_of_its_requests(
    server: FhirServerOnASocket, books: Engine, fault: str
) -> None:
    for at in range(4):
        server.resources.clear()
        server.fault = lambda request: None
        stored(books, drafted(accession=f"A{at}"))
        all_carried(courier_to(server, books), books)
        stored(books, drafted(accession=f"A{at}", withdrawn="cancelled"))
        server.fault = breaking(fault, at)

        all_carried(courier_to(server, books), books)

        assert [one["status"] for one in server.newest()] == ["entered-in-error"], at


@pytest.mark.parametrize("instead", [{}, {"resourceType": "OperationOutcome"}, {"error": "the archive is being looked after"}])
def test_what_a_proxy_says_in_the_servers_stead_does_not_pass_for_nothing_there(
    server: FhirServerOnASocket, books: Engine, instead: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(books, drafted())
    all_carried(courier_to(server, books), books)
    stored(books, drafted(withdrawn="cancelled"))
    real, proxied = server.answer, iter([True, False, True, False, False, True, False, False, False, True])

    def behind_a_proxy(method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
        return (200, {}, instead) if next(proxied, False) else real(method, path, headers, body)

    monkeypatch.setattr(server, "answer", behind_a_proxy)
    all_carried(courier_to(server, books), books)

    assert [one["status"] for one in server.newest()] == ["entered-in-error"]


def test_a_resource_changed_by_somebody_meanwhile_is_looked_at_again_and_not_overwritten_blindly(
    server: FhirServerOnASocket, books: Engine
) -> None:
    stored(books, drafted(1), drafted(2))
    interferences = iter([True])

    def somebody_else() -> None:
        if next(interferences, False):
            for versions in server.resources.values():
                versions.append({**versions[-1], "meta": {**versions[-1]["meta"], "versionId": str(len(versions) + 1)}})

    server.changed_between = somebody_else

    all_carried(courier_to(server, books), books)

    (resource,) = server.newest()
    assert resource["conclusion"].startswith("2.") and resource["meta"]["versionId"] == "3"
    assert server.requests.count("PUT DiagnosticReport/1000") == 2


def test_a_first_draft_said_again_by_a_courier_that_slept_does_not_take_the_place_of_the_second(
    server: FhirServerOnASocket, books: Engine, tmp_path: Path
) -> None:
    stored(books, drafted(1), drafted(2))
    all_carried(courier_to(server, books), books)

    older = open_database(f"sqlite:///{tmp_path}/restored.db")
    stored(older, drafted(1))
    all_carried(courier_to(server, older), older)
    older.dispose()

    (resource,) = server.newest()
    assert resource["conclusion"].startswith("2.")


def test_a_second_draft_shows_though_the_first_was_written_by_a_clock_two_hours_ahead(
    server: FhirServerOnASocket, books: Engine
) -> None:
    stored(books, drafted(120), drafted(2))

    all_carried(courier_to(server, books), books)

    (resource,) = server.newest()
    assert resource["conclusion"].startswith("2.")


def test_of_two_resources_of_one_report_one_goes_on_and_the_other_shows_nothing(
    server: FhirServerOnASocket, books: Engine
) -> None:
    for name in ("1", "2"):
        server.resources[name] = [{**json.loads(drafted().value), "id": name, "meta": {"versionId": "1"}}]

    stored(books, drafted(2))
    all_carried(courier_to(server, books), books)

    first, double = server.newest()
    assert (first["status"], first["conclusion"][0]) == ("preliminary", "2")
    assert double["status"] == "entered-in-error" and "conclusion" not in double


def test_what_the_server_will_never_take_is_said_once_and_holds_back_nobody(
    server: FhirServerOnASocket, books: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stored(books, drafted(1), drafted(1, accession="B2"))
    real = server.answer

    def choosy(method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
        return (422, {}, {"issue": WORDS}) if b"draft-A1" in body else real(method, path, headers, body)

    monkeypatch.setattr(server, "answer", choosy)
    all_carried(courier_to(server, books), books)

    assert len(server.newest()) == 1
    assert "refused draft draft-A1-1 for good (it answered 422)" in caplog.text
    assert "CANARY" not in caplog.text


def test_a_token_that_was_rotated_is_read_from_its_file(server: FhirServerOnASocket, books: Engine, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    server.token = "new"
    stored(books, drafted())
    courier = courier_to(server, books, token=from_file(file))

    assert not courier.carry_one()
    file.write_text("new\n")
    all_carried(courier, books)

    assert len(server.newest()) == 1


def test_a_refused_token_is_one_sentence_and_is_not_in_it(
    server: FhirServerOnASocket, books: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    server.token = "another"
    stored(books, drafted())

    with caplog.at_level(logging.INFO):
        courier = courier_to(server, books, token=given("CANARYTOKEN"))
        courier.carry_one()
        courier.carry_one()

    assert [record.getMessage() for record in caplog.records] == [
        "archive is away: 401: it does not accept our token. Its drafts wait."
    ]


def test_a_draft_whose_report_was_signed_while_it_waited_is_not_sent_any_more(server: FhirServerOnASocket, books: Engine) -> None:
    stored(books, drafted())
    with transaction(books) as session:
        record_version(session, the_report(status=Status.FINAL), arrival_id=None, at=AT)

    all_carried(courier_to(server, books), books)

    assert server.requests == []


def test_a_server_that_is_away_keeps_its_drafts_and_takes_them_in_order_when_it_is_back(books: Engine) -> None:
    gone = FhirServerOnASocket()
    gone.close()
    courier = Courier(books, Delivery("archive", FhirServer(Web(gone.base))), clock=Clock())
    stored(books, drafted(1), drafted(2))

    assert not courier.carry_one()

    with reading(books) as session:
        assert count_waiting(session) == 2


@pytest.mark.parametrize(
    ("interactions", "conditional", "said"),
    [
        (["create", "read", "update", "search-type"], True, None),
        (["read", "search-type"], True, "create, update"),
        (["create", "read", "update", "search-type"], False, "conditional create"),
    ],
)
def test_the_doctor_learns_whether_a_server_can_do_what_drafts_need(
    server: FhirServerOnASocket, interactions: list[str], conditional: bool, said: str | None
) -> None:
    ours = {
        "type": "DiagnosticReport",
        "interaction": [{"code": code} for code in interactions],
        "conditionalCreate": conditional,
    }
    server.capabilities = {"resourceType": "CapabilityStatement", "rest": [{"resource": [ours]}]}

    if said is None:
        assert FhirServer(Web(server.base)).greet() == "answers, and takes DiagnosticReports"
    else:
        with pytest.raises(NotThere, match=f"does not offer {said} of DiagnosticReport"):
            FhirServer(Web(server.base)).greet()


@pytest.mark.parametrize(
    ("instead", "state"),
    [
        ({}, "away"),
        ({"resourceType": "OperationOutcome"}, "away"),
        ({"resourceType": "CapabilityStatement", "rest": [7]}, "wrong"),
    ],
)
def test_the_doctor_does_not_take_whatever_answers_for_a_fhir_server(
    server: FhirServerOnASocket, instead: dict[str, Any], state: str
) -> None:
    server.capabilities = instead

    assert look_at_delivery("archive", FhirServer(Web(server.base)), {}, AT).state == state


Ask = Callable[..., tuple[int, dict[str, str]]]


@pytest.fixture
def ask(server: FhirServerOnASocket) -> Ask:
    def asked(method: str, path: str, resource: dict[str, Any] | None = None, **headers: str) -> tuple[int, dict[str, str]]:
        line = http.client.HTTPConnection(server.base.split("/")[2])
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        line.request(method, f"/fhir/{path}", json.dumps(resource) if resource else None, sent)
        answer = line.getresponse()
        answer.read()
        return answer.status, dict(answer.headers)

    return asked


def test_the_fake_server_keeps_the_standards_sentences(ask: Ask) -> None:
    """FHIR R4 http.html 3.1.0.8.1 (conditional create), 3.1.0.5 (If-Match), 3.1.0.4 (ids on update)."""
    draft = json.loads(drafted().value)
    query = f"identifier=urn:impresario:report|{the_report().id}"

    assert ask("POST", "DiagnosticReport", draft, If_None_Exist=query)[0] == 201
    assert ask("POST", "DiagnosticReport", draft, If_None_Exist=query)[0] == 200
    assert ask("PUT", "DiagnosticReport/1000", {**draft, "id": "1000"}, If_Match='W/"9"')[0] == 412
    status, headers = ask("PUT", "DiagnosticReport/1000", {**draft, "id": "1000"}, If_Match='W/"1"')
    assert (status, headers["ETag"]) == (200, 'W/"2"')
    assert ask("PUT", "DiagnosticReport/1000", {**draft, "id": "7"})[0] == 400
    assert ask("POST", "DiagnosticReport", draft)[0] == 201
    assert ask("POST", "DiagnosticReport", draft, If_None_Exist=query)[0] == 412
    assert ask("GET", "DiagnosticReport/none")[0] == 404
