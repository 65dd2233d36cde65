"""DiagnosticReports as servers send them: five FHIR versions, every kind of Bundle, and what the field does to both."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ingest.read import read
from ingest.report import Reading, Report, Status

LOINC = "http://loinc.org"


def readings(*documents: Any) -> list[Reading]:
    return list(read("\n".join(json.dumps(document) for document in documents).encode()))


def only_report(*documents: Any) -> Report:
    found = readings(*documents)
    assert [reading.outcome for reading in found] == ["report"], found
    assert found[0].report is not None
    return found[0].report


def acsn(value: str) -> dict[str, Any]:
    return {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}, "value": value}


def form(text: str, kind: str = "text/plain") -> dict[str, str]:
    return {"contentType": kind, "data": base64.b64encode(text.encode()).decode()}


def diagnostic_report(**more: Any) -> dict[str, Any]:
    resource = {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "identifier": [acsn("ACC1")], "code": {"text": "CT HEAD"},
        "category": [{"coding": [{"code": "RAD"}]}], "issued": "2026-01-02T03:04:05+01:00", "resultsInterpreter": [{"reference": "Practitioner/77"}],
        **more,
    }  # fmt: skip
    return {key: value for key, value in resource.items() if value is not None}


def observation(identifier: str, code: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": identifier,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "valueString": text,
        **more,
    }


def bundle(kind: str, *resources: dict[str, Any]) -> dict[str, Any]:
    entries = [{"fullUrl": f"https://example.org/fhir/{r['resourceType']}/{r.get('id')}", "resource": r} for r in resources]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


REPORT = "CLINICAL HISTORY: Fall.\nFINDINGS:\nNo bleed.\n\nIMPRESSION:\nNormal.\n"


def test_plain_text_in_presented_form() -> None:
    report = only_report(diagnostic_report(presentedForm=[form(REPORT)]))

    assert (report.accessions, report.status) == (("ACC1",), Status.FINAL)
    assert (report.findings, report.impression) == ("No bleed.", "Normal.")
    assert report.radiologist is not None and report.radiologist.id == "77"
    assert report.issued is not None and report.issued.isoformat() == "2026-01-02T03:04:05+01:00"


@pytest.mark.parametrize(
    ("kind", "text"),
    [("text/html", "<div>FINDINGS:<br/>No bleed.<br/><br/>IMPRESSION:<br/>Normal.</div>"), ("application/rtf", r"{\rtf1 FINDINGS:\par No bleed.\par IMPRESSION:\par Normal.\par}"),
     ("application/xhtml+xml", '<html xmlns="http://www.w3.org/1999/xhtml"><body><h3>Findings</h3><p>No bleed.</p><h3>Impression</h3><p>Normal.</p></body></html>'),
     ("text/plain;charset=utf-8", REPORT)],
)  # fmt: skip
def test_every_form_of_text_is_read(kind: str, text: str) -> None:
    report = only_report(diagnostic_report(presentedForm=[form(text, kind)]))

    assert (report.findings, report.impression) == ("No bleed.", "Normal.")


def test_the_conclusion_is_the_impression_where_the_text_has_none() -> None:
    report = only_report(diagnostic_report(presentedForm=[form("FINDINGS:\nNo bleed.")], conclusion="Normal head."))

    assert (report.findings, report.impression) == ("No bleed.", "Normal head.")
    assert "Normal head." in report.text


def test_a_conclusion_alone_is_the_impression() -> None:
    assert only_report(diagnostic_report(conclusion="Normal head.")).impression == "Normal head."


def test_a_conclusion_that_holds_the_whole_report_is_cut_at_its_headings() -> None:
    report = only_report(diagnostic_report(conclusion=REPORT))

    assert (report.findings, report.impression) == ("No bleed.", "Normal.")


def test_observations_in_the_bundle_are_the_sections() -> None:
    resource = diagnostic_report(result=[{"reference": "Observation/f"}, {"reference": "Observation/i"}])

    report = only_report(
        bundle("transaction", resource, observation("f", "59776-5", "No bleed."), observation("i", "19005-8", "Normal."))
    )

    assert (report.findings, report.impression) == ("No bleed.", "Normal.")


def test_contained_observations_and_practitioners_are_found() -> None:
    resource = diagnostic_report(
        contained=[observation("f", "59776-5", "No bleed."), {"resourceType": "Practitioner", "id": "p", "identifier": [{"value": "D77"}]}],
        result=[{"reference": "#f"}], resultsInterpreter=[{"reference": "#p"}], conclusion="Normal.",
    )  # fmt: skip

    report = only_report(resource)

    assert (report.findings, report.impression) == ("No bleed.", "Normal.")
    assert report.radiologist is not None and report.radiologist.id == "D77"


@pytest.mark.parametrize(
    "kind", ["message", "transaction", "batch", "collection", "history", "searchset", "document", "subscription-notification"]
)
def test_every_kind_of_bundle_gives_its_reports(kind: str) -> None:
    others = [
        {"resourceType": "MessageHeader", "id": "m"},
        {"resourceType": "Patient", "id": "p", "birthDate": "1970-03-04", "gender": "female"},
    ]
    first = diagnostic_report(presentedForm=[form(REPORT)], subject={"reference": "Patient/p"})
    second = diagnostic_report(id="r2", identifier=[acsn("ACC2")], presentedForm=[form(REPORT)])

    found = readings(bundle(kind, *others, first, second))

    assert [reading.report.accessions for reading in found if reading.report] == [("ACC1",), ("ACC2",)]
    assert found[0].report is not None and found[0].report.patient.birth_year == 1970


def test_one_foreign_entry_sinks_no_bundle() -> None:
    whole = bundle("collection", diagnostic_report(presentedForm=[form(REPORT)]))
    whole["entry"] += [
        {"resource": {"resourceType": "Spaceship", "warp": 9}},
        {"resource": "text"},
        7,
        {"resource": {"no": "type"}},
    ]

    outcomes = [reading.outcome for reading in readings(whole)]

    assert outcomes.count("report") == 1 and outcomes.count("unreadable") == 3


def test_ndjson_is_read_line_by_line_and_references_cross_lines() -> None:
    found = readings(diagnostic_report(result=[{"reference": "Observation/f"}]), observation("f", "59776-5", "No bleed."))

    assert found[0].report is not None and found[0].report.findings == "No bleed."


def test_a_broken_ndjson_line_costs_only_itself() -> None:
    line = json.dumps(diagnostic_report(conclusion="Normal."))

    found = list(read(f"{line}\n{{broken\n{line}\n".encode()))

    assert [reading.outcome for reading in found] == ["report", "unreadable", "report"]


def test_the_accession_may_stand_with_the_order_or_the_study() -> None:
    order = {
        "resourceType": "ServiceRequest",
        "id": "o",
        "identifier": [acsn("ACC7")],
        "priority": "stat",
        "reasonCode": [{"text": "Fall"}],
    }
    study = {"resourceType": "ImagingStudy", "id": "s", "identifier": [acsn("ACC8")], "modality": [{"code": "CT"}]}
    resource = diagnostic_report(
        identifier=None,
        basedOn=[{"reference": "ServiceRequest/o"}],
        imagingStudy=[{"reference": "ImagingStudy/s"}],
        conclusion="Normal.",
    )

    report = only_report(bundle("collection", resource, order, study))

    assert report.accessions == ("ACC7", "ACC8")
    assert report.priority == "stat"
    assert report.sections["indication"] == "Fall"  # type: ignore[index]


@pytest.mark.parametrize(
    ("identifiers", "accession"),
    [([{"system": "urn:hospital:accession", "value": "A1"}, {"system": "urn:other", "value": "X"}], "A1"), ([{"use": "official", "value": "A2"}], "A2"),
     ([{"value": "X", "type": {"coding": [{"code": "PLAC"}]}}, {"value": "A3", "type": {"coding": [{"code": "FILL"}]}}], "A3"),
     ([{"value": "A4", "type": {"text": "Accession Number"}}], "A4")],
)  # fmt: skip
def test_the_accession_is_told_from_other_identifiers(identifiers: list[dict[str, Any]], accession: str) -> None:
    assert only_report(diagnostic_report(identifier=identifiers, conclusion="Normal.")).accessions == (accession,)


def test_a_logical_reference_to_the_order_names_the_accession() -> None:
    assert only_report(
        diagnostic_report(identifier=None, basedOn=[{"identifier": acsn("A5")}], conclusion="Normal.")
    ).accessions == ("A5",)


def test_r5_keeps_the_study_and_the_composition_elsewhere() -> None:
    composition = {
        "resourceType": "Composition", "id": "c", "status": "final",
        "section": [{"title": "Findings", "text": {"status": "additional", "div": "<div><p>No bleed.</p></div>"}},
                    {"code": {"coding": [{"code": "19005-8"}]}, "text": {"status": "additional", "div": "<div>Normal.</div>"}}],
    }  # fmt: skip
    resource = diagnostic_report(
        identifier=None, study=[{"reference": "ImagingStudy/s"}], composition={"reference": "Composition/c"}
    )
    study = {
        "resourceType": "ImagingStudy",
        "id": "s",
        "identifier": [acsn("ACC8")],
        "series": [{"uid": "1.2", "modality": {"coding": [{"code": "CT"}]}}],
    }

    report = only_report(bundle("collection", resource, composition, study))

    assert report.version == "R5"
    assert report.accessions == ("ACC8",)
    assert (report.findings, report.impression) == ("No bleed.", "Normal.")


def test_stu3_performers_are_actors_with_roles() -> None:
    resource = {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "preliminary", "identifier": [acsn("ACC1")], "category": {"coding": [{"code": "RAD"}]},
        "code": {"text": "CT HEAD"}, "context": {"reference": "Encounter/e"}, "codedDiagnosis": [{"text": "x"}],
        "performer": [{"role": {"text": "Technician"}, "actor": {"reference": "Practitioner/5"}}, {"role": {"text": "Radiologist"}, "actor": {"reference": "Practitioner/77"}}],
        "presentedForm": [form("FINDINGS: No bleed.")],
    }  # fmt: skip

    report = only_report(resource)

    assert report.version == "STU3"
    assert report.radiologist is not None and report.radiologist.id == "77"
    assert report.awaits_impression


def test_dstu2_has_one_performer_and_requests() -> None:
    resource = {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "identifier": [acsn("ACC1")], "category": {"coding": [{"code": "RAD"}]},
        "code": {"text": "CT HEAD"}, "performer": {"reference": "Practitioner/77"}, "request": [{"reference": "DiagnosticOrder/o"}], "conclusion": "Normal.",
        "effectiveDateTime": "2026-01-02", "issued": "2026-01-02T03:04:05Z",
    }  # fmt: skip

    report = only_report(resource)

    assert report.version == "DSTU2"
    assert report.radiologist is not None and report.radiologist.id == "77"


@pytest.mark.parametrize(("raw", "status"), [("registered", Status.REGISTERED), ("partial", Status.PARTIAL), ("preliminary", Status.PRELIMINARY), ("modified", Status.AMENDED),
                                             ("final", Status.FINAL), ("amended", Status.AMENDED), ("corrected", Status.CORRECTED), ("appended", Status.APPENDED),
                                             ("cancelled", Status.CANCELLED), ("entered-in-error", Status.ENTERED_IN_ERROR), ("unknown", Status.UNKNOWN), ("bogus", Status.UNKNOWN)])  # fmt: skip
def test_every_status_is_decided(raw: str, status: Status) -> None:
    assert only_report(diagnostic_report(status=raw, conclusion="Normal.")).status is status


def test_practitioners_are_known_by_their_hospital_id() -> None:
    role = {"resourceType": "PractitionerRole", "id": "pr", "practitioner": {"reference": "Practitioner/p"}}
    person = {
        "resourceType": "Practitioner",
        "id": "p",
        "identifier": [{"use": "old", "value": "OLD"}, {"system": "urn:npi", "value": "D77"}],
    }
    resource = diagnostic_report(
        resultsInterpreter=[{"reference": "PractitionerRole/pr"}],
        performer=[{"reference": "Organization/o"}],
        conclusion="Normal.",
    )

    report = only_report(bundle("collection", resource, role, person))

    assert report.radiologist is not None and report.radiologist.id == "D77"
    assert report.assistants == ()


def test_times_without_offset_are_read_and_noted() -> None:
    (reading,) = readings(diagnostic_report(issued="2026-01-02T03:04:05", conclusion="Normal."))

    assert reading.report is not None and reading.report.issued is not None
    assert any("offset" in note for note in reading.notes)


def test_empty_strings_and_wrong_shapes_are_repaired() -> None:
    (reading,) = readings(
        diagnostic_report(
            conclusion="",
            category=[],
            presentedForm=[{"contentType": "text/plain", "data": "FINDINGS: No bleed here."}],
            identifier=acsn("ACC1"),
        )
    )

    assert reading.report is not None and reading.report.accessions == ("ACC1",)
    assert reading.report.findings == "No bleed here."
    assert reading.notes


def test_the_conclusion_may_hide_in_an_extension() -> None:
    report = only_report(diagnostic_report(_conclusion={"extension": [{"url": "http://x", "valueMarkdown": "Normal."}]}))

    assert report.impression == "Normal."


def test_a_laboratory_report_is_ignored() -> None:
    (reading,) = readings(diagnostic_report(category=[{"coding": [{"code": "LAB"}]}], conclusion="Normal."))

    assert reading.outcome == "ignored"


def test_a_bundle_without_reports_is_ignored_once() -> None:
    (reading,) = readings(bundle("collection", {"resourceType": "Patient", "id": "p"}))

    assert (reading.outcome, reading.code) == ("ignored", "not-a-report")


def test_a_generated_narrative_is_no_dictation() -> None:
    report = only_report(
        diagnostic_report(
            text={"status": "generated", "div": "<div><p><b>Generated Narrative</b></p><p>id: r1 and more words</p></div>"},
            conclusion="Normal.",
        )
    )

    assert report.impression == "Normal."
    assert "id: r1" not in report.text


def test_a_binary_in_the_bundle_is_the_presented_form() -> None:
    binary = {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": form(REPORT)["data"]}

    report = only_report(
        bundle("collection", diagnostic_report(presentedForm=[{"contentType": "text/plain", "url": "Binary/b"}]), binary)
    )

    assert (report.findings, report.impression) == ("No bleed.", "Normal.")


def test_a_dstu2_bundle_with_order_and_observations() -> None:
    resource = {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "identifier": [{"system": "urn:ris:report", "value": "RPT1"}], "issued": "2026-01-02T03:04:05Z",
        "category": {"coding": [{"system": "http://hl7.org/fhir/v2/0074", "code": "RAD"}]}, "code": {"text": "XR Chest"}, "performer": {"reference": "Practitioner/p"},
        "request": [{"reference": "DiagnosticOrder/o"}], "result": [{"reference": "Observation/f"}, {"reference": "Observation/i"}],
    }  # fmt: skip
    order = {"resourceType": "DiagnosticOrder", "id": "o", "identifier": [acsn("ACC9")], "reason": [{"text": "Cough"}]}
    person = {"resourceType": "Practitioner", "id": "p", "identifier": [{"value": "77"}], "name": {"family": ["Smith"]}}
    findings = {"resourceType": "Observation", "id": "f", "code": {"text": "Findings"}, "comments": "Clear lungs."}
    impression = {"resourceType": "Observation", "id": "i", "code": {"text": "Impression"}, "valueString": "Normal."}

    report = only_report(bundle("collection", resource, order, person, findings, impression))

    assert (report.accessions, report.version) == (("ACC9",), "DSTU2")
    assert (report.findings, report.impression) == ("Clear lungs.", "Normal.")
    assert report.radiologist is not None and report.radiologist.id == "77"


def test_markdown_in_an_r5_conclusion_is_cut_at_its_headings() -> None:
    report = only_report(diagnostic_report(study=[], conclusion="## Findings\nNo bleed.\n\n## Impression\nNormal."))

    assert (report.findings, report.impression) == ("No bleed.", "Normal.")


def test_a_subscription_notification_wrapped_in_parameters_is_opened() -> None:
    whole = {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": diagnostic_report(conclusion="Normal.")}]}

    assert only_report(whole).impression == "Normal."


def test_a_laboratory_report_is_let_go_before_anybody_holds_it_against_the_standard() -> None:
    laboratory = diagnostic_report(category=[{"coding": [{"code": "LAB"}]}], foreign=1)
    radiology = diagnostic_report(category=[{"coding": [{"code": "RAD"}]}], foreign=1, conclusion="Normal.")

    (ignored,) = readings(laboratory)
    (report,) = readings(radiology)

    assert (ignored.outcome, ignored.notes) == ("ignored", ())
    assert report.notes == ("foreign is no field of this version: left alone",)
