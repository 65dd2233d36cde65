"""Where two facts are, held against one another: one place, one organ, one part of the body."""

from __future__ import annotations

from engine.facts import Fact
from engine.kinship import SYSTEMS, levels_meet, organs_of, place_of, places_meet, sides_meet
from engine.lexicon import lexicon
from engine.measures import same_size

#: Organs that a report names in passing.
EVERYWHERE = frozenset("lung heart pleura brain spine thoracic_aorta".split())


def same_site(one: Fact, other: Fact) -> bool:
    """One place, no other side, level or size; a finding without a place lies anywhere."""
    return fits(one, other) and places_meet(_usual(one), _usual(other))


def _usual(fact: Fact) -> str | None:
    """Where it is; a place dictated beside a thing that cannot lie there ("retrocardiac bulge, aortic aneurysm") is only a landmark."""
    usual, around = lexicon().concepts[fact.concept].place, lexicon().around
    if fact.place is None or usual is None or usual in around[fact.place] or fact.place in around[usual]:
        return fact.place or usual
    return usual


def same_organ(one: Fact, other: Fact) -> bool:
    """Both known to be at one organ, on no other side or level, of no other size."""
    first, second = place_of(one), place_of(other)
    if first is None or second is None or not fits(one, other):
        return False
    is_anywhere = (other.place is None and second in SYSTEMS) or (one.place is None and first in SYSTEMS)
    return shares_organ(one, other) or (
        is_anywhere and places_meet(one.near, other.near or second) and places_meet(other.near, one.near or first)
    )


def shares_organ(one: Fact, other: Fact) -> bool:
    """Both at parts of one organ, whatever the side."""
    first, second = place_of(one), place_of(other)
    return first is not None and second is not None and (first == second or bool(organs_of(first) & organs_of(second)))


def is_of_open_organ(fact: Fact) -> bool:
    """At an organ of which no list of findings is complete; lungs, heart and brain are told in words that we know."""
    place = place_of(fact)
    return place is not None and not organs_of(place) & EVERYWHERE


def fits(one: Fact, other: Fact) -> bool:
    return (
        sides_meet(one.side or one.near_side, other.side or other.near_side)
        and levels_meet(one.levels, other.levels)
        and _sizes_meet(one, other)
    )


def _sizes_meet(one: Fact, other: Fact) -> bool:
    numbers = [number for size in one.sizes for number in size]
    others = [number for size in other.sizes for number in size]
    return not numbers or not others or any(same_size(a, b) for a in numbers for b in others)
