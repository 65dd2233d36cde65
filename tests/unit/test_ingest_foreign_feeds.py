"""Feeds of other countries and vendors, each with the habit that once was read wrong; written here by hand."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ingest.read import read
from ingest.report import Report, Status
from tests.unit.test_ingest_feeds import MSH, PID, flat, hl7, obr, only_report, readings, tx


def report_of(*lines: str, **more: Any) -> Report:
    return only_report(hl7(MSH, PID, obr(**more), *(tx(number, line) for number, line in enumerate(lines, 1))))


def fhir(**fields: Any) -> Report:
    resource = {"resourceType": "DiagnosticReport", "id": "r1", "status": "final", "code": {"text": "CT chest"}, **fields}
    return only_report(json.dumps(resource).encode())


def form(text: str, kind: str = "text/html", **more: str) -> dict[str, str]:
    return {"contentType": kind, "data": base64.b64encode(text.encode()).decode(), **more}


def test_a_german_letter_loses_its_salutation_and_its_greeting() -> None:
    text = (
        "Sehr geehrte Frau Kollegin,~wir berichten über die Untersuchung vom 02.01.2026.~~Klinische Angaben:~Husten.~~Befund:~Keine Infiltrate.~"
        "Herz normal groß.~~Beurteilung:~Kein Nachweis einer Pneumonie.~~Mit freundlichen kollegialen Grüßen~~Dr. med. H. Beispiel~Oberarzt"
    )

    report = only_report(hl7(MSH, PID, obr(), tx(1, text, code="BEF^Befund")))

    assert flat(report.findings) == "Keine Infiltrate. Herz normal groß."
    assert report.impression == "Kein Nachweis einer Pneumonie."


def test_a_salutation_is_no_finding_where_no_heading_says_findings() -> None:
    report = report_of("Dear Dr. Example, thank you.", "", "The lungs are clear. No effusion.", "", "Conclusion: Normal chest.")

    assert report.findings == "The lungs are clear. No effusion."


def test_a_dutch_validation_line_ends_the_impression() -> None:
    report = report_of(
        "Verslag", "Slank hart, geen infiltraat.", "Conclusie", "Geen infiltraat.", "Gevalideerd door: K. Voorbeeld, radioloog"
    )

    assert (report.findings, report.impression) == ("Slank hart, geen infiltraat.", "Geen infiltraat.")


def test_an_addendum_line_that_names_its_signer_adds_nothing() -> None:
    report = report_of(
        "*** ADDENDUM #1 ***", "Discussed with the ward.", "** ADDENDUM SIGNED BY: ALAN READ MD 01/02/2026 **", "", "*** ORIGINAL REPORT ***",
        "FINDINGS: No hemorrhage.", "IMPRESSION: Normal head CT.", status="C",
    )  # fmt: skip

    assert report.sections["addendum"] == "Discussed with the ward."  # type: ignore[index]
    assert (report.findings, report.impression) == ("No hemorrhage.", "Normal head CT.")


@pytest.mark.parametrize(
    "text",
    [
        r"{\E\rtf1\E\ansi{\E\fonttbl{\E\f0 Arial;}}\E\f0 {\E\b FINDINGS:}\E\par Lungs are clear.\E\par\E\par {\E\b IMPRESSION:}\E\par Normal chest.\E\par}",
        "<p><b>FINDINGS:</b><br/>Lungs are clear.</p><p><b>IMPRESSION:</b><br>Normal chest.</p>",
        "FINDINGS:<br>Lungs are clear.<br><br>IMPRESSION:<BR/>Normal chest.",
        r"FINDINGS:\nLungs are clear.\n\nIMPRESSION:\nNormal chest.",
        r"FINDINGS:\r\nLungs are clear.\r\nIMPRESSION:\r\nNormal chest.",
        r"FINDINGS:~\T\nbsp;Lungs are clear.~\T\nbsp;~IMPRESSION:~\T\nbsp;Normal chest.",
        r"\H\FINDINGS\N\\.br\Lungs are clear.\.br\\.br\\H\Comment\N\\.br\Normal chest.",
        r"FINDINGS:\.BR\Lungs are clear.\.BR\IMPRESSION:\.BR\Normal chest.",
    ],
)
def test_a_layout_that_is_no_layout_of_hl7_is_read_all_the_same(text: str) -> None:
    report = only_report(hl7(MSH, PID, obr(), tx(1, text, kind="FT")))

    assert (report.findings, report.impression) == ("Lungs are clear.", "Normal chest.")


def test_less_than_is_no_markup() -> None:
    report = report_of("FINDINGS: Nodules <5 mm and a cyst <b in size.", "Seen in R\\T\\D; \\T\\gt; 3 mm.", "IMPRESSION: Normal.")

    assert report.findings == "Nodules <5 mm and a cyst <b in size.\nSeen in R&D; > 3 mm."


def test_organs_by_name_are_findings_though_no_heading_says_so() -> None:
    report = report_of(
        "US RENAL",
        "Reason: Stones",
        "Right kidney: 10 cm.",
        "Left kidney: 11 cm.",
        "Bladder: Normal.",
        "CONCLUSION:",
        "No stones.",
    )

    assert report.sections["indication"] == "Stones"  # type: ignore[index]
    assert report.findings == "Right kidney: 10 cm.\nLeft kidney: 11 cm.\nBladder: Normal."


def test_a_wide_gap_proves_a_heading_in_a_report_all_in_capitals() -> None:
    report = report_of(
        "CHEST, TWO VIEWS", "HISTORY  COUGH", "FINDINGS  THE LUNGS ARE CLEAR.", "IMPRESSION  NORMAL CHEST.", "JOHN READ, M.D."
    )

    assert (report.findings, report.impression) == ("THE LUNGS ARE CLEAR.", "NORMAL CHEST.")


def test_thanks_for_the_referral_end_the_impression() -> None:
    report = report_of(
        "FINDINGS: Clear.", "IMPRESSION: 1. Normal.", "Thank you for allowing us to participate in the care of your patient."
    )

    assert report.impression == "1. Normal."


def test_a_reader_in_prt_is_read_where_obr32_is_gone() -> None:
    prt = "PRT|1|UC||PRI^Primary result interpreter^HL70912|55^READER^REA"

    report = only_report(hl7(MSH.replace("2.5.1", "2.8.2"), PID, obr(reader=""), prt, tx(1, "IMPRESSION: Normal.")))

    assert report.radiologist is not None and (report.radiologist.id, report.radiologist.role) == ("55", "principal-interpreter")


@pytest.mark.parametrize("sender", ["EPIC", "PS360", "OTHER"])
def test_the_reader_of_a_document_is_found_whoever_sends_it(sender: str) -> None:
    header = rf"MSH|^~\&|{sender}|H|||20260102||MDM^T02^MDM_T02|M1|P|2.5.1"
    document = "TXA|1|DI^DIAGNOSTIC IMAGING|TX|20260102|||||77^READ^AL|||DOC-1|||ACC-77||AU||AV"

    report = only_report(hl7(header, PID, document, tx(1, "FINDINGS: Clear."), tx(2, "IMPRESSION: Normal.")))

    assert report.radiologist is not None and report.radiologist.id == "77"
    assert (report.accessions, report.status) == (("ACC-77",), Status.FINAL)


def test_a_discharge_summary_is_no_imaging_report() -> None:
    header = MSH.replace("ORU^R01", "MDM^T02")

    (reading,) = readings(
        hl7(header, PID, "TXA|1|DS^DISCHARGE SUMMARY|TX|20260102||||||||DOC-1|||||AU", tx(1, "Discharged home in good health."))
    )

    assert reading.outcome == "ignored" and reading.message is not None and "TXA-2" in reading.message


def test_narrative_and_impression_may_be_a_form_each() -> None:
    report = fhir(
        presentedForm=[
            form("<p>NARRATIVE:</p>FINDINGS:<br>Lungs clear.", title="Narrative"),
            form("<div>1. Normal chest.</div>", title="Impression"),
        ]
    )

    assert (report.findings, report.impression) == ("Lungs clear.", "1. Normal chest.")


def test_a_second_rendering_of_the_same_text_counts_once() -> None:
    text = "FINDINGS:\nLungs clear.\n\nIMPRESSION:\nNormal chest.\n"

    report = fhir(presentedForm=[form(text, "text/plain"), form(text.replace("\n", "\r\n"), "text/plain")])

    assert report.text.count("Normal chest.") == 1


def test_the_role_of_an_stu3_performer_is_said_in_words() -> None:
    role = {"coding": [{"system": "http://snomed.info/sct", "code": "66862007", "display": "Radiologist"}]}

    report = fhir(category={"coding": [{"code": "RAD"}]}, performer=[{"role": role, "actor": {"reference": "Practitioner/rad7"}}])

    assert report.radiologist is not None and (report.radiologist.id, report.radiologist.role) == ("rad7", "Radiologist")


@pytest.mark.parametrize(
    ("name", "modality", "part"),
    [("MRT Kniegelenk links", "MR", "knee"), ("X-thorax", "CR", "chest"), ("MR Hüfte bds.", "MR", "hip")],
)
def test_modality_and_body_part_are_read_from_the_name_of_the_exam(name: str, modality: str, part: str) -> None:
    report = only_report(hl7(MSH, PID, obr(f4=f"X^{name}", f24=""), tx(1, "IMPRESSION: Normal.")))

    assert (report.exam.modality, report.exam.body_part) == (modality, part)


def test_ten_thousand_ways_to_begin_a_line_do_not_change_how_it_is_read() -> None:
    lines = [f"{chr(65 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676 % 26)} seen in the lungs." for n in range(3000)]

    once, twice = (
        next(iter(read(hl7(MSH, PID, obr(), *(tx(1, line) for line in ["FINDINGS:", *lines]))))).report for _ in range(2)
    )

    assert once is not None and twice is not None and once.findings == twice.findings == "\n".join(lines)


FHIR_XML = """<?xml version="1.0" encoding="UTF-8"?>
<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/><entry><resource><DiagnosticReport><id value="x"/>
<contained><Observation><id value="o"/><code><coding><code value="59776-5"/></coding></code><valueString value="Clear lungs."/></Observation></contained>
<identifier><type><coding><code value="ACSN"/></coding></type><value value="A-XML"/></identifier><status value="preliminary"/>
<code><text value="CT chest"/></code><subject><reference value="Patient/p"/></subject><resultsInterpreter><reference value="Practitioner/r9"/></resultsInterpreter>
<result><reference value="#o"/></result></DiagnosticReport></resource></entry>
<entry><resource><Patient><id value="p"/><gender value="female"/><birthDate value="1960-02-02"/></Patient></resource></entry></Bundle>"""


def test_fhir_is_read_as_xml_too() -> None:
    report = only_report(FHIR_XML.encode())

    assert (report.accessions, report.status, report.findings) == (("A-XML",), Status.PRELIMINARY, "Clear lungs.")
    assert report.radiologist is not None and report.radiologist.id == "r9"
    assert (report.patient.birth_year, report.patient.sex) == (1960, "female")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (FHIR_XML[:700], "bad-xml"),
        ('<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "xml"),
        (
            '<!DOCTYPE a [<!ENTITY x "Normal">]><DiagnosticReport xmlns="http://hl7.org/fhir"><conclusion value="&x;"/></DiagnosticReport>',
            "bad-xml",
        ),
        ('<Patient xmlns="http://hl7.org/fhir"><id value="1"/></Patient>', "not-a-report"),
    ],
)
def test_xml_that_is_no_report_says_why(raw: str, code: str) -> None:
    (reading,) = readings(raw.encode())

    assert reading.code == code and reading.message


def test_an_empty_list_is_answered_too() -> None:
    (reading,) = readings(b"[]")

    assert (reading.outcome, reading.code) == ("unreadable", "empty")


def test_a_refusal_names_no_type_that_is_none() -> None:
    (reading,) = readings(b'{"resourceType": "Metastasis"}')

    assert reading.message is not None and "Metastasis" not in reading.message


def test_a_code_that_is_an_object_names_no_section() -> None:
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "code": {"coding": [{"code": {"value": "19005-8"}}]},
        "valueString": "Normal chest, no change.",
    }

    report = fhir(contained=[observation], result=[{"reference": "#o"}])

    assert report.text == "Normal chest, no change."


def test_markup_that_cannot_be_read_stays_as_it_was_typed() -> None:
    report = only_report(hl7(MSH, PID, obr(), tx(1, "FINDINGS: <br> clear\x00 lungs.")))

    assert "clear" in report.text


def test_an_empty_conclusion_waits_and_the_discussion_above_it_is_findings() -> None:
    report = report_of("DISCUSSION:  The lungs are clear. There is no effusion.", "", "CONCLUSION:", status="P")

    assert (report.findings, report.impression) == ("The lungs are clear. There is no effusion.", "")
    assert report.awaits_impression


def test_the_name_of_the_exam_alone_on_a_line_begins_the_report_and_inside_findings_stays() -> None:
    one = report_of("Clinical History: Fall", "", "CT Head:", "", "No bleed. No fracture.", "", "Impression: Normal.")
    two = report_of(
        "Indication: Fall", "FINDINGS:", "CT Head:", "No bleed.", "CT Neck:", "No fracture.", "IMPRESSION:", "Normal."
    )

    assert (one.sections["indication"], one.findings) == ("Fall", "No bleed. No fracture.")  # type: ignore[index]
    assert two.findings == "CT Head:\nNo bleed.\nCT Neck:\nNo fracture."


@pytest.mark.parametrize(
    "lines",
    [
        ["Klinisk problemstilling:", "Hodepine.", "Beskrivelse:", "Normale ventrikler.", "Konklusjon:", "Normal MR.", "", "Kari Hansen, overlege"],
        ["Indikation:", "Obs tumor", "Undersøgelse: MR", "Beskrivelse:", "Normale ventrikler.", "Konklusion: Normal MR."],
        ["Frågeställning", "Tumör?", "Utlåtande", "Normale ventrikler.", "Sammanfattning", "Normal MR.", "", "A. Lind, överläkare"],
        ["ESITIEDOT", "Päänsärky.", "LAUSUNTO", "Normale ventrikler.", "YHTEENVETO", "Normal MR."],
        ["Klinische gegevens:", "Hoofdpijn.", "Verslag:", "Normale ventrikler.", "Conclusie:", "Normal MR.", "", "P. Jansen, radioloog"],
        ["REPORT", "Findings: Normale ventrikler.", "IMPRESSION:", "Normal MR.", "", "***** Final *****", "Dictated by:   Rad, Anna MD"],
    ],
)  # fmt: skip
def test_northern_headings_and_signatures_are_known(lines: list[str]) -> None:
    report = report_of(*lines)

    assert (report.findings, report.impression) == ("Normale ventrikler.", "Normal MR.")


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("GB18030", "gb18030", "检查所见：~双肺清晰。~诊断意见：~未见异常。"),
        ("UNICODE UTF-8", "utf-8", r"【検査目的】咳嗽\.br\【所見】\.br\双肺清晰。\.br\【診断】\.br\未见异常。"),
        ("~ISO IR87", "iso2022_jp_2", "所見：~双肺清晰。~診断：~未见异常。"),
    ],
)
def test_headings_in_chinese_and_japanese_open_sections(charset: str, codec: str, text: str) -> None:
    if codec.startswith("iso"):  # the same report in characters JIS X 0208 has
        text = text.replace("双肺清晰", "肺野清明").replace("未见异常", "異常なし")

    raw = "\r".join([f"{MSH}||||||{charset}", PID, obr(), tx(1, text)]).encode(codec)
    report = only_report(raw)

    assert report.findings in ("双肺清晰。", "肺野清明。") and report.impression in ("未见异常。", "異常なし。")


def test_a_document_is_about_the_order_it_names_itself() -> None:
    header = MSH.replace("ORU^R01", "MDM^T02")
    document = "TXA|1|DI|TX|20260102|||||77^READ^AL|||DOC-1||P1|ACC-77||AU||AV"

    report = only_report(hl7(header, PID, document, obr(accession="", f20="ORD5"), tx(1, "IMPRESSION: Normal.")))

    assert report.accessions == ("ACC-77",)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Colonoscopy under sedation. A polyp was removed.", "ignored"),
        ("PROCEDURE: Drainage. IMPRESSION: Drain in place.", "report"),
    ],
)
def test_a_procedure_note_is_a_report_only_where_it_is_of_radiology(text: str, outcome: str) -> None:
    header = MSH.replace("ORU^R01", "MDM^T02")

    (reading,) = readings(hl7(header, PID, "TXA|1|PN|TX|20260102|||||77^READ^AL|||DOC-1||P1|ACC-77||AU||AV", tx(1, text)))

    assert reading.outcome == outcome


def test_the_number_of_the_filler_is_nearer_than_that_of_the_placer() -> None:
    own = {"type": {"coding": [{"code": "FILL"}]}, "value": "24-110023"}
    order = {"identifier": {"type": {"coding": [{"code": "PLAC"}]}, "value": "ORD776"}}

    assert fhir(identifier=[own], basedOn=[order]).accessions == ("24-110023",)
    assert fhir(basedOn=[order]).accessions == ("ORD776",)
