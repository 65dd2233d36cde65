"""When not to write: who and what a hospital has opted in, and what is better left to the radiologist alone.

A report comes in; a word comes out that says why nothing is written, or None. The switches stand in feedback/switches.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from ingest.report import Report

#: Words that nearly every sentence of a language has and the others have not; enough to tell that a report is in another.
FUNCTION_WORDS = {
    "en": frozenset("the is are of with and no there in to was were has been this which without within".split()),
    "de": frozenset("der die das und mit ist kein keine nicht im des ein eine bei zum sich den dem".split()),
    "fr": frozenset("le la les des du et est pas de une un avec au aux sans dans par il".split()),
    "es": frozenset("el la los las del y se no de una un con en por sin es al".split()),
    "it": frozenset("il lo gli della di e non una un con nel alla dei senza si è al".split()),
    "nl": frozenset("de het een en van geen met is niet in er op te bij zonder zijn".split()),
    "pt": frozenset("o a os as do da e não de uma um com em sem no na ao dos".split()),
}
ALL_FUNCTION_WORDS = frozenset().union(*FUNCTION_WORDS.values())
#: What parts words, blank: to split by blanks costs a quarter of looking for words by an expression.
BLANKS = str.maketrans(dict.fromkeys("0123456789.,;:!?()[]{}<>/\\|-–_+=*#%&'’\"“”„«»…", " "))
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
    """What a hospital wants written. `None` means everybody, everything; the switches name subjects, as `subjects_of` makes them."""

    radiologists: frozenset[str] | None = None
    modalities: frozenset[str] | None = None
    languages: frozenset[str] = frozenset({"en"})
    short_normals: bool = True
    switched_off: frozenset[str] = frozenset()
    in_shadow: frozenset[str] = frozenset()


def subjects_of(report: Report, source: str | None = None) -> frozenset[str]:
    """Everything a switch may name that concerns this report: `all`, its site or source (`site:…`), its reader (`radiologist:…`)."""
    sites = {f"site:{name}" for name in (report.site, source) if name}
    readers = {f"radiologist:{report.radiologist.id}"} if report.radiologist else set()
    return frozenset({"all"} | sites | readers)


def why_not(report: Report, policy: Policy, source: str | None = None) -> WhyNot | None:
    """The first reason of the policy's against writing this impression; None when there is none. `source` is the message's header."""
    reader = report.radiologist.id if report.radiologist else None
    if policy.switched_off & subjects_of(report, source):
        return WhyNot.SWITCHED_OFF
    if policy.radiologists is not None and reader not in policy.radiologists:
        return WhyNot.RADIOLOGIST_NOT_OPTED_IN
    if policy.modalities is not None and report.exam.modality not in policy.modalities:
        return WhyNot.EXAM_NOT_OPTED_IN
    if not is_readable(report.findings, policy.languages):
        return WhyNot.LANGUAGE
    if not policy.short_normals and is_short_normal(report.findings):
        return WhyNot.SHORT_NORMAL
    return None


def is_in_shadow(report: Report, policy: Policy, source: str | None = None) -> bool:
    """Whether the draft of this report is written, checked and kept, and shown to nobody."""
    return bool(policy.in_shadow & subjects_of(report, source))


def is_readable(text: str, languages: Collection[str]) -> bool:
    """Whether no other language outweighs `languages` in `text`. Telegraphic text has few small words: it takes two, and twice as many."""
    counts = function_words_in(text)
    known = max((counts[language] for language in languages), default=0)
    foreign = max((counts[language] for language in FUNCTION_WORDS if language not in languages), default=0)
    return foreign < 2 or foreign <= 2 * known


def function_words_in(text: str) -> Counter[str]:
    """How many of each language's function words stand in `text`; none where it is too short to tell."""
    words = Counter(_words_in(text))
    if words.total() < ENOUGH_WORDS:
        return Counter()
    found = words.keys() & ALL_FUNCTION_WORDS
    return Counter({language: sum(words[word] for word in found & known) for language, known in FUNCTION_WORDS.items()})


def is_short_normal(findings: str) -> bool:
    """One sentence of at most a dozen words that calls the study normal."""
    words = _words_in(findings)
    return len(words) <= 12 and findings.strip(" .").count(".") == 0 and bool({"normal", "unremarkable", "negative"} & set(words))


def _words_in(text: str) -> list[str]:
    return text.lower().translate(BLANKS).split()
