"""Adjectives that exclude each other: a displaced fracture of the impression that the findings call undisplaced, a complete tear of a partial one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from engine.fact import POSSIBLE
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass
from engine.kinship import place_of, places_meet, same_kind, sides_meet
from engine.lexicon import lexicon, phrases_of, rows_of
from engine.messages import quoted

#: What makes a graver kind of a finding: words of which the findings must affirm one.
GRAVER = {
    "tension_pneumothorax": re.compile(
        r"\b(?:tension|shift\w*|deviat\w+|displac\w+|depress\w+|invert\w+|flatten\w+)\b", re.IGNORECASE
    )
}
JOINT = re.compile(r"[,;:]? (?:and|with)\b|[,;]")
DENIED = re.compile(r"\b(?:no|not|without|nor)\b[^.;]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """One row of the table: the findings it is about, the words of either side, and the findings that say a side by themselves."""

    about: frozenset[str]
    begin: frozenset[str]  #: the first word of every phrase
    words: tuple[re.Pattern[str], re.Pattern[str]]
    names: tuple[frozenset[str], frozenset[str]]


def opposites(seen: Reading, stated: Reading) -> Iterator[Flag]:
    """A major flag for every finding that is called the opposite of what all findings that may be meant are called."""
    yield from _graver_kinds(seen, stated)
    for pair in _pairs():
        for fact in () if pair.begin.isdisjoint(stated.words) else stated.facts:
            if fact.certainty <= POSSIBLE or pair.about.isdisjoint(lexicon().above[fact.concept]):
                continue
            said = _side(pair, stated, fact)
            meant = [other for other in seen.facts if said is not None and _may_be_meant(fact, other)]
            meant = [other for other in meant if other.place == fact.place] or meant
            told = [(other, side) for other in meant if (side := _side(pair, seen, other)) is not None]
            told += [
                (other, 1)
                for other in seen.facts
                if meant and said == 0 and other.certainty > POSSIBLE and other.concept in pair.names[1]
            ]
            if told and all(side != said for _, side in told):
                message = f"Extent differs: the impression says {quoted(fact)}, the findings say {quoted(told[0][0])}."
                yield Flag(FlagClass.SEVERITY, "major", message, (fact.start, fact.end), (told[0][0].start, told[0][0].end))


def _graver_kinds(seen: Reading, stated: Reading) -> Iterator[Flag]:
    """`Tension pneumothorax` where nothing is shifted: a graver kind wants its own sign in the findings."""
    for fact in stated.facts:
        signs = GRAVER.get(fact.concept) if fact.certainty > POSSIBLE else None
        if signs is not None and not any(
            not DENIED.search(seen.text, max(0, at.start() - 40), at.start()) for at in signs.finditer(seen.text)
        ):
            message = f"Extent differs: the impression says {quoted(fact)}; the findings name no sign of it."
            yield Flag(FlagClass.SEVERITY, "critical", message, (fact.start, fact.end), None)


def far_from_dictated(seen: Reading, stated: Sequence[tuple[Fact, Fact]]) -> Iterator[Flag]:
    """`Severe small vessel disease` of a few punctate foci: ungraded itself, and all that is graded beside it is slight."""
    for fact, partner in stated:
        if not fact.is_present or fact.severity != 4:
            continue
        meant = [other for other in seen.facts if _may_be_meant(fact, other)] or [partner]
        sentences = {other.sentence for other in meant}
        grades = {other.severity for other in seen.facts if other.sentence in sentences and other.is_present} - {None}
        if grades and grades <= {1, 2} and not any(other.severity for other in meant):
            message = f"Extent differs: the impression says {quoted(fact)}, the findings say {quoted(meant[0])}."
            yield Flag(FlagClass.SEVERITY, "major", message, (fact.start, fact.end), (meant[0].start, meant[0].end))


def _may_be_meant(fact: Fact, other: Fact) -> bool:
    return (
        other.is_present
        and same_kind(fact.concept, other.concept)
        and sides_meet(fact.side, other.side)
        and places_meet(place_of(fact), place_of(other))
        and (not fact.levels or not other.levels or bool({*fact.levels} & {*other.levels}))
    )


def _side(pair: Pair, reading: Reading, fact: Fact) -> int | None:
    """Which side of the pair stands beside this fact, before the next one; neither and both are None."""
    span = reading.sentences[fact.sentence]
    if pair.begin.isdisjoint([token.text for token in reading.tokens[span.first : span.last]]):
        return None
    start, end = _around(pair, reading, fact)
    words = reading.text[start:end]
    first = pair.words[0].search(words) is not None
    second = pair.words[1].search(pair.words[0].sub(" ", words)) is not None
    return None if first == second else 0 if first else 1


def _around(pair: Pair, reading: Reading, fact: Fact) -> tuple[int, int]:
    """From the fact before to the next, parted at the last joint between two; `displaced` and `occluded` are words of the pair."""
    span = reading.sentences[fact.sentence]
    others: Sequence[Fact] = [
        other
        for other in reading.facts
        if other.sentence == fact.sentence and other is not fact and not any(words.search(other.words) for words in pair.words)
    ]
    start = max((other.end for other in others if other.end <= fact.start), default=span.start)
    end = min((other.start for other in others if other.start >= fact.end), default=span.end)
    if end < span.end:  # what stands behind the last joint is said of the next
        end = max((joint.start() for joint in JOINT.finditer(reading.text, fact.end, end)), default=end)
    if start > span.start:
        joints = list(JOINT.finditer(reading.text, start, fact.start))
        words = [joint for joint in joints if joint.group()[-1].isalpha()]
        start = (words[-1:] or joints[:1])[0].start() if joints else start
    return start, end


@cache
def _pairs() -> tuple[Pair, ...]:
    return tuple(
        Pair(frozenset(phrases_of(about)), _first_words(one, other), (_words(one), _words(other)), (_names(one), _names(other)))
        for about, one, other in rows_of("opposites.tsv", 3)
    )


def _first_words(*cells: str) -> frozenset[str]:
    return frozenset(re.split(r"\W", phrase)[0] for cell in cells for phrase in phrases_of(cell) if phrase[0] != "=")


def _words(cell: str) -> re.Pattern[str]:
    plain = [
        re.escape(phrase).replace(r"\ ", r"\s+").replace(r"\-", r"[\s-]?") for phrase in phrases_of(cell) if phrase[0] != "="
    ]
    return re.compile(rf"(?<!\bno )(?<!\bnot )(?<!minimally )(?<![\w-])(?:{'|'.join(plain)})(?![\w-])", re.IGNORECASE)


def _names(cell: str) -> frozenset[str]:
    return frozenset(phrase[1:] for phrase in phrases_of(cell) if phrase[0] == "=")
