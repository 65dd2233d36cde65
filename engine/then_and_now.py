"""Courses and ages that the sentences of the findings tell another way: by a number of then beside one of now, by a word said of the
finding next to it, by what a fracture, a clot or an infarct looks like. The words of the very finding are engine/courses.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.fact import POSSIBLE
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass
from engine.kinship import levels_meet, place_of, places_meet, same_kind, sides_meet
from engine.lexicon import lexicon
from engine.messages import quoted

#: A course of the impression, and what the findings may call it.
COURSES = {
    "larger": {"larger", "new"}, "new": {"new", "larger"}, "smaller": {"smaller", "resolved"}, "unchanged": {"unchanged", "again", "resolved", "smaller"},
}  # fmt: skip
AGO = r"(?:a|one|two|three|four|five|six|\d+) (?:day|week|month|year)s? (?:ago|earlier|before)"
#: What stands before a number of then, and what behind it.
THEN = re.compile(
    rf"\b(?:previously|formerly|was|were|prior(?: study)?:?|baseline:?|{AGO}(?: [\w ]{{0,40}}?(?:was|measured))?)"
    r"\s*(?:measur(?:ed|ing) |was )?(?:about |approximately |only )?(?=\d)"
    r"|\d(?=(?:\d|\.\d)*\s?(?:mm|cm|%|percent)?\s+(?:in (?:19|20)\d\d\b|on (?:the )?(?:prior|previous)|previously|at baseline"
    rf"|{AGO}))",
    re.IGNORECASE,
)
AMOUNT = re.compile(
    r"(?<![\w.])((?:\d+(?:\.\d+)?)(?:\s?(?:x|×|by)\s?\d+(?:\.\d+)?)*)\s?(mm|cm|%|percent|degrees)?(?![\w])", re.IGNORECASE
)
TIMES = re.compile(r"\s?(?:x|×|by)\s?", re.IGNORECASE)
YEAR = re.compile(r"(?:19|20)\d\d")
OPENS_THEN = re.compile(
    rf"\s*(?:{AGO}|previously|prior|on (?:the )?(?:prior|previous)|(?:new|unchanged|stable) since|(?:the |fracture )?margins)\b",
    re.IGNORECASE,
)
KNOWN = re.compile(
    r"(?<!not )(?<!were )(?<!was )\b(?:known|long-?standing|old|remote|healed|previously (?:seen|noted|described|documented|shown)"
    r"|(?:present|seen) (?:in |on |since )?(?:(?:19|20)\d\d|day \d+|(?:the )?(?:prior|previous)))\b",
    re.IGNORECASE,
)
RANKS = {"trace": 1, "tiny": 1, "minimal": 1, "small": 2, "mild": 2, "moderate": 3, "large": 4, "severe": 4, "marked": 4}
RANK_THEN = re.compile(
    rf"\b(?:previously|formerly|was) (?:\w+ )?({'|'.join(RANKS)})\b|\b({'|'.join(RANKS)}) in (?:19|20)\d\d", re.IGNORECASE
)
#: How old a bleed, an infarct, a fracture or a clot looks: the kinds of findings, the words of acute and of chronic.
LOOKS = tuple(
    (frozenset(kinds.split()), re.compile(rf"\b(?:{acute})\b", re.IGNORECASE), re.compile(rf"\b(?:{chronic})\b", re.IGNORECASE))
    for kinds, acute, chronic in (
        ("extra_axial_collection intracranial_hemorrhage hematoma", "hyperdense", "hypodense|hyperdense membrane"),
        ("infarct cerebral_infarct", "restricted diffusion|diffusion restriction", "encephalomalacia|gliosis|ex vacuo"),
        (
            "fracture",
            "non-?corticated|not (?:corticated|sclerosed|sclerotic)|marrow o?edema|sharp margins",
            "(?<!non-)(?<!not )corticated|sclerotic margins|callus",
        ),
        ("thrombosis", "expanded|distended|distends", "contracted|recanali[sz]ed|webs|wall thickening"),
    )
)


def course_conflicts(seen: Reading, stated: Sequence[tuple[Fact, Fact]]) -> Iterator[Flag]:
    """A major flag for every course or age that no sentence about the very finding tells; `stated` are facts and their partners."""
    for fact, partner in stated:
        if not fact.is_present or fact.certainty <= POSSIBLE or not (fact.change or fact.acuity):
            continue
        if partner.change in COURSES.get(fact.change or "", ()) or (fact.change is None and partner.acuity == fact.acuity):
            continue
        about = sorted({partner.sentence, *_sentences_about(seen, fact)})
        if fact.change in COURSES and same_kind(fact.concept, partner.concept):
            told = {course for index in about for course in _courses_told(seen, index)}
            if told - {"known"} and not told & (COURSES[fact.change] | {"again"}):
                yield _flag(fact, partner, fact.change, ", ".join(sorted(told - {"known"})))
            elif fact.change == "new" and "known" in told and "new" not in told:
                yield _flag(fact, partner, "new", "known before")
        elif fact.acuity in ("acute", "chronic") and fact.change is None:
            other = "chronic" if fact.acuity == "acute" else "acute"
            looks = _looks(seen, fact, about)
            if not looks and other == "acute" and {course for index in about for course in _courses_told(seen, index)} == {"new"}:
                looks = {other}  # an old fracture is no new one
            if {fact.acuity, other} & looks == {other}:
                yield _flag(fact, partner, str(fact.acuity), f"looks {other}")


def _looks(seen: Reading, fact: Fact, about: Sequence[int]) -> set[str]:
    """How old the findings make it look, or call it."""
    told = {other.acuity for other in seen.facts if other.sentence in about and other.acuity}
    for kinds, acute, chronic in LOOKS:
        if not kinds.isdisjoint(lexicon().above[fact.concept]):
            for index in about:
                words = _words(seen, index)
                told |= {age for age, pattern in (("acute", acute), ("chronic", chronic)) if pattern.search(words)}
    return told


def _sentences_about(seen: Reading, fact: Fact) -> Iterator[int]:
    for other in seen.facts:
        if (
            other.is_present and same_kind(fact.concept, other.concept) and sides_meet(fact.side, other.side)
            and places_meet(place_of(fact), place_of(other)) and levels_meet(fact.levels, other.levels)
        ):  # fmt: skip
            yield other.sentence


def _courses_told(seen: Reading, index: int) -> Iterator[str]:
    """What a sentence says of then and now: its words, its numbers, its grades."""
    sentences = (index, index + 1) if _goes_on(seen, index) else (index,)
    yield from (
        meaning.value for one in sentences for term in seen.terms[one] for meaning in term.meanings if meaning.kind == "change"
    )
    words = _words(seen, index)
    if KNOWN.search(words):
        yield "known"
    yield from grown(words)
    if then := RANK_THEN.search(words):
        now = [RANKS[word] for word in re.findall(r"[a-z]+", words[: then.start()].lower()) if word in RANKS]
        was = RANKS[(then.group(1) or then.group(2)).lower()]
        if now and now[-1] != was:
            yield "larger" if now[-1] > was else "smaller"


def _goes_on(seen: Reading, index: int) -> bool:
    return index + 1 < len(seen.sentences) and OPENS_THEN.match(seen.text, seen.sentences[index + 1].start) is not None


def _words(seen: Reading, index: int) -> str:
    """A sentence, and the next where that goes on about then and now."""
    end = seen.sentences[index + 1 if _goes_on(seen, index) else index].end
    return seen.text[seen.sentences[index].start : end]


def grown(words: str) -> tuple[str, ...]:
    """`17 mm, 16 mm on prior` is unchanged, `21 x 17 mm, was 12 x 9 mm` larger; what lies between may be called either."""
    marks = [match.start() if match.group()[-1:].isdigit() else match.end() for match in THEN.finditer(words)]
    now, was, unit = 0.0, 0.0, ""
    for match in AMOUNT.finditer(words) if marks else ():
        number = max(float(part) for part in TIMES.split(match.group(1)))
        measure = (match.group(2) or unit).lower()
        if YEAR.fullmatch(match.group(1)) or not measure or (unit and measure != unit):
            continue
        unit = measure
        if any(match.start() <= mark <= match.end() for mark in marks):
            was = max(was, number)
        elif not was:
            now = max(now, number)
    if not (now and was):
        return ()
    course = "larger" if now > was else "smaller"
    if abs(now - was) <= (0.1 if unit == "cm" else 1):
        return ("unchanged",)
    return (course,) if max(now, was) > 1.15 * min(now, was) else (course, "unchanged")


def _flag(fact: Fact, partner: Fact, said: str, told: str) -> Flag:
    message = f"Course differs: the impression says {quoted(fact)} ({said}), the findings say {quoted(partner)} ({told})."
    return Flag(FlagClass.TEMPORAL, "major", message, (fact.start, fact.end), (partner.start, partner.end))
