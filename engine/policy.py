"""When not to write: who and what a hospital has opted in, and what is better left to the radiologist alone.

A report comes in; a word comes out that says why nothing is written, or None. Knows nothing of where the policy is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from ingest.report import Report

#: Words that nearly every sentence of a language has and the others have not; enough to tell a report's language.
FUNCTION_WORDS = {
    "en": frozenset("the is are of with and no there in to was were has been this which without within".split()),
    "de": frozenset("der die das und mit ist kein keine nicht im des ein eine bei zum sich den dem".split()),
    "fr": frozenset("le la les des du et est pas de une un avec au aux sans dans par il".split()),
    "es": frozenset("el la los las del y se no de una un con en por sin es al".split()),
    "it": frozenset("il lo gli della di e non una un con nel alla dei senza si è al".split()),
    "nl": frozenset("de het een en van geen met is niet in er op te bij zonder zijn".split()),
    "pt": frozenset("o a os as do da e não de uma um com em sem no na ao dos".split()),
}
WORD = re.compile(r"[^\W\d_]+")
#: Below so many words a language cannot be told, and is taken to be the hospital's.
ENOUGH_WORDS = 6


class WhyNot(StrEnum):
    """Why nothing is written; a stable word for logs and metrics."""

    SWITCHED_OFF = "switched-off"  #: a person stopped all, this site's or this radiologist's drafts
    RADIOLOGIST_NOT_OPTED_IN = "radiologist-not-opted-in"
    EXAM_NOT_OPTED_IN = "exam-not-opted-in"
    LANGUAGE = "language"  #: the findings are in a language the checker cannot read
    SHORT_NORMAL = "short-normal"  #: one line that says all is normal: the impression would repeat it


@dataclass(frozen=True, slots=True)
class Policy:
    """What a hospital wants written. `None` means everybody, everything."""

    radiologists: frozenset[str] | None = None
    modalities: frozenset[str] | None = None
    languages: frozenset[str] = frozenset({"en"})
    short_normals: bool = True
    #: `all`, or a radiologist's id: the kill switches that are off now.
    switched_off: frozenset[str] = frozenset()


def why_not(report: Report, policy: Policy) -> WhyNot | None:
    """The first reason of the policy's against writing this impression; None when there is none."""
    reader = report.radiologist.id if report.radiologist else None
    if policy.switched_off and ("all" in policy.switched_off or reader in policy.switched_off):
        return WhyNot.SWITCHED_OFF
    if policy.radiologists is not None and reader not in policy.radiologists:
        return WhyNot.RADIOLOGIST_NOT_OPTED_IN
    if policy.modalities is not None and report.exam.modality not in policy.modalities:
        return WhyNot.EXAM_NOT_OPTED_IN
    if language_of(report.findings) not in policy.languages | {None}:
        return WhyNot.LANGUAGE
    if not policy.short_normals and is_short_normal(report.findings):
        return WhyNot.SHORT_NORMAL
    return None


def language_of(text: str) -> str | None:
    """The language with the most of its function words in `text`; None when the text is too short or two are level."""
    words = WORD.findall(text.lower())
    if len(words) < ENOUGH_WORDS:
        return None
    counts = Counter({language: sum(word in known for word in words) for language, known in FUNCTION_WORDS.items()})
    (best, most), (_, second) = counts.most_common(2)
    return best if most > second else None


def is_short_normal(findings: str) -> bool:
    """One sentence of at most a dozen words that calls the study normal."""
    words = WORD.findall(findings.lower())
    return len(words) <= 12 and findings.strip(" .").count(".") == 0 and bool({"normal", "unremarkable", "negative"} & set(words))
