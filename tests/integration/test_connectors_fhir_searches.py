"""What a FHIR server's search may do to a draft: lag, page, find too much, refuse, or answer what nobody thought of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.courier import Courier, Delivery
from connectors.deliver.fhir_server import FhirServer
from connectors.deliver.web import Web
from tests.fakes.fhir_server import FhirServerOnASocket
from tests.integration.test_connectors_fhir_server import all_carried, breaking, courier_to, drafted, stored


@pytest.fixture
def server() -> Iterator[FhirServerOnASocket]:
    server = FhirServerOnASocket()
    yield server
    server.close()


def test_a_withdrawal_straight_after_its_draft_waits_for_a_search_that_lags_behind(
    server: FhirServerOnASocket, books: Engine
) -> None:
    server.lag = 1  # request
    stored(books, drafted(), drafted(withdrawn="cancelled"))
    courier_to(server, books).carry_one()

    all_carried(courier_to(server, books), books)  # another courier, who made nothing himself

    assert [one["status"] for one in server.newest()] == ["entered-in-error"]


def test_a_second_dictation_finds_the_first_though_the_search_does_not_yet(server: FhirServerOnASocket, books: Engine) -> None:
    server.lag = 1000
    stored(books, drafted(1), drafted(2), drafted(2, withdrawn="cancelled"))

    courier = courier_to(server, books)
    all_carried(courier, books)

    (resource,) = server.newest()
    assert [one.get("conclusion", "-")[0] for one in server.resources[resource["id"]]] == ["1", "2", "-"]


def test_a_draft_made_twice_because_its_answer_was_lost_and_the_search_lagged_is_shown_once(
    server: FhirServerOnASocket, books: Engine
) -> None:
    server.lag = 2
    stored(books, drafted(1), drafted(2))
    server.fault = breaking("reset-after", 0)

    all_carried(courier_to(server, books), books)

    assert len(server.newest()) == 2
    assert [one["conclusion"][0] for one in server.newest() if one["status"] == "preliminary"] == ["2"]


def test_a_server_that_passes_over_our_search_has_no_report_of_others_changed(
    server: FhirServerOnASocket, books: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    others: list[dict[str, Any]] = [
        {"resourceType": "DiagnosticReport", "id": name, "status": "final", "meta": {"versionId": "1"}} for name in "789"
    ]
    for kept in others[:1], others:
        server.resources = {one["id"]: [one] for one in kept}
        server.is_lenient = True
        stored(books, drafted(accession=f"A{len(kept)}"), drafted(accession=f"B{len(kept)}", withdrawn="cancelled"))
        courier = courier_to(server, books)
        for _ in range(6):
            courier.carry_one()

        assert server.newest() == kept
    assert "its search by identifier finds resources of other reports" in caplog.text


def test_a_withdrawal_reads_a_search_to_its_last_page(server: FhirServerOnASocket, books: Engine) -> None:
    for name in "12345":
        server.resources[name] = [{**json.loads(drafted().value), "id": name, "meta": {"versionId": "1"}}]
    server.page = 2

    stored(books, drafted(withdrawn="cancelled"))
    all_carried(courier_to(server, books), books)

    assert {one["status"] for one in server.newest()} == {"entered-in-error"}


def test_a_question_the_server_refuses_is_no_refusal_of_the_withdrawal(
    server: FhirServerOnASocket, books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(books, drafted())
    all_carried(courier_to(server, books), books)
    real, refusals = server.answer, iter([400, 200, 400])

    def strict(method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
        return (400, {}, {}) if next(refusals, 200) == 400 else real(method, path, headers, body)

    monkeypatch.setattr(server, "answer", strict)
    stored(books, drafted(withdrawn="cancelled"))
    all_carried(courier_to(server, books), books)

    assert [one["status"] for one in server.newest()] == ["entered-in-error"]


def test_a_draft_whose_resource_somebody_deleted_is_shown_by_a_new_one_and_its_withdrawal_has_nothing_to_do(
    server: FhirServerOnASocket, books: Engine
) -> None:
    courier = courier_to(server, books)
    stored(books, drafted(1))
    all_carried(courier, books)
    server.resources.clear()

    stored(books, drafted(2))
    all_carried(courier, books)
    assert [one["conclusion"][0] for one in server.newest()] == ["2"]

    server.resources.clear()
    stored(books, drafted(2, withdrawn="cancelled"))
    all_carried(courier, books)
    assert server.newest() == []


@pytest.mark.parametrize(
    "nonsense",
    [
        {"resourceType": "Bundle", "entry": None},
        {"resourceType": "Bundle", "entry": ["no entry"]},
        {"resourceType": "Bundle", "link": [{"relation": "next"}]},
        {"resourceType": "DiagnosticReport", "meta": "none", "identifier": [None]},
    ],
)
def test_an_answer_of_another_shape_holds_back_its_own_report_and_no_other(
    server: FhirServerOnASocket, books: Engine, nonsense: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(books, drafted(1))
    all_carried(courier_to(server, books), books)
    real = server.answer

    def strange(method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
        return (200, {}, nonsense) if method == "GET" else real(method, path, headers, body)

    monkeypatch.setattr(server, "answer", strange)
    stored(books, drafted(2), drafted(1, accession="B2", withdrawn="cancelled"), drafted(1, accession="C3"))
    courier = Courier(books, Delivery("archive", FhirServer(Web(server.base, answer_within=0.5))))
    for _ in range(4):
        courier.carry_one()

    assert [one["conclusion"][0] for one in server.newest()] == ["1", "1"]

    monkeypatch.setattr(server, "answer", real)
    all_carried(courier_to(server, books), books)
    assert [one["conclusion"][0] for one in server.newest()] == ["2", "1"]
