"""What the impression says is not there, held against what the findings describe."""

from __future__ import annotations

from collections.abc import Sequence

from engine.compare import Match
from engine.differences import place_differs, side_differs
from engine.facts import Fact
from engine.kinship import denies, is_kind_of, place_of, places_meet, same_kind, sides_meet
from engine.lexicon import lexicon

#: What stands out from its surroundings, where a signal or a density may be everywhere.
LUMPS = frozenset({"mass", "nodule", "cyst", "collection"})


def match_absent(fact: Fact, findings: Sequence[Fact]) -> Match:
    """Hold an absence that the impression states against the findings."""
    echoed = next((other for other in findings if other.is_absent and _echoes(fact, other)), None)
    if echoed is None and fact.concept != "abnormality" and not (fact.is_normal and fact.change):
        against = [other for other in findings if other.is_present and other.certainty >= 2 and _contradicts(fact, other)]
        if against:
            return Match(fact, "denied", max(against, key=lambda other: other.certainty))
    if fact.is_normal and fact.change == "new" and fact.concept != "abnormality" and echoed is None:
        news = [
            other for other in findings if other.is_present and other.change == "new" and is_kind_of(other.concept, fact.concept)
        ]
        if news and sides_meet(fact.side, news[0].side) and places_meet(fact.place, place_of(news[0])):
            return Match(fact, "denied", news[0])
    agreeing = echoed or next((other for other in findings if other.is_absent and _agrees(fact, other)), None)
    gone = [other for other in findings if other.change == fact.change == "resolved" and other.concept == fact.concept]
    flags = [flag for compare in (side_differs, place_differs) if gone and (flag := compare(fact, gone[0], gone)) is not None]
    return Match(fact, "same" if agreeing else "silent", agreeing, flags)


def _contradicts(absent: Fact, present: Fact) -> bool:
    if absent.side is not None and present.side is None:
        return False
    if absent.described_by and not {*absent.described_by} & {present.concept, *present.described_by}:
        return False  # "no fractured lead", "no calcified nodule": others may be there
    if "residual" in absent.words.lower().split() and present.change not in ("unchanged", "larger", "new"):
        return False  # what is left after a treatment is not what was there before
    if absent.concept == "lesion" and _is_no_lesion(absent, present):
        return False
    if not denies(absent, present):
        return False
    if absent.acuity == "acute" and present.acuity != "acute" and (present.change == "unchanged" or present.acuity):
        return False
    return not (absent.change == "resolved" and present.change == "smaller")


def _is_no_lesion(absent: Fact, present: Fact) -> bool:
    """`No solid lesion` beside cysts, `no focal lesion` beside a diffuse signal."""
    said, above = absent.words.lower().split(), lexicon().above[present.concept]
    return ("solid" in said and "cyst" in above) or ("focal" in said and not (present.sizes or above & LUMPS))


def _echoes(one: Fact, other: Fact) -> bool:
    """The findings deny the very same thing, whatever else they say nearby."""
    if (
        one.is_normal
        and other.is_normal
        and one.place == other.place
        and one.words.lower().split()[0] == other.words.lower().split()[0]
    ):
        return True  # "carotid canal intact", "carotid canal not involved"
    return one.concept == other.concept and one.side == other.side and one.place == other.place and one.acuity == other.acuity


def _agrees(one: Fact, other: Fact) -> bool:
    return (
        same_kind(one.concept, other.concept) or is_kind_of(one.concept, other.concept) or is_kind_of(other.concept, one.concept)
    )
