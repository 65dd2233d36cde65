"""What shares a feed with radiology's reports: other diagnostics, cancelled exams, documents of every kind."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ingest.read import read
from ingest.report import Reading, Report
from tests.unit.test_ingest_feeds import MSH, PID, hl7, obr, only_report, tx


def only(raw: bytes | dict[str, Any]) -> Reading:
    (reading,) = read(raw if isinstance(raw, bytes) else json.dumps(raw).encode())
    return reading


def report_in(resource: dict[str, Any]) -> Report:
    return only_report(json.dumps(resource).encode())


@pytest.mark.parametrize(
    ("service", "name", "outcome"),
    [
        ("EC", "12 LEAD ECG", "ignored"),
        ("EC", "ECHOCARDIOGRAM TRANSTHORACIC", "report"),
        ("", "12-Kanal-EKG", "ignored"),
        ("", "EEG awake and asleep", "ignored"),
        ("", "Colonoscopy", "ignored"),
        ("PF", "PULMONARY FUNCTION TEST", "ignored"),
        ("", "Electrocardiograma", "ignored"),
        ("", "Blood culture", "ignored"),
        ("RT", "Radiotherapy summary", "ignored"),
        ("", "ECG-gated CT heart", "report"),
        ("RAD", "Bronchoscopy under fluoroscopy", "report"),
        ("", "Chest", "report"),
    ],
)
def test_other_diagnostics_are_told_from_imaging_by_service_and_name(service: str, name: str, outcome: str) -> None:
    message = hl7(MSH, PID, obr(f4=f"X1^{name}", f24=service), tx(1, "IMPRESSION: Normal."))

    assert only(message).outcome == outcome


def test_an_interpretation_beside_measurements_alone_is_a_laboratorys() -> None:
    count = "OBX|1|NM|WBC||5.2|K/uL|3-10||||F"

    assert only(hl7(MSH, PID, obr(f4="X^Haemogram", f24=""), count, tx(2, "Interpretation: Normal count."))).outcome == "ignored"
    assert (
        only(hl7(MSH, PID, obr(f4="X^Haemogram", f24=""), count, tx(2, "FINDINGS: Clear.\\.br\\IMPRESSION: Normal."))).outcome
        == "report"
    )


@pytest.mark.parametrize(
    ("code", "category", "outcome"),
    [("EKG study", "EC", "ignored"), ("EKG study", "LP29708-2", "ignored"), ("Echocardiogram", "LP29708-2", "report"), ("CT chest", "RAD", "report")],
)  # fmt: skip
def test_other_diagnostics_are_ignored_in_fhir_too(code: str, category: str, outcome: str) -> None:
    resource = diagnostic_report(code={"text": code}, category=[{"coding": [{"code": category}]}], conclusion="Normal.")

    assert only(resource).outcome == outcome


MACHINE = r"OBX|1|TX|AI^AI triage||FINDINGS: Suspected bleed. IMPRESSION: Flag POSITIVE.||||||F||||||ALG^Algorithm|FLAG-2.1"


def test_what_an_algorithm_says_beside_a_radiologist_is_no_dictation() -> None:
    dictated = (obr(f1="2"), tx(1, "FINDINGS: Bleed of 2 cm."), tx(2, "IMPRESSION: Acute bleed."))

    report = only_report(hl7(MSH, PID, obr(reader=""), MACHINE, *dictated))

    assert (report.findings, report.impression) == ("Bleed of 2 cm.", "Acute bleed.")


def test_devices_named_everywhere_say_nothing_of_who_spoke() -> None:
    report = only_report(
        hl7(MSH, PID, obr(), MACHINE.replace("AI", "CT"), obr(f1="2"), MACHINE.replace("AI", "CT").replace("bleed", "clot"))
    )

    assert "bleed" in report.findings and "clot" in report.findings


def test_measurements_in_words_do_not_stand_for_the_text_of_a_report() -> None:
    measured = {
        "resourceType": "Observation",
        "id": "o",
        "code": {"text": "Volume doubling"},
        "valueString": "Doubles in more than 400 days",
    }
    text = base64.b64encode(b"FINDINGS: Nodule of 5 mm.\nIMPRESSION: Stable nodule.").decode()
    form = {"contentType": "text/plain", "data": text}

    report = report_in(diagnostic_report(contained=[measured], result=[{"reference": "#o"}], presentedForm=[form]))

    assert report.impression == "Stable nodule."


@pytest.mark.parametrize(
    "text", ["Onderzoek geannuleerd: patiënt niet verschenen.", "REASON: no show", "FINDINGS: Exam was not done."]
)
def test_why_an_exam_was_cancelled_is_no_finding(text: str) -> None:
    report = only_report(hl7(MSH, PID, obr(status="X"), tx(1, text, status="X")))

    assert (report.status, report.findings, report.impression, report.text) == ("cancelled", "", "", text)


def test_a_report_that_was_signed_and_then_cancelled_keeps_its_sections() -> None:
    report = only_report(hl7(MSH, PID, obr(status="X"), tx(1, "FINDINGS: Clear."), tx(2, "IMPRESSION: Normal.")))

    assert (report.findings, report.impression) == ("Clear.", "Normal.")


def diagnostic_report(**more: Any) -> dict[str, Any]:
    accession = {"type": {"coding": [{"code": "ACSN"}]}, "value": "A1"}
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "XR chest"},
        "identifier": [accession],
        **more,
    }


def section(title: str, text: str = "", **more: Any) -> dict[str, Any]:
    return {"title": title, **({"text": {"div": f"<div>{text}</div>"}} if text else {}), **more}


def composition(code: str, *sections: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "identifier": {"value": "C1"},
        "author": [{"reference": "Practitioner/p9"}],
        "section": list(sections),
    }


def document(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "document", "entry": [{"resource": resource} for resource in resources]}


SAID = (section("Reperto", "Polmoni liberi."), section("Conclusioni", "Normale."))


def test_the_only_report_of_a_document_is_what_its_composition_says_and_who_wrote_it() -> None:
    report = report_in(document(composition("68604-8", *SAID), diagnostic_report()))

    assert (report.accessions, report.findings, report.impression) == (("A1",), "Polmoni liberi.", "Normale.")
    assert report.radiologist is not None and report.radiologist.id == "p9"


def test_a_discharge_summary_lends_a_report_no_text_and_is_none_itself() -> None:
    summary = composition("18842-5", section("Findings", "No mass."), section("Impression", "Going home."))

    assert report_in(document(summary, diagnostic_report())).findings == ""
    assert only(document(summary)).outcome == "ignored"
    assert only(summary).outcome == "ignored"


def test_a_document_of_no_known_type_is_a_report_by_its_headings() -> None:
    assert report_in(composition("99999-9", *SAID)).impression == "Normale."
    assert only(composition("99999-9", section("Care plan", "Two tablets a day."))).outcome == "ignored"


def test_a_section_may_name_observations_instead_of_saying_anything() -> None:
    observation = {"resourceType": "Observation", "id": "o1", "code": {"text": "Finding"}, "valueString": "The lungs are clear."}
    sections = (section("Findings", entry=[{"reference": "Observation/o1"}]), section("Impression", "Normal."))

    assert report_in(document(composition("18748-4", *sections), observation)).findings == "The lungs are clear."


def document_reference(code: str, **more: Any) -> dict[str, Any]:
    text = base64.b64encode(b"FINDINGS: Clear.\nIMPRESSION: Normal.").decode()
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "identifier": [{"type": {"coding": [{"code": "ACSN"}]}, "value": "A9"}],
        "authenticator": {"reference": "Practitioner/p9"},
        "author": [{"reference": "Practitioner/p1"}],
        "content": [{"attachment": {"contentType": "text/plain", "data": text}}],
        **more,
    }


def test_an_imaging_note_may_come_as_a_document_reference() -> None:
    report = report_in(document_reference("18748-4", docStatus="preliminary"))

    assert (report.accessions, report.status) == (("A9",), "preliminary")
    assert (report.findings, report.impression) == ("Clear.", "Normal.")
    assert report.radiologist is not None and report.radiologist.id == "p9"


def test_a_document_reference_that_does_not_say_how_far_it_is_teaches_nothing() -> None:
    report = report_in(document_reference("18748-4"))

    assert not report.is_signed and not report.awaits_impression


def test_a_document_reference_beside_its_report_is_not_read_twice() -> None:
    assert only(document(document_reference("18748-4"), diagnostic_report(conclusion="Normal."))).report is not None
    assert only(document_reference("18842-5")).outcome == "ignored"


def test_a_page_escaped_once_more_on_its_way_is_read_as_the_page_it_was() -> None:
    report = only_report(
        hl7(
            MSH,
            PID,
            obr(),
            tx(1, "&lt;p&gt;FINDINGS: Clear, &lt; 5 mm.&lt;/p&gt;&lt;p&gt;IMPRESSION:&lt;br/&gt;Normal.&lt;/p&gt;"),
        )
    )

    assert (report.findings, report.impression) == ("Clear, < 5 mm.", "Normal.")


def test_a_department_that_is_only_displayed_reads_nothing() -> None:
    performers = [{"display": "Radiology Department"}, {"reference": "Practitioner/p7"}]

    report = report_in(diagnostic_report(performer=performers, conclusion="Normal."))

    assert report.radiologist is not None and report.radiologist.id == "p7"
