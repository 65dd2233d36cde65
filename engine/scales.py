"""Grades, categories and readings by number or letter: a PI-RADS 5 of the findings is no PI-RADS 2, an ejection fraction of 52 % is not 25.

Asked only where both texts use the same scale: whoever grades what was described only, interprets. A value is right when the findings, or
what was known before, give it anywhere; which of two lesions has which category is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from engine.impression import Flag, FlagClass
from engine.lexicon import rows_of

#: What may stand between a scale's name and its value.
FILLERS = (
    "score category assessment grade type class stage fracture of is was measures approximately about estimated overall at up to"
)
LEADING_UP = rf"(?:[\s:=(,-]|\b(?:{FILLERS.replace(' ', '|')})\b)*"
GRADE = r"\b(?:grade|type|class|stage)\s+"
#: Short names, found inside of many a word: `ef` in "left".
SHORT = {name: re.compile(rf"{name}(?![a-z])") for name in ("tr", "lr", "ef", "lv", "hu")}
#: Where a grade may stand at the other end of the sentence.
GRADED = ("behind", "either")
BETWEEN = r"\s+(?:[\w-]+\s+){0,2}?"
ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6"}
DENSITY = re.compile(r"\b(?:osteoporo(?:sis|tic)|osteopeni[ac]|low bone mass)\b", re.IGNORECASE)
T_SCORE = re.compile(r"\bt[- ]?scores?(?:\s*(?:is|of|:|=))?\s*(?:-|−|–|minus )\s?(\d\.\d)", re.IGNORECASE)
#: Sides, and the zones of the prostate: what a category of one does not say of the other.
SITES = re.compile(r"\b(?:left|right|transition|tz|peripheral|pz)\b")
PAIRS = ({"l", "r"}, {"t", "p"})
VALUE = re.compile(r"(iv|vi|v|i{1,3})?([a-z0-9.\-]*)")
#: What is denied, compared or asked for is no value of this examination.
DENIED = re.compile(r"\b(?:no|not|without|nor|versus|vs|than|exclude[sd]?|if)\b(?:(?! [-–] )[^.;:,])*$")


@dataclass(frozen=True, slots=True)
class Scale:
    """The rows of one scale: a part of a word that is always said, and what is said around the value.

    `loose` finds a grade anywhere in a sentence with the words, for findings that give it at the end; `slack` is the share by which two
    readings may differ, None for a grade.
    """

    name: str
    forms: tuple[tuple[str, re.Pattern[str]], ...]
    loose: tuple[tuple[str, re.Pattern[str]], ...]
    flag_class: FlagClass
    slack: float | None


@dataclass(frozen=True, slots=True)
class Value:
    """A value as its text gives it, and where."""

    value: str
    start: int
    end: int


def scale_differences(findings: str, impression: str, known: str) -> Iterator[Flag]:
    """A major flag for every value of the impression that its scale has neither in the findings nor in `known`."""
    found, asserted, before = findings.lower(), impression.lower(), known.lower()
    for scale in _scales_named(asserted):
        values = list(_values(scale.forms, asserted))
        seen = (list(_values(scale.forms, found)) or list(_values(scale.loose, found))) if values else []
        right = [*seen, *_values(scale.forms, before)] if seen else []
        strange = [stated for stated in values if not any(_agree(stated.value, one.value, scale.slack) for one in right)]
        for stated in (
            strange if seen and len(strange) == len(values) else ()
        ):  # beside the right one, another is the reader's own
            there = next((one for one in seen if _may_be_one(_sites(asserted, stated), _sites(found, one))), None)
            if there is not None:
                yield _flag(scale, stated, there, impression, findings)
    yield from _density_differs(findings, impression)


def _density_differs(findings: str, impression: str) -> Iterator[Flag]:
    """Osteoporosis from a T-score of -2.5 down, osteopenia from -1 (WHO): the lowest that was dictated decides."""
    lowered = impression.lower()
    said = DENSITY.search(impression) if "osteop" in lowered or "low bone" in lowered else None
    scores = [float(score) for score in T_SCORE.findall(findings)] if said else []
    if not scores or said is None or DENIED.search(impression.lower(), max(0, said.start() - 60), said.start()):
        return
    lowest = max(scores)
    grade = "osteoporosis" if lowest >= 2.5 else "osteopenia" if lowest > 1.0 else "normal"
    stated = "osteoporosis" if "porosis" in impression.lower() or "porotic" in impression.lower() else "osteopenia"
    own = [float(score) for score in T_SCORE.findall(impression)]
    if grade != stated and (not own or lowest in own):  # another score differs by itself
        message = f"The impression says “{said.group()}”; the lowest T-score of the findings, -{lowest}, is {grade}."
        yield Flag(FlagClass.SEVERITY, "major", message, said.span(), None)


def _sites(text: str, value: Value) -> set[str]:
    """The sides and zones that the sentence of a value names, as their first letters."""
    start = max(text.rfind(mark, 0, value.start) for mark in ".;\n") + 1
    end = min((at for mark in ".;\n" if (at := text.find(mark, value.end)) >= 0), default=len(text))
    return {site[0] for site in SITES.findall(text, start, end)}


def _may_be_one(here: set[str], there: set[str]) -> bool:
    """Left and left, peripheral and peripheral, or one of them not said."""
    return all(not (here & pair and there & pair) or bool(here & there & pair) for pair in PAIRS)


def _scales_named(text: str) -> list[Scale]:
    """Those whose words may stand in a text: in most, none."""
    return list(dict.fromkeys(scale for said, scale in _by_word() if said in text and _stands_alone(said, text)))


def _values(forms: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> Iterator[Value]:
    for said, pattern in forms:
        for match in pattern.finditer(text) if said in text and _stands_alone(said, text) else ():
            if not DENIED.search(text, max(0, match.start() - 60), match.start()):
                value = next(group for group in match.groups() if group)
                yield Value(_plain(value), match.start(), match.end())


def _stands_alone(said: str, text: str) -> bool:
    return said not in SHORT or SHORT[said].search(text) is not None


def _plain(value: str) -> str:
    """`IIF` is 2f, `- 2.7` is -2.7."""
    roman, rest = VALUE.fullmatch(value.replace(" ", "")).groups()  # type: ignore[union-attr]
    return ROMAN.get(roman or "", "") + rest


def _agree(stated: str, seen: str, slack: float | None) -> bool:
    if slack is None:
        return stated.startswith(seen) or seen.startswith(stated)  # 4 says less than 4a, and nothing else
    one, other = float(stated), float(seen)
    return abs(one - other) <= slack * max(abs(one), abs(other))


def _flag(scale: Scale, stated: Value, seen: Value, impression: str, findings: str) -> Flag:
    said, dictated = impression[stated.start : stated.end], findings[seen.start : seen.end]
    message = f"{scale.name[0].upper()}{scale.name[1:]} differs: the impression says “{said}”, the findings say “{dictated}”."
    return Flag(scale.flag_class, "major", message, (stated.start, stated.end), (seen.start, seen.end))


@cache
def _scales() -> tuple[Scale, ...]:
    rows = list(rows_of("scales.tsv", 7))
    return tuple(
        Scale(
            name,
            tuple((said, _pattern(words, values, where)) for other, said, words, values, where, *_ in rows if other == name),
            tuple(
                (said, _loose(words, values))
                for other, said, words, values, where, *_ in rows
                if other == name and where in GRADED
            ),
            FlagClass(flag_class),
            float(slack) if slack else None,
        )
        for name, (flag_class, slack) in {row[0]: row[5:7] for row in rows}.items()
    )


@cache
def _by_word() -> tuple[tuple[str, Scale], ...]:
    return tuple((said, scale) for scale in _scales() for said in dict.fromkeys(said for said, _ in scale.forms))


def _pattern(words: str, values: str, where: str) -> re.Pattern[str]:
    behind = rf"{GRADE}({values}){BETWEEN}(?:{words})\b"
    before = rf"\b(?:{words})(?![a-z]){LEADING_UP}({values})(?![\w]|\.\d|\s?[mc]m\b(?!/))"
    after = rf"(?<![\w.])({values})(?:st|nd|rd|th)?\s?(?:{words})(?!\w)"
    return re.compile({"before": before, "behind": behind, "either": f"{behind}|{before}", "after": after}[where])


def _loose(words: str, values: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b[^.;]*?{GRADE}({values})(?!\w)|{GRADE}({values})(?!\w)[^.;]*?\b(?:{words})\b")
