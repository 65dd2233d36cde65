"""Critical results: findings somebody has to be told of within minutes, hours or days, and the record that proves it was done.

Texts come in, `CriticalResult`s go out, most urgent first. The table is critical.toml. A finding that is denied, old, known and
unchanged, or already communicated according to the report is not among them. Nothing is sent from here: the agent publishes the event.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from engine.guidelines import words
from engine.guidelines.denial import negated_at
from engine.impression import Evidence

Tier = Literal[1, 2, 3]
METHOD_BY_TIER: Mapping[Tier, str] = {
    1: "by voice, person to person",  #: minutes
    2: "by voice or acknowledged message",  #: hours
    3: "tracked message",  #: days
}

_SENTENCE = re.compile(r"[^.;\n]+(?:\.(?=\d)[^.;\n]+)*[.;]?")
#: "No … , … or …" is read as far back as its sentence goes: what is not denied here costs somebody a call.
_WHOLE_SENTENCE = 1_000
_OLD = re.compile(
    r"\b(?:chronic|old|remote|prior|previous(?:ly)?(?!\s+(?:unseen|undetected|unreported|not))|history\s+of|h/o|status\s+post|s/p"
    r"|healed|known|resolving|improv\w+|evolving|re-?demonstrat\w+|again\s+(?:seen|noted)|long-?standing|sequela\w*"
    rf"|encephalomalacia)\b|{words.STABLE.pattern}|{words.SMALLER.pattern}|{words.RESOLVED.pattern}",
    re.I,
)
_RENEWED = re.compile(
    rf"\b(?:acute|worse\w*|superimposed|active|increas\w+|enlarg\w+)\b|{words.GROWING.pattern}|{words.NEW.pattern}", re.I
)
_QUESTION = re.compile(
    r"\b(?:if|rule\s*-?\s*out|r/o|evaluat\w+\s+for|assess\w*\s+for|concern(?:ed)?\s+for|question\s+of|query|clinical\s+(?:suspicion"
    r"|concern)|protocol|cannot\s+be\s+(?:entirely\s+)?excluded|cannot\s+exclude|limited\s+(?:\w+\s+){0,4}for)\b[^.;]*$",
    re.I,
)
#: Who is told. A radiologist who reviewed the images with a colleague told nobody who treats the patient.
_WHO = (
    r"(?:dr|doctor|md|rn|np|pa|nurse|midwife|practitioner|team|physician|provider|clinicians?|registrar|consultant|surgeons?|\w*surgery|urology|cardiology|neurology|oncology"
    r"|resident|intern|hospitalist|service|department|ed|er|a&e|ward|icu|unit|clinic|office)"
)
_TOLD = re.compile(
    rf"\b(?:discussed|communicated|conveyed|relayed|reported|given|spoke|spoken|called|telephoned|phoned|paged|notified|informed|contacted)"
    rf"\b[^.]{{0,140}}?\b(?:(?:with|to)\s+(?:[\w/&'-]+\s+){{0,5}}?{_WHO}\b|at\s+\d{{1,2}}[:.h]?\d\d|(?:by|via)\s+(?:tele)?phone)"
    rf"|\breviewed\s+with\s+(?:\w+\s+){{0,3}}?(?!resident|fellow){_WHO}\b"
    rf"|\b(?:called|paged|telephoned|phoned|notified|informed)\s+(?:the\s+)?(?:\w+\s+){{0,3}}?{_WHO}\b"
    rf"|\b{_WHO}\b[^.]{{0,60}}\b(?:notified|informed|called|paged|contacted|phoned|made\s+aware|acknowledged)\b"
    r"|\bcritical\s+(?:result|finding|value)s?\b[^.]{0,60}\b(?:communicated|called|discussed|acknowledged|notified|read\s*-?\s*back)"
    r"|\bverbal(?:ly)?\s+(?:communicat\w+|notif\w+|report\w*)",
    re.I,
)
#: The point behind a title ends no sentence.
_TITLE = re.compile(r"\b(dr|mr|mrs|ms|prof)\.", re.I)
_NOT_TOLD = re.compile(
    r"\b(?:will\s+be|to\s+be|should\s+be|could\s+not|unable|attempt\w*|not\s+(?:been\s+|yet\s+)?(?:discussed"
    r"|communicated|reached|notified|called)|pending|please|recommend\w*|previously|on\s+prior|no\s+answer"
    r"|without\s+success)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class CommunicationRecord:
    """The six fields a record of communication needs (ACR practice parameter); empty ones wait for whoever makes the call."""

    finding: str = field(repr=False)
    identified_at: datetime
    communicated_by: str | None = None  #: id of the radiologist
    received_by: str | None = None
    received_at: datetime | None = None
    method: str | None = None

    def missing(self) -> tuple[str, ...]:
        """The fields still to be filled before the record proves anything."""
        return tuple(name for name in ("communicated_by", "received_by", "received_at", "method") if getattr(self, name) is None)


@dataclass(frozen=True, slots=True)
class CriticalResult:
    """One finding to be communicated. `name` is the table's word, never the report's."""

    id: str
    name: str
    tier: Tier
    evidence: Evidence
    recommended_by: datetime
    method: str
    record: CommunicationRecord
    citation: str

    def as_event(self, *, report_id: str) -> dict[str, Any]:
        """The `data` of a `radiology.events` message: no word of the report, only where in it the finding stands."""
        return {
            "report": report_id,
            "finding": {"id": self.id, "name": self.name},
            "tier": self.tier,
            "evidence": {"section": self.evidence.section, "start": self.evidence.start, "end": self.evidence.end},
            "recommended_by": self.recommended_by.isoformat(),
            "recommended_method": self.method,
            "record": {
                "finding": self.name,
                "identified_at": self.record.identified_at.isoformat(),
                "communicated_by": self.record.communicated_by,
                "received_by": self.record.received_by,
                "received_at": self.record.received_at.isoformat() if self.record.received_at else None,
                "method": self.record.method,
            },
            "citation": self.citation,
        }


@dataclass(frozen=True, slots=True)
class _Finding:
    id: str
    name: str
    tier: Tier
    says: tuple[re.Pattern[str], ...]
    unless: re.Pattern[str] | None
    together: re.Pattern[str] | None
    across: bool  #: `with` may stand in another sentence


def critical_results(
    findings: str,
    *,
    impression: str = "",
    communication: str = "",
    radiologist: str | None = None,
    now: datetime | None = None,
) -> tuple[CriticalResult, ...]:
    """The findings to be communicated, most urgent first, each once. `now` (aware) is when they were identified.

    `communication` is the report's section on critical communication; a call documented there or in the texts suppresses everything.
    """
    if is_documented(f"{communication}\n{findings}\n{impression}", section=communication):
        return ()
    at = now or datetime.now(UTC)
    table = _table()
    found: dict[str, CriticalResult] = {}
    for section, text in (("findings", findings), ("impression", impression)):
        for finding, start, end in _stated(text):
            if finding.id not in found:
                found[finding.id] = _result(finding, Evidence(section, start, end), at, radiologist, table)
    kept = [result for result in found.values() if not _covered(result.id, set(found))]
    return tuple(sorted(kept, key=lambda result: (result.tier, result.evidence.section, result.evidence.start)))


def is_documented(text: str, *, section: str = "") -> bool:
    """The report itself says that somebody was told."""
    if section.strip() and not _NOT_TOLD.search(section):
        return True
    sentences = _sentences(_TITLE.sub(r"\1 ", text))
    return any(_TOLD.search(match[0]) and not _NOT_TOLD.search(match[0]) for match in sentences)


#: the wider finding is left out when the narrower one is there
_NARROWER: Mapping[str, tuple[str, ...]] = {
    "small-pneumothorax": ("tension-pneumothorax", "pneumothorax"),
    "pneumothorax": ("tension-pneumothorax",),
    "pulmonary-embolism": ("pulmonary-embolism-strain",),
    "aneurysm": ("ruptured-aneurysm", "aortic-syndrome"),
    "incidental-nodule": ("suspected-cancer",),
    "fracture-hip": ("unstable-spine",),
}


def _covered(finding: str, found: set[str]) -> bool:
    return any(narrower in found for narrower in _NARROWER.get(finding, ()))


def _result(
    finding: _Finding, evidence: Evidence, at: datetime, radiologist: str | None, table: Mapping[str, Any]
) -> CriticalResult:
    minutes = int(table["minutes_by_tier"][str(finding.tier)])
    return CriticalResult(
        id=finding.id,
        name=finding.name,
        tier=finding.tier,
        evidence=evidence,
        recommended_by=at + timedelta(minutes=minutes),
        method=METHOD_BY_TIER[finding.tier],
        record=CommunicationRecord(finding=finding.name, identified_at=at, communicated_by=radiologist),
        citation=str(table["citation"]),
    )


def _stated(text: str) -> Iterator[tuple[_Finding, int, int]]:
    """Every finding of the table that `text` states as present and not known before, with its place."""
    for match in _sentences(text):
        sentence = match[0].lower()
        for finding in _findings():
            hit = next((hit for pattern in finding.says if (hit := pattern.search(sentence))), None)
            if hit is None or _silenced(finding, sentence, hit):
                continue
            if finding.together is not None and not _together(finding.together, text.lower() if finding.across else sentence):
                continue
            lead = len(match[0]) - len(match[0].lstrip())
            yield finding, match.start() + lead, match.start() + len(match[0].rstrip())


def _silenced(finding: _Finding, sentence: str, hit: re.Match[str]) -> bool:
    """Denied, asked for, old, or taken back by the table."""
    if _is_denied(sentence, hit) or _QUESTION.search(sentence[: hit.start()]):
        return True
    if finding.unless is not None and finding.unless.search(sentence):
        return True
    around = re.split(r",\s*(?:and\s+)?(?=(?:an?|the|there|new)\b)", sentence)
    own = next((part for part in around if hit[0] in part), sentence)
    return bool(_OLD.search(own)) and not _RENEWED.search(
        re.sub(r"\b(?:no|not|without)\s+(?:\w+\s+)?(?:new|acute|increas\w+|enlarg\w+|larger|worse\w*|progress\w+)", " ", own)
    )


def _is_denied(sentence: str, hit: re.Match[str]) -> bool:
    after = sentence[hit.end() :]
    return negated_at(sentence, hit.start(), reach=_WHOLE_SENTENCE) or words.NEGATED_AFTER.match(after) is not None


def _together(pattern: re.Pattern[str], text: str) -> bool:
    """The accompanying sign stands there and is not denied."""
    for match in pattern.finditer(text):
        sentence = re.split(r"[.;\n]", text[: match.start()])[-1]
        ratio = re.match(r"\W*(?:ratio\s+)?(?:is\s+|of\s+|=\s*)?(?:less\s+than\s+1|<\s*1|0\.\d|normal)", text[match.end() :])
        if not ratio and not negated_at(sentence, len(sentence), reach=_WHOLE_SENTENCE):
            return True
    return False


def _sentences(text: str) -> Iterator[re.Match[str]]:
    yield from _SENTENCE.finditer(text)


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("critical.toml").read_text(encoding="utf-8"))


@cache
def _findings() -> tuple[_Finding, ...]:
    return tuple(
        _Finding(
            id=row["id"],
            name=row["name"],
            tier=row["tier"],
            says=tuple(re.compile(rf"(?<![\w-]){pattern}") for pattern in row["says"]),
            unless=re.compile(row["unless"]) if "unless" in row else None,
            together=re.compile(row["with"]) if "with" in row else None,
            across=row.get("across", False),
        )
        for row in _table()["findings"]
    )
