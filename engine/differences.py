"""Every way in which an impression fact differs from its partner in the findings: side, place, level, size, extent, doubt, course, age."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from engine.courses import age_differs, change_differs
from engine.facts import Fact
from engine.impression import Flag, FlagClass
from engine.kinship import VAGUE_LUNG, is_kind_of, levels_meet, place_of, places_meet, same_kind, sides_meet
from engine.lexicon import lexicon
from engine.measures import same_size
from engine.messages import quoted, said
from engine.sites import are_apart

#: severities that are said for one another: trace and mild; moderate; severe
SEVERITY_GROUP: Final = {1: 1, 2: 1, 3: 2, 4: 3}
#: Whoever says so has rounded.
ROUNDED: Final = frozenset({"nearly", "almost", "approximately", "about", "roughly"})
#: The plainest words of extent.
EXTENTS: Final = frozenset({"mild", "moderate", "severe"})
#: Findings so common and so loosely placed that a differing place is no error worth a stop.
VAGUE: Final = frozenset(
    {
        "abnormality",
        "lesion",
        "postsurgical_change",
        "degenerative_change",
        "deformity",
        "calcification",
        "subcutaneous_emphysema",
        "retraction",
        "displacement",
    }
)


def differences(fact: Fact, partner: Fact, pool: Sequence[Fact], inferred: bool = False) -> Iterator[Flag]:
    """The attribute flags between an impression fact and its best partner; an interpretation is asked for less."""
    near = [
        other for other in pool
        if sides_meet(fact.side, other.side) and places_meet(fact.place, place_of(other)) and levels_meet(fact.levels, other.levels)
    ]  # fmt: skip
    for compare, others in (
        (side_differs, pool),
        (place_differs, pool),
        (_position, near),
        (_levels, pool),
        (_size, near),
        (_severity, near),
        (_certainty, near),
        (_change, pool if inferred else near),
        (age_differs, near),
    ):
        if (inferred and compare is _certainty) or (
            fact.shares_site and compare in (side_differs, place_differs, _levels, _position)
        ):
            continue
        flag = compare(fact, partner, others)
        if inferred and flag is not None and (compare in (place_differs, _position, _levels) or fact.side == "bilateral"):
            continue  # what it was read from may lie on each side, or in the next place, under other names
        if flag is not None and not (inferred and compare is _severity and not _is_far_graver(fact, near)):
            yield flag


def _is_far_graver(fact: Fact, seen: Sequence[Fact]) -> bool:
    """An interpretation may weigh more or less than what it was read from; "severe edema" of mild markings may not."""
    return min(((fact.severity or 0) - other.severity for other in seen if other.severity), default=0) >= 2


def grade(concept: str) -> str:
    """How bad an error about this concept is, never below major when it is shown as an attribute error."""
    return "critical" if lexicon().concepts[concept].weight == 3 else "major"


def flag_of(flag_class: FlagClass, severity: str, message: str, fact: Fact, partner: Fact | None) -> Flag:
    return Flag(flag_class, severity, message, (fact.start, fact.end), (partner.start, partner.end) if partner else None)  # type: ignore[arg-type]


def side_differs(fact: Fact, partner: Fact, pool: Sequence[Fact]) -> Flag | None:
    if fact.side in (None, "midline"):
        return None
    sided = [other for other in pool if other.side not in (None, "midline")]
    if not sided:  # "Left testis without flow": of which side, its sentence says
        sided = [replace(other, side=other.near_side) for other in pool if other.near_side]
    own = [other for other in sided if is_kind_of(other.concept, fact.concept) or fact.concept in other.explained_by]
    told = {other.side for other in own or sided}
    if fact.side in told or not told or (not own and partner.side is None and not any(other.near_side for other in pool)):
        return None
    partner = min(own or sided, key=lambda other: distance(fact, other))
    if fact.side == "bilateral" and {"left", "right"} <= told:
        return None
    if "bilateral" in told:
        return None  # what is on both sides may be told of one
    message = f"Side differs: the impression says {quoted(fact)}, the findings say {quoted(partner)}."
    severity = "minor" if fact.side == "bilateral" else grade(fact.concept)  # a summary may widen; only the other side is wrong
    return flag_of(FlagClass.LATERALITY, severity, message, fact, partner)


def place_differs(fact: Fact, partner: Fact, pool: Sequence[Fact]) -> Flag | None:
    placed = [other for other in pool if other.place]
    if any(other.concept == fact.concept and other.place not in VAGUE_LUNG for other in placed):
        placed = [other for other in placed if other.concept == fact.concept or other.place not in VAGUE_LUNG]
    beside = [other for other in placed if sides_meet(fact.side, other.side)] or placed
    if not placed and partner.distance is not None:
        return _beyond(fact, partner)
    row = lexicon().concepts[fact.concept]
    place, usual = fact.place or (None if row.kind == "device" else row.place), row.place
    if place is None or not placed or _is_no_bone(place, usual) or any(places_meet(place, other.place) for other in beside):
        return None
    if place == usual and not all(are_apart(place, other.place) for other in beside):
        return None  # where such a thing always is
    partner = min(beside, key=lambda other: distance(fact, other))
    flag_class = FlagClass.DEVICE if lexicon().concepts[fact.concept].kind == "device" else FlagClass.LOCATION
    message = f"Place differs: the impression says {quoted(fact)}, the findings say {quoted(partner)}."
    grave = "minor" if fact.concept in VAGUE else "major"
    return flag_of(flag_class, grave, message, fact, partner)


def _is_no_bone(place: str | None, usual: str | None) -> bool:
    around = lexicon().around
    return place is not None and usual is not None and "bones" in around[usual] - around[place] and not places_meet(place, usual)


def _beyond(fact: Fact, partner: Fact) -> Flag | None:
    """`Tube 1 cm above the carina`: it ends where such a tube ends, and not in a main bronchus."""
    row = lexicon().concepts[fact.concept]
    if row.kind != "device" or places_meet(fact.place, row.place):
        return None
    message = f"Place differs: the impression says {quoted(fact)}, the findings say {quoted(partner)}."
    return flag_of(FlagClass.DEVICE, "major", message, fact, partner)


#: Positions that exclude each other.
AXES: Final = tuple(
    map(
        frozenset,
        (("proximal", "distal"), ("anterior", "posterior"), ("medial", "lateral"), ("inner", "outer"), ("upper", "lower")),
    )
)


def _position(fact: Fact, partner: Fact, pool: Sequence[Fact]) -> Flag | None:
    for axis in AXES if fact.positions else ():
        said_there = [
            other for other in pool if axis & _positions_of(other) and (other.positions or same_kind(fact.concept, other.concept))
        ]
        own = axis & set(fact.positions)
        if len(own) == 1 and said_there and not any(own & _positions_of(other) for other in said_there):
            message = f"Place differs: the impression says {quoted(fact)}, the findings say {quoted(said_there[0])}."
            return flag_of(FlagClass.LOCATION, "major", message, fact, said_there[0])
    return None


def _positions_of(fact: Fact) -> set[str]:
    """Said beside it or in the name of its place: `lateral_tibial_plateau`."""
    return {*fact.positions, *(fact.place.split("_")[:1] if fact.place and not fact.positions else ())}


def _levels(fact: Fact, partner: Fact, pool: Sequence[Fact]) -> Flag | None:
    levelled = [other for other in pool if other.levels]
    if not fact.levels or not levelled or any(levels_meet(fact.levels, other.levels) for other in levelled):
        return None
    partner = levelled[0]
    message = f"Level differs: the impression says {quoted(fact)}, the findings say {quoted(partner)}."
    return flag_of(FlagClass.LOCATION, "major", message, fact, partner)


def size_in(fact: Fact, others: Sequence[Fact]) -> bool:
    told = [number for other in others for size in (*other.sizes, *other.earlier_sizes) for number in size]
    told += [abs(now - was) for other in others for size in other.sizes for now in size
             for earlier in other.earlier_sizes for was in earlier]  # fmt: skip
    return all(any(same_size(number, known) for known in told) for size in fact.sizes for number in size)


def _size(fact: Fact, partner: Fact, pool: Sequence[Fact]) -> Flag | None:
    if (
        not any(fact.sizes)
        or not ROUNDED.isdisjoint(fact.words.lower().split())
        or size_in(fact, pool)
        or not any(any(other.sizes) for other in pool)
    ):
        return None
    partner = next((other for other in pool if any(other.sizes)), partner)
    message = f"Size differs: the impression says {quoted(fact)}, the findings say {quoted(partner)}."
    return flag_of(FlagClass.SIZE, grade(fact.concept), message, fact, partner)


def _severity(fact: Fact, partner: Fact, pool: Sequence[Fact]) -> Flag | None:
    if fact.severity is None:
        return None
    graded = [replace(other, severity=1) if is_kind_of(other.concept, "borderline_heart") else other for other in pool]
    graded = [other for other in graded if other.severity is not None]
    if not graded:
        return None
    group = SEVERITY_GROUP[fact.severity]
    if EXTENTS & set(fact.words.lower().split()) & set(partner.words.lower().split()):
        return None  # "moderate sized, severe intensity": both were dictated
    if any(SEVERITY_GROUP[other.severity] == group for other in graded if other.severity):
        return None
    if partner.severity is None:
        partner = min(graded, key=lambda other: distance(fact, other))
    message = f"Extent differs: the impression says {quoted(fact)}, the findings say {quoted(partner)}."
    return flag_of(FlagClass.SEVERITY, "major", message, fact, partner)


def _certainty(fact: Fact, partner: Fact, pool: Sequence[Fact]) -> Flag | None:
    own = [other for other in pool if other.concept == fact.concept] or [
        other for other in pool if is_kind_of(other.concept, fact.concept) and fact.levels and other.levels == fact.levels
    ]
    if not own or lexicon().concepts[fact.concept].weight < 1:
        return None
    best = max(other.certainty for other in own)
    if fact.certainty >= 4 and best == 2 and not fact.explained_by and lexicon().concepts[fact.concept].weight > 1:
        message = f"More certain than the findings: the impression says {quoted(fact)}, the findings only {said(partner)}."
    elif fact.certainty == 2 and best == 5 and not fact.is_alternative and fact.concept not in VAGUE:
        message = f"Less certain than the findings: the impression only {said(fact, singular=True)}, the findings state {quoted(partner)}."
    else:
        return None
    return flag_of(FlagClass.CERTAINTY, "major", message, fact, partner)


def _change(fact: Fact, partner: Fact, pool: Sequence[Fact]) -> Flag | None:
    return change_differs(fact, partner, pool, distance)


def distance(fact: Fact, other: Fact) -> float:
    """How badly two facts of one kind fit: 0 is a perfect partner."""
    cost = 0.0
    if fact.concept != other.concept:
        cost += 0.5
    if not sides_meet(fact.side, other.side):
        cost += 4
    elif fact.side != other.side and fact.side and other.side:
        cost += 0.7
    if not places_meet(place_of(fact), place_of(other)):
        cost += 3
    elif fact.place and other.place and fact.place != other.place:
        cost += 0.3
    if not levels_meet(fact.levels, other.levels):
        cost += 3
    if fact.sizes and not size_in(fact, [other]):
        cost += 1
    if fact.severity and other.severity and SEVERITY_GROUP[fact.severity] != SEVERITY_GROUP[other.severity]:
        cost += 1
    return cost
