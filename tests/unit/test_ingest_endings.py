"""What stands above and below a dictation and is none, as departments of seven languages type it; and what looks like it and is dictated."""

from __future__ import annotations

import pytest

from ingest.people import named_reader
from ingest.sections import sections

#: Endings, each under "IMPRESSION: Normal chest.", by what they are.
SIGNATURES = """
Dr Mirabel Oakeshott¶Reported 22/01/2025
Supervisor: dr. P. Vermeulen¶AIOS: S. de Wit
Registrar: Dr A. Singh   Consultant: Dr B. Low
Reporting Radiologist: Dr. Ann Read FRANZCR¶Provider No. 2447781T
Consultant Radiologist Dr A. Low¶GMC 7654321
Dr A. Low, Consultant Radiologist, 22/01/2025 11:20
Co-signed by: Jane Doe, MD
Report authorised by Dr Ann Read on 12/03/2025 at 10:11
Authorised: Dr Ann Read 12/03/2025
Second reader: Dr. B. Low
Residents: J. Okafor, MD¶Attending: L. Brandt, MD
Dr. med. Eva Muster, Oberärztin
OA Dr. K. Beispiel / AÄ Dr. L. Muster
Befundet und freigegeben durch Dr. Meier am 12.03.2025 um 10:11 Uhr
Oberarzt: Dr. Klaus Beispiel¶Assistenzarzt: Dr. Lena Muster
Befundender Radiologe: Dr. K. Beispiel
Zweitbefunder: PD Dr. Beispiel
Elektronisch vidiert von OA Dr. Huber
Interne : Camille Petit¶Senior : Dr Jean Dupont
Dr Jean Dupont, radiologue
Compte rendu dicté par le Dr Dupont et relu par le Dr Martin
Médecin radiologue : Dr Jean Dupont¶RPPS 10001234567
Paris, le 12/03/2025¶Dr Jean Dupont
Residente: Dra. Ana Ruiz¶Adjunto: Dr. Luis García
Informe validado por Dra. García López el 12/03/2025
Dra. Ana Ruiz¶Médico Radiólogo¶Céd. Prof. 1234567
Radiólogo: Dr. Luis García   Colegiado 28/12345
Verslag geautoriseerd door P. Jansen op 12-03-2025
Radioloog: P. Jansen   Arts-assistent: S. de Wit
Medebeoordelaar: dr. K. Visser
Médica Radiologista: Dra. Ana Souza CRM-SP 12345
Dr. João Lima - CRM 12345 / RQE 678
Laudo revisado e assinado por Dr. João Lima em 12/03/2025
Il Radiologo: Dott. Marco Bianchi
Specializzando: Dott.ssa Rossi
Refertato e firmato digitalmente da Dott. Bianchi il 12/03/2025
D: 01/02/2026 10:11 T: 01/02/2026 11:20
DD: 01/02/2026  DT: 02/02/2026
AB/cd
Typed: 22.01.2025 JS
Transcribed 22/01/2025 14:02
Yours sincerely,¶Dr A. Low
Kind regards¶Dr A. Low¶Consultant Radiologist
Cordialement,¶Dr Jean Dupont
Date of report: 12/03/2025
Time of dictation: 10:11
Report by: Dr Low
Provider: Dr Low
Peer reviewed by Dr B Read
Double reported by Dr A Low and Dr B Read
Freigabe: Dr. Muster, 12.03.2025 11:20
Leistender Arzt: Dr. Muster
Validation : Dr Dupont 12/03/2025
Secrétaire : Marie C.
Médico: Dra. Ana Ruiz
Fecha informe: 12/03/2025
Dr. P. Jansen, AIOS radiologie
Verslagdatum: 12-03-2025
Responsável técnico: Dr. X CRM 1
Hochachtungsvoll
Je vous prie de croire, cher confrère, à mes sentiments les meilleurs.
Un cordial saludo
Saluda atte.¶Dr. Fermín Etcheverry, M.N. 99.120
Avec nos meilleures salutations¶Dr Blaise Cornu, FMH Radiologie
O Médico Radiologista,¶Dra. Benedita Souto
Der befundende Arzt¶Dr. K. Beispiel
Wir verbleiben mit freundlichen kollegialen Grüßen
Veuillez agréer, cher confrère, mes salutations distinguées.
Com os melhores cumprimentos,¶Dra. Ana Souza
Sin otro particular, lo saluda atentamente
Distinti saluti
"""
BANNERS = """
*** FORMAL REPORT TO FOLLOW ***
INFORME PROVISIONAL PENDIENTE DE VALIDACIÓN
PRELIMINARY REPORT - NOT YET VERIFIED
PRELIMINARY REPORT
** WET READ - NOT A FINAL REPORT **
[Unsigned draft]
Final report pending.
Formal written report to follow
This is a preliminary report and has not been reviewed by an attending radiologist.
Preliminary interpretation by the resident, subject to change.
Awaiting consultant verification
*** Final ***
End of report
--- END ---
Vorläufiger Befund, noch nicht freigegeben!
Schriftlicher Befund folgt.
Befund vorbehaltlich oberärztlicher Freigabe
*** NICHT VIDIERT ***
COMPTE RENDU PROVISOIRE - NON VALIDÉ
En attente de validation
Compte rendu définitif à suivre
Sous réserve de relecture par un senior
Informe preliminar, no validado
Pendiente de firma
Informe definitivo a seguir
VOORLOPIG VERSLAG
Definitief verslag volgt
Nog niet geautoriseerd
Onder voorbehoud van supervisie
LAUDO PRELIMINAR - AGUARDANDO REVISÃO
Laudo definitivo a seguir
REFERTO PROVVISORIO IN ATTESA DI VALIDAZIONE
Segue referto definitivo
"""
NOTICES = """
This report was generated with the assistance of artificial intelligence and reviewed by the radiologist.
AI-assisted draft. Reviewed and edited by the radiologist.
Teleradiology services provided by Night Reads LLC. For questions call 555-0100.
This preliminary interpretation was made by a remote reading group; the final report follows from your own department.
This is a preliminary reading for the emergency department.
Fluency Direct Job #7741
PowerScribe document 8815523
If you are a patient viewing this report in the portal, please discuss it with your doctor.
Note to patients: this report is written for your doctor.
Images are available on the web portal.
Our ref: AL/12345
Bei Fragen stehen wir gerne zur Verfügung.
Under the 21st Century Cures Act this report is released to the patient at once.
This report was produced with speech recognition software; errors may occur.
Speech recognition software was used. Errors in syntax may have been overlooked.
Dictated using voice recognition. Please excuse typographical errors.
For questions regarding this report call 555-0100.
If there are questions about this report, please contact the reading room at 555-0100.
Should you have any questions, please call the reading room.
CONFIDENTIAL: This document is for the addressee alone.
The information contained in this report is confidential.
Distribution: Dr. Jones; Ward 5B
Copies to: Dr Jones
cc: Dr. Jones
Printed: 01/02/2026 10:11
Report ID: 88812
Accession: A-123
Verteiler: Hausarzt, Station 5
Dieser Befund wurde mit Spracherkennung erstellt.
Dieses Schreiben wurde maschinell erstellt und ist ohne Unterschrift gültig.
Bei Rückfragen erreichen Sie uns unter 030 1234.
Copie à : Dr Martin
Destinataires : Dr Martin, service de cardiologie
Ce document est confidentiel.
Este documento es confidencial.
Informe generado con reconocimiento de voz.
Copia a: Dr. Pérez
Kopie aan: huisarts
Dit verslag is gemaakt met spraakherkenning.
Este laudo não substitui a consulta médica.
Cópia para: Dr. Souza
Il presente referto è firmato digitalmente.
"""
#: Dictated: said to somebody, about a report or a reader, or about the patient.
DICTATED = """
Reported to Dr. Smith at 10:30.
Reported by telephone to the attending surgeon at 10:30 on 1/2/2026.
Findings discussed with Dr. Smith at 10:30.
Discussed with the attending radiologist.
Attending Dr. Smith aware.
Review in A&E.
Review: Normal.
Clinical review.
Reviewed with Dr. Smith.
Revisión en consulta.
Results called to Dr. Smith by Dr. Jones at 10:30.
Dr. Jones was informed by telephone.
DR JONES NOTIFIED AT 1030.
Telephoned to Dr Smith, 10:30
Dr Low, consultant surgeon, was told at 10:30.
The attending radiologist was informed by the resident.
Report of the outside CT is not available.
No prior report available.
Final pathology pending.
Preliminary findings suggest pneumonia.
Pending MRI correlation.
No change.
No significant change since the prior report.
Signed consent was obtained.
Portal vein is patent.
AI-detected nodule confirmed.
AI software marks a 4 mm nodule in the left lower lobe.
BI-RADS 2
Lung-RADS: 4A
Case discussed at tumor board.
Résultat à confronter à la clinique.
A correlação clínica é fundamental.
Study incomplete.
See report.
Not available.
Read in conjunction with the prior CT.
Consultant referral advised.
Staff informed.
Patient notified of the result.
Questionable nodule in the left lung.
For further evaluation MRI is advised.
Copy of the images was given to the patient.
Please correlate clinically.
If there are symptoms, MRI is advised.
Befund unverändert.
Kein Nachweis eines Pneumothorax, Befund vorläufig.
Telefonisch an Dr. Huber durchgegeben um 10:30 Uhr.
Histologie ausstehend.
Befund mit OA Dr. Huber besprochen.
Bei Beschwerden Kontrolle.
Signe de Murphy échographique positif.
Signe le plus évocateur d'une appendicite.
Résultat communiqué au Dr Martin à 10h30.
Pas de modification.
Lecture difficile en raison des mouvements.
Pendiente de biopsia.
Comunicado al Dr. García a las 10:30.
No concluyente.
Onderzoek telefonisch doorgegeven aan dr. Visser.
Beoordeling beperkt door beweging.
Resultado comunicado ao Dr. Lima às 10:30.
Segue controllo a 3 mesi.
Referto comunicato al Dott. Bianchi alle 10:30.
"""
#: Above the report, which has no heading of its own.
BEGINNINGS = """
*** WET READ - NOT A FINAL REPORT ***
PRELIMINARY REPORT
Dictated by: Dr. Ann Read
Radiologist: Dr. Ann Read
Reported 22/01/2025
VORLÄUFIGER BEFUND
Supervisor: dr. P. Vermeulen
INFORME PROVISIONAL
This report was produced with speech recognition software.
Reporting doctor: Dr A. Low¶Reported: 22/01/2025 10:11
"""


def lines(table: str) -> list[str]:
    return [line.replace("¶", "\n") for line in table.strip().splitlines()]


@pytest.mark.parametrize("ending", lines(SIGNATURES) + lines(BANNERS) + lines(NOTICES))
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_what_stands_below_a_report_is_no_part_of_its_impression(ending: str, gap: str) -> None:
    told = sections(f"FINDINGS: The lungs are clear.\n\nIMPRESSION:\n1. Normal chest.{gap}{ending}")

    assert told == {"findings": "The lungs are clear.", "impression": "1. Normal chest."}


@pytest.mark.parametrize("ending", lines(SIGNATURES) + lines(BANNERS))
def test_what_stands_below_findings_alone_is_no_finding(ending: str) -> None:
    assert sections(f"The lungs are clear. No effusion.\n\n{ending}") == {"findings": "The lungs are clear. No effusion."}


@pytest.mark.parametrize("said", lines(DICTATED))
def test_what_is_told_to_somebody_is_dictated_and_stays(said: str) -> None:
    told = sections(f"FINDINGS: The lungs are clear.\n\nIMPRESSION:\nNormal chest.\n{said}")

    assert told["impression"] == f"Normal chest.\n{said}"  # type: ignore[index]


@pytest.mark.parametrize("said", lines(DICTATED))
def test_it_stays_in_capitals_too(said: str) -> None:
    told = sections(f"FINDINGS: THE LUNGS ARE CLEAR.\n\nIMPRESSION:\nNORMAL CHEST.\n{said.upper()}")

    assert told["impression"] == f"NORMAL CHEST.\n{said.upper()}"  # type: ignore[index]


@pytest.mark.parametrize("beginning", lines(BEGINNINGS))
def test_what_stands_above_a_report_is_no_finding(beginning: str) -> None:
    told = sections(f"{beginning}\n\nThe lungs are clear. No effusion.\n\nIMPRESSION: Normal chest.")

    assert told == {"findings": "The lungs are clear. No effusion.", "impression": "Normal chest."}


def test_a_banner_between_two_sections_ends_neither() -> None:
    told = sections("FINDINGS: The lungs are clear.\nPRELIMINARY REPORT - NOT VERIFIED\nNo effusion.\nIMPRESSION: Normal chest.")

    assert told == {"findings": "The lungs are clear.\nNo effusion.", "impression": "Normal chest."}


@pytest.mark.parametrize(
    ("below", "reader"),
    [
        ("Dr Ann Read¶Consultant Radiologist", "Ann Read"),
        ("Jane Doe, MD", "Jane Doe"),
        ("Fdo. Dra. Ana Ruiz¶Fecha de validación: 12/03/2025 10:11", "Ana Ruiz"),
        ("Medico Refertatore: Dr. Bianchi¶TSRM: Verdi Luca", "Bianchi"),
        ("RESIDENT: J DOE¶Attending: ANN LOW MD", "ANN LOW"),
        ("AIOS: S. de Wit¶Supervisor: dr. P. Vermeulen", "P. Vermeulen"),
        ("Reported by Dr Ann Read (NZMC 12345)¶Authorised 22 Jan 2025 11:20", "Ann Read"),
        ("Dr A. Low¶Dr B. Read", None),
        ("Discussed with Dr A. Low.", None),
        ("cc: Dr. Jones", None),
    ],
)
def test_where_no_field_names_the_reader_the_signature_does(below: str, reader: str | None) -> None:
    report = f"FINDINGS: The lungs are clear.\n\nIMPRESSION:\nNormal chest.\n\n{below}".replace("¶", "\n")

    assert named_reader(report) == reader


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("Normal chest. Reported by Dr A. Low.", "Normal chest."),
        ("Nodule. No change. Electronically signed by A. Reader, MD", "Nodule. No change."),
        ("Normal. Reported by Dr A. Low. Verified 12/03/2025.", "Normal."),
        ("Normal. Dra. Ana Ruiz, Col. 1234", "Normal."),
        ("Normal chest. Final report to follow.", "Normal chest."),
        ("Fracture. Discussed with Dr. A. Low, MD", "Fracture. Discussed with Dr. A. Low, MD"),
        ("Fracture. Reported to Dr. Smith.", "Fracture. Reported to Dr. Smith."),
    ],
)
def test_a_signature_may_follow_the_last_sentence_on_its_line(line: str, kept: str) -> None:
    assert sections(f"FINDINGS: The lungs are clear.\nIMPRESSION: {line}")["impression"] == kept  # type: ignore[index]


@pytest.mark.parametrize("day", ["Madrid, 12 de marzo de 2025", "Roma, 12/03/2025", "Lisboa, 12 de março de 2025"])
def test_a_place_and_its_day_below_a_report_date_the_letter_and_an_earlier_exam_stays(day: str) -> None:
    told = sections(
        f"COMPARISON: Chest CT\n\nBrain MRI, 12/03/2025\nFINDINGS: The lungs are clear.\nIMPRESSION: Normal chest.\n\n{day}"
    )

    assert told["impression"] == "Normal chest."  # type: ignore[index]
    assert "Brain MRI, 12/03/2025" in told["comparison"]  # type: ignore[index]
