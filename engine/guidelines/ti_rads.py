"""ACR TI-RADS 2017: thyroid nodules on ultrasound. Points and rows stand in ti_rads.toml; here stands how features are read."""

from __future__ import annotations

import itertools
import re
import tomllib
from dataclasses import replace
from functools import cache

from engine.guidelines.answer import Answer, driving
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import compiled, seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import FOLDER, Table, load

_R = re.I
_CANNOT = (
    r"(?:cannot|can\s?not|could\s+not|unable\s+to)\s+(?:be\s+)?(?:\w+\s+)?(?:determin\w+|assess\w*|evaluat\w+"
    r"|classif\w+)|\bindeterminate\b|\bobscured\b"
)
#: feature -> value -> how it is said; the first value that is affirmed counts
_FEATURES: dict[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
    "composition": (
        ("undetermined", re.compile(rf"\bcomposition\b[^.]{{0,40}}(?:{_CANNOT})|(?:{_CANNOT})[^.]{{0,30}}\bcomposition", _R)),
        ("spongiform", re.compile(r"\bspongiform|\bhoneycomb", _R)),
        (
            "solid",
            re.compile(
                r"\b(?:almost|nearly|predominantly\s+and\s+almost)\s+(?:completely|entirely)\s+solid|\bcompletely\s+solid", _R
            ),
        ),
        (
            "cystic",
            re.compile(
                r"\b(?:almost|nearly|completely|entirely|purely|predominantly\s+simple)\s+(?:completely\s+|entirely\s+)?cystic"
                r"|\b(?:simple|colloid|pure)\s+(?:\w+\s+)?cysts?\b",
                _R,
            ),
        ),
        (
            "mixed",
            re.compile(
                r"\bmixed\b(?:[\s-]+(?:cystic|solid))?|\bsolid\s*(?:and|/|-)\s*(?:partially\s+)?cystic|\bcystic\s*(?:and"
                r"|/|-)\s*solid|\b(?:part(?:ly|ially)?|predominantly|mostly|mainly)[\s-]+(?:cystic|solid)|\bcystic\b(?:(?!\bno\b|\bwithout\b)[^.;]){0,40}\bsolid\s+(?:component"
                r"|portion|part)|\bcomplex\s+cystic",
                _R,
            ),
        ),
        ("solid", re.compile(r"\bsolid\b(?!\s*(?:component|portion|part\b))", _R)),
        ("cystic", re.compile(r"\bcystic\b|\bcysts?\b", _R)),
    ),
    "echogenicity": (
        ("undetermined", re.compile(rf"\bechogenicity\b[^.]{{0,40}}(?:{_CANNOT})|(?:{_CANNOT})[^.]{{0,30}}\bechogenicity", _R)),
        (
            "very-hypoechoic",
            re.compile(
                r"\b(?:very|markedly|marked|profoundly|severely)[\s-]*hypo-?\s?echo\w+|\bmore\s+hypoechoic\s+than\s+(?:the\s+)?(?:strap"
                r"|adjacent\s+neck|neck)\s+musc",
                _R,
            ),
        ),
        ("hypoechoic", re.compile(r"\bhypo-?\s?echo\w+", _R)),
        ("hyperechoic-or-isoechoic", re.compile(r"\b(?:hyper|iso)-?\s?echo\w+|\bechogenic\s+nodule", _R)),
        ("anechoic", re.compile(r"\banechoic", _R)),
    ),
    "shape": (
        (
            "taller-than-wide",
            re.compile(
                r"(?<!not )\btaller[\s-]+than[\s-]+(?:it\s+is\s+)?wide"
                r"|\b(?:ap|anteroposterior)\b[^.;]{0,25}\b(?:greater|larger|exceeds)\b",
                _R,
            ),
        ),
        (
            "wider-than-tall",
            re.compile(
                r"\bwider[\s-]+than[\s-]+(?:it\s+is\s+)?tall|\bnot\s+taller[\s-]+than[\s-]+wide|\bshape\s*[:=]?\s*(?:is\s+)?(?:wide"
                r"|oval|round|parallel|horizontal)|\b(?:parallel|horizontal)\s+orientation|\b(?:round|oval|ovoid)\b",
                _R,
            ),
        ),
    ),
    "margin": (
        ("undetermined", re.compile(rf"\bmargins?\b[^.]{{0,40}}(?:{_CANNOT})|(?:{_CANNOT})[^.]{{0,30}}\bmargins?", _R)),
        (
            "extrathyroidal",
            re.compile(
                r"\bextra-?\s?thyroid(?:al)?\s+(?:extension|spread|invasion)|\binvad\w+\s+(?:the\s+)?(?:strap|trachea|adjacent)",
                _R,
            ),
        ),
        ("lobulated-or-irregular", re.compile(r"\b(?:micro)?lobulat\w+|\birregular\b|\bspiculat\w+|\bjagged|\bangular", _R)),
        ("ill-defined", re.compile(r"\b(?:ill|poorly)[\s-]+(?:defined|marginated|circumscribed)|\bindistinct", _R)),
        (
            "smooth",
            re.compile(
                r"\bsmooth(?:ly)?\b|\bwell[\s-]+(?:defined|circumscribed|marginated)|\bcircumscribed\b|\bsharp\s+margin", _R
            ),
        ),
    ),
}
_FOCI = (
    ("punctate", re.compile(r"\bpunctate\b|\bmicro-?\s?calcif\w+|\bpsammoma\w*", _R)),
    ("rim", re.compile(r"\b(?:rim|peripheral|eggshell)\b[\s-]*(?:\w+\s+)?calcif\w+|\bcalcified\s+rim", _R)),
    ("macrocalcification", re.compile(r"\bmacro-?\s?calcif\w+|\b(?:coarse|dense|large)\s+(?:\w+\s+)?calcif\w+", _R)),
)
_COMET = re.compile(r"\bcomet[\s-]*tail", _R)
_NO_FOCI = re.compile(
    r"\b(?:no|without|absent|lacks?|free\s+of|absence\s+of|nor|or)\s+(?:any\s+|evidence\s+of\s+|suspicious\s+"
    r"|internal\s+|discrete\s+|associated\s+|definite\s+)*(?:punctate\s+)?(?:echogenic\s+foc(?:i|us)|(?:micro)?-?calcif\w+)"
    r"|\bechogenic\s+foci\s*[:=]?\s*(?:are\s+)?(?:none|absent|no\b|not)|\bfoci\s*[:=]\s*none|\bnon-?calcified"
    r"|\bcalcifications?\s*[:=]?\s*(?:are\s+)?(?:none|absent|not)",
    _R,
)
_SPONGE = re.compile(r"\bspongiform", _R)
_SIMPLE_CYST = re.compile(r"\b(?:simple|colloid)\s+(?:\w+\s+)?cysts?\b|\banechoic\s+(?:simple\s+)?cysts?\b", _R)
_STATED = re.compile(
    r"\b(?:TI-?\s?RADS|ACR\s+TI-?RADS)\b(?:\s*(?:category|level|score|classification|class|\(?TR\)?|is|of))*[\s:=-]*(?:TR-?\s?)?([1-5])"
    r"\b(?!\s*points?)|\bTR-?\s?([1-5])\b",
    _R,
)
_POINTS = re.compile(
    r"\b(\d{1,2})\s*(?:total\s+)?points?\b|\b(?:total|score|points?)\s*(?:of|is|:|=)\s*(\d{1,2})\s*(?:points?)?\b(?!\s*(?:mm"
    r"|cm))",
    _R,
)
_EXCLUDED = re.compile(
    r"\b(?:benign|bethesda\s+(?:ii|2)|negative)\s+(?:\w+\s+){0,3}(?:fna|biops\w+|cytolog\w+)|(?:fna|biops\w+"
    r"|cytolog\w+)\s+(?:\w+\s+){0,4}(?:benign|negative|bethesda)|\bpreviously\s+biops\w+|\bbiopsy[\s-]*proven"
    r"|\bradiofrequency|\bpost-?\s?(?:thyroidectomy|ablation)|\bthyroidectomy\s+bed|\bs/p\s+(?:\w+\s+)?thyroidectomy",
    _R,
)


@cache
def _points() -> dict[str, dict[str, int]]:
    points: dict[str, dict[str, int]] = tomllib.loads((FOLDER / "ti_rads.toml").read_text(encoding="utf-8"))["points"]
    return points


def advise(patient: Patient) -> Answer | None:
    table = load("ti_rads")
    if patient.modality != "US":
        return None
    nodules = [lesion for lesion in patient.lesions("thyroid") if not seen(r"opacit|aneurysm|hemangioma|foc", lesion.head.word)]
    if (
        not nodules
        or patient.is_child
        or patient.mentions(
            r"\b(?:thyroid|papillary|medullary|follicular)\s+(?:thyroid\s+)?(?:cancer|carcinoma|ca)\b|\b[PM]TC\b|\bpost[\s-]*(?:total\s+)?thyroidectomy|\b(?:s/p"
            r"|status\s+post)\s+(?:\w+\s+){0,2}thyroidectomy|\bMEN\s?2"
        )
    ):
        return None
    answers = [answer for nodule in nodules if (answer := _nodule(table, nodule)) is not None]
    return driving(answers)


def _nodule(table: Table, nodule: Lesion) -> Answer | None:
    if _EXCLUDED.search(nodule.text):
        return None
    size = nodule.longest()
    features = {name: _value(nodule, name) for name in _FEATURES} | {"foci": _foci(nodule)}
    solid = nodule.says(compiled(r"\bsolid\b", _R))
    is_cyst = (nodule.says(_SIMPLE_CYST) and solid is not True) or (features["composition"] == "cystic" and solid is False)
    if is_cyst or (_SPONGE.search(nodule.text) and nodule.says(_SPONGE)):
        return table.decide({"level": "TR1", "size_mm": size}, nodule.span)
    unknown = [name for name, value in features.items() if value is None]
    stated = _stated(nodule)
    if unknown and stated:
        return table.decide({"level": stated, "size_mm": size}, nodule.span)
    known = sum(points for name, value in features.items() if value is not None for points in (_score(name, value),))
    levels = _levels(known, unknown)
    answers = {level: table.decide({"level": level, "size_mm": size}, nodule.span) for level in levels}
    if len(levels) == 1:
        return answers[levels[0]]
    outcomes = {(a.action, a.interval_months) if a and not a.missing else a and a.missing for a in answers.values()}
    if len(outcomes) == 1 and all(a is not None and not a.missing for a in answers.values()):
        agreed = answers[levels[-1]]
        return None if agreed is None else replace(agreed, category=" or ".join(levels))
    missing = tuple(table.inputs[name] for name in unknown)
    return table.ask(missing + (("size",) if size is None else ()), nodule.span)


def _levels(known: int, unknown: list[str]) -> list[str]:
    """Every level the nodule may have, over all values of the features nobody described."""
    sums = {known + sum(way) for way in itertools.product(*(sorted(set(_points()[name].values())) for name in unknown))}
    return sorted({level(total) for total in sums})


def level(points: int) -> str:
    """0 TR1; 1-2 TR2; 3 TR3; 4-6 TR4; 7 or more TR5 (one point is reached by no full description, and is the benign side)."""
    return "TR1" if points == 0 else "TR2" if points <= 2 else "TR3" if points == 3 else "TR4" if points <= 6 else "TR5"


def _score(name: str, value: str) -> int:
    if name == "foci":
        return sum(_points()["foci"][one] for one in value.split("+"))
    return _points()[name][value]


def _value(nodule: Lesion, name: str) -> str | None:
    for value, pattern in _FEATURES[name]:
        if nodule.says(pattern):
            return value
    if name == "shape" and nodule.says(_FEATURES["shape"][0][1]) is False:
        return "wider-than-tall"
    return None


def _foci(nodule: Lesion) -> str | None:
    """All kinds of echogenic foci that are there, joined by `+`; `none` when denied or only comet-tails; None when not described."""
    present = [value for value, pattern in _FOCI if nodule.says(pattern)]
    if present:
        return "+".join(present)
    if nodule.says(compiled(r"\b(?:internal\s+)?calcif\w+", _R)) and not _NO_FOCI.search(nodule.text):
        return None
    if _NO_FOCI.search(nodule.text) or nodule.says(_COMET) is not None:
        return "none"
    return "none" if any(nodule.says(pattern) is False for _, pattern in _FOCI) else None


def _stated(nodule: Lesion) -> str | None:
    found = [
        match[1] or match[2]
        for match in _STATED.finditer(nodule.text)
        if not seen(r"(?:prior|previous\w*|formerly|was)\W+(?:\w+\W+){0,3}$", nodule.text[: match.start()], _R)
    ]
    return f"TR{found[-1]}" if found else None
