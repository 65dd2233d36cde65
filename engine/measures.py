"""Sizes and levels as they are dictated: `1.2 x 0.8 cm`, `3-5 mm`, `subcentimeter`, `L4-5`, `the left 6th rib`.

Everything is handed on in millimetres; a level is a plain word (`L4-L5`, `T12`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from engine.sentences import Token

MM_PER_UNIT: Final = {
    "mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "millimetre": 1.0, "millimetres": 1.0, "mms": 1.0,
    "cm": 10.0, "centimeter": 10.0, "centimeters": 10.0, "centimetre": 10.0, "centimetres": 10.0, "cms": 10.0,
}  # fmt: skip
SIZED: Final = frozenset({*MM_PER_UNIT, "subcentimeter", "subcentimetre"})
TIMES: Final = frozenset({"x", "by", "×", "*"})
RANGE: Final = frozenset({"-", "to", "–", "and"})
#: Along which axis a number was taken.
AXES: Final = frozenset("ap cc tr trv trans transverse craniocaudal anteroposterior mediolateral long wide deep".split())
WAS: Final = frozenset({"previously", "prior", "formerly", "from", "was", "compared", "versus", "before", "earlier"})
#: What stands between a number of now and one of then.
THEN: Final = frozenset({"previously", "prior", "formerly", "was", "were", "previous", "before"})
BEFORE_THEN: Final = THEN | {"measuring", "measured", "about", "approximately", "up", "to", "and", "the", "on", "study", "total"}
#: Behind one of these a number of then is no length.
NO_LENGTH: Final = frozenset("% percent days weeks months years day week month year ago hu ml cc / of".split())
YEAR: Final = re.compile(r"(?:19|20)\d\d")
#: What follows a distance: from a landmark, from the nipple (`3 cm FN`), of a shift.
FREE: Final = frozenset(
    {"fn", "shift", "above", "from", "below", "proximal", "distal", "superior", "beyond", "caudal", "cranial", "past"}
)
LAST_LEVEL: Final = {"c": 7, "t": 12, "l": 5, "s": 5}
#: Vertebrae above the first of each part of the spine.
STACK: Final = {"C": 0, "T": 7, "L": 19, "S": 24}
#: `l5`, also written `l05`
LEVELS: Final = frozenset(
    f"{part}{zero}{n}" for part, last in LAST_LEVEL.items() for n in range(1, last + 1) for zero in ("", "0")
)


#: What a level names beside a vertebra.
NERVES: Final = frozenset({"nerve", "nerves", "root", "roots", "radiculopathy", "dermatome"})
#: Words of a vessel or canal that is narrowed by so many per cent.
NARROWED: Final = frozenset({"stenosis", "stenoses", "narrowing", "stenotic", "narrowed"})
PER_CENT: Final = frozenset({"%", "percent"})
BELOW: Final = frozenset({"<", "under", "below"})
LESS: Final = frozenset({"less", "fewer", "lower", "smaller"})
CLAUSE_ENDS: Final = frozenset({",", ";", "."})
#: What may stand beside a share without giving it to something else.
ABOUT_A_SHARE: Final = frozenset(
    "percent approximately about estimated at up to by of the nascet criteria luminal diameter less greater more than over under in maximal".split()
)


@dataclass(frozen=True, slots=True)
class Size:
    """One measurement: its numbers in mm in the order given; `was` when it is an earlier one, `distance` when it is from a landmark."""

    first: int
    last: int
    mm: tuple[float, ...]
    was: bool = False
    distance: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """A vertebral level or a disc between two."""

    first: int
    last: int
    names: tuple[str, ...]


def sizes_in(tokens: Sequence[Token], first: int, last: int) -> list[Size]:
    """The measurements among tokens `first` to `last`."""
    found: list[Size] = []
    for index in [index for index, token in enumerate(tokens[first:last], first) if token.text in SIZED]:
        if index + 1 < last and tokens[index + 1].text == "/":
            continue  # "96 cm/s" is a speed
        factor = MM_PER_UNIT.get(tokens[index].text)
        if factor is None:
            found.append(Size(index, index + 1, ()))
            continue
        floor = found[-1].last if found else first
        start, numbers = _numbers_before(tokens, floor, index)
        if not numbers:
            continue
        mm = tuple(round(number * factor, 2) for number in numbers)
        if _joins_previous(tokens, found, start):
            previous = found.pop()
            found.append(Size(previous.first, index + 1, previous.mm + mm, previous.was, previous.distance))
            continue
        before = {token.text for token in tokens[max(first, start - 3) : start]}
        after = tokens[index + 1].text if index + 1 < last else ""
        found.append(Size(start, index + 1, mm, bool(before & WAS), after in FREE))
        found += _of_then(tokens, index + 1, last, factor)
    return found


def _of_then(tokens: Sequence[Token], first: int, last: int, factor: float) -> Iterator[Size]:
    """`58 mm, previously 52`, `14 mm (was 22)`: a number of then in the unit of the number of now."""
    at = first
    while (
        at < min(last, first + 5)
        and (tokens[at].text in BEFORE_THEN or not tokens[at].text.isalpha())
        and not _is_number(tokens[at])
    ):
        at += 1
    if not (first < at < last and _is_number(tokens[at]) and not THEN.isdisjoint(token.text for token in tokens[first:at])):
        return
    end = at + 1
    while end + 1 < last and tokens[end].text in TIMES and _is_number(tokens[end + 1]):
        end += 2
    after = tokens[end].text if end < last else ""
    if after not in MM_PER_UNIT and after not in NO_LENGTH and not YEAR.fullmatch(tokens[at].text):
        yield Size(first, end, tuple(round(float(token.text) * factor, 2) for token in tokens[at:end:2]), was=True)


def _is_number(token: Token) -> bool:
    return token.text.replace(".", "", 1).isdigit()


def narrowings_in(tokens: Sequence[Token], first: int, last: int) -> list[tuple[int, int, int]]:
    """How severe `70% stenosis` is, as tokens from and to and severity 2 to 4: mild under 50 per cent, moderate under 70, else severe.

    Source: the NASCET grades as the Society of Radiologists in Ultrasound (2003) reports them. A range takes its higher end; what is
    measured just under 50 is called mild by some and moderate by others and has no grade here.
    """
    found = []
    for index in range(first + 1, last):
        number = tokens[index - 1].text
        start = index - 1
        if tokens[index].text in PER_CENT and number.isdecimal() and _is_of_narrowing(tokens, first, start, last):
            is_below = _is_below(tokens, first, start)
            share = int(number)
            if share < 40 or (is_below and share <= 50):
                found.append((start, index + 1, 2))
            elif share >= 50:
                found.append((start, index + 1, 3 if share - is_below < 70 else 4))
    return found


def _is_below(tokens: Sequence[Token], first: int, at: int) -> bool:
    """`less than`, `<` and `under` before a number; `more than` is another matter."""
    word = tokens[at - 1].text if at > first else ""
    return word in BELOW or (word == "than" and at - 2 >= first and tokens[at - 2].text in LESS)


def _is_of_narrowing(tokens: Sequence[Token], first: int, at: int, last: int) -> bool:
    """Whether a share is said of a stenosis: in its own clause, or in one that says nothing else; `ejection fraction 30%` is not."""
    begin, end = at, at
    while begin > first and tokens[begin - 1].text not in CLAUSE_ENDS:
        begin -= 1
    while end < last and tokens[end].text not in CLAUSE_ENDS:
        end += 1
    clause = {token.text for token in tokens[begin:end]}
    return not clause.isdisjoint(NARROWED) or all(word in ABOUT_A_SHARE or not word.isalpha() for word in clause)


def _numbers_before(tokens: Sequence[Token], floor: int, unit: int) -> tuple[int, list[float]]:
    """The numbers that lead up to a unit, `4.2 x 3.1 x 2` -> 4.2, 3.1, 2."""
    numbers: list[float] = []
    index = _before_label(tokens, floor, unit - 1)
    if index >= floor and tokens[index].text == "-":
        index -= 1
    start = unit
    while index >= floor:
        text = tokens[index].text
        if not (text[0].isdigit() or (text[0] == "." and len(text) > 1)):
            break
        numbers.append(float(text))
        start = index
        if index - 1 < floor or tokens[index - 1].text not in TIMES | RANGE:
            break
        index = _before_label(tokens, floor, index - 2)
    return start, numbers[::-1]


def _before_label(tokens: Sequence[Token], floor: int, index: int) -> int:
    """`2.8 (CC) x 2.2 AP x 2.0 (TR) cm`: the place before the word that says along which axis a number was taken."""
    if index - 3 >= floor and tokens[index].text == ")" and tokens[index - 2].text == "(":
        return index - 3 if tokens[index - 1].text.isalpha() else index
    return index - 1 if index > floor and tokens[index].text in AXES else index


def _joins_previous(tokens: Sequence[Token], found: list[Size], start: int) -> bool:
    """`2 cm x 3 cm` and `3 mm to 5 mm` are one measurement."""
    if not found or tokens[start - 1].text not in TIMES | {"-", "to"}:
        return False
    return _before_label(tokens, found[-1].last - 1, start - 2) + 1 == found[-1].last


def levels_in(tokens: Sequence[Token], first: int, last: int) -> list[Level]:
    """Vertebral levels: `T12`, `L4-5`, `C5/C6`, `L1 to L3`, `L5-S1`."""
    found: list[Level] = []
    end = first
    for index in [index for index, token in enumerate(tokens[first:last], first) if token.text in LEVELS]:
        if index < end or _is_sequence_name(tokens, index, last):
            continue
        text = tokens[index].text
        end, name = index + 1, text.upper()
        if index + 2 < last and tokens[index + 1].text in ("-", "/", "–", "to", "through"):
            after = tokens[index + 2].text
            other = after if after in LEVELS else text[0] + after if after.isdigit() and len(after) <= 2 else ""
            if other in LEVELS:
                end, name = index + 3, f"{text.upper()}-{other.upper()}"
        elif index + 1 < last and tokens[index + 1].text in LEVELS and tokens[index + 1].start == tokens[index].end + 1:
            end, name = index + 2, f"{text.upper()}-{tokens[index + 1].text.upper()}"
        if end < last and tokens[end].text in NERVES:
            continue  # "the descending L5 nerve root" leaves at L4-L5
        found.append(Level(index, end, (name,)))
    return found


@lru_cache(maxsize=1024)
def vertebrae(level: str) -> frozenset[int]:
    """`T12-L2` -> the vertebrae from the first to the second, counted from C1."""
    counted = [STACK[part[0]] + int(part[1:]) for part in level.split("-")]
    return frozenset(range(min(counted), max(counted) + 1))


def _is_sequence_name(tokens: Sequence[Token], index: int, last: int) -> bool:
    """`T1` and `T2` are sequences of an MR far more often than vertebrae."""
    if tokens[index].text not in ("t1", "t2"):
        return False
    after = tokens[index + 1].text if index + 1 < last else ""
    before = tokens[index - 1].text if index else ""
    if after == "/":  # "T2/FLAIR"
        return index + 2 >= last or not (tokens[index + 2].text in LEVELS or tokens[index + 2].text.isdigit())
    return before != "at" and after not in (
        "-",
        "/",
        "vertebral",
        "vertebra",
        "body",
        "compression",
        "level",
        "superior",
        "inferior",
    )


def same_size(one: float, other: float) -> bool:
    """Equal as a radiologist rounds: to the millimetre, or to the tenth of a centimetre from ten up."""
    return abs(one - other) < 0.56 or (min(one, other) >= 20 and abs(one - other) <= 0.04 * max(one, other))
