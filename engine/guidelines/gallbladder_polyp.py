"""Gallbladder polyps, SRU 2022. The table is gallbladder_polyp.toml; here stands how size, stalk and growth are read."""

from __future__ import annotations

import math
import re

from engine.guidelines.answer import Answer, driving
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Between, Table, load

_POLYP = re.compile(r"\bpolyp(?:s|oid)?\b", re.I)
_THICK = re.compile(
    r"\bsessile|\bbroad[\s-]*bas\w+|\b(?:thick|wide)[\s-]*(?:\w+\s+)?(?:stalk|base|pedicle)\w*|\bdome[\s-]*shaped|\bflat\b", re.I
)
_THIN = re.compile(
    r"\b(?:thin|narrow|slender)[\s-]*(?:\w+\s+)?(?:stalk|pedicle|neck)\w*|\bball[\s-]*on[\s-]*(?:the\s+)?wall|\bpedunculated",
    re.I,
)
_INVASIVE = re.compile(
    r"\binvasi\w+|\bmalignan\w+|\bwall\s+thickening\s+adjacent|\bliver\s+invasion|\bgallbladder\s+(?:cancer|carcinoma)", re.I
)


def advise(patient: Patient) -> Answer | None:
    table = load("gallbladder_polyp")
    if patient.modality not in ("US", None) or not _POLYP.search(patient.findings) or patient.is_child:
        return None
    if patient.mentions(r"\bsclerosing\s+cholangitis|\bPSC\b|\bcholecystectomy\b|\bgallbladder\s+(?:cancer|carcinoma|ca)\b"):
        return None
    polyps = [
        lesion
        for lesion in patient.document.lesions
        if not lesion.negated
        and not lesion.resolved
        and _POLYP.search(lesion.own_text)
        and (lesion.organ == "gallbladder" or (lesion.organ is None and seen(r"gallbladder", patient.findings, re.I)))
    ]
    polyps = [polyp for polyp in polyps if not polyp.says(_INVASIVE)]
    return driving([answer for polyp in polyps if (answer := _polyp(table, polyp)) is not None])


def _polyp(table: Table, polyp: Lesion) -> Answer | None:
    size = polyp.longest()
    if isinstance(size, float):
        size = float(math.floor(size + 0.5))
    before = polyp.before()
    if before is not None and isinstance(size, float) and before - size >= 4:
        return None
    return table.decide({"rapid": _rapid(polyp, size, before), "size_mm": size, "morphology": _morphology(polyp)}, polyp.span)


def _morphology(polyp: Lesion) -> str | None:
    if polyp.says(_THICK):
        return "thick"
    return "thin" if polyp.says(_THIN) else None


def _rapid(polyp: Lesion, size: float | Between | None, before: float | None) -> bool | None:
    if before is None or not isinstance(size, float) or size - before < 4:
        return False
    period = polyp.stable_months()
    return None if period is None else period.high <= 12.5
