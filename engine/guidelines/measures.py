"""Numbers as they are dictated: sizes, volumes, attenuations, durations, each with its place and whether it is of today.

Knows nothing of organs or lesions. A number that is no size (a slice thickness, a distance, an image number) is not returned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from engine.guidelines.patterns import opens, parts, seen
from engine.guidelines.table import Between

_NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(), start=1
    )
}
_N = rf"(?:\d+(?:\.\d+)?|\.\d+|{'|'.join(_NUMBER_WORDS)})"
_U = r"(?:mm|cm|millimet(?:er|re)s?|centimet(?:er|re)s?)(?![\w³²^])"
_BY = r"\s*(?:\([A-Za-z]{1,16}\)\s*)?(?:x|×|by|\*)\s*"
MEASURE = re.compile(
    rf"""(?P<rel>(?:(?:less|smaller|greater|more|larger|bigger)\s+than(?:\s+or\s+equal\s+to)?|under|below|over|exceeding|at\s+least|(?<!\w)sub
        |<=|>=|<|>|≤|≥)[\s-]*(?:approximately\s+|about\s+)?)?
    (?P<between>between\s+)?(?P<from>from\s+)?
    (?<![\w.])(?P<a>{_N})(?:[\s-]*(?P<ua>{_U}))?
    (?:{_BY}(?P<b>{_N})(?:[\s-]*(?P<ub>{_U}))?(?:{_BY}(?P<c>{_N})(?:[\s-]*(?P<uc>{_U}))?)?
      |\s*(?P<link>-|–|to|and)\s*(?P<hi>{_N})[\s-]*(?P<uh>{_U}))?""",
    re.IGNORECASE | re.VERBOSE,
)
_HAS_UNIT = re.compile(r"mm|cm|met(?:er|re)", re.IGNORECASE)
VOLUME = re.compile(rf"(?<![\w.])({_N})\s*(?:mm\s?\^?[3³]|cubic\s+millimet(?:er|re)s?)", re.IGNORECASE)
SUBCENTIMETRE = re.compile(r"\bsub-?\s?centimet(?:er|re)s?(?:ic)?\b", re.IGNORECASE)
_MORE_PRIOR = (
    r"(?:\s+(?:measur\w+|sized?|of|at|approximately|about|an?|diameter|maximally|was|is|up|to|only|roughly"
    r"|image|exam\w*|ct|study|scan|value|the|largest|in|it|this|nodule|lesion|cyst|mass))*"
)
_PRIOR_BEFORE = re.compile(
    r"(?:previous(?:ly)?|formerly|prior(?:ly)?|original(?:ly)?|initial(?:ly)?|earlier|compar\w+\s+(?:to|with)|versus|\bvs\.?"
    r"|(?:increas\w+|decreas\w+|enlarg\w+|grown|changed|up|down|larger|smaller|unchanged|progress\w+|grew|shrunk)(?:\s+in\s+size)?\s+from"
    r"|had\s+(?:been|measured)|used\s+to\s+(?:be|measure)"
    r"|\bin\s+(?:19|20)\d\d|last\s+(?:year|exam\w*)|\bago|\(\s*(?:was|prior|from))" + _MORE_PRIOR + r"[\s:~(]*$",
    re.IGNORECASE,
)
_PRIOR_AFTER = re.compile(
    r"^\s*(?:in\s+(?:size|diameter)\s+)?(?:(?:previously|formerly|earlier|originally|initially|before)(?![\s,:]*(?:measur\w+\s*)?(?:\w+\s+){0,2}[\d.])"
    r"|prior\b(?!\s+to)(?![\s:]*\d)|on\s+(?:the\s+|her\s+|his\s+|an?\s+)?(?:most\s+recent\s+)?(?:prior|previous"
    r"|comparison|earlier|outside|last)\b"
    r"|on\s+\d{1,4}[/-]\d|in\s+(?:(?:19|20)\d\d|(?:january|february|march|april|may|june|july|august|september"
    r"|october|november|december))"
    r"|(?:\w+\s+){0,1}\w+\s+(?:months?|years?|weeks?)\s+(?:ago|earlier|prior)\b|at\s+(?:baseline|that\s+time)"
    r"|last\s+(?:year|exam\w*|month))",
    re.IGNORECASE,
)
_DISTANCE_AFTER = re.compile(
    r"^\s*(?:from|above|below|away|deep\s+to|beyond|(?:superior|inferior|lateral|medial|anterior|posterior"
    r"|distal|proximal|caudal|cephalad"
    r"|cranial|peripheral)\s+(?:to|of)|off\s+midline|apart)\b",
    re.IGNORECASE,
)
_SLICE_AFTER = re.compile(
    r"^[\s-]*(?:thick\s+)?(?:slices?|sections?|collimation|reconstructions?|increments?|cuts|images|axial\s+(?:images|slices))\b",
    re.IGNORECASE,
)
_SLICE_BEFORE = re.compile(r"(?:slice|section)\s+thickness\s*(?:of|is|was|:)?\s*$", re.IGNORECASE)
_DELTA_BEFORE = re.compile(
    r"(?:increas\w*|grown|growth|enlarg\w*|decreas\w*|chang\w*|shrunk|larger|smaller|differ\w*)(?:\s+in\s+(?:size"
    r"|diameter))?\s+(?:by|of)\s+(?:approximately\s+|about\s+)?$",
    re.IGNORECASE,
)
_DELTA_AFTER = re.compile(
    r"^\s*(?:of\s+)?(?:interval\s+)?(?:growth|increase|enlargement|larger|smaller|decrease|per\s+year)\b", re.IGNORECASE
)
_MEAN_BEFORE = re.compile(r"\b(?:mean|average)(?:\s+(?:diameter|size|measurement))?\s*(?:of|is|:|=|,)?\s*$", re.IGNORECASE)
_MEAN_AFTER = re.compile(r"^\s*(?:in\s+)?(?:mean|average)\b", re.IGNORECASE)

_NOT_MORE = r"\b(?:no|none|not|never|neither)\s+(?:(?:of\s+(?:which|them|these)\s+)?(?:is|are|measur\w+|being|individually)\s+)*$"

Kind = Literal["size", "mean", "delta"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One size in millimetres, longest first kept as dictated in `mm`. A range or bound has `bounds` as well."""

    mm: tuple[float, ...]
    start: int
    end: int
    prior: bool = False
    kind: Kind = "size"
    bounds: Between | None = None

    @property
    def longest(self) -> float:
        return max(self.mm)


def measures(text: str) -> list[Measure]:
    """The sizes in `text`, in order; distances, slice thicknesses and volumes are left out."""
    found: list[Measure] = []
    if not _HAS_UNIT.search(text):
        return found
    for match in MEASURE.finditer(text):
        found += _read(match, text)
    for match in SUBCENTIMETRE.finditer(text):
        if not any(measure.start < match.end() + 40 and measure.end > match.start() - 2 for measure in found):
            found.append(Measure((9.9,), match.start(), match.end(), bounds=Between(0, 10, high_open=True)))
    return sorted(found, key=lambda measure: measure.start)


def _read(match: re.Match[str], text: str) -> list[Measure]:
    units = [match["ua"], match["ub"], match["uc"], match["uh"]]
    last = next((unit for unit in reversed(units) if unit), None)
    if last is None:
        return []
    before, after = text[max(0, match.start() - 60) : match.start()], text[match.end() : match.end() + 60]
    if _DISTANCE_AFTER.match(after) or _SLICE_AFTER.match(after) or _SLICE_BEFORE.search(before):
        return []
    if (
        seen(r"(?:increas\w+|grew|grown|decreas\w+|enlarg\w+|progress\w+|changed|up|down)\W+$", before, re.IGNORECASE)
        and match["from"]
        and match["hi"]
    ):
        first = _mm(match["a"], match["ua"] or last)
        second = _mm(match["hi"], match["uh"] or last)
        return [
            Measure((first,), match.start("a"), match.end("a"), prior=True),
            Measure((second,), match.start("hi"), match.end()),
        ]
    if (match["link"] or "").lower() == "and" and not match["between"]:
        return [
            Measure((_mm(match["a"], match["ua"] or last),), match.start("a"), match.end("a")),
            Measure((_mm(match["hi"], match["uh"] or last),), match.start("hi"), match.end()),
        ]
    values = tuple(_mm(match[n], match["u" + n] or last) for n in "abc" if match[n])
    kind: Kind = "size"
    if _DELTA_BEFORE.search(before) or _DELTA_AFTER.match(after):
        kind = "delta"
    elif _MEAN_BEFORE.search(before) or _MEAN_AFTER.match(after):
        kind = "mean"
    bounds = _bounds(match, values, last, before, after)
    if match["hi"]:
        values = (_mm(match["hi"], match["uh"] or last),)
    lead = before + (match["from"] or "")
    said_now = seen(r"\b(?:now|currently|today)\W*$", lead, re.IGNORECASE) or opens(
        r"\s*(?:now|currently|today)\b", after, re.IGNORECASE
    )
    prior = not said_now and bool(_PRIOR_BEFORE.search(lead) or _PRIOR_AFTER.match(after))
    return [Measure(values, match.start("a"), match.end(), prior, kind, bounds)]


def _bounds(match: re.Match[str], values: tuple[float, ...], unit: str, before: str, after: str) -> Between | None:
    if match["hi"]:
        return Between(values[0], _mm(match["hi"], match["uh"] or unit))
    rel = (match["rel"] or "").lower()
    if not rel:
        return Between(0, values[0]) if opens(r"\s*or\s+(?:less|smaller|under|below)\b", after, re.IGNORECASE) else None
    inclusive = "equal" in rel or "=" in rel or "≤" in rel or "≥" in rel or "least" in rel
    below = opens(r"less|small|under|below|sub|<|≤", rel) is not None
    if not below and seen(_NOT_MORE, before, re.IGNORECASE):  # "none larger than 5 mm"
        return Between(0, values[0], high_open=inclusive)
    return Between(0, values[0], high_open=not inclusive) if below else Between(values[0], 1e9, low_open=not inclusive)


def _mm(number: str, unit: str) -> float:
    value = float(_NUMBER_WORDS.get(number.lower(), 0) or number)
    return round(value * 10, 4) if unit.lower().startswith("c") else value


# --- attenuation ------------------------------------------------------------------------------------------------------------

Phase = Literal["unenhanced", "enhanced", "delayed"]
HU = re.compile(
    r"(?P<rel>less\s+than|greater\s+than|more\s+than|below|above|under|over|<|>|≤|≥|<=|>=)?\s*(?P<sign>[-−–]"
    r"|minus\s+|negative\s+)?"
    r"(?<![\w.])(?P<a>\d+(?:\.\d+)?)\s*(?:(?P<link>-|–|to)\s*(?P<b>\d+(?:\.\d+)?))?\s*(?:HU\b|Hounsfield(?:\s+units?)?)",
    re.IGNORECASE,
)
_HU_BEFORE = re.compile(
    r"\b(?:HU|Hounsfield\s+units?)\s*(?:value\s*)?(?:of|is|=|:|measur\w+)?\s*(?P<sign>[-−–])?(?P<a>\d+(?:\.\d+)?)\b(?!\s*(?:mm"
    r"|cm|HU))",
    re.IGNORECASE,
)
_PHASES: tuple[tuple[Phase, re.Pattern[str]], ...] = (
    (
        "unenhanced",
        re.compile(
            r"unenhanced|non-?\s?contrast|pre-?\s?contrast|without\s+(?:iv\s+|intravenous\s+)?contrast|non-?enhanced"
            r"|\bplain\b|native|baseline",
            re.I,
        ),
    ),
    ("delayed", re.compile(r"delay\w*|15[\s-]*min\w*|washout\s+(?:phase|images)|10[\s-]*min\w*|excretory", re.I)),
    (
        "enhanced",
        re.compile(
            r"(?<!un)(?<!non-)(?<!non)(?<!non )(?:enhanced|enhancing\s+phase)|post-?\s?contrast|(?:portal|venous|arterial"
            r"|nephrographic|corticomedullary|parenchymal)|with\s+contrast|after\s+contrast|dynamic|60[\s-]*s",
            re.I,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Attenuation:
    """One attenuation; `phase` None where the words around the number do not say."""

    hu: float
    phase: Phase | None
    start: int
    bounds: Between | None = None


def attenuations(text: str) -> list[Attenuation]:
    """Every attenuation in `text` with the contrast phase nearest to it in the same clause."""
    found = []
    matches = list(HU.finditer(text))
    for index, match in enumerate(matches):
        value = float(match["a"]) * (-1 if match["sign"] else 1)
        bounds = None
        if match["b"]:
            bounds = Between(value, float(match["b"]))
        elif match["rel"]:
            low = opens(r"less|below|under|<|≤", match["rel"], re.I)
            bounds = Between(-1e9, value, high_open="=" not in match["rel"]) if low else Between(value, 1e9, low_open=True)
        left = matches[index - 1].end() if index else 0
        right = matches[index + 1].start() if index + 1 < len(matches) else len(text)
        before = parts(r"[,;.]\s|\band\b", text[left : match.start()])[-1]
        after = parts(r"[,;.](?:\s|$)|\band\b", text[match.end() : right])[0]
        found.append(Attenuation(value, _phase(after) or _phase(before), match.start(), bounds))
    if not found:
        found = [
            Attenuation(float(m["a"]) * (-1 if m["sign"] else 1), _phase(text), m.start()) for m in _HU_BEFORE.finditer(text)
        ]
    return found


def _phase(text: str) -> Phase | None:
    hits = [(match.start(), phase) for phase, pattern in _PHASES for match in pattern.finditer(text)]
    return min(hits)[1] if hits else None


# --- time -------------------------------------------------------------------------------------------------------------------

_SPAN = re.compile(
    rf"(?P<more>>|more\s+than\s+|over\s+(?!the)|at\s+least\s+|greater\s+than\s+|≥)?\s*(?P<n>{_N}|an?|a\s+couple\s+of|several)[\s-]*(?:\+\s*)?(?P<unit>months?|mos?\b|years?|yrs?\b|weeks?|days?)",
    re.IGNORECASE,
)


def months(text: str) -> Between | None:
    """The longest stretch of time named in `text`, in months; None where there is none or it is vague."""
    spans = []
    for match in _SPAN.finditer(text):
        if opens(r"[\s-]*old\b", text[match.end() : match.end() + 5], re.IGNORECASE):
            continue
        word = match["n"].lower()
        number = 1.0 if word in ("a", "an") else float(_NUMBER_WORDS.get(word, 0) or (word if opens(r"[\d.]", word) else 0))
        if not number:
            continue
        per = {"y": 12.0, "m": 1.0, "w": 12 / 52, "d": 12 / 365}[match["unit"][0].lower()]
        value = round(number * per, 2)
        spans.append(Between(value, 1e9, low_open=False) if match["more"] else Between(value, value))
    return max(spans, key=lambda span: span.low, default=None)
