"""A draft as an ORU^R01, for reporting systems that speak HL7 v2 only. Built and validated by hl7apy.

HL7 v2 has no flag for text written by an AI, so four things say it: a banner line, OBX-11 `P`, OBX-15 and OBX-17 naming the
producer and the method, OBX-18 the build. OBX-16 and OBR-32 stay empty: nobody has interpreted it. OBR-25 is `R`, stored and not
verified, because archives are known to file `P` as verified. For a channel only the reporting system reads.
"""

from __future__ import annotations

import re
from typing import Any

from hl7apy.core import Message  # type: ignore[import-untyped, unused-ignore]
from hl7apy.exceptions import HL7apyException  # type: ignore[import-untyped, unused-ignore]

from connectors import topics
from connectors.deliver import Shown
from connectors.deliver.fhir import BANNER, about, headers
from feedback.outbox import Outgoing

IMPRESSION = "19005-8^Radiology Imaging study [Impression] (narrative)^LN"
RECOMMENDATION = "18783-1^Radiology Study recommendation (narrative)^LN"
METHOD = "AIDRAFT^AI generated draft^99IMP"
PRODUCER = "IMPRESARIO^Impresario^99IMP"
#: HL7 v2.5.1 section 2.7.1. The escape character first, so that nothing is escaped twice.
ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Hl7v2Form:
    """Drafts for the topic `radiology.impressions.hl7v2`."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def message(self, shown: Shown) -> Outgoing:
        return Outgoing(
            about=about(shown),
            topic=self.topic,
            key=shown.report.id.encode(),
            headers=headers(shown, content_type=topics.HL7V2, about=about(shown)),
            value=observation_result(shown).encode(),
        )


def observation_result(shown: Shown) -> str:
    """The message in ER7, segments ended by carriage returns."""
    message = Message("ORU_R01", version="2.5.1")
    _header(message.msh, shown)
    order = message.add_group("ORU_R01_PATIENT_RESULT").add_group("ORU_R01_ORDER_OBSERVATION")
    _request(order.add_segment("OBR"), shown)
    lines = [BANNER, *shown.impression.text.splitlines()] if shown.withdrawn_because is None else ["This draft was withdrawn."]
    coded = [(IMPRESSION, line) for line in lines]
    coded += [(RECOMMENDATION, f"{one.sentence} ({one.guideline}: {one.row})") for one in shown.impression.recommendations]
    for number, (code, line) in enumerate(coded, 1):
        _line(order.add_group("ORU_R01_OBSERVATION").add_segment("OBX"), number, code, line, shown)
    try:
        message.validate()
    except HL7apyException as refusal:
        raise AssertionError(f"our own ORU^R01 is not valid: {type(refusal).__name__}") from None
    return f"{message.to_er7()}\r"


def _header(msh: Any, shown: Shown) -> None:
    msh.msh_3 = "IMPRESARIO"
    msh.msh_7 = shown.drafted_at.strftime("%Y%m%d%H%M%S%z")
    msh.msh_9 = "ORU^R01^ORU_R01"
    msh.msh_10 = control_id(shown)
    msh.msh_11 = "P"
    msh.msh_18 = "UNICODE UTF-8"


def control_id(shown: Shown) -> str:
    """The first characters of the draft's id, `W` before them when it is withdrawn.

    HL7 v2.5.1 gives MSH-10 twenty characters, and receivers cut off the rest: draft and withdrawal must differ before that.
    """
    name = shown.impression.draft_id.replace("-", "")
    return name[:20] if shown.withdrawn_because is None else f"W{name[:19]}"


def _request(obr: Any, shown: Shown) -> None:
    report, exam = shown.report, shown.report.exam
    obr.obr_1 = "1"
    obr.obr_3 = escaped(min(report.accessions, default=""))
    obr.obr_4 = f"{_plain(exam.code or '')}^{_plain(exam.text or exam.modality or '')}"
    if report.observed:
        obr.obr_7 = report.observed.strftime("%Y%m%d%H%M%S")
    obr.obr_25 = "R" if shown.withdrawn_because is None else "X"


def _line(obx: Any, number: int, code: str, line: str, shown: Shown) -> None:
    obx.obx_1 = str(number)
    obx.obx_2 = "TX"
    obx.obx_3 = code
    obx.obx_5 = escaped(line)
    obx.obx_11 = "P" if shown.withdrawn_because is None else "D"
    obx.obx_15 = PRODUCER
    obx.obx_17 = METHOD
    build = shown.impression.adapter or shown.impression.base_model
    obx.obx_18 = _plain(build)


def escaped(text: str) -> str:
    """Text fit for OBX-5. Control characters would end a segment or a frame."""
    return "".join(ESCAPES.get(character, character) for character in CONTROL.sub(" ", text))


def _plain(name: str) -> str:
    """An id or name without separators: those who match on it compare the bytes."""
    return re.sub(r"[|^&~\\]", " ", CONTROL.sub(" ", name))
