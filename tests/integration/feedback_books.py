"""Reports, impressions and times for the feedback room's tests; every word here is made up."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.impression import Evidence, Flag, FlagClass, Impression, Kind, Sentence
from engine.prompts import Dictation
from feedback.outbox import Outgoing
from ingest.report import REPORT_NAMESPACE, Exam, Radiologist, Report, Section, Status

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FINDINGS = "The lungs are clear. No pleural effusion. The heart is normal in size."


def later(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def dictated(accession: str = "A1", findings: str = FINDINGS, issued: datetime | None = NOON, **more: object) -> Report:
    """Findings are dictated, nobody has signed."""
    report = Report(
        kind="hl7v2",
        message_id=f"m-{accession}",
        message_type="ORU^R01",
        version="2.5.1",
        accessions=(accession,),
        status=Status.PRELIMINARY,
        exam=Exam(text="Chest X-ray", modality="CR"),
        radiologist=Radiologist("r1", "principal"),
        issued=issued,
        sections={Section.FINDINGS: findings},
        text=f"FINDINGS: {findings}",
    )
    return replace(report, **more)  # type: ignore[arg-type]


TEN_PAST = later(10)


def signed(
    impression: str, accession: str = "A1", findings: str = FINDINGS, issued: datetime | None = TEN_PAST, **more: object
) -> Report:
    """The same report with an impression and a name under it."""
    sections = {Section.FINDINGS: findings, Section.IMPRESSION: impression}
    text = f"FINDINGS: {findings}\nIMPRESSION: {impression}"
    return dictated(accession, findings, issued, **({"status": Status.FINAL, "sections": sections, "text": text} | more))


def drafted(report: Report, words: str = "No acute disease.", adapter: str | None = None) -> Impression:
    """An impression of `report` as the engine would hand it on."""
    return Impression(
        report_id=report.id,
        draft_id=str(uuid.uuid5(REPORT_NAMESPACE, f"{report.id} {Dictation.of(report).version} {adapter}")),
        kind=Kind.OWN_WORDS if adapter else Kind.DRAFT,
        text=words,
        coarse="No acute cardiopulmonary abnormality.",
        sentences=(
            Sentence(words, "supported", (Evidence("findings", 0, 20),)),
            Sentence("Made up.", "unsupported", (), "rule-7"),
        ),
        flags=(Flag(FlagClass.SIZE, "minor", "size is not repeated", (0, 2), None),),
        adapter=adapter,
        base_model="tiny",
        prompt_version="1",
        seconds=0.25,
        fell_back=None if adapter else "no-adapter",
    )


def message_of(impression: Impression, topic: str = "radiology.impressions") -> Outgoing:
    """What leaves for one impression."""
    headers = (("ce_id", impression.draft_id.encode()), ("binary", b"\x00\xff"))
    return Outgoing(impression.draft_id, topic, impression.report_id.encode(), headers, impression.text.encode(errors="replace"))
