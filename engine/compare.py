"""One impression fact held against the findings: its partner there, what denies it, or what it may be read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.differences import VAGUE, differences, distance, flag_of, grade
from engine.facts import Fact
from engine.impression import Flag, FlagClass
from engine.kinship import (
    denies,
    inference,
    is_description,
    is_kind_of,
    levels_meet,
    organs_of,
    place_of,
    places_meet,
    same_family,
    same_kind,
    sides_meet,
)
from engine.lexicon import lexicon
from engine.messages import quoted

#: Words for whatever tube or line was named before.
ANY_DEVICE: Final = frozenset({"device", "tube", "line", "catheter", "drain"})


@dataclass(slots=True)
class Match:
    """What became of one impression fact."""

    fact: Fact
    how: str  #: same, inferred, prior, silent (an absence nobody contradicts), denied or none
    partner: Fact | None = None
    flags: list[Flag] = field(default_factory=list)


def match_present(fact: Fact, findings: Sequence[Fact], told: Sequence[Fact]) -> Match:
    """Hold a finding that the impression asserts against the findings, then against what was known before."""
    shrank = fact.change == "smaller"  # "nodules, smaller and not definitely seen" are there for who says that they shrank
    present = [
        other
        for other in findings
        if (other.is_present or (shrank and other.change == "smaller")) and not (other.is_history and not fact.is_history)
    ]
    if fact.concept == "abnormality":
        return _match_abnormality(fact, findings, present)
    same = [other for other in present if same_kind(fact.concept, other.concept) and _is_in_reach(fact, other)]
    if not same and fact.concept in ANY_DEVICE:
        same = [other for other in present if lexicon().concepts[other.concept].kind == "device"]
    exact = [other for other in same if _is_exact(fact, other)]
    denial = next(
        (other for other in findings
         if other.is_absent and other.concept != "abnormality" and denies(other, fact) and not _is_narrower(other, fact)
         and not _is_of_the_rest(other, fact, present)), None
    )  # fmt: skip
    if denial and _is_denied_outright(fact, denial, exact):
        return Match(fact, "denied", denial)
    if exact or (same and (denial is None or any(_stands_beside(denial, fact, other) for other in same))):
        pool = _pool(fact, exact, same) + [
            other for other in present if fact.concept in other.explained_by and not same_kind(fact.concept, other.concept)
        ]
        partner = min(pool, key=lambda other: distance(fact, other))
        found = [
            flag for flag in differences(fact, partner, pool)
            if not _is_of_the_family(flag, fact, present) and not _is_described_there(flag, fact, present)
        ]  # fmt: skip
        return Match(fact, "same", partner, found)
    if (denial is None or fact.certainty < 4) and (drawn := _match_inferred(fact, findings, present)):
        return drawn
    past = [*told, *(other for other in findings if other.is_history and sides_meet(fact.side, other.side))]
    known = next((one for one in past if same_kind(fact.concept, one.concept) and one.is_present and not one.is_plan), None)
    if known is not None and denial is None:
        return Match(fact, "prior", known)
    if denial is None:
        denial = next((other for other in findings if other.is_absent and denies(other, fact)), None)
    return Match(fact, "denied" if denial else "none", denial)


def _is_denied_outright(fact: Fact, denial: Fact, exact: Sequence[Fact]) -> bool:
    """By its own name, where nothing else is called so: "blunting without effusion" is no effusion, however near the two are."""
    return (
        denial.concept == fact.concept
        and fact.certainty >= 4
        and not any(other.concept == fact.concept or fact.concept in lexicon().concepts[other.concept].equals for other in exact)
        and not (exact and place_of(fact) is None and (denial.place or denial.near))
    )


def _is_of_the_rest(denial: Fact, fact: Fact, present: Sequence[Fact]) -> bool:
    """`New T9 wedge fracture. No other fracture.`: what is new there is not denied, whatever it is called."""
    return denial.change == "new" and any(
        other.change == "new"
        and is_kind_of(other.concept, denial.concept)
        and sides_meet(fact.side, other.side)
        and levels_meet(fact.levels, other.levels)
        and places_meet(place_of(fact), place_of(other))
        for other in present
    )


def _stands_beside(denial: Fact, fact: Fact, other: Fact) -> bool:
    """`Nasal spine intact` denies no nasal fracture, nor "no stenosis" of one branch that of the next, where the findings state it there."""
    if denial.is_normal:
        return places_meet(place_of(fact), place_of(other))
    where = place_of(other) or other.near
    return (
        is_kind_of(other.concept, denial.concept)
        and where is not None
        and places_meet(place_of(fact), where)
        and sides_meet(fact.side, other.side or other.near_side)
        and levels_meet(fact.levels, other.levels)
    )


def _match_inferred(fact: Fact, findings: Sequence[Fact], present: Sequence[Fact]) -> Match | None:
    """Hold a conclusion against what it may be drawn from, as surely as it is said; None where there is no such thing."""
    grounds = [
        other for other in present
        if (drawn := inference(other.concept, fact.concept)) and fact.certainty <= drawn[1]
        and near_enough(fact, other) and _is_in_reach(fact, other)
    ]  # fmt: skip
    if not grounds:
        return None
    partner = min(grounds, key=lambda other: distance(fact, other))
    healthy = [
        other for other in findings if fact.place and other.is_normal and other.place == fact.place and denies(other, fact)
    ]
    if healthy and not any(_is_at(fact.place, other) for other in grounds):
        message = f"Place differs: the impression says {quoted(fact)}, the findings {quoted(healthy[0])} and {quoted(partner)}."
        return Match(fact, "inferred", partner, [flag_of(FlagClass.LOCATION, grade(fact.concept), message, fact, partner)])
    return Match(fact, "inferred", partner, list(differences(fact, partner, grounds, inferred=True)))


def _is_exact(fact: Fact, other: Fact) -> bool:
    return other.concept == fact.concept or is_kind_of(other.concept, fact.concept)


def _is_of_the_family(flag: Flag, fact: Fact, present: Sequence[Fact]) -> bool:
    """`right middle lobe and lingular airspace disease`, where the findings call the lingular part an opacity: no side is wrong."""
    return flag.flag_class is FlagClass.LATERALITY and fact.place is not None and any(
        other.side == fact.side and other.place and places_meet(other.place, fact.place) and same_family(other.concept, fact.concept)
        for other in present
    )  # fmt: skip


def _is_described_there(flag: Flag, fact: Fact, present: Sequence[Fact]) -> bool:
    """`CFL sprain`, where that very ligament was called thickened, and another is torn."""
    return flag.flag_class is FlagClass.LOCATION and any(
        fact.place is not None
        and other.place == fact.place
        and sides_meet(other.side, fact.side)
        and is_description(other.concept)
        for other in present
    )


def _is_narrower(denial: Fact, fact: Fact) -> bool:
    """`The right lower lobe nodule has resolved` denies no metastases of the lung."""
    place, where = place_of(fact), denial.place or denial.near
    if denial.side in ("left", "right") and fact.side is None:
        return True
    return place is not None and where is not None and where != place and lexicon().lies_in(where, place)


def _is_in_reach(fact: Fact, other: Fact) -> bool:
    """A mere "narrowing", told of the ileum a sentence ago, is no word for a thrombosed portal vein."""
    place = place_of(fact)
    if other.near is None or place is None or fact.concept == other.concept or places_meet(other.near, place):
        return True
    return bool(organs_of(other.near) & organs_of(place))


def _is_at(place: str | None, other: Fact) -> bool:
    return place is None or place_of(other) is None or places_meet(place, place_of(other))


def near_enough(fact: Fact, other: Fact) -> bool:
    """A wide bile duct is no sign of appendicitis; within the chest, heart, vessels and lungs speak for one another."""
    one, two = lexicon().concepts[fact.concept].place, place_of(other)
    around = lexicon().around
    return places_meet(one, two) or (one is not None and two is not None and "thorax" in around[one] & around[two])


def _pool(fact: Fact, exact: list[Fact], same: list[Fact]) -> list[Fact]:
    """The findings that may speak for this one: the very same, and kin that agree in what they do say."""
    if not exact:
        return same
    if fact.concept in VAGUE:
        return same
    return exact + [
        other for other in same
        if (other.side or other.place or (fact.severity and other.severity == fact.severity))
        and not _is_exact(fact, other) and distance(fact, other) <= 1
    ]  # fmt: skip


def _match_abnormality(fact: Fact, findings: Sequence[Fact], present: Sequence[Fact]) -> Match:
    """`Acute cardiopulmonary abnormality.` needs one; any other abnormality is too wide to be wrong."""
    if fact.acuity != "acute":
        return Match(fact, "same", next(iter(present), None))
    acute = [
        other
        for other in present
        if (other.acuity == "acute" or other.change == "new" or _is_news(other)) and _is_about(fact, other)
    ]
    if acute:
        return Match(fact, "same", acute[0])
    return Match(fact, "denied", next((other for other in findings if other.is_absent), None))


#: What is said of "cardiopulmonary" disease is not said of these.
OUTER: Final = frozenset({"bones", "spine", "chest_wall", "soft_tissues", "abdomen", "neck"})


def _is_about(fact: Fact, other: Fact) -> bool:
    organs = any(part in fact.words.lower() for part in ("cardi", "pulm"))
    place = place_of(other)
    return not organs or (not other.levels and (place is None or not OUTER & lexicon().around[place]))


def _is_news(fact: Fact) -> bool:
    """Of an acute kind, grave enough to matter, and neither explained, a trace, old nor unchanged."""
    concept = lexicon().concepts[fact.concept]
    old = fact.acuity == "chronic" or fact.change == "unchanged"
    return concept.is_acute and concept.weight >= 2 and not fact.explained_by and fact.severity != 1 and not old
