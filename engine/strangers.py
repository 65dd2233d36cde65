"""Sizes, levels, ends and parts of organs of an impression that stand nowhere in the findings, whatever they belong to.

The last net under engine/compare.py: it needs no partner for a fact, so it also catches what was attached to the wrong word or read as an
interpretation. A size is strange when the findings give sizes and none of them is this one; a side, a level, an end or a part of an organ,
when only others of its kind were dictated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from engine.courses import growth_of
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass, Span
from engine.kinship import SYSTEMS, places_meet
from engine.lexicon import Meaning, Term, lexicon
from engine.measures import same_size, vertebrae
from engine.other_side import lopsided, other_sides
from engine.owners import strange_owners, strangely_counted
from engine.sentences import Span as Words
from engine.sentences import Token
from engine.sites import PARTS, PARTS_OF_ORGANS
from engine.then_and_now import grown

#: A course of the impression, and what the findings may call it.
COURSES = {
    "larger": {"larger", "new"}, "new": {"new", "larger"}, "smaller": {"smaller", "resolved"}, "unchanged": {"unchanged", "again", "resolved", "smaller"},
}  # fmt: skip
#: Ends, layers and spaces that exclude each other, as the plain words they are dictated in.
ENDS = tuple(
    frozenset(words.split())
    for words in (
        "proximal distal", "submucosal intramural subserosal", "intraperitoneal extraperitoneal", "subendocardial subepicardial",
        "anterosuperior posterosuperior anteroinferior posteroinferior", "intradural extradural", "paracentral foraminal extraforaminal",
        "vesicoureteric pelviureteric", "vesicoureteral ureteropelvic", "supratentorial infratentorial",
    )
)  # fmt: skip
END_WORDS: frozenset[str] = frozenset().union(*ENDS)
#: Where most of it is: "upper lobe predominant", "basal predominance".
PREDOMINANT = re.compile(r"\b(upper|apical|mid|lower|basal|basilar)[ -](?:(?:lobe|zone|lung)s?[ -])?predomina", re.IGNORECASE)
POLES = {"upper": "upper", "apical": "upper", "mid": "mid", "lower": "lower", "basal": "lower", "basilar": "lower"}
#: What is moved or grows by a distance.
MOVES = frozenset(
    (
        "withdraw withdrawal withdrawing withdrawn retract retraction retracting retracted advance advancement advancing advanced "
        "pull pulling increased grown"
    ).split()
)
#: Behind one of these a number is a bound.
BOUNDS = frozenset("by over exceeding exceeds above below under > < ≥ ≤ than".split())
CLOCK = re.compile(r"\b(1[0-2]|[1-9])(?::00|\s?o['’]?\s?clock)", re.IGNORECASE)
#: A number or a range of them that stands for itself; behind "<" or "over" it is a bound and says less.
AMOUNT = re.compile(
    r"(?=\d)(?<![<>≤≥\d.-])(?<!than )(?<!over )(?<!under )(?<!least )(?<!above )(?<!below )\b(\d+(?:\.\d+)?)(?:\s?(?:-|–|to)\s?(\d+(?:\.\d+)?))?"
    r"\s?(%|percent|ml|cc|mmHg|degrees|bpm)(?!\w)",
    re.IGNORECASE,
)
UNITS = {"percent": "%", "cc": "ml"}
#: Whoever says so has rounded.
ROUNDED = frozenset({"nearly", "almost", "approximately", "about", "around", "roughly"})
#: `Up to 4.6 cm …; these measured up to 3.3 cm two days ago`: two sizes of two days.
COMPARED = re.compile(
    r"(\d+(?:\.\d+)?\s?[mc]m)\b(?:[^.]|\.(?=\d)){1,120}?(\d+(?:\.\d+)?\s?[mc]m)\b[^.;]{0,20}\b(?:days?|weeks?|months?|years?) (?:ago|earlier|before)\b",
    re.IGNORECASE,
)
THEN_AND_NOW = re.compile(
    r"\bthan (?:before|previously|on (?:the )?(?:prior|previous))\b|\bsince (?:(?:19|20)\d\d|(?:the )?(?:prior|previous|last)\b)"
    r"|\b(?:was|previously|prior) \d",
    re.IGNORECASE,
)
#: A text without one of these gives no such figure: most have none, and are not searched.
THEN = (" ago", " earlier", " before")
MARKS = ("%", "percent", "ml", "cc", "mmhg", "degrees", "bpm")
#: A sentence with one of these speaks of something else than this examination, or denies.
SPARED = frozenset({"recommend", "advised", "ask", "negate-before", "negate-after", "history", "normal", "except"})


def strangers(seen: Reading, stated: Reading, told: Sequence[Fact], flags: Sequence[Flag]) -> list[Flag]:
    """Flags for strange sizes and sides in sentences that carry no flag of that class yet."""
    found = (
        *_sizes(seen, stated, told),
        *other_sides(seen, stated, {fact.side for fact in told if fact.side}),
        *_levels(seen, stated, told),
        *_ends(seen, stated),
        *_predominance(seen, stated),
        *_courses(seen, stated, told),
        *_clocks(seen, stated),
        *_amounts(seen, stated),
    )
    surely = (
        *strange_owners(seen, stated),
        *strangely_counted(seen, stated),
        *lopsided(seen, stated),
        *_parts(seen, stated, told),
    )  # whatever else has been noted there
    if not (found or surely):
        return []
    flagged = {(flag.flag_class, _sentence_of(stated, flag.impression_span[0])) for flag in flags if flag.impression_span}
    stopped = {(flag.flag_class, _sentence_of(stated, flag.impression_span[0]))
               for flag in flags if flag.impression_span and flag.severity != "minor"}  # fmt: skip
    return [flag for some, known in ((found, flagged), (surely, stopped)) for flag in some
            if flag.impression_span and (flag.flag_class, _sentence_of(stated, flag.impression_span[0])) not in known]  # fmt: skip


def _sizes(seen: Reading, stated: Reading, told: Sequence[Fact]) -> Iterator[Flag]:
    known = [number for size in seen.sizes for number in size.mm] if stated.sizes else []
    known += [number for fact in told for size in (*fact.sizes, *fact.earlier_sizes) for number in size]
    known += [
        abs(number - was)
        for now, earlier in pairwise(seen.sizes)
        if earlier.was or now.was
        for number in now.mm
        for was in earlier.mm
    ]
    if not known:
        return
    for size in stated.sizes:
        if _is_a_change(stated.tokens, size.first):
            continue
        if size.mm and not all(any(same_size(number, other) for other in known) for number in size.mm):
            start, end = stated.tokens[size.first].start, stated.tokens[size.last - 1].end
            message = f"The impression gives a size of “{stated.text[start:end]}”; the findings give no such size."
            yield Flag(FlagClass.SIZE, "major", message, (start, end), None)


def _is_a_change(tokens: Sequence[Token], first: int) -> bool:
    """`withdrawing 2 cm`, `increased by 4 mm`: how far, not how large."""
    before = [token.text for token in tokens[max(0, first - 2) : first]]
    return not (MOVES | ROUNDED).isdisjoint(before) or not BOUNDS.isdisjoint(before[-1:])


def _levels(seen: Reading, stated: Reading, told: Sequence[Fact]) -> Iterator[Flag]:
    known = {level.names[0] for level in seen.levels} if stated.levels else set()
    known.update(name for fact in told for name in fact.levels)
    spans = [vertebrae(name) for name in known]
    for level in stated.levels if known else ():
        start, end = stated.tokens[level.first].start, stated.tokens[level.last - 1].end
        is_category = level.first > 0 and stated.tokens[level.first - 1].text == "rads"  # "C-RADS C1"
        if (
            is_category
            or any(vertebrae(level.names[0]) & span for span in spans)
            or _is_spared(stated, _sentence_of(stated, start))
        ):
            continue
        message = f"The impression speaks of {stated.text[start:end]}; the findings speak of other levels only."
        yield Flag(FlagClass.LOCATION, "major", message, (start, end), None)


def _ends(seen: Reading, stated: Reading) -> Iterator[Flag]:
    said = [token for token in stated.tokens if token.text in END_WORDS] if not END_WORDS.isdisjoint(stated.words) else []
    told = END_WORDS & seen.words if said else frozenset()
    for token in said:
        known = next(group for group in ENDS if token.text in group) & told
        if known and token.text not in known and not _is_spared(stated, _sentence_of(stated, token.start)):
            message = f"The impression says {token.text}; the findings speak of {' and '.join(sorted(known))} only."
            yield Flag(FlagClass.LOCATION, "major", message, (token.start, token.end), None)


def _predominance(seen: Reading, stated: Reading) -> Iterator[Flag]:
    said = list(PREDOMINANT.finditer(stated.text)) if "predomina" in stated.text.lower() else []
    known = {POLES[word.lower()] for word in PREDOMINANT.findall(seen.text)} if said else set()
    for match in said:
        if known and POLES[match.group(1).lower()] not in known:
            message = f"The impression says “{match.group()}…”; the findings find most of it in the {' and '.join(sorted(known))} zones."
            yield Flag(FlagClass.LOCATION, "major", message, match.span(), None)


def _courses(seen: Reading, stated: Reading, told: Sequence[Fact]) -> Iterator[Flag]:
    """`Improving`, where the findings tell of growth and of nothing that shrank; where they tell of no course at all, nothing is known."""
    said = {
        index: list(_courses_in(stated, index)) for index in sorted({fact.sentence for fact in stated.facts if fact.is_present})
    }
    if not any(said.values()):
        return
    known = {course for index in range(len(seen.sentences)) for course in _courses_in(seen, index)}
    known.update(fact.change for fact in told if fact.change)
    known.update(growth for fact in seen.facts if (growth := growth_of(fact)))
    lowered = seen.text.lower()
    compared = COMPARED.findall(seen.text) if any(word in lowered for word in THEN) else []
    known.update("larger" if _mm(now) > _mm(was) else "smaller" for now, was in compared)
    for index, courses in said.items() if known else ():
        strange = next((course for course in courses if course in COURSES and not COURSES[course] & known), None)
        if strange is None or _is_spared(stated, index) or COURSES[strange] & _compared(seen):
            continue
        span = stated.sentences[index]
        message = f"The impression says “{_words(stated, span)}” ({strange}); the findings tell of another course ({', '.join(sorted(known))})."
        yield Flag(FlagClass.TEMPORAL, "major", message, (span.start, span.end), None)


def _compared(seen: Reading) -> set[str]:
    """The courses that sentences about then and now tell by numbers; any course, where one tells it in words that we do not know."""
    told: set[str] = set()
    for index, span in enumerate(seen.sentences):
        if THEN_AND_NOW.search(seen.text, span.start, span.end) and not any(_courses_in(seen, index)):
            told.update(grown(seen.text[span.start : span.end]) or COURSES)
    return told


def _mm(size: str) -> float:
    return float(size[:-2]) * (10 if size.lower().endswith("cm") else 1)


def _courses_in(reading: Reading, index: int) -> Iterator[str]:
    return (meaning.value for term in reading.terms[index] for meaning in term.meanings if meaning.kind == "change")


def _clocks(seen: Reading, stated: Reading) -> Iterator[Flag]:
    lowered = stated.text.lower()
    said = list(CLOCK.finditer(stated.text)) if ":00" in lowered or "clock" in lowered else []
    known = {match.group(1) for match in CLOCK.finditer(seen.text)} if said else set()
    for match in said:
        if known and match.group(1) not in known:
            message = f"The impression says “{match.group()}”; the findings give {', '.join(sorted(known))} o'clock only."
            yield Flag(FlagClass.LOCATION, "major", message, match.span(), None)


def _amounts(seen: Reading, stated: Reading) -> Iterator[Flag]:
    """A share, a volume, an angle or an uptake that was not dictated, where others of its unit were."""
    said = list(_amounts_in(stated.text))
    known: dict[str, set[float]] = {}
    for unit, low, high, _ in _amounts_in(seen.text) if said else ():
        known.setdefault(unit, set()).update((low, high))
    for unit, low, high, (start, end) in said:
        near = known.get(unit)
        slack = 0.06 if low == high and low % 5 == 0 else 0.02  # whoever rounds, rounds to fives
        if near and not any(low * (1 - slack) - 1 <= number <= high * (1 + slack) + 1 for number in near):
            message = f"The impression says “{stated.text[start:end]}”; the findings give no such figure."
            yield Flag(FlagClass.SIZE, "major", message, (start, end), None)


def _amounts_in(text: str) -> Iterator[tuple[str, float, float, Span]]:
    lowered = text.lower()
    for match in AMOUNT.finditer(text) if any(mark in lowered for mark in MARKS) else ():
        low, high, unit = match.groups()
        yield UNITS.get(unit.lower(), unit.lower()), float(low), float(high or low), match.span()


def _parts(seen: Reading, stated: Reading, told: Sequence[Fact]) -> Iterator[Flag]:
    stated_parts = [(index, term, part) for index in range(len(stated.sentences)) for term, part in _parts_in(stated, index)]
    if not stated_parts:
        return
    around = lexicon().around
    named = {place for index in range(len(seen.sentences)) for place in _places_in(seen, index)}
    named.update(fact.place for fact in told if fact.place)
    known = {outer for place in named for outer in around[place]}
    for index, term, part in stated_parts:
        siblings = next(group for group in PARTS_OF_ORGANS if part in group)
        is_known = part in known or any(places_meet(part, place) for place in named - around[part] - SYSTEMS)
        start, end = stated.tokens[term.first].start, stated.tokens[term.last - 1].end
        is_known = is_known or stated.text[start:end].lower() in seen.text.lower()  # read as something else there
        if is_known or not siblings & known or _is_spared(stated, index):
            continue
        message = f"The impression speaks of “{stated.text[start:end]}”; the findings speak of other parts only."
        yield Flag(FlagClass.LOCATION, "major", message, (start, end), None)


def _parts_in(reading: Reading, index: int) -> Iterator[tuple[Term, str]]:
    for term in reading.terms[index]:
        for meaning in term.meanings:
            if (place := _place_said(meaning)) in PARTS and place is not None:
                yield term, place


def _places_in(reading: Reading, index: int) -> Iterator[str]:
    """Every place a sentence names, by itself or in the name of a finding."""
    for term in reading.terms[index]:
        for meaning in term.meanings:
            if (place := _place_said(meaning)) is not None:
                yield place


def _place_said(meaning: Meaning) -> str | None:
    """A place, or where the finding lies that is named."""
    if meaning.kind == "place":
        return meaning.value
    return lexicon().concepts[meaning.value].place if meaning.kind == "concept" else None


def _is_spared(reading: Reading, index: int) -> bool:
    return any(meaning.kind in SPARED for term in reading.terms[index] for meaning in term.meanings)


def _words(reading: Reading, span: Words) -> str:
    words = " ".join(reading.text[span.start : span.end].split())
    return words if len(words) <= 110 else f"{words[:80]} … {words[-25:]}"


def _sentence_of(reading: Reading, at: int) -> int:
    return next((index for index, span in enumerate(reading.sentences) if span.start <= at < span.end), -1)
