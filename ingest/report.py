"""What ingest hands to the rest of the house: one frozen `Report`, however it was sent.

Bytes come in elsewhere in this room; here stand only the values and the questions one may ask of them. Every field that may hold
words of a report or of a patient is `repr=False`, so that no log line or traceback can print it by accident.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal, TypeVar

Value = TypeVar("Value")
REPORT_NAMESPACE = uuid.UUID("5b0f7a52-5d0e-5c53-9d0c-1f3f6f2f4c11")


class Status(StrEnum):
    """Where a report stands in its life; the words are FHIR's DiagnosticReport.status where FHIR has one."""

    REGISTERED = "registered"  #: an exam is known, nothing is dictated
    PARTIAL = "partial"  #: some of the text is there
    PRELIMINARY = "preliminary"  #: dictated, not verified
    FINAL = "final"  #: signed
    AMENDED = "amended"  #: signed again after a change
    CORRECTED = "corrected"  #: signed again because the first was wrong
    APPENDED = "appended"  #: signed, with something added (addendum)
    CANCELLED = "cancelled"  #: will never be read
    ENTERED_IN_ERROR = "entered-in-error"  #: withdrawn
    UNKNOWN = "unknown"  #: the sender's word is in no table of ours


class Section(StrEnum):
    """The parts of a dictated report, by the names the contract gives them."""

    INDICATION = "indication"
    COMPARISON = "comparison"
    TECHNIQUE = "technique"
    FINDINGS = "findings"
    IMPRESSION = "impression"
    RECOMMENDATION = "recommendation"
    ADDENDUM = "addendum"
    CRITICAL_COMMUNICATION = "critical_communication"


#: In the order of a report. Walking the tuple is ten times quicker than walking the Enum.
SECTIONS = tuple(Section)

#: How far along a status is: a version of a lower rank never replaces one of a higher rank.
RANK_BY_STATUS: Mapping[Status, int] = {
    Status.UNKNOWN: 0,
    Status.REGISTERED: 1,
    Status.PARTIAL: 2,
    Status.PRELIMINARY: 3,
    Status.FINAL: 5,
    Status.AMENDED: 6,
    Status.CORRECTED: 6,
    Status.APPENDED: 6,
    Status.CANCELLED: 8,
    Status.ENTERED_IN_ERROR: 9,
}
DRAFTABLE = frozenset({Status.REGISTERED, Status.PARTIAL, Status.PRELIMINARY})
SIGNED = frozenset({Status.FINAL, Status.AMENDED, Status.CORRECTED, Status.APPENDED})


def made_quickly(kind: type[Value]) -> type[Value]:
    """A frozen dataclass with slots, made in a third of the time: while its fields are filled it is of a twin that is not frozen.

    The `__init__` that dataclasses writes asks `object.__setattr__` for every field: for a Report a twelfth of reading it.
    """
    made: Any = kind
    known: dict[str, Any] = {
        "_put": object.__setattr__,
        "_kind": kind,
        "_twin": type(kind.__name__, (), {"__slots__": made.__slots__}),
    }
    defaults, lines = [], ["_put(self, '__class__', _twin)"]
    for each in fields(made):
        name, makes = each.name, each.default_factory
        known[f"_new_{name}"] = makes
        lines.append(f"self.{name} = {name if makes is MISSING else f'_new_{name}() if {name} is _new_{name} else {name}'}")
        defaults.append(each.default if makes is MISSING else makes)
    lines.append("self.__class__ = _kind")
    exec(f"def __init__(self, {', '.join(made.__slots__)}):\n " + "\n ".join(lines), known)
    known["__init__"].__defaults__ = tuple(default for default in defaults if default is not MISSING)
    made.__init__ = known["__init__"]
    return kind


@dataclass(frozen=True, slots=True)
class Exam:
    """What was examined. `modality` is a DICOM code (CT, MR, US, CR, DX, MG, NM, PT), `body_part` a plain English word."""

    code: str | None = None
    system: str | None = None
    text: str | None = None
    modality: str | None = None
    body_part: str | None = None


@dataclass(frozen=True, slots=True)
class Radiologist:
    """Who reads: the id their hospital gives them. No name is kept."""

    id: str
    role: str


@made_quickly
@dataclass(frozen=True, slots=True)
class Patient:
    """As much of a patient as drafting needs: a keyed hash, a year and a sex."""

    id_hash: str | None = None
    birth_year: int | None = None
    sex: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that came with the report; `bytes` is its size."""

    content_type: str
    bytes: int


@made_quickly
@dataclass(frozen=True, slots=True)
class Report:
    """One version of one dictated report, read from one message or resource."""

    kind: Literal["hl7v2", "fhir"]
    message_id: str | None
    message_type: str
    version: str | None
    accessions: tuple[str, ...]
    status: Status
    raw_status: str | None = None
    report_group: str | None = None
    is_addendum: bool = False
    exam: Exam = Exam()
    radiologist: Radiologist | None = None
    assistants: tuple[Radiologist, ...] = ()
    observed: datetime | None = None
    issued: datetime | None = None
    priority: Literal["stat", "urgent", "routine"] | None = None
    patient: Patient = field(default=Patient(), repr=False)
    sections: Mapping[Section, str] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)
    attachments: tuple[Attachment, ...] = ()
    site: str | None = None  #: who sent it, as the message says (MSH-4)
    order_group: str | None = None  #: what was ordered together; exams in it may be read apart, so it is no identity

    @property
    def id(self) -> str:
        """The same for every version of one dictated report: UUIDv5 of the group, else of the smallest accession."""
        name = self.report_group or (min(self.accessions) if self.accessions else "") or self.message_id or ""
        return _uuid5(name)

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of status and text: equal for a resend, different for a new version."""
        return hashlib.sha256(f"{self.status}\x1f{self.is_addendum}\x1f{self.text}".encode()).hexdigest()

    @property
    def rank(self) -> int:
        """How far along this version is; see `RANK_BY_STATUS`."""
        return RANK_BY_STATUS[self.status]

    @property
    def findings(self) -> str:
        return self.sections.get(Section.FINDINGS, "")

    @property
    def impression(self) -> str:
        return self.sections.get(Section.IMPRESSION, "")

    @property
    def awaits_impression(self) -> bool:
        """Findings are dictated, the impression is not, and nobody has signed."""
        return self.status in DRAFTABLE and bool(self.findings.strip()) and not self.impression.strip()

    @property
    def is_signed(self) -> bool:
        """A radiologist has put their name to this text."""
        return self.status in SIGNED


@lru_cache(maxsize=1000)  # asked a dozen times of every report
def _uuid5(name: str) -> str:
    """`str(uuid.uuid5(REPORT_NAMESPACE, name))` (RFC 9562 5.5) in a third of the time."""
    sha1 = hashlib.sha1(REPORT_NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(sha1[16], 16) & 3]
    return f"{sha1[:8]}-{sha1[8:12]}-5{sha1[13:16]}-{variant}{sha1[17:20]}-{sha1[20:32]}"


class Unreadable(Exception):
    """Bytes that hold no report we can read. `code` is a stable word; `str()` says what to do and quotes nothing.

    Codes stand in docs/interface.md.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@made_quickly
@dataclass(frozen=True, slots=True)
class Reading:
    """What became of one message or resource: exactly one of a report, a polite no, or a reason."""

    outcome: Literal["report", "ignored", "unreadable"]
    index: int
    code: str | None = None
    message: str | None = None
    report: Report | None = None
    notes: tuple[str, ...] = ()  #: what was repaired or left out on the way; no words of the report
    drafts_to: tuple[str, ...] | None = None  #: where this source's profile wants its drafts; None: it does not say
