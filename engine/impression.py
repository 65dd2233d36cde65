"""What the engine hands on: an `Impression`, each of its sentences with the place it rests on, and the flags against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """Which way an impression was written, best first; the order is the way down when a check fails."""

    OWN_WORDS = "own-words"  #: in the radiologist's own words: their adapter's, or without one in the manner of their signatures
    DRAFT = "draft"  #: by the base model
    EXTRACTIVE = "extractive"  #: the important findings, in the findings' own words


class FlagClass(StrEnum):
    """The eleven ways in which an impression can differ from its findings (docs/interface.md)."""

    OMISSION = "omission"
    FALSE_FINDING = "false-finding"
    NEGATION = "negation"
    LATERALITY = "laterality"
    LOCATION = "location"
    SIZE = "size"
    SEVERITY = "severity"
    CERTAINTY = "certainty"
    TEMPORAL = "temporal"
    DEVICE = "device"
    RECOMMENDATION = "recommendation"


Severity = Literal["critical", "major", "minor"]
Support = Literal["supported", "from-prior", "unsupported"]
#: Start and end in Unicode code points of the text as given, end excluded.
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a sentence comes from: a section by its contract name and a span in it."""

    section: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an impression and what it rests on; `rule` names a guideline's row, or says why no finding is stated (engine/grounds.py)."""

    text: str = field(repr=False)
    status: Support
    evidence: tuple[Evidence, ...] = ()
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """One difference worth a radiologist's look. `message` may quote the report: show it, never log it."""

    flag_class: FlagClass
    severity: Severity
    message: str = field(repr=False)
    impression_span: Span | None = None
    findings_span: Span | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """The answer of `engine.checks.check`: `review` exactly when a critical or major flag stands."""

    sentences: tuple[Sentence, ...]
    flags: tuple[Flag, ...]

    @property
    def verdict(self) -> Literal["clean", "review"]:
        return "review" if any(flag.severity != "minor" for flag in self.flags) else "clean"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What a guideline advises for certain: as a sentence for an impression, the row it comes from, the findings it rests on."""

    sentence: str
    row: str  #: the table's own words, with its conditions and later steps
    guideline: str
    rule: str
    citation: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Impression:
    """What is shown for one version of one report, and how it came about."""

    report_id: str
    draft_id: str
    kind: Kind
    text: str = field(repr=False)
    coarse: str = field(repr=False)
    sentences: tuple[Sentence, ...]
    flags: tuple[Flag, ...]
    adapter: str | None
    base_model: str
    prompt_version: str
    seconds: float
    #: Why no adapter wrote it, or no model (`own-words-failed-check`, `no-adapter`, `model-unavailable`, …); None when one did.
    fell_back: str | None = None
    #: What guidelines advise and the text does not say: shown beside it.
    recommendations: tuple[Recommendation, ...] = ()
