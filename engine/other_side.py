"""The other side: what an impression says of the left where everything like it was dictated of the right.

engine/compare.py holds a finding against its partner; a side may be wrong where no partner was found, since the impression gives a name to
what was only described. Here it is enough that the findings state something of the one side and nothing of the other, in the whole text
or at one organ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass, Span
from engine.kinship import REGIONS, organs_of, place_of, places_meet, same_kind
from engine.lexicon import lexicon
from engine.messages import quoted

OTHER = {"left": "right", "right": "left"}
SIDES = frozenset({"left", "right", "bilateral"})
#: A sentence with one of these speaks of something else than this examination; a clause with one of those denies or calls normal.
ELSEWHERE = frozenset({"recommend", "advised", "ask", "history"})
CALM = frozenset({"negate-before", "negate-after", "normal", "except"})
CLAUSE_ENDS = frozenset({",", ";", "with"})

#: `Right greater than left`, `larger on the left`: the side with less, or that with more.
MORE = r"(?:larger|greater|bigger|worse|more(?: marked| pronounced| severe| extensive| numerous)?)"
LOPSIDED = re.compile(
    rf"(?:>|\b{MORE} than)\s*(?:on )?(?:the )?(?P<less>left|right)\b|\b{MORE} (?:on|in|of) the (?P<more>left|right)\b"
    rf"|\b(?P<side>left|right) (?:larger|greater|worse|bigger)\b(?! than)",
    re.IGNORECASE,
)
#: A text without one of these compares no sides.
COMPARING = (">", "larger", "greater", "bigger", "worse", "more")


def other_sides(seen: Reading, stated: Reading, told: set[str]) -> Iterator[Flag]:
    """Flags for sides that the findings speak of nowhere, nor `told`, the sides known from before; else not at this organ."""
    sided = [fact for fact in stated.facts if fact.is_present and fact.side in OTHER and not fact.is_history]
    if not sided and not any(_sides_in(stated, index) for index in range(len(stated.sentences))):
        return
    sides = [_sides_in(seen, index) for index in range(len(seen.sentences))]
    known = set().union(*sides, told, seen.words.intersection(OTHER))  # "left atrium" of a ventricle
    if not known:
        return
    yield from _nowhere(stated, known)
    at_organs = _told_at_organs(seen, sides) if sided else {}
    for fact in sided:
        if _is_of_the_other(fact, at_organs) and fact.side not in told:
            message = f"The impression says {quoted(fact)}; there the findings state something of the {OTHER[str(fact.side)]} side only."
            yield Flag(FlagClass.LATERALITY, "major", message, (fact.start, fact.end), None)


def lopsided(seen: Reading, stated: Reading) -> Iterator[Flag]:
    """A major flag for every finding called larger on the side where the findings have less of it."""
    for index, (side, span) in _lopsided(stated).items():
        here = [fact for fact in stated.facts if fact.sentence == index and fact.is_present and fact.start < span[0]][-1:]
        there = _more_of(seen, here[0].concept) if here else None
        if there == OTHER[side]:
            message = f"The impression says “{stated.text[span[0] : span[1]]}” of {quoted(here[0])}; the findings have more of it on the {there}."
            yield Flag(FlagClass.LATERALITY, "major", message, span, None)


def _lopsided(reading: Reading) -> dict[int, tuple[str, Span]]:
    """By sentence, the side that is said to have more, and where."""
    lowered = reading.text.lower()
    found: dict[int, tuple[str, Span]] = {}
    for index, span in enumerate(reading.sentences) if any(word in lowered for word in COMPARING) else ():
        if match := LOPSIDED.search(reading.text, span.start, span.end):
            less, more = match["less"], match["more"] or match["side"]
            found[index] = (OTHER[less.lower()] if less else more.lower(), match.span())
    return found


def _more_of(seen: Reading, concept: str) -> str | None:
    """The side on which the findings have more of a thing: by their own word, by its extent, by its size; None where they do not tell."""
    alike = [fact for fact in seen.facts if fact.is_present and same_kind(fact.concept, concept)]
    compared = _lopsided(seen)
    told = {compared[fact.sentence][0] for fact in alike if fact.sentence in compared}
    if told:
        return told.pop() if len(told) == 1 else None
    for measure in (_extent, _largest):
        most = {side: max((measure(fact) for fact in alike if fact.side == side), default=0.0) for side in OTHER}
        if most["left"] and most["right"] and most["left"] != most["right"]:
            return max(most, key=lambda side: most[side])
    return None


def _extent(fact: Fact) -> float:
    return fact.severity or 0


def _largest(fact: Fact) -> float:
    return max((number for size in fact.sizes for number in size), default=0.0)


def _nowhere(stated: Reading, known: set[str]) -> Iterator[Flag]:
    if "bilateral" in known:
        return
    for index, span in enumerate(stated.sentences):
        strange = {side for side in _sides_in(stated, index) if side in OTHER and side not in known and OTHER[side] in known}
        if strange and any(not _is_spared(stated, index, at) for at in _said_at(stated, index, strange)):
            side = strange.pop()
            words = " ".join(stated.text[span.start : span.end].split())
            message = f"The impression says {side} in “{words}”; the findings speak of the {OTHER[side]} only."
            yield Flag(FlagClass.LATERALITY, "major", message, (span.start, span.end), None)


def _said_at(reading: Reading, index: int, sides: set[str]) -> list[int]:
    return [term.first for term in reading.terms[index] for meaning in term.meanings if {meaning.value, meaning.side} & sides]


def _is_of_the_other(fact: Fact, at_organs: dict[str, set[str]]) -> bool:
    place = place_of(fact)
    if place is None or fact.side is None or not places_meet(fact.place, lexicon().concepts[fact.concept].place):
        return False
    anywhere = set().union(*(at_organs.get(one, ()) for one in ("", *lexicon().around[place] & REGIONS)))
    return any(
        OTHER[fact.side] in at_organs.get(organ, ()) and not (at_organs[organ] | anywhere) & {fact.side, "bilateral"}
        for organ in organs_of(place)
    )


def _told_at_organs(seen: Reading, sides_in: Sequence[set[str]]) -> dict[str, set[str]]:
    """The sides of which something is stated, by organ, and by region where no organ is named; under "" where no place is."""
    places, concepts = lexicon().places, lexicon().concepts
    states = {fact.sentence: False for fact in seen.facts} | {fact.sentence: True for fact in seen.facts if fact.is_present}
    found: dict[str, set[str]] = {}
    for fact in seen.facts:
        place = place_of(fact) if fact.is_present and fact.side else None
        for organ in organs_of(place) if place else ():
            found.setdefault(organ, set()).add(str(fact.side))
    for index, terms in enumerate(seen.terms):
        if not states.get(index, True):
            continue
        meanings = [meaning for term in terms for meaning in term.meanings]
        named = {meaning.value for meaning in meanings if meaning.kind == "place"}
        span = seen.sentences[index]
        sides = sides_in[index] | {side for name in named if (side := places[name].side)}
        sides.update(word for at in range(span.first, span.last) if (word := seen.tokens[at].text) in OTHER)
        if not sides:
            continue
        named |= {place for meaning in meanings if meaning.kind == "concept" and (place := concepts[meaning.value].place)}
        for organ in {organ for name in named for organ in organs_of(name)} | named & REGIONS or {""}:
            found.setdefault(organ, set()).update(sides)
    return found


def _is_spared(reading: Reading, index: int, at: int) -> bool:
    """Does the clause of this word deny or call normal, or its sentence advise or tell of the past?"""
    span, tokens = reading.sentences[index], reading.tokens
    joints = [joint for joint in range(span.first, span.last) if tokens[joint].text in CLAUSE_ENDS]
    first = max((joint for joint in joints if joint < at), default=span.first)
    last = min((joint for joint in joints if joint > at), default=span.last)
    kinds = {meaning.kind for term in reading.terms[index] for meaning in term.meanings}
    here = {meaning.kind for term in reading.terms[index] if first <= term.first < last for meaning in term.meanings}
    return bool(kinds & ELSEWHERE or here & CALM)


def _sides_in(reading: Reading, index: int) -> set[str]:
    places = lexicon().places
    found: set[str] = set()
    for term in reading.terms[index]:
        for meaning in term.meanings:
            side = meaning.value if meaning.kind == "side" else meaning.side
            if side in SIDES and side and (meaning.kind != "place" or places[meaning.value].side is None):
                found.add(side)  # the lingula is left, whoever dictates it
    return found
