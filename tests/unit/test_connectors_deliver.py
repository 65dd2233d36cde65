"""A draft as others will read it: labelled, preliminary, nobody's signature on it, and not a word lost on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import hl7
import pytest
from fhir.resources.R4B.diagnosticreport import DiagnosticReport

from connectors.deliver import Shown
from connectors.deliver.fhir import FhirForm, diagnostic_report
from connectors.deliver.hl7v2 import Hl7v2Form, observation_result
from engine.impression import Impression, Kind
from ingest.report import Exam, Radiologist, Report, Status

HARD_TEXT = "1. No fracture | dislocation ^ at C5 & C6.\n2. Stable \\.br\\ nodule ~ 4 mm; café, 5 µm."


def shown(text: str = HARD_TEXT, adapter: str | None = "2026-03-01-abcdef012345", **changes: Any) -> Shown:
    report = Report(
        kind="hl7v2",
        message_id="M1",
        message_type="ORU^R01",
        version="2.5.1",
        accessions=("ACC2", "ACC1"),
        status=Status.PRELIMINARY,
        exam=Exam(code="71046", text="Chest radiograph", modality="CR"),
        radiologist=Radiologist("r17", "principal"),
    )
    impression = Impression(
        report_id=report.id,
        draft_id="5b0f7a52-5d0e-5c53-9d0c-000000000001",
        kind=Kind.OWN_WORDS if adapter else Kind.DRAFT,
        text=text,
        coarse="coarse",
        sentences=(),
        flags=(),
        adapter=adapter,
        base_model="base@1234",
        prompt_version="1",
        seconds=0.1,
    )
    at = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    return Shown(report, impression, at, "ab" * 32 if adapter else None, **changes)


def test_a_draft_is_preliminary_labelled_and_signed_by_nobody() -> None:
    resource = diagnostic_report(shown())

    assert resource["status"] == "preliminary"
    assert {"AIAST", "PROCESSINLINELABEL"} == {label["code"] for label in resource["meta"]["security"]}
    assert resource["_conclusion"]["extension"][0]["valueCoding"]["code"] == "AIAST"
    assert "resultsInterpreter" not in resource and "performer" not in resource
    assert resource["conclusion"] == HARD_TEXT


def test_the_provenance_names_the_base_model_and_the_adapters_hash() -> None:
    device, provenance = diagnostic_report(shown())["contained"]

    assert provenance["agent"][0]["who"]["reference"] == f"#{device['id']}"
    assert device["modelNumber"] == "base@1234"
    assert device["identifier"] == [{"system": "urn:impresario:adapter-sha256", "value": "ab" * 32}]
    assert "identifier" not in diagnostic_report(shown(adapter=None))["contained"][0]


def test_what_we_send_is_valid_fhir_and_the_same_bytes_every_time() -> None:
    first, second = FhirForm("t").message(shown()), FhirForm("t").message(shown())

    assert first == second and first.value == second.value
    assert DiagnosticReport.model_validate_json(first.value).status == "preliminary"


def test_the_headers_are_those_of_the_contract() -> None:
    headers = dict(FhirForm("t").message(shown()).headers)

    assert headers["ce_id"] == b"5b0f7a52-5d0e-5c53-9d0c-000000000001"
    assert headers["ce_type"] == b"impresario.impression.drafted"
    assert headers["content-type"] == b"application/fhir+json"
    assert (headers["radiologist"], headers["adapter"], headers["kind"]) == (b"r17", b"2026-03-01-abcdef012345", b"own-words")
    assert headers["report-id"].decode() == shown().report.id and {"ce_source", "ce_time"} <= set(headers)


def test_a_withdrawn_draft_says_so_and_shows_no_text() -> None:
    message = FhirForm("t").message(shown(withdrawn_because="signed"))
    resource = json.loads(message.value)

    assert resource["status"] == "entered-in-error"
    assert "conclusion" not in resource and HARD_TEXT[:20] not in message.value.decode()
    assert message.id != FhirForm("t").message(shown()).id
    assert dict(message.headers)["ce_type"] == b"impresario.impression.withdrawn"


def test_the_hl7_form_carries_every_character_of_the_draft() -> None:
    message = hl7.parse(observation_result(shown()))
    lines = [message.unescape(str(segment[5])) for segment in message.segments("OBX")]

    assert lines[0].startswith("Draft written by an AI")
    assert lines[1:] == HARD_TEXT.split("\n")


def test_the_hl7_form_says_in_four_places_that_a_machine_wrote_it_and_names_no_reader() -> None:
    message = hl7.parse(observation_result(shown()))

    for segment in message.segments("OBX"):
        assert str(segment[11]) == "P"
        assert str(segment[15]).startswith("IMPRESARIO") and str(segment[17]).startswith("AIDRAFT")
        assert str(segment[18]) == "2026-03-01-abcdef012345"
        assert str(segment[16]) == ""
    obr = message.segment("OBR")
    assert len(obr) <= 32 or not str(obr[32])
    assert str(obr[25]) == "R" and str(obr[3]) == "ACC1"


def test_an_accession_with_separators_in_it_survives() -> None:
    strange = shown()
    report = Report(
        kind="hl7v2", message_id="M", message_type="ORU^R01", version=None, accessions=("A^1|2",), status=Status.PRELIMINARY
    )
    message = hl7.parse(observation_result(Shown(report, strange.impression, strange.drafted_at)))

    assert message.unescape(str(message.segment("OBR")[3])) == "A^1|2"


def test_a_draft_and_its_withdrawal_are_two_messages_to_a_receiver_that_keeps_twenty_characters_of_a_control_id() -> None:
    first, other, withdrawn = (
        str(hl7.parse(observation_result(one)).segment("MSH")[10])
        for one in (
            shown(),
            replace(shown(), impression=replace(shown().impression, draft_id="6" * 36)),
            shown(withdrawn_because="X"),
        )
    )

    assert len({first[:20], other[:20], withdrawn[:20]}) == 3
    assert max(map(len, (first, other, withdrawn))) <= 20
    assert first == shown().impression.draft_id.replace("-", "")[:20]


def test_no_character_of_a_feed_ends_a_segment_or_a_frame_of_ours() -> None:
    exam = Exam(code="71046\x1c\r", text="Chest\x0b\x1cradiograph", modality="CR")
    report = replace(shown().report, exam=exam, accessions=("A1\rOBX|9\x1c",))

    raw = observation_result(replace(shown(), report=report))

    assert not {"\x0b", "\x1c"} & set(raw)
    assert [segment[:3] for segment in raw.split("\r")[:4]] == ["MSH", "OBR", "OBX", "OBX"]


@pytest.mark.parametrize("form", [FhirForm("t"), Hl7v2Form("t")])
def test_a_draft_prints_without_its_words(form: FhirForm | Hl7v2Form) -> None:
    assert "fracture" not in repr(form.message(shown())) + repr(shown())
