"""What an acceptance set of feeds nobody had seen taught: dated addenda, bracketed headings, tables, Compositions, teaching hospitals."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ingest.read import read
from ingest.report import Report
from ingest.sections import sections


def the_report(resource: dict[str, Any]) -> Report:
    (report,) = [reading.report for reading in read(json.dumps(resource).encode()) if reading.report]
    return report


def diagnostic_report(**more: Any) -> dict[str, Any]:
    accession = {"type": {"coding": [{"code": "ACSN"}]}, "value": "A1"}
    return {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "XR"}, "identifier": [accession], **more}


ADDENDA = (
    "ADDENDUM 05/06/2026 14:02:",
    "ADDENDUM #1 by Dr. Roe on 5/6/2026:",
    "Nachtrag vom 06.05.2026:",
    "Addendum d.d. 06-05-2026:",
    "Adendo em 06/05/2026:",
    "Complément du 06/05/2026 :",
    "Supplemental report 05/06/2026:",
)


@pytest.mark.parametrize("heading", ADDENDA)
def test_a_dated_addendum_is_no_part_of_the_impression_it_follows(heading: str) -> None:
    told = sections(f"FINDINGS: No mass.\nIMPRESSION: Normal.\n\n{heading} A cyst is also seen.")

    assert told == {"findings": "No mass.", "impression": "Normal.", "addendum": "A cyst is also seen."}


@pytest.mark.parametrize("heading", ADDENDA)
def test_a_dated_addendum_may_stand_above_its_report(heading: str) -> None:
    told = sections(f"{heading}\nA cyst is also seen.\n\nFINDINGS: No mass.\nIMPRESSION: Normal.")

    assert told == {"findings": "No mass.", "impression": "Normal.", "addendum": "A cyst is also seen."}


def test_an_addendum_that_is_only_spoken_of_opens_nothing() -> None:
    for line in ("Complement of 3 screws in place.", "Complement C3 level 40: low"):
        assert "addendum" not in sections(f"FINDINGS: No mass.\n{line}\nIMPRESSION: Normal.")


def test_headings_in_brackets_head_what_follows_on_their_line() -> None:
    told = sections("[Clinical information] cough\n[Technique] CT.\n[Findings] No mass.\n[Impression]\nNormal.")

    assert told == {"indication": "cough", "technique": "CT.", "findings": "No mass.", "impression": "Normal."}


def test_a_table_of_headings_and_texts_is_read_row_by_row() -> None:
    rows = "<table><tr><td>Findings</td><td>No mass.</td></tr><tr><td>Impression</td><td>Normal.</td></tr></table>"
    report = the_report(
        diagnostic_report(presentedForm=[{"contentType": "text/html", "data": base64.b64encode(rows.encode()).decode()}])
    )

    assert report.sections == {"findings": "No mass.", "impression": "Normal."}


def test_the_accession_of_a_lone_composition_is_that_of_the_order_it_documents() -> None:
    order = {"resourceType": "ServiceRequest", "identifier": [{"type": {"coding": [{"code": "ACSN"}]}, "value": "A7"}]}
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18748-4"}]},
        "identifier": {"value": "composition-1"},
        "event": [{"detail": [{"reference": "urn:uuid:order"}]}],
        "section": [{"title": "Impression", "text": {"div": "<div>Normal.</div>"}}],
    }
    entries = [{"resource": composition}, {"fullUrl": "urn:uuid:order", "resource": order}]

    assert the_report({"resourceType": "Bundle", "type": "document", "entry": entries}).accessions == ("A7",)


def section(title: str, text: str, *entries: str) -> dict[str, Any]:
    return {"title": title, "text": {"div": f"<div>{text}</div>"}, "entry": [{"reference": entry} for entry in entries]}


def document(code: str, *sections: dict[str, Any]) -> list[tuple[str, str]]:
    """Findings and impression of each report in a document Bundle whose reports have no text of their own."""
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"code": code}]},
        "section": list(sections),
    }
    reports = [diagnostic_report(id=name) for name in ("a", "b")]
    entries = [{"fullUrl": f"urn:{one.get('id')}", "resource": one} for one in (composition, *reports)]
    readings = read(json.dumps({"resourceType": "Bundle", "type": "document", "entry": entries}).encode())
    return [(reading.report.findings, reading.report.impression) for reading in readings if reading.report]


def test_the_document_that_names_a_report_among_its_entries_holds_its_text() -> None:
    said = document("18748-4", section("Findings", "No mass.", "urn:a"), section("Impression", "Normal."))

    assert said == [("No mass.", "Normal."), ("", "")]


def test_a_discharge_summary_or_a_document_of_two_reports_is_the_text_of_none() -> None:
    assert document("18842-5", section("Findings", "No mass.", "urn:a")) == [("", ""), ("", "")]
    assert document("18748-4", section("Findings", "No mass.", "urn:a", "urn:b")) == [("", ""), ("", "")]


@pytest.mark.parametrize("charset", ["utf-16le", "ISO-8859-1", "windows-1252", "UTF-8", "no-such-set"])
def test_a_form_is_in_the_characters_its_content_type_names(charset: str) -> None:
    text = "BEFUND: Kein Erguss.\r\nBEURTEILUNG: Unauffällig.".encode("utf-8" if charset == "no-such-set" else charset)
    form = {"contentType": f"text/plain; charset={charset}", "data": base64.b64encode(text).decode()}

    assert the_report(diagnostic_report(presentedForm=[form])).sections == {
        "findings": "Kein Erguss.",
        "impression": "Unauffällig.",
    }


def test_of_a_resident_and_an_attending_the_attending_answers_for_the_report() -> None:
    def role(name: str, who: str, office: str) -> dict[str, Any]:
        return {
            "resourceType": "PractitionerRole",
            "id": name,
            "practitioner": {"identifier": {"value": who}},
            "code": [{"text": office}],
        }

    report = the_report(
        diagnostic_report(
            contained=[role("r", "RES1", "Resident"), role("a", "ATT1", "Attending radiologist")],
            resultsInterpreter=[{"reference": "#r"}, {"reference": "#a"}],
        )
    )

    assert report.radiologist is not None and report.radiologist.id == "ATT1"
    assert [(one.id, one.role) for one in report.assistants] == [("RES1", "trainee")]


@pytest.mark.parametrize(("code", "priority"), [("ST", "stat"), ("URG", "urgent"), ("RT", "routine")])
def test_priorities_are_read_as_departments_abbreviate_them(code: str, priority: str) -> None:
    message = f"MSH|^~\\&|R|H|E|H|20260505||ORU^R01|1|P|2.5\rOBR|1||A1|CT^CT|{code}||||||||||||||||||||F\rOBX|1|TX|&GDT||Normal.||||||F\r"
    (reading,) = read(message.encode())

    assert reading.report is not None and reading.report.priority == priority
