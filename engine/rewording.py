"""Whether own words may be shown in a draft's place: the same findings, each with the same side, place, size, severity, doubt, change.

Stricter than engine/checks.py, which must let a radiologist summarise and interpret: saying a draft in other words may do neither. The
day asks before it shows, the night before it promotes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from engine.checks import check
from engine.deeds import without_deeds
from engine.facts import Fact, read_facts
from engine.habits import Habits, without_new_advice
from engine.prompts import Dictation
from engine.sentences import tokens_of

#: What points at the study as a whole ("findings are consistent with …") and is no finding of its own.
GENERAL = frozenset({"abnormality", "lesion"})
#: How sure a statement is, as a reader hears it; see `Fact.certainty`.
DOUBT = ("excluded", "excluded", "possible", "likely", "likely", "certain")


def in_keeping(draft: str, wording: str, dictation: Dictation, habits: Habits) -> str | None:
    """`wording` as it may be shown in the draft's place: without advice nobody gave and deeds nobody dictated; None if it may not be shown."""
    wording = without_new_advice(without_deeds(wording, dictation), draft, dictation, habits)
    return wording if wording and may_replace(draft, wording, dictation) else None


def may_replace(draft: str, wording: str, dictation: Dictation) -> bool:
    """Whether the checker lets `wording` pass and no fact of the draft is changed; of a draft it objects to, only mended."""
    if _stutters(wording) or not _passes(wording, dictation):
        return False
    rule = keeps_the_facts if _passes(draft, dictation) else mends_the_facts
    return rule(draft, wording, dictation.findings, dictation.exam)


def _stutters(wording: str) -> bool:
    """`L L L3-L4 protrusion`: the fact is there, and a reader stumbles over it. Nobody dictates a word twice in a row."""
    return any(one.text == other.text and one.text.isalpha() for one, other in pairwise(tokens_of(wording)))


def _passes(text: str, d: Dictation) -> bool:
    return check(d.findings, text, indication=d.indication, comparison=d.comparison, exam=d.exam).verdict == "clean"


def keeps_the_facts(draft: str, wording: str, findings: str, exam: str = "") -> bool:
    """Whether both state the same present findings, attribute by attribute, as often, and the wording denies only what was denied."""
    said, dictated = read_facts(wording, section="impression", exam=exam), read_facts(findings, exam=exam)
    return not _denied_anew(said, dictated) and _stated(said) == _stated(read_facts(draft, section="impression", exam=exam))


def mends_the_facts(draft: str, wording: str, findings: str, exam: str = "") -> bool:
    """Whether every finding the wording states stands so in the draft or in the findings, and it denies only what was denied."""
    said, dictated = read_facts(wording, section="impression", exam=exam), read_facts(findings, exam=exam)
    known = _stated(read_facts(draft, section="impression", exam=exam)) | _stated(dictated)
    return not _denied_anew(said, dictated) and not _stated(said) - known


def _denied_anew(said: Sequence[Fact], dictated: Sequence[Fact]) -> set[str]:
    denied = {fact.concept for fact in dictated if fact.is_absent}
    return {fact.concept for fact in said if fact.is_absent and not fact.is_normal} - denied - GENERAL


def _stated(facts: Sequence[Fact]) -> Counter[tuple[object, ...]]:
    return Counter(_heard(fact) for fact in facts if fact.is_present and not fact.is_normal and fact.concept not in GENERAL)


def _heard(fact: Fact) -> tuple[object, ...]:
    return fact.concept, DOUBT[fact.certainty], fact.side, fact.place, fact.levels, fact.sizes, fact.severity, fact.change
