"""ACR incidental splenic lesion 2013. The table is spleen.toml; here stands how its facts are read."""

from __future__ import annotations

import re

from engine.guidelines.answer import Answer, driving
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import compiled, seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Table, load

_R = re.I
_BENIGN = re.compile(
    r"\b(?:simple|benign|epidermoid|epithelial)\s+(?:\w+\s+)?cysts?|\bsplenic\s+cysts?\b|\bcysts?\b|\b(?:water"
    r"|fluid)[\s-]+(?:attenuation|density|signal)|\bh(?:a)?emangioma|\bcalcified\s+granuloma|\bgranulomas?\b"
    r"|\bimperceptible\s+wall",
    _R,
)
_SUSPICIOUS = re.compile(r"\birregular\b|\bill[\s-]+defined|\bnecro\w+|\binva(?:d\w+|sion)|\binfiltrat\w+|\bsuspicious", _R)
_INDETERMINATE = re.compile(r"\bindeterminate\b|\benhanc\w+|\bheterogen\w+|\bsolid\b|\bnon-?\s?specific", _R)
_NO_ENHANCEMENT = re.compile(r"\bnon-?\s?enhanc\w+|\bunenhancing", _R)
_INJURED = re.compile(r"\b(?:spleen|splenic)\b(?:[^.]|\.\d)*\b(?:laceration|infarct|abscess|rupture|h(?:a)?ematoma)", _R)


def advise(patient: Patient) -> Answer | None:
    table = load("spleen")
    if patient.modality not in ("CT", "MR", "PET", None):
        return None
    lesions = [
        lesion for lesion in patient.lesions("spleen") if not seen(r"aneurysm|opacit|pseudocyst|splenule", lesion.own_text, _R)
    ]
    if not lesions or patient.is_child or _INJURED.search(patient.findings):
        return None
    return driving([answer for lesion in lesions if (answer := _lesion(patient, table, lesion)) is not None])


def _lesion(patient: Patient, table: Table, lesion: Lesion) -> Answer | None:
    change = lesion.change
    stable: bool | None = False
    if change == "stable":
        period = lesion.stable_months()
        stable = None if period is None else period.low >= 12
        if stable is False:
            return None  # unchanged for less than a year: the chart has no row between
    changed = change in ("growing", "new")
    return table.decide(
        {
            "features": _features(lesion) or ("unspecific" if changed else None),
            "stable": stable,
            "changed": changed,
            "cancer": patient.cancer,
            "size_mm": lesion.longest(),
        },
        lesion.span,
    )


def _features(lesion: Lesion) -> str | None:
    suspicious = lesion.says(_SUSPICIOUS)
    values = [one.hu if one.bounds is None else one.bounds.high for one in lesion.attenuations()]
    enhancing = lesion.says(compiled(r"\benhanc\w+", _R)) and not _NO_ENHANCEMENT.search(lesion.text)
    if suspicious:
        return "suspicious"
    if lesion.says(_BENIGN) and not enhancing and not (values and max(values) > 20):
        return "benign"
    if values and max(values) < 20 and not enhancing:
        return "benign"
    if (values and max(values) >= 20) or enhancing or lesion.says(_INDETERMINATE):
        return "indeterminate"
    return None
