"""O-RADS US v2022, simplified. The table is o_rads_us.toml; here stands how composition, projections and spread are read."""

from __future__ import annotations

import re

from engine.guidelines.adnexal import menopause
from engine.guidelines.answer import Answer, driving
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Between, Table, load

_R = re.I
_SIMPLE = re.compile(r"\bsimple\b|\banechoic\b(?!(?:[^.;]|\.\d)*\b(?:sept|nodul|papill|solid))|\bfollicles?\b", _R)
_PAPILLARY = re.compile(r"\bpapillary\s+(?:projection|excrescence|nodul\w*)s?|\bpapillations?", _R)
_COUNT = re.compile(
    r"\b(\d+|one|two|three|four|five|six|a|single|multiple|several|numerous|many|few)\s+(?:(?!cm\b|mm\b|with\b|and\b)\w+\s+){0,3}papill",
    _R,
)
_SOLID_IRREGULAR = re.compile(r"\bsolid\b(?:[^.;]|\.\d){0,50}\birregular|\birregular\b(?:[^.;]|\.\d){0,50}\bsolid", _R)
_SPREAD = re.compile(
    r"\bascites\b|\bperitoneal\s+(?:nodul\w+|implants?|carcinomatosis|thickening)|\bomental\s+(?:cak\w+|nodul\w+)", _R
)
_OTHER = re.compile(
    r"\bdermoid|\bteratoma|\bendometrioma|\bh(?:a)?emorrhagic|\bhydrosalpinx|\bsept\w+|\bmulti-?\s?locul\w+"
    r"|\bbi-?\s?locul\w+|\bsolid\b|\bcomplex\b|\bcorpus\s+lute\w+|\binternal\s+echoes|\bdebris|\bground[\s-]*glass",
    _R,
)
_STATED = re.compile(r"\bO-?\s?RADS\b(?:\s*US)?\s*(?:v?\s?20\d\d)?[\s:,]*(?:category|score)?[\s:=-]*([1-5])\b", _R)
_EXCLUDED = (
    r"\bpregnan\w+|\bgravid\w*\b|\bg\d\s?p\d|\bIUP\b|\bh?-?hcg\b|\bectopic\b|\btorsion\b|\b(?:acute|severe|sudden)\b(?:[^.;]|\.\d){0,25}\bpain\b|\bpelvic\s+pain\b"
    r"|\bovarian\s+(?:cancer|carcinoma)|\bPID\b"
)
_NUMBERS = {"a": 1, "one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


def advise(patient: Patient) -> Answer | None:
    table = load("o_rads_us")
    if patient.modality != "US":
        return None
    masses = [lesion for lesion in patient.lesions("adnexa") if not seen(r"opacit|aneurysm|polyp|fibroid", lesion.head.word)]
    if not masses or patient.sex == "male" or patient.mentions(_EXCLUDED) or (patient.age is not None and patient.age < 12):
        return None
    return driving([answer for mass in masses if (answer := _mass(patient, table, mass)) is not None])


def _mass(patient: Patient, table: Table, mass: Lesion) -> Answer | None:
    papillary, count = _papillary(mass)
    stated = [
        match[1]
        for match in _STATED.finditer(mass.text)
        if not seen(r"(?:prior|previous\w*|was)\W+(?:\w+\W+){0,3}$", mass.text[: match.start()], _R)
    ]
    spread = bool(patient.document.says(_SPREAD)) and not seen(
        r"\btrace\s+(?:\w+\s+)?ascites|\bphysiologic", patient.findings, _R
    )
    if stated and stated[-1] != "2":
        return table.decide({"spread": False, "composition": f"dictated-{stated[-1]}"}, mass.span)
    composition: str | None = None
    if mass.says(_SOLID_IRREGULAR):
        composition = "solid-irregular"
    elif papillary:
        composition = "papillary"
    elif mass.says(_SIMPLE) and mass.says(_OTHER) is not True:
        composition = "simple"
    elif mass.says(_OTHER) and not spread:
        return None
    elif stated:
        composition = "simple"
    return table.decide(
        {
            "spread": spread,
            "composition": composition,
            "papillary": count,
            "size_mm": mass.longest(),
            "menopause": menopause(patient),
        },
        mass.span,
    )


def _papillary(mass: Lesion) -> tuple[bool, float | Between | None]:
    """Whether there are papillary projections and how many."""
    if not mass.says(_PAPILLARY):
        return False, None
    match = _COUNT.search(mass.text)
    if not match:
        return True, 1.0 if seen(r"\bpapillary\s+(?:projection|excrescence|nodule)\b", mass.text, _R) else None
    word = match[1].lower()
    return True, float(_NUMBERS.get(word, 0) or word) if word.isdigit() or word in _NUMBERS else None
