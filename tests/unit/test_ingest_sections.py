"""Headings as radiologists type them."""

from __future__ import annotations

import pytest

from ingest.report import Section
from ingest.sections import section_named, sections


def read(text: str) -> dict[str, str]:
    return {str(section): said for section, said in sections(text).items()}


@pytest.mark.parametrize(
    ("text", "findings", "impression"),
    [
        ("FINDINGS: Clear.\nIMPRESSION: Normal.", "Clear.", "Normal."),
        ("Findings\nClear lungs.\n\nImpression\nNormal.", "Clear lungs.", "Normal."),
        ("FINDINGS\nClear.\nIMPRESSION\n1. Normal.\n2. Cyst.", "Clear.", "1. Normal.\n2. Cyst."),
        ("FINDINGS - Clear.\nIMPRESSION - Normal.", "Clear.", "Normal."),
        ("FINDINGS The lungs are clear.\nIMPRESSION No acute disease.", "The lungs are clear.", "No acute disease."),
        ("FINDINGS: Clear. IMPRESSION: Normal.", "Clear.", "Normal."),
        ("***FINDINGS:*** Clear.\n*** IMPRESSION ***\nNormal.", "Clear.", "Normal."),
        ("FINDINGS: Clear.\nIMPRESSION (preliminary): Normal.", "Clear.", "Normal."),
        ("(Findings) Clear.\n(Impression) Normal.", "Clear.", "Normal."),
        ("FINDINGS – Clear.\nIMPRESSION – Normal.", "Clear.", "Normal."),
        ("FINDINGS\tClear.\nIMPRESSION\tNormal.", "Clear.", "Normal."),
        ("FINDINGS：Clear.\nIMPRESSION：Normal.", "Clear.", "Normal."),
        ("Findings:\u200e Clear.\nImpression:\u200e Normal.", "Clear.", "Normal."),
        ("FINDINGS: Clear.\nIMPRESSION(S): Normal.", "Clear.", "Normal."),
        ("FINDINGS: Clear.\nCONCLUSION: Normal.", "Clear.", "Normal."),
        ("REPORT: The lungs are clear.\nOPINION: Normal.", "The lungs are clear.", "Normal."),
        ("CT CHEST FINDINGS:\nClear.\nCT CHEST IMPRESSION:\nNormal.", "Clear.", "Normal."),
        ("FINDINGS: Mass. LOCATION: right.\nLOCATION: right breast.\nIMPRESSION: Mass.", "Mass. LOCATION: right.\nLOCATION: right breast.", "Mass."),
        ("FINDINGS: LUNGS: Clear.\nHEART: Normal.\nIMPRESSION: Normal.", "LUNGS: Clear.\nHEART: Normal.", "Normal."),
        ("The lungs are clear.\n\nIMPRESSION: Normal.", "The lungs are clear.", "Normal."),
        ("FINDINGS: Clear. Conclusion: likely normal.\nIMPRESSION: Normal.", "Clear. Conclusion: likely normal.", "Normal."),
        ("IMPRESSION: Normal.\nFINDINGS: Clear.", "Clear.", "Normal."),
        ("F I N D I N G S:\nClear.\n\nI M P R E S S I O N:\nNormal.", "Clear.", "Normal."),
        ("C T  F I N D I N G S\nClear.\n\nI M P R E S S I O N: Normal.", "Clear.", "Normal."),
        ("FINDINGS:\nNo nodule.\nPAGE 1             Signed Report      (CONTINUED)\nNo mass.\nIMPRESSION: Normal.\nPage 2 of 2", "No nodule.\nNo mass.", "Normal."),
        ("FINDINGS:\nNo nodule.\n** CONTINUED ON NEXT PAGE **\nPage 2: see below.\nIMPRESSION: Normal.", "No nodule.\nPage 2: see below.", "Normal."),
        ("THE LUNGS ARE CLEAR.\nFINDINGS ARE STABLE.\n\nIMPRESSION: NORMAL.", "THE LUNGS ARE CLEAR.\nFINDINGS ARE STABLE.", "NORMAL."),
    ],
)  # fmt: skip
def test_findings_and_impression_are_told_apart(text: str, findings: str, impression: str) -> None:
    assert (read(text).get("findings"), read(text).get("impression")) == (findings, impression)


@pytest.mark.parametrize(
    "trailer",
    ["Electronically signed by: J. Smith MD", "Dictated by: J. Smith", "I have personally reviewed the images and agree.", "I, the attending radiologist, have reviewed this.",
     "Signed by J. Smith on 1/2/2026", "END OF IMPRESSION", "This report was electronically signed.", "\nJohn Smith, MD", "\nDr. med. Eva Muster\nFachärztin für Radiologie",
     "\nDr A. Smith\nConsultant Radiologist\nGMC 1234567", "Mit freundlichen Grüßen\nDr. A. B.", "Validé par Dr Jean Dupont", "Firmado por Dra. García", "WSN: 12",
     "gez. Dr. N. Beispiel", "I, Ann Read MD, have personally reviewed the images and agree.", "Signerat av: Anna Dahl, överläkare"],
)  # fmt: skip
def test_signatures_and_attestations_are_cut_off(trailer: str) -> None:
    assert read(f"FINDINGS: Clear.\n\nIMPRESSION:\nNormal chest.\n{trailer}")["impression"] == "Normal chest."


@pytest.mark.parametrize("prompt", ["", "[ ]", "***", "[<Impression>]", "___", "<<Impression>>", "{Impression:12345}", "\n\n"])
def test_an_unanswered_template_prompt_is_no_impression(prompt: str) -> None:
    assert "impression" not in read(f"FINDINGS: Clear.\n\nIMPRESSION: {prompt}")


def test_a_sentence_about_a_doctor_is_no_signature() -> None:
    assert (
        read("IMPRESSION:\nPneumothorax.\nDr. Jones was informed by telephone.")["impression"]
        == "Pneumothorax.\nDr. Jones was informed by telephone."
    )


def test_the_other_sections_have_their_names() -> None:
    text = "EXAM: CT\nREASON FOR EXAM: Cough.\nCOMPARISON: 2020.\nTECHNIQUE: Axial.\nFINDINGS: Clear.\nIMPRESSION: Normal.\nRECOMMENDATION: None.\nCRITICAL RESULT: None."

    assert set(read(text)) == {str(section) for section in Section} - {"addendum"}


def test_a_text_without_headings_is_findings() -> None:
    assert read("The heart is normal in size. The lungs are clear.") == {
        "findings": "The heart is normal in size. The lungs are clear."
    }


def test_letterhead_is_no_finding() -> None:
    text = "GENERAL HOSPITAL\nDepartment of Radiology\n\nName: Doe\n\nThe lungs are clear. No effusion.\n\nIMPRESSION: Normal."

    assert read(text)["findings"] == "The lungs are clear. No effusion."


@pytest.mark.parametrize(
    "text",
    [
        "INDICATION: Chest pain COMPARISON: None FINDINGS: The heart is normal. IMPRESSION: Normal.",
        "INDICATION: Chest pain COMPARISON:\nNone FINDINGS: The heart is normal.\nIMPRESSION: Normal.",
        "INDICATION: Chest pain\nCOMPARISON: None FINDINGS: The heart is\nnormal. IMPRESSION: Normal.",
    ],
)
def test_a_report_run_together_is_taken_apart_at_its_headings_in_capitals(text: str) -> None:
    found = {str(section): " ".join(said.split()) for section, said in sections(text).items()}

    assert found == {
        "indication": "Chest pain",
        "comparison": "None",
        "findings": "The heart is normal.",
        "impression": "Normal.",
    }


def test_findings_begin_where_the_last_short_section_has_been_said() -> None:
    found = sections("Reason: Cough\nThe lungs are clear. The heart is normal.\nIMPRESSION: Normal.")

    assert (found[Section.INDICATION], found[Section.FINDINGS]) == ("Cough", "The lungs are clear. The heart is normal.")


def test_a_reason_of_two_lines_is_no_finding() -> None:
    found = sections(
        "HISTORY: Cough and fever that have been going on for three weeks with\nweight loss and night sweats.\nIMPRESSION: Normal."
    )

    assert Section.FINDINGS not in found


@pytest.mark.parametrize(
    "text",
    [
        "Indication: Chest pain Comparison: None Findings: The heart is normal. Impression: Normal.",
        "1. Indication: Chest pain\n2. Comparison: None\n3. Findings: The heart is normal.\n4. Impression: Normal.",
        "A. INDICATION: Chest pain\nB. COMPARISON: None\nC. FINDINGS: The heart is normal.\nD. IMPRESSION: Normal.",
        "INDICATION  Chest pain\nCOMPARISON  None\nFINDINGS  The heart is normal.\nIMPRESSION  Normal.",
        "II) INDICATION: Chest pain\nComparison: None\nFindings: The heart is normal.\nImpression: Normal. Electronically signed by: A. Reader",
    ],
)
def test_headings_are_found_however_they_are_typed(text: str) -> None:
    found = {str(section): " ".join(said.split()) for section, said in sections(text).items()}

    assert found == {
        "indication": "Chest pain",
        "comparison": "None",
        "findings": "The heart is normal.",
        "impression": "Normal.",
    }


def test_a_word_with_a_colon_inside_a_sentence_opens_nothing_beside_the_real_heading() -> None:
    found = sections("FINDINGS: As said under the Impression: no effusion is seen.\nIMPRESSION: Normal.")

    assert (found[Section.FINDINGS], found[Section.IMPRESSION]) == (
        "As said under the Impression: no effusion is seen.",
        "Normal.",
    )


@pytest.mark.parametrize(
    ("section", "headings"),
    [
        (Section.IMPRESSION, "Besluit|Eindconclusie|Radiologische conclusie|Schlussbeurteilung|Radiologische Zusammenfassung|Conclusion finale|En synthèse|Impression radiologique|"
         "Diagnóstico por imagen|Conclusión final|Impresión imagenológica|Em conclusão|Impressão final|Sintesi conclusiva|Conclusione diagnostica|Overall conclusion|Radiology Impression"),
        (Section.FINDINGS, "Röntgenbefund|CT-Befund|Befund und Beschreibung|Description des images|Hallazgos de imagen|Descripción de los hallazgos|Achados de imagem|"
         "Descrizione dell'esame|Rilievi|Imaging findings|Detailed description|Beschrijving van de bevindingen"),
        (Section.INDICATION, "Klinische Diagnose|Zuweisungsgrund|Klinische inlichtingen|Renseignements|Contexte clinique|Información clínica relevante|Contexto clínico|Clinical summary|"
         "Relevant clinical information|Motivo d'esame|Reason for referral"),
        (Section.COMPARISON, "Vergleichsbefunde|Vorige onderzoeken|Études antérieures|Estudio anterior|Estudos prévios|Esami di riferimento|Previous examination"),
        (Section.TECHNIQUE, "Opnametechniek|Technische Angaben|Produit de contraste|Medio de contraste|Tecnica utilizzata|Scan protocol|Technical details"),
    ],
)  # fmt: skip
def test_a_heading_is_known_in_the_words_of_another_country_and_with_an_adjective(section: Section, headings: str) -> None:
    said = {heading: section_named(heading) for heading in headings.split("|")}

    assert set(said.values()) == {str(section)}, said


@pytest.mark.parametrize(
    "line",
    [
        "Available data: none.",
        "Clinical findings: stable.",
        "MRI results: see there.",
        "Imaging data: 3 mm.",
    ],
)
def test_words_that_only_stand_beside_headings_head_nothing(line: str) -> None:
    assert read(f"FINDINGS: Clear.\nIMPRESSION: Normal.\n{line}")["impression"] == f"Normal.\n{line}"
