"""BI-RADS: management of a dictated category. The table is bi_rads.toml; here stands how the category is found."""

from __future__ import annotations

import re

from engine.guidelines.answer import Answer
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import fills, seen
from engine.guidelines.table import load

_LEVEL = r"(4\s?[ABC]|[0-6]|IV\s?[ABC]?|V?I{0,3}(?<=[IV])|zero|one|two|three|four|five|six)"
_CATEGORY = re.compile(
    rf"\bbi-?\s?rads\b\s*(?:®|\(r\))?\s*(?:(?:final|overall|assessment|category|cat\.?|code|score|classification|class|is|of|rating|right|left|breast)\s*:?\s*)*[\s:=#-]*(?:\()?{_LEVEL}\b(?!\s*(?:mm|cm|o'?clock))"
    rf"|\b(?:final|overall|acr)\s+(?:assessment|category)\s*(?:category|code|is|of)*[\s:=#-]*{_LEVEL}\b|\bassessment\s*(?:category)?\s*[:=]\s*(?:category\s*)?{_LEVEL}\b|\b(?:assessment|birads)\s+category\s*[:=]?\s*{_LEVEL}\b",
    re.I,
)
_OTHER_SIDE = re.compile(
    rf"\b(?:right|left)(?:\s+breast)?\s*[:=-]?\s*(?:is\s+)?(?:category\s*|bi-?rads\s*)?{_LEVEL}\b(?!\s*(?:mm|cm|o'?clock|:|x|\.\d))",
    re.I,
)
_DENSITY = re.compile(r"\b(?:densit\w+|composition|tissue)\b[^.]{0,30}$", re.I)
_PRIOR = re.compile(
    r"\b(?:prior|comparison|previous(?:ly)?|former(?:ly)?|last|earlier|outside|initial(?:ly)?|was|had\s+been"
    r"|downgraded\s+from|upgraded\s+from|changed\s+from|instead\s+of|in\s+(?:19|20)\d\d)\b[^.,;]{0,45}$|\bfrom\s*$",
    re.I,
)
#: earlier films are what a category 0 waits for
_AWAITED = re.compile(r"\b(?:need\w*|await\w*|obtain\w*|request\w*|pending)\b", re.I)
_PRIOR_AFTER = re.compile(
    r"^\s*(?:\)\s*)?(?:on\s+(?:the\s+)?(?:prior|previous|outside|last)|in\s+(?:19|20)\d\d|previously|last\s+year|\(?prior)", re.I
)
_BREAST = re.compile(r"\bbreasts?\b|mammo|tomosynthesis|bi-?\s?rads", re.I)
_NOT_BREAST = re.compile(r"\b(?:CT|chest|biopsy|galactogra\w+|localization|specimen|implant\s+placement|aspiration)\b", re.I)
_ROMAN = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6"}
_SPELLED = {word: str(number) for number, word in enumerate("zero one two three four five six".split())}
#: more suspicious first
_ORDER = ("5", "4C", "4B", "4", "4A", "6", "0", "3", "2", "1")


def advise(patient: Patient) -> Answer | None:
    table = load("bi_rads")
    named = "rads" in patient.lowered and seen(r"\bbi-?\s?rads\b", patient.findings, re.I)
    is_breast = bool(_BREAST.search(patient.exam)) and not _NOT_BREAST.search(patient.exam)
    if not named and not is_breast:
        return None
    found = _categories(patient.findings)
    if not found:
        return table.ask(("category",), None) if is_breast or (named and patient.modality in ("MG", "US", "MR", None)) else None
    category, span = min(found, key=lambda one: _ORDER.index(one[0]))
    return table.decide({"category": category}, span)


def _categories(text: str) -> list[tuple[str, tuple[int, int]]]:
    """Today's assessment categories with their places; densities and prior categories are left out."""
    found: list[tuple[str, tuple[int, int]]] = []
    read_to = 0
    for match in _CATEGORY.finditer(text):
        lead = text[max(0, match.start() - 60, read_to) : match.start()].rsplit("\n", 1)[-1]
        read_to = match.end()
        if (
            _DENSITY.search(lead)
            or (_PRIOR.search(lead.rsplit(". ", 1)[-1]) and not _AWAITED.search(lead))
            or _PRIOR_AFTER.match(text[match.end() : match.end() + 40])
        ):
            continue
        if not seen(r"bi-?\s?rads", match[0], re.I) and seen(r"(?:ti|li|pi|lung|o)-?\s?rads", lead, re.I):
            continue
        found.append((_plain(next(group for group in match.groups() if group)), match.span()))
        end = text.find(".", match.end())
        rest = text[match.end() : end if end > 0 else len(text)]
        for other in _OTHER_SIDE.finditer(rest):
            if not _PRIOR.search(rest[: other.start()]):
                found.append((_plain(other[1]), (match.end() + other.start(), match.end() + other.end())))
    return [one for one in found if one[0] in _ORDER]


def _plain(level: str) -> str:
    """`iv b` and `four` as `4B` and `4`."""
    word = re.sub(r"\s", "", level).upper()
    roman = fills(r"([IV]+)([ABC]?)", word)
    if roman:
        return _ROMAN.get(roman[1], "?") + roman[2]
    return _SPELLED.get(word.lower(), word)
