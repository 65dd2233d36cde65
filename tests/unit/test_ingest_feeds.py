"""Feeds as vendors send them, each written here by hand: what an integration analyst would try first."""

from __future__ import annotations

import base64

import pytest

from ingest.read import read
from ingest.report import Reading, Report, Status


def hl7(*segments: str, end: str = "\r") -> bytes:
    return (end.join(segments) + end).encode()


def readings(raw: bytes, **more: object) -> list[Reading]:
    return list(read(raw, **more))  # type: ignore[arg-type]


def only_report(raw: bytes, **more: object) -> Report:
    found = readings(raw, **more)
    assert [reading.outcome for reading in found] == ["report"], found
    assert found[0].report is not None
    return found[0].report


def flat(text: str) -> str:
    return " ".join(text.split())


MSH = r"MSH|^~\&|RIS|HOSP|AGENT|HOSP|20260102030405||ORU^R01|MSG1|P|2.5.1"
PID = "PID|1||4711^^^HOSP^MR||DOE^JANE||19700304|F"


def obr(accession: str = "ACC1", status: str = "F", reader: str = "77^SMITH^JOHN", **more: str) -> str:
    fields = [""] * 36
    fields[0], fields[1], fields[2], fields[3], fields[4] = "OBR", "1", "PLACER1", accession, "CTCH^CT CHEST W CONTRAST^L"
    fields[7], fields[22], fields[24], fields[25], fields[32] = "20260102020304", "20260102030405", "CT", status, reader
    for number, value in more.items():
        fields[int(number.removeprefix("f"))] = value
    return "|".join(fields)


def tx(number: int, text: str, code: str = "", kind: str = "TX", status: str = "F") -> str:
    return f"OBX|{number}|{kind}|{code}||{text}||||||{status}"


def test_epic_sends_a_line_per_obx_and_marks_body_and_impression_in_obx3() -> None:
    lines = [("71260&GDT", "EXAM: CT CHEST"), ("71260&GDT", ""), ("71260&GDT", "HISTORY: Cough."), ("71260&GDT", ""),
             ("71260&GDT", "FINDINGS: Lungs are clear."), ("71260&GDT", "No effusion."), ("71260&IMP", "IMPRESSION:"),
             ("71260&IMP", "1. No acute disease."), ("71260&IMP", "2. Emphysema.")]  # fmt: skip

    report = only_report(
        hl7(MSH, PID, obr(reader="D77&SMITH&JOHN"), *(tx(i, text, code) for i, (code, text) in enumerate(lines, 1)))
    )

    assert report.accessions == ("ACC1",)
    assert report.radiologist is not None and report.radiologist.id == "D77"
    assert report.findings == "Lungs are clear.\nNo effusion."
    assert report.impression == "1. No acute disease.\n2. Emphysema."
    assert report.sections["indication"] == "Cough."  # type: ignore[index]


def test_epic_body_without_a_findings_heading_is_findings() -> None:
    lines = [("&GDT", "CT CHEST WITH CONTRAST"), ("&GDT", ""), ("&GDT", "CLINICAL HISTORY: Cough."), ("&GDT", ""), ("&GDT", "COMPARISON: None."),
             ("&GDT", ""), ("&GDT", "The lungs are clear. No effusion."), ("&GDT", "The heart is normal."), ("&IMP", "Normal CT chest.")]  # fmt: skip

    report = only_report(hl7(MSH, PID, obr(), *(tx(i, text, code) for i, (code, text) in enumerate(lines, 1))))

    assert flat(report.findings) == "The lungs are clear. No effusion. The heart is normal."
    assert report.impression == "Normal CT chest."
    assert report.sections["comparison"] == "None."  # type: ignore[index]


def test_powerscribe_sends_one_ft_with_formatting_commands() -> None:
    text = (
        r"EXAM: CT CHEST\.br\\.br\CLINICAL HISTORY: Cough \T\ fever.\.br\\.br\TECHNIQUE: Axial 1.25 mm.\.br\\.br\FINDINGS:\.br\Lungs: Clear.\.br\\.br\Heart: Normal."
        r"\.br\\.br\IMPRESSION:\.br\1. Normal.\.br\\.br\\.br\Dictated by: Resident Doe, MD\.br\I have personally reviewed the images and agree.\.br\Electronically signed by: John Smith, MD 1/2/2026"
    )

    report = only_report(hl7(MSH, PID, obr(), tx(1, text, "GDT^Report", "FT")))

    assert report.impression == "1. Normal."
    assert report.findings == "Lungs: Clear.\n\nHeart: Normal."
    assert report.sections["indication"] == "Cough & fever."  # type: ignore[index]


def test_cerner_names_the_accession_by_its_namespace_in_a_repetition() -> None:
    row = obr("9876543^HNAM_EVENTID~000002026XR0000123^HNA_ACCN", f2="555^HNAM_ORDERID")

    report = only_report(
        hl7(
            MSH,
            PID,
            row,
            tx(
                1,
                r"Report\.br\Heart is normal in size.\.br\\.br\Impression\.br\No acute disease.",
                "RADRPT^Radiology Report",
                "FT",
            ),
        )
    )

    assert report.accessions == ("000002026XR0000123",)
    assert report.impression == "No acute disease."
    assert report.findings == "Heart is normal in size."


def test_vista_uses_its_own_separators_and_writes_the_case_number_second() -> None:
    raw = (
        b"MSH^~|\\&^RA-VOICE-SERVER^500^RA-CLIENT^500^20260102030405-0500^^ORU~R01^500123^P^2.3\r"
        b"PID^^^123456~~~USVHA^^DOE~JANE^^19700304^F\r"
        b"OBR^1^^6889271.8764-1~010226-1234~L^71020~CHEST 2 VIEWS~C4^^^20260102020304^^^^^^^^^^^^^^^20260102030405^^^F^^^^^^^77~SMITH~JOHN\r"
        b"OBX^1^TX^P~PROCEDURE~L^^CHEST 2 VIEWS^^^^^^F\rOBX^2^TX^I~IMPRESSION~L^^NO ACUTE DISEASE.^^^^^^F\r"
        b"OBX^3^TX^R~REPORT~L^^THE LUNGS ARE CLEAR.^^^^^^F\rOBX^4^TX^R~REPORT~L^^THE HEART IS NORMAL.^^^^^^F\r"
    )

    report = only_report(raw)

    assert report.accessions == ("010226-1234",)
    assert report.radiologist is not None and report.radiologist.id == "77"
    assert report.impression == "NO ACUTE DISEASE."
    assert flat(report.findings) == "THE LUNGS ARE CLEAR. THE HEART IS NORMAL."
    assert report.issued is not None and report.issued.isoformat() == "2026-01-02T03:04:05+00:00"


def test_a_dicom_archive_keeps_the_accession_in_obr18() -> None:
    raw = hl7(
        MSH.replace("RIS", "DCM4CHEE"), PID, obr("FILL9", f18="ACC18", f19="RP1", f20="SPS1"),
        tx(1, "1.2.840.113619.2.55.3.1", "113014^DICOM Study^DCM", "HD"),
        tx(2, "Lungs are clear.", "59776-5^Procedure Findings^LN"), tx(3, "Normal.", "19005-8^Impressions^LN"),
    )  # fmt: skip

    report = only_report(raw)

    assert report.accessions == ("ACC18",)
    assert (report.findings, report.impression) == ("Lungs are clear.", "Normal.")
    assert "1.2.840" not in report.text


def test_a_ris_prints_the_whole_report_with_tildes() -> None:
    report = only_report(hl7(MSH, PID, obr(), tx(1, "FINDINGS:~Lungs are clear.~~IMPRESSION:~Normal.")))

    assert (report.findings, report.impression) == ("Lungs are clear.", "Normal.")


def test_a_tilde_before_a_number_may_mean_about() -> None:
    report = only_report(hl7(MSH, PID, obr(), tx(1, "FINDINGS: A nodule of ~5 mm."), tx(2, "IMPRESSION: Nodule.")))

    assert report.findings == "A nodule of ~5 mm."


def test_hexadecimal_line_ends_are_line_ends() -> None:
    report = only_report(
        hl7(MSH, PID, obr(), tx(1, r"FINDINGS:\X0D\\X0A\Lungs are clear.\X0D0A\\X0D0A\IMPRESSION:\X0A\Normal.", kind="FT"))
    )

    assert (report.findings, report.impression) == ("Lungs are clear.", "Normal.")


def test_an_engine_that_escapes_twice_still_breaks_lines() -> None:
    report = only_report(hl7(MSH, PID, obr(), tx(1, r"FINDINGS: Clear.\E\.br\E\IMPRESSION: Normal.", kind="FT")))

    assert (report.findings, report.impression) == ("Clear.", "Normal.")


def test_real_newlines_inside_obx5_belong_to_the_text() -> None:
    raw = hl7(MSH, PID, obr(), tx(1, "FINDINGS:\nLungs are clear.\n\nPID is fine.\nIMPRESSION:\nNormal.", kind="FT"))

    report = only_report(raw)

    assert flat(report.findings) == "Lungs are clear. PID is fine."
    assert report.impression == "Normal."
    assert report.status is Status.FINAL


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_any_line_end_reads_the_same(end: str) -> None:
    report = only_report(hl7(MSH, PID, obr(), tx(1, "FINDINGS: Clear."), tx(2, "IMPRESSION: Normal."), end=end))

    assert (report.findings, report.impression) == ("Clear.", "Normal.")


def test_unescaped_separators_in_the_text_stay_text() -> None:
    report = only_report(hl7(MSH, PID, obr(), tx(1, "FINDINGS: T1&T2 signal, 2^3 grid."), tx(2, "IMPRESSION: Normal.")))

    assert report.findings == "T1&T2 signal, 2^3 grid."


def test_the_addendum_may_stand_before_the_body() -> None:
    text = "ADDENDUM:~The nodule was also seen in 2020.~~ORIGINAL REPORT:~FINDINGS:~A nodule.~~IMPRESSION:~Nodule."

    report = only_report(hl7(MSH, PID, obr(status="C"), tx(1, text)))

    assert report.status is Status.CORRECTED and report.is_addendum
    assert report.sections["addendum"] == "The nodule was also seen in 2020."  # type: ignore[index]
    assert (report.findings, report.impression) == ("A nodule.", "Nodule.")


def test_an_addendum_after_the_body_keeps_its_own_headings() -> None:
    text = "FINDINGS:~A nodule.~~IMPRESSION:~Nodule.~~ADDENDUM:~IMPRESSION: Stable since 2020."

    report = only_report(hl7(MSH, PID, obr(status="C"), tx(1, text)))

    assert report.impression == "Nodule."
    assert "Stable since 2020." in report.sections["addendum"]  # type: ignore[index]


def test_several_obr_under_one_text_are_one_report() -> None:
    raw = hl7(MSH, PID, obr("ACC1"), obr("ACC2"), tx(1, "FINDINGS: Clear."), tx(2, "IMPRESSION: Normal."))

    report = only_report(raw)

    assert report.accessions == ("ACC1", "ACC2")
    assert report.findings == "Clear."


def test_the_same_text_under_each_obr_counts_once() -> None:
    text = "FINDINGS: Clear.~IMPRESSION: Normal."

    report = only_report(hl7(MSH, PID, obr("ACC1"), tx(1, text), obr("ACC2"), tx(1, text)))

    assert report.accessions == ("ACC1", "ACC2")
    assert report.impression == "Normal."


def test_two_exams_in_one_text_give_both_impressions() -> None:
    text = "Accession Numbers: ACC1, ACC22~CT HEAD~FINDINGS:~No bleed.~IMPRESSION:~Normal head.~~CT NECK~FINDINGS:~No fracture.~IMPRESSION:~Normal neck."

    report = only_report(hl7(MSH, PID, obr("ACC1"), tx(1, text)))

    assert report.accessions == ("ACC1", "ACC22")
    assert "Normal head." in report.impression and "Normal neck." in report.impression


def test_a_report_in_notes_is_read_when_no_obx_has_text() -> None:
    raw = hl7(
        MSH,
        PID,
        obr(),
        "NTE|1||FINDINGS: The lungs are clear and the heart is normal in size and shape.",
        "NTE|2||IMPRESSION: No acute disease of the chest.",
    )

    report = only_report(raw)

    assert report.impression == "No acute disease of the chest."


def test_status_only_messages_are_versions_without_text() -> None:
    report = only_report(hl7(MSH, PID, obr(status=""), "OBX|1|TX|||||||||U"))

    assert report.status is Status.FINAL and report.raw_status == "U"
    assert report.text == ""


def test_a_batch_gives_one_reading_per_message() -> None:
    message = hl7(MSH, PID, obr(), tx(1, "IMPRESSION: Normal."))
    raw = b"FHS|^~\\&|X\rBHS|^~\\&|X\r" + message + message.replace(b"ACC1", b"ACC2") + b"BTS|2\rFTS|1\r"

    found = readings(raw)

    assert [reading.report.accessions for reading in found if reading.report] == [("ACC1",), ("ACC2",)]
    assert [reading.index for reading in found] == [0, 1]
    assert found[1].report is not None and found[1].report.text == "IMPRESSION: Normal."


def test_mllp_frames_left_in_a_file_are_taken_off() -> None:
    message = hl7(MSH, PID, obr(), tx(1, "IMPRESSION: Normal."))

    found = readings(b"\x0b" + message + b"\x1c\r\x0b" + message + b"\x1c\r")

    assert [reading.outcome for reading in found] == ["report", "report"]


def test_messages_in_a_log_are_found_between_its_lines() -> None:
    message = hl7(MSH, PID, obr(), tx(1, "IMPRESSION: Normal.")).rstrip(b"\r")
    raw = (
        b"2026-01-02 03:04:05 INFO received\n"
        + message
        + b"\n2026-01-02 03:04:06 INFO sent AA\n2026-01-02 03:04:07 INFO received "
        + message
        + b"\n"
    )

    found = readings(raw)

    assert [reading.outcome for reading in found] == ["report", "report"]
    assert all(reading.report and reading.report.text == "IMPRESSION: Normal." for reading in found)


@pytest.mark.parametrize(
    ("charset", "codec", "word"),
    [("8859/1", "latin-1", "Größe"), ("UNICODE UTF-8", "utf-8", "Größe"), ("", "utf-8", "Größe"), ("", "cp1252", "Größe – “groß”"), ("8859/2", "iso8859_2", "Płuca"),
     ("8859/15", "iso8859_15", "5 €"), ("GB18030-2000", "gb18030", "肺部"), ("ISO IR87", "iso2022_jp", "胸部"), ("ASCII", "cp1252", "Größe"), ("8859/1", "utf-8", "Größe"),
     ("UNICODE UTF-8", "latin-1", "Größe"), ("UNICODE UTF-16", "utf-16", "Größe"), ("KS X 1001", "euc_kr", "흉부")],
)  # fmt: skip
def test_the_charset_is_read_as_the_bytes_allow(charset: str, codec: str, word: str) -> None:
    text = hl7(MSH + f"||||||{charset}", PID, obr(), tx(1, f"FINDINGS: {word} normal."), tx(2, "IMPRESSION: Normal.")).decode()

    assert only_report(text.encode(codec)).findings == f"{word} normal."


TXA = "TXA|1|DI^Diagnostic Imaging|TX|20260102030405|||20260102030400||77^SMITH^JOHN|||DOC1||P1|ACC1||{status}||AV|||{signer}"


@pytest.mark.parametrize(
    ("trigger", "completion", "status"),
    [("T02", "AU", Status.FINAL), ("T02", "LA", Status.FINAL), ("T02", "DI", Status.PRELIMINARY), ("T02", "DO", Status.PRELIMINARY), ("T02", "PA", Status.PRELIMINARY),
     ("T02", "IP", Status.PARTIAL), ("T02", "IN", Status.PARTIAL), ("T04", "AU", Status.FINAL), ("T06", "AU", Status.APPENDED), ("T08", "LA", Status.AMENDED),
     ("T10", "AU", Status.CORRECTED), ("T11", "AU", Status.CANCELLED), ("T06", "DO", Status.PRELIMINARY)],
)  # fmt: skip
def test_mdm_status_comes_from_completion_and_event(trigger: str, completion: str, status: Status) -> None:
    raw = hl7(
        MSH.replace("ORU^R01", f"MDM^{trigger}"), PID, TXA.format(status=completion, signer=""), tx(1, "The chest is normal.")
    )

    report = only_report(raw)

    assert report.status is status
    assert report.accessions == ("ACC1",)
    assert report.radiologist is not None and report.radiologist.id == "77"


def test_an_mdm_addendum_is_an_addendum_whatever_it_is_called() -> None:
    report = only_report(
        hl7(
            MSH.replace("ORU^R01", "MDM^T06"),
            PID,
            TXA.format(status="AU", signer=""),
            tx(1, "Comparison to 2020 shows no change."),
        )
    )

    assert report.is_addendum
    assert report.sections["addendum"] == "Comparison to 2020 shows no change."  # type: ignore[index]


CDA = """<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2"/><title>CR</title>
<author><assignedAuthor><id root="1.2.250" extension="RPPS77"/></assignedAuthor></author>
<inFulfillmentOf><order><id extension="ACC9"/></order></inFulfillmentOf><component><structuredBody>
<component><section><code code="18785-6" codeSystem="2.16.840.1.113883.6.1"/><title>Indication</title><text>Toux fébrile.</text></section></component>
<component><section><code code="59776-5"/><title>Résultats</title><text><paragraph>Pas d'épanchement.</paragraph><list><item>Cœur normal.</item></list></text></section></component>
<component><section><code code="19005-8"/><title>Conclusion</title><text>Examen<br/>normal.</text></section></component></structuredBody></component></ClinicalDocument>"""


def test_a_french_cda_inside_mdm_is_read_by_its_sections() -> None:
    packed = base64.b64encode(CDA.encode()).decode()
    raw = hl7(
        MSH.replace("ORU^R01", "MDM^T02^MDM_T02"),
        PID,
        "TXA|1|CR|TX|20260102||||||||DOC1||||||AU",
        f"OBX|1|ED|18748-4^CR^LN||^TEXT^XML^Base64^{packed}||||||F",
    )

    report = only_report(raw)

    assert flat(report.findings) == "Pas d'épanchement. Cœur normal."
    assert flat(report.impression) == "Examen normal."
    assert report.sections["indication"] == "Toux fébrile."  # type: ignore[index]
    assert report.radiologist is not None and report.radiologist.id == "RPPS77"
    assert report.accessions == ("ACC9",)
    assert [a.content_type for a in report.attachments] == ["application/hl7-cda+xml"]


def test_a_mime_packed_cda_is_unpacked() -> None:
    mime = 'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="B"\r\n\r\n--B\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    mime += base64.b64encode(CDA.encode()).decode() + "\r\n--B--\r\n"
    packed = base64.b64encode(mime.encode()).decode()
    raw = hl7(
        MSH.replace("ORU^R01", "MDM^T02"),
        PID,
        TXA.format(status="LA", signer=""),
        f"OBX|1|ED|18748-4^CR^LN||^multipart^x-hl7-cda-level-one^Base64^{packed}||||||F",
    )

    assert flat(only_report(raw).impression) == "Examen normal."


RTF = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 FINDINGS:\par Gr\'f6\'dfe normal.\par\par IMPRESSION:\par Normal.\par}"


def test_rtf_and_html_documents_give_their_text() -> None:
    rtf = only_report(
        hl7(MSH, PID, obr(), f"OBX|1|ED|R^Report||^application^rtf^Base64^{base64.b64encode(RTF.encode()).decode()}||||||F")
    )
    page = "<html><body><p>FINDINGS:<br>Clear &amp; dry.</p><p>IMPRESSION:</p><p>Normal.</p><script>x()</script></body></html>"
    html = only_report(
        hl7(MSH, PID, obr(), f"OBX|1|ED|R^Report||^text^html^Base64^{base64.b64encode(page.encode()).decode()}||||||F")
    )

    assert (rtf.findings, rtf.impression) == ("Größe normal.", "Normal.")
    assert (html.findings, html.impression) == ("Clear & dry.", "Normal.")


def test_text_beside_a_pdf_wins_and_the_pdf_is_an_attachment() -> None:
    packed = base64.b64encode(b"%PDF-1.4 nothing").decode()
    report = only_report(
        hl7(MSH, PID, obr(), tx(1, "IMPRESSION: Normal."), f"OBX|2|ED|PDF^Report||^application^pdf^Base64^{packed}||||||F")
    )

    assert report.impression == "Normal."
    assert [(a.content_type, a.bytes) for a in report.attachments] == [("application/pdf", 16)]


def test_a_pdf_under_a_text_type_is_no_text() -> None:
    packed = base64.b64encode(b"%PDF-1.4 nothing").decode()

    report = only_report(hl7(MSH, PID, obr(), tx(1, packed), tx(2, "IMPRESSION: Normal.")))

    assert report.text == "IMPRESSION: Normal."
    assert [a.content_type for a in report.attachments] == ["application/pdf"]


def test_a_pointer_is_an_attachment() -> None:
    report = only_report(
        hl7(MSH, PID, obr(), tx(1, "IMPRESSION: Normal."), "OBX|2|RP|||\\\\server\\x.pdf^PACS^application^pdf||||||F")
    )

    assert [a.content_type for a in report.attachments] == ["application/pdf"]


@pytest.mark.parametrize(
    ("reader", "identifier"),
    [("77^SMITH^JOHN", "77"), ("77&SMITH&JOHN", "77"), ("77&SMITH&JOHN^20260102^20260102^POC", "77"), ("^SMITH^JOHN", "JOHN SMITH"), ("&SMITH&JOHN", "JOHN SMITH"),
     ("~77^SMITH^JOHN", "77"), ("SMITHJ^Smith^John", "SMITHJ")],
)  # fmt: skip
def test_the_reader_is_read_from_ndl_and_xcn(reader: str, identifier: str) -> None:
    report = only_report(hl7(MSH, PID, obr(reader=reader), tx(1, "IMPRESSION: Normal.")))

    assert report.radiologist is not None and report.radiologist.id == identifier


def test_without_a_field_the_reader_is_who_dictated() -> None:
    raw = hl7(
        MSH,
        PID,
        obr(reader=""),
        tx(1, "IMPRESSION: Normal.~~Dictated by: John Smith, MD on 1/2/2026~Electronically signed by: Ann Other, MD"),
    )

    report = only_report(raw)

    assert report.radiologist is not None and report.radiologist.id == "John Smith"


@pytest.mark.parametrize(
    ("place", "priority"),
    [
        ({"f5": "S"}, "stat"),
        ({"f5": "STAT"}, "stat"),
        ({"f27": "1^^^20260102^^A"}, "urgent"),
        ({"f5": "R"}, "routine"),
        ({}, None),
        ({"f5": "Routine"}, "routine"),
    ],
)
def test_priority_is_read_where_it_may_stand(place: dict[str, str], priority: str | None) -> None:
    assert only_report(hl7(MSH, PID, obr(**place), tx(1, "IMPRESSION: Normal."))).priority == priority


def test_priority_in_tq1_counts_too() -> None:
    assert only_report(hl7(MSH, PID, "TQ1|1||||||||S", obr(), tx(1, "IMPRESSION: Normal."))).priority == "stat"


LANGUAGES = {
    "german": ("Klinische Angaben:~Husten.~~Technik:~Spiral-CT.~~Befund:~Kein Erguss. Größe normal.~~Beurteilung:~Unauffälliger Befund.~~Mit freundlichen Grüßen~Dr. med. A. Muster",
               "Kein Erguss. Größe normal.", "Unauffälliger Befund."),
    "french": ("INDICATION :~Toux.~~TECHNIQUE :~TDM spiralée.~~RÉSULTATS :~Pas d'épanchement.~~CONCLUSION :~Examen normal.~~Validé par Dr Jean Dupont le 02/01/2026",
               "Pas d'épanchement.", "Examen normal."),
    "spanish": ("INDICACIÓN CLÍNICA: Tos.~TÉCNICA: TC.~HALLAZGOS:~Sin derrame.~IMPRESIÓN DIAGNÓSTICA:~Estudio normal.~Firmado: Dr. Juan García", "Sin derrame.", "Estudio normal."),
    "dutch": ("Klinische gegevens:~Hoest.~Verslag:~Geen pleuravocht zichtbaar.~Conclusie:~Normaal onderzoek.~Ondertekend door: dr. P. Jansen", "Geen pleuravocht zichtbaar.",
              "Normaal onderzoek."),
    "italian": ("Quesito clinico: tosse.~Tecnica d'esame: TC.~Reperti:~Non versamento.~Conclusioni:~Esame nella norma.~Firmato digitalmente da Dr. Rossi", "Non versamento.",
                "Esame nella norma."),
    "portuguese": ("Indicação clínica: tosse.~Técnica: TC.~Achados:~Sem derrame.~Impressão diagnóstica:~Exame normal.~Assinado por Dra. Silva", "Sem derrame.", "Exame normal."),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_are_known_in_seven_languages(language: str) -> None:
    text, findings, impression = LANGUAGES[language]

    report = only_report(hl7(MSH, PID, obr(), tx(1, text, kind="FT")))

    assert (flat(report.findings), flat(report.impression)) == (findings, impression)


def test_other_messages_are_ignored_with_their_type() -> None:
    (reading,) = readings(hl7(MSH.replace("ORU^R01", "ADT^A08"), PID))

    assert (reading.outcome, reading.code) == ("ignored", "not-a-report")
    assert reading.message is not None and "ADT^A08" in reading.message


def test_a_laboratory_result_is_ignored() -> None:
    (reading,) = readings(
        hl7(MSH, PID, "OBR|1|P|F|CBC^Blood count||||||||||||||||||||LAB|F", "OBX|1|NM|WBC||7.1|10*9/L|4-10|||F")
    )

    assert reading.outcome == "ignored"


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"", "empty"), (b"   \r\n", "empty"), (b"hello", "no-header"), (b"PID|1||4711\rOBR|1\r", "no-header"), (b"MSH|^~\\&|A", "truncated"), (b'{"resourceType":', "truncated"),
     (b'{"resourceType": "DiagnosticReport", x}', "bad-json"), (b"<ClinicalDocument/>", "xml"), (b"{}", "no-resource-type"), (b"[" * 100_000, "too-deep"),
     (hl7(MSH, PID), "truncated"), (hl7(MSH, PID, obr(accession="", f2="", f18="")), "no-identity")],
)  # fmt: skip
def test_what_cannot_be_read_says_why(raw: bytes, code: str) -> None:
    (reading,) = readings(raw)

    assert (reading.outcome, reading.code) == ("unreadable", code)
    assert reading.message


def test_a_message_over_the_limit_is_not_even_looked_at() -> None:
    (reading,) = readings(b"x" * 101, max_bytes=100)

    assert (reading.outcome, reading.code) == ("unreadable", "too-large")
