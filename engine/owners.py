"""Numbers tell whose they are: a stone of 14 mm dictated of the left kidney is no stone of 14 mm of the right one.

A measurement is copied from the findings into the impression, and seldom two things share one. So a number that the findings give of one
side, or of one part of an organ, stands against the impression that gives it of another; no name of the finding is needed. The same
holds for what is counted: the 4th rib, the fifth metatarsal head, segment VI.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.facts import Reading
from engine.impression import Flag, FlagClass, Span
from engine.kinship import SYSTEMS, organs_of, places_meet
from engine.measures import MM_PER_UNIT
from engine.sentences import Span as Words

#: What comes in numbers, and may be told by them alone.
COUNTED = {
    **dict.fromkeys(("rib", "ribs"), "rib"),
    **dict.fromkeys(
        ("metatarsal", "metatarsals", "metacarpal", "metacarpals", "toe", "toes", "finger", "fingers", "digit", "digits", "ray", "rays",
         "mtp", "mcp", "pip", "dip", "mt", "mc", "tmt", "cmc", "phalanx", "phalanges"), "ray"),
    **dict.fromkeys(("segment", "segments"), "segment"),
    **dict.fromkeys(("level", "levels"), "level"),
}  # fmt: skip
ORDINALS = {
    word: n
    for n, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), 1)
}
ROMAN = {word: n for n, word in enumerate("i ii iii iv v vi vii viii".split(), 1)}
#: Names of the rays that have one.
NAMED_RAYS = {"hallux": 1, "great": 1, "thumb": 1, "index": 2, "ring": 4, "little": 5, "pinky": 5}
SUFFIXES = frozenset({"st", "nd", "rd", "th"})
THROUGH = frozenset({"-", "–", "to", "through"})
OTHER = {"left": "right", "right": "left"}
OPPOSITE = {"anterior": "posterior", "posterior": "anterior", "medial": "lateral", "lateral": "medial"}
#: What parts two statements in one sentence.
JOINTS = frozenset({",", ";", ":", "(", ")", "and", "with", "."})
PER_CENT = frozenset({"%", "percent"})
RANGE = frozenset({"-", "–", "to", "x", "×", "by"})
#: What goes to one side from the other.
SHIFTS = frozenset({"shift", "shifted", "midline", "deviation", "deviated"})
#: A sentence with one of these speaks of something else than this examination.
SPARED = frozenset({"recommend", "advised", "ask", "history"})
JOINED = frozenset({",", "and", "&", "/", "or"})


@dataclass(frozen=True, slots=True)
class Owned:
    """A number, in mm where it is a length, and whose it is: the side and the place nearest to it in its sentence."""

    number: float
    unit: str
    side: str | None
    place: str | None
    position: str | None  #: anterior, proximal, …
    sentence: int
    span: Span


def strange_owners(seen: Reading, stated: Reading) -> Iterator[Flag]:
    """Numbers of the impression that the findings give of the other side, or of another part of the same organ."""
    said = [owned for owned in _numbers(stated) if owned.side in OTHER or owned.place or owned.position]
    known = list(_numbers(seen, said)) if said else []
    for one in said:
        same = [other for other in known if other.unit == one.unit and _same_number(one.number, other.number)]
        if not same:
            continue
        number = stated.text[one.span[0] : one.span[1]]
        facing = OPPOSITE.get(one.position or "")
        if facing and {other.position for other in same} == {facing}:
            message = f"The impression says {one.position} of the “{number}” that the findings call {facing}: “{_words(seen, same[0])}”."
            yield Flag(FlagClass.LOCATION, "major", message, one.span, same[0].span)
        elif one.side in OTHER and {other.side for other in same} == {OTHER[one.side]}:
            message = f"The impression says {one.side} of the “{number}” that the findings give of the {OTHER[one.side]}: “{_words(seen, same[0])}”."
            yield Flag(FlagClass.LATERALITY, "major", message, one.span, same[0].span)
        elif one.place and all(_are_parts(one.place, place) for other in same for place in _places(seen, other)):
            if not any(_places(seen, other) for other in same):
                continue
            message = f"The impression gives “{number}” of another place than the findings, which say “{_words(seen, same[0])}”."
            yield Flag(FlagClass.LOCATION, "major", message, one.span, same[0].span)


def strangely_counted(seen: Reading, stated: Reading) -> Iterator[Flag]:
    """`The 4th rib`, where the findings speak of others."""
    said = list(_counted(stated)) if not COUNTED.keys().isdisjoint(stated.words) else []
    known = list(_counted(seen)) if said else []
    for kind, numbers, sentence, span in said:
        told = {n for other, few, _, _ in known if other == kind for n in few}
        if (
            not told
            or numbers & told
            or _is_spared(stated, sentence, SPARED)
            or _is_denied(stated, sentence, span[0])
            or any(numbers & _ordinal(seen, at) for at in range(len(seen.tokens)))
        ):
            continue
        message = f"The impression speaks of “{stated.text[span[0] : span[1]]}”; the findings of {kind} {', '.join(map(str, sorted(told)))} only."
        yield Flag(FlagClass.LOCATION, "major", message, span, None)


def _counted(reading: Reading) -> Iterator[tuple[str, set[int], int, Span]]:
    """What is counted, its numbers, and where: `left 9th rib`, `ribs 2 to 6`, `segments 5/6`, `fifth MT head`, `level IIa`."""
    tokens = reading.tokens
    for index, span in enumerate(reading.sentences):
        for at in range(span.first, span.last):
            kind = COUNTED.get(tokens[at].text)
            if kind is None:
                continue
            numbers, first = _numbers_before(reading, span.first, at)
            if not numbers and kind != "ray":
                numbers, last = _numbers_after(reading, at + 1, span.last)
            else:
                last = at + 1
            if numbers:
                yield kind, numbers, index, (tokens[first].start, tokens[last - 1].end)


def _numbers_before(reading: Reading, floor: int, noun: int) -> tuple[set[int], int]:
    """The ordinals before a noun, over at most two other words: `4th posterolateral rib`, `5th, 6th and 7th ribs`."""
    numbers: set[int] = set()
    first, others, at = noun, 0, noun - 1
    while at >= floor and others < 3:
        text = reading.tokens[at].text
        if found := _ordinal(reading, at):
            if numbers and reading.tokens[first - 1].text in THROUGH:
                numbers.update(range(min(found), min(numbers) + 1))
            numbers.update(found)
            first, others = at, 0
        elif text in COUNTED:
            break
        elif text not in SUFFIXES and not (numbers and text in JOINED):
            others += 1
        at -= 1
    return numbers, first


def _numbers_after(reading: Reading, first: int, end: int) -> tuple[set[int], int]:
    """The numbers behind a noun: `ribs 9-11`, `segments 5 and 6`, `segment IVa`."""
    tokens = reading.tokens
    numbers: set[int] = set()
    at, last = first, first
    while at < end:
        text = tokens[at].text
        number = int(text) if text.isdigit() and len(text) < 3 else ROMAN.get(text) or ROMAN.get(text[:-1])
        if number is None and text not in JOINED | THROUGH | SUFFIXES:
            break
        if number is not None:
            is_measured = at + 1 < end and tokens[at + 1].text in {*MM_PER_UNIT, *PER_CENT, "x"}
            if is_measured:
                break
            if numbers and tokens[at - 1].text in THROUGH:
                numbers.update(range(max(numbers), number))
            numbers.add(number)
            last = at + 1
        at += 1
    return numbers, last


def _ordinal(reading: Reading, at: int) -> set[int]:
    tokens = reading.tokens
    text = tokens[at].text
    if text.isdigit() and at + 1 < len(tokens) and tokens[at + 1].text in SUFFIXES and tokens[at + 1].start == tokens[at].end:
        return {int(text)}
    number = ORDINALS.get(text) or NAMED_RAYS.get(text)
    return {number} if number else set()


def _is_spared(reading: Reading, index: int, kinds: frozenset[str]) -> bool:
    return any(meaning.kind in kinds for term in reading.terms[index] for meaning in term.meanings)


def _is_denied(reading: Reading, index: int, start: int) -> bool:
    """A "no" in the clause before it; the one behind a comma is of something else."""
    tokens = reading.tokens
    for term in reversed(reading.terms[index]):
        if term.meanings[0].kind == "negate-before" and tokens[term.first].start < start:
            return not any(tokens[at].text in JOINTS for at in range(term.last, len(tokens)) if tokens[at].start < start)
    return False


def _same_number(one: float, other: float) -> bool:
    """Equal to the millimetre: nearer than two things of one kind that happen to be alike."""
    return abs(one - other) < (0.56 if one == int(one) or other == int(other) else 0.01)


def _are_parts(one: str, other: str) -> bool:
    """Two parts of one organ, and neither a part of the other."""
    return one not in SYSTEMS and other not in SYSTEMS and bool(organs_of(one) & organs_of(other)) and not places_meet(one, other)


def _places(reading: Reading, owned: Owned) -> set[str]:
    """Every place that the number's sentence names."""
    return {meaning.value for term in reading.terms[owned.sentence] for meaning in term.meanings if meaning.kind == "place"}


def _numbers(reading: Reading, wanted: Sequence[Owned] = ()) -> Iterator[Owned]:
    """The measurements of a section and whose they are; only those that are `wanted`, if any."""
    tokens = reading.tokens
    for index, span in enumerate(reading.sentences):
        digits = [at for at in range(span.first, span.last) if tokens[at].text[0].isdigit()]
        for at in digits:
            number = float(tokens[at].text) if tokens[at].text.replace(".", "", 1).isdigit() else 0.0
            unit, last = _unit(reading, at, span.last)
            number *= MM_PER_UNIT[tokens[last - 1].text] if unit == "mm" else 1.0
            if not (unit or "." in tokens[at].text) or not number or (wanted and not _is_among(number, unit, wanted)):
                continue
            beside = {token.text for token in tokens[max(span.first, at - 6) : last + 4]}
            if beside & SHIFTS or _is_spared(reading, index, SPARED):
                continue
            side = _nearest(reading, at, last, span, _said_at(reading, index, "side"))
            clause = next((joint + 1 for joint in range(at - 2, span.first, -1) if tokens[joint].text in JOINTS), span.first)
            places = [said for said in _said_at(reading, index, "place") if said[0] >= clause]
            place = _nearest(reading, at, last, span, places)
            position = _nearest(
                reading, at, last, span, [said for said in _said_at(reading, index, "position") if said[0] >= clause]
            )
            yield Owned(number, unit, side, place, position, index, (tokens[at].start, tokens[last - 1].end))


def _is_among(number: float, unit: str, wanted: Sequence[Owned]) -> bool:
    return any(one.unit == unit and _same_number(one.number, number) for one in wanted)


def _unit(reading: Reading, at: int, end: int) -> tuple[str, int]:
    """The unit behind a number or behind the range or product it begins, and the token after it; "" for a bare number, "cm" for cm/s."""
    tokens = reading.tokens
    while at + 2 < end and tokens[at + 1].text in RANGE and tokens[at + 2].text[0].isdigit():
        at += 2
    word = tokens[at + 1].text if at + 1 < end else ""
    if at + 2 < end and tokens[at + 2].text == "/":
        return word, at + 2
    if word in MM_PER_UNIT:
        return "mm", at + 2
    return ("%", at + 2) if word in PER_CENT else ("", at + 1)


def _said_at(reading: Reading, index: int, kind: str) -> list[tuple[int, str]]:
    return [(term.first, meaning.value) for term in reading.terms[index] for meaning in term.meanings if meaning.kind == kind]


def _nearest(reading: Reading, first: int, last: int, span: Words, said: Sequence[tuple[int, str]]) -> str | None:
    """What is said behind the number before anything parts it, else what is said last before it."""
    last += reading.tokens[min(last, span.last - 1)].text == "("  # "12 mm (left), 16 mm (right)"
    end = next((at for at in range(last, span.last) if reading.tokens[at].text in JOINTS), span.last)
    behind = next((value for at, value in said if last <= at < end), None)
    return behind or next((value for at, value in reversed(said) if at < first), None)


def _words(reading: Reading, owned: Owned) -> str:
    span = reading.sentences[owned.sentence]
    words = " ".join(reading.text[span.start : span.end].split())
    return words if len(words) <= 110 else f"{words[:80]} … {words[-25:]}"
