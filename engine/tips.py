"""Where the ends of tubes and lines lie: an impression that puts one where the findings do not, praises one that lies wrong, or faults one that lies right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from engine.devices import AMISS
from engine.facts import Reading
from engine.impression import Flag, FlagClass
from engine.lexicon import lexicon, phrases_of, rows_of

#: Words that find a place right, and those that find it wrong.
PRAISED = re.compile(
    r"\b(?<!un)(?<!not )(?:satisfactor(?:y|ily)|safe (?:to|for) (?:use|feed\w*)|ready (?:to|for) use|(?:can|may) be used"
    r"|(?:well|appropriately|correctly|adequately|normally|properly) (?:positioned|sited|placed)"
    r"|(?:good|appropriate|correct|standard|expected|normal|adequate|usual) (?:position|placement|location|site))",
    re.IGNORECASE,
)
FAULTED = re.compile(r"\b(?:mal-?position\w*|misplaced|displaced|dislodged|migrated)\b", re.IGNORECASE)
#: What lies wrong in words of its own, whatever the zone.
DOUBTED = re.compile(
    r"\b(?:reposition\w*|withdraw\w*|retract\w*|pull(?:ed)? back|advance[ds]?|too (?:high|low|deep)|low|high|kinked|coiled|should)\b",
    re.IGNORECASE,
)
GONE = re.compile(r"(?:\w+\W+){0,3}?(?:removed|has been removed)")
#: A sentence that goes on about the device before it.
GOES_ON = re.compile(r"\s*(?:its|the)?\s*(?:tip|side ?(?:port|hole)|balloon|cuff)s?\b", re.IGNORECASE)


#: Where a sentence begins to speak of something else.
ELSE = re.compile(
    r";(?! ?(?:its|the)? ?(?:tip|side|balloon|end))|,? (?:previously|formerly) |,? with (?!(?:its|the)? ?(?:tip|side|balloon|end))"
    r"|,? (?:and|but) no\b|, no\b"
)


@dataclass(frozen=True, slots=True)
class Device:
    """One device as a text names it, what is said up to the next one, and where that puts its end."""

    concept: str
    start: int
    end: int
    name: str
    side: str
    about: str
    zones: frozenset[tuple[str, str]]


def tip_differences(seen: Reading, stated: Reading) -> Iterator[Flag]:
    """A major flag for every device of the impression that lies elsewhere than in the findings, or is called well or ill placed against them."""
    here = list(_devices(stated))
    there = list(_devices(seen)) if here else []
    for device in here:
        meant = [other for other in there if _is_one(device, other)]
        meant = [other for other in meant if other.name == device.name] or meant
        placed = [other for other in meant if other.zones]
        if not placed or len(placed) < len(meant) or any(_agree(device, other) for other in placed):
            continue
        said, told = _quote(stated, device), _quote(seen, placed[0])
        message = f"Place differs: the impression says “{said}”, the findings say “{told}”."
        yield Flag(FlagClass.DEVICE, "major", message, (device.start, device.end), (placed[0].start, placed[0].end))


def _agree(stated: Device, found: Device) -> bool:
    """The same zone; without a zone, what is praised lies right and what is faulted lies wrong."""
    is_right = {kind == "right" for _, kind in found.zones}
    if stated.zones:
        return bool(stated.zones & found.zones)
    praised, faulted = PRAISED.search(stated.about), FAULTED.search(stated.about)
    if bool(praised) == bool(faulted):
        return True
    return True in is_right if praised else False in is_right or bool(FAULTED.search(found.about) or DOUBTED.search(found.about))


def _is_one(device: Device, other: Device) -> bool:
    if device.side and other.side and device.side != other.side:
        return False
    return other.concept in lexicon().above[device.concept] or device.concept in lexicon().above[other.concept]


def _devices(reading: Reading) -> Iterator[Device]:
    """Every device whose end the table knows, in reading order."""
    for index, span in enumerate(reading.sentences):
        named = [
            (term.first, meaning.value)
            for term in reading.terms[index]
            for meaning in term.meanings
            if meaning.value in _names() and meaning.kind == "concept"
        ]
        for at, (first, concept) in enumerate(named):
            if not _zones_of(concept):
                continue
            start = reading.tokens[first].start
            is_last = at + 1 == len(named)
            end = _end(reading, index) if is_last else reading.tokens[named[at + 1][0]].start
            about = ELSE.split(reading.text[start:end], maxsplit=1)[0]
            if "removed" not in about or not GONE.match(about):
                last, name = max(start + 1, min(end, span.end)), reading.tokens[first].text
                yield Device(concept, start, last, name, _side(reading, first, span.first), about, _zones(concept, about))


def _side(reading: Reading, at: int, first: int) -> str:
    """The side said just before the device's name."""
    words = [token.text for token in reading.tokens[max(first, at - 3) : at]]
    return next((word for word in reversed(words) if word in ("left", "right")), "")


def _end(reading: Reading, index: int) -> int:
    """The end of a sentence, or of the next where that goes on about the device's tip."""
    after = index + 1
    if after < len(reading.sentences) and GOES_ON.match(reading.text, reading.sentences[after].start):
        return reading.sentences[after].end
    return reading.sentences[index].end


def _zones(concept: str, about: str) -> frozenset[tuple[str, str]]:
    """The wrong ones first, so that `not within the collection` is not within it."""
    found = set()
    for zone, kind, words in _zones_of(concept):
        if words.search(about):
            found.add((zone, kind))
            about = words.sub(" ", about)
    return frozenset(found)


def _quote(reading: Reading, device: Device) -> str:
    words = " ".join(reading.text[device.start : device.end].split())
    return words if len(words) <= 90 else f"{words[:87]}…"


@cache
def _names() -> frozenset[str]:
    """The devices, but for what befalls one."""
    return frozenset(concept.name for concept in lexicon().concepts.values() if concept.kind == "device") - AMISS


@cache
def _zones_of(concept: str) -> Sequence[tuple[str, str, re.Pattern[str]]]:
    above = lexicon().above[concept]
    rows = [(set(phrases_of(devices)), zone, kind, words) for devices, zone, kind, words in rows_of("tips.tsv", 4)]
    own = [row for row in rows if concept in row[0]] or [row for row in rows if not above.isdisjoint(row[0])]
    return tuple((zone, kind, re.compile(rf"\b(?:{words})", re.IGNORECASE)) for _, zone, kind, words in own)
