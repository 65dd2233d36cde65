"""A dictated report as the messages an integration engine sends: two vendors' HL7 v2 and a FHIR DiagnosticReport.

Pure functions: (what was dictated, who reads, when, signed or not) -> the key, headers and bytes of one Kafka record. Patients are
obviously invented; times come in as arguments.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from demo.dictation import Dictated, Latent

#: Key, headers and value of one Kafka record.
Record = tuple[str, list[tuple[str, bytes]], bytes]

LOINC_BY_SECTION = {
    "indication": "18785-6",
    "comparison": "18834-2",
    "technique": "55111-9",
    "findings": "59776-5",
    "impression": "19005-8",
}


@dataclass(frozen=True, slots=True)
class Examination:
    """One examination on the work list: who reads what of whom."""

    accession: str
    radiologist: str
    latent: Latent
    dictated: Dictated = field(repr=False)
    #: When the images were made; dictation and signature follow.
    made_at: datetime
    stat: bool = False

    @property
    def patient(self) -> str:
        """An invented number, the same for one accession."""
        return f"TEST{int.from_bytes(self.accession.encode(), 'big') % 1_000_000:06d}"

    @property
    def born(self) -> str:
        return f"{self.made_at.year - self.latent.age}0101"


def sections_of(examination: Examination, impression: str | None) -> Mapping[str, str]:
    """What was dictated, by section; empty ones left out."""
    dictated = examination.dictated
    named = {
        "indication": dictated.indication,
        "comparison": dictated.comparison,
        "technique": dictated.technique,
        "findings": dictated.findings,
        "impression": impression or "",
    }
    return {section: text for section, text in named.items() if text}


def epic_like(examination: Examination, at: datetime, impression: str | None = None) -> Record:
    """HL7 v2.5.1 ORU^R01, one OBX TX per printed line, sections told by the suffix of OBX-3. Signed when there is an impression."""
    status = "F" if impression is not None else "P"
    lines: list[tuple[str, str]] = []
    for section, text in sections_of(examination, impression).items():
        suffix = "&IMP" if section == "impression" else "&GDT"
        lines += [(suffix, f"{section.upper()}:"), *((suffix, line) for line in text.split("\n")), (suffix, "")]
    code = examination.latent.exam.code
    observations = [
        f"OBX|{number}|TX|{code}{suffix}^{_er7(examination.dictated.exam)}||{_er7(line)}||||||{status}|||{_stamp(at)}"
        for number, (suffix, line) in enumerate(lines, 1)
    ]
    segments = [
        _header(examination, at, "2.5.1", "EPICLIKE", status),
        _patient(examination),
        "PV1|1|O|RAD^^^DEMOHOSP",
        f"ORC|RE|{examination.accession}|{examination.accession}",
        _request(examination, at, status, f"{examination.radiologist}&DEMO&READER^^^^"),
        *observations,
    ]
    return _er7_record(examination, segments)


def powerscribe_like(examination: Examination, at: datetime, impression: str | None = None) -> Record:
    r"""HL7 v2.4 ORU^R01, the whole report in one FT with `\.br\`, headings in capitals. Signed when there is an impression."""
    status = "F" if impression is not None else "P"
    blocks = [f"{section.upper()}: {text}" for section, text in sections_of(examination, impression).items()]
    body = ("\\.br\\" * 2).join(_er7(block).replace("\n", "\\.br\\") for block in blocks)
    code = examination.latent.exam.code
    segments = [
        _header(examination, at, "2.4", "DICTATION", status),
        _patient(examination),
        "PV1||O",
        f"ORC|RE||{examination.accession}",
        _request(examination, at, status, f"{examination.radiologist}&DEMO&READER"),
        f"OBX|1|FT|{code}^{_er7(examination.dictated.exam)}^LN||{body}||||||{status}",
    ]
    return _er7_record(examination, segments)


def fhir(examination: Examination, at: datetime, impression: str | None = None) -> Record:
    """FHIR R4 DiagnosticReport, the text in presentedForm (text/plain, base64), the reader in resultsInterpreter."""
    exam = examination.latent.exam
    text = "\n\n".join(f"{section.upper()}:\n{words}" for section, words in sections_of(examination, impression).items())
    resource: dict[str, object] = {
        "resourceType": "DiagnosticReport",
        "id": f"demo-{examination.accession.lower()}",
        "identifier": [
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
                "system": "urn:impresario:demo:accession",
                "value": examination.accession,
            }
        ],
        "status": "final" if impression is not None else "preliminary",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}],
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": exam.code}], "text": examination.dictated.exam},
        "subject": {
            "identifier": {"system": "urn:impresario:demo:patient", "value": examination.patient},
            "display": "Test Patient",
        },
        "effectiveDateTime": examination.made_at.isoformat(),
        "issued": at.isoformat(),
        "resultsInterpreter": [
            {"type": "Practitioner", "identifier": {"system": "urn:impresario:demo:reader", "value": examination.radiologist}}
        ],
        "presentedForm": [{"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}],
    }
    if impression is not None:
        resource["conclusion"] = impression
    headers = [("content-type", b"application/fhir+json")]
    return examination.accession, headers, json.dumps(resource, ensure_ascii=False).encode()


#: How each simulated source speaks.
VENDORS: Mapping[str, Callable[[Examination, datetime, str | None], Record]] = {
    "epic-like": epic_like,
    "powerscribe-like": powerscribe_like,
    "fhir": fhir,
}


def dictated_event(vendor: str, examination: Examination) -> Record:
    """The preliminary version: everything but the impression, ten minutes after the images."""
    return VENDORS[vendor](examination, examination.made_at + timedelta(minutes=10), None)


def signed_event(vendor: str, examination: Examination, impression: str) -> Record:
    """The final version, signed twenty minutes after the images."""
    return VENDORS[vendor](examination, examination.made_at + timedelta(minutes=20), impression)


# ── ER7 ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _header(examination: Examination, at: datetime, version: str, sender: str, status: str) -> str:
    control_id = f"{examination.accession}-{status}"
    return f"MSH|^~\\&|{sender}|DEMOHOSP|IMPRESARIO|DEMOHOSP|{_stamp(at)}||ORU^R01|{control_id}|T|{version}||||||UNICODE UTF-8"


def _patient(examination: Examination) -> str:
    return f"PID|1||{examination.patient}^^^DEMOHOSP^MR||TEST^PATIENT||{examination.born}|{examination.latent.sex}"


def _request(examination: Examination, at: datetime, status: str, reader: str) -> str:
    """OBR with the fields a report needs: 4 exam, 7 made, 22 changed, 24 section, 25 status, 27 priority, 32 reader."""
    exam = examination.latent.exam
    fields = [""] * 33
    fields[0], fields[1] = "OBR", "1"
    fields[2] = fields[3] = examination.accession
    fields[4] = f"{exam.code}^{_er7(examination.dictated.exam)}^CPT"
    fields[7] = _stamp(examination.made_at)
    fields[18] = examination.accession
    fields[22] = _stamp(at)
    fields[24] = exam.modality
    fields[25] = status
    fields[27] = "^^^^^S" if examination.stat else "^^^^^R"
    fields[32] = reader
    return "|".join(fields)


def _er7(text: str) -> str:
    """Text with the separators escaped (HL7 v2.5.1, 2.7.1)."""
    for character, escape in (("\\", "\\E\\"), ("|", "\\F\\"), ("^", "\\S\\"), ("&", "\\T\\"), ("~", "\\R\\")):
        text = text.replace(character, escape)
    return text


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S%z")


def _er7_record(examination: Examination, segments: list[str]) -> Record:
    return examination.accession, [("content-type", b"application/hl7-v2")], ("\r".join(segments) + "\r").encode()
