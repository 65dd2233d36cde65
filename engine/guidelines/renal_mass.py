"""ACR incidental renal mass on CT 2018. The table is renal_mass.toml; here stands how attenuation and enhancement are read."""

from __future__ import annotations

import re

from engine.guidelines import bosniak
from engine.guidelines.answer import Answer, driving
from engine.guidelines.measures import Attenuation
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Between, Table, load

_R = re.I
_SYNDROME = (
    r"\bvon\s+hippel|\bVHL\b|\btuberous\s+sclerosis|\bTSC\b|\bbirt[\s-]*hogg|\bBHD\b|\bhereditary\s+(?:papillary|leiomyomatosis)"
    r"|\blynch\b|\bSDH\b|\bpolycystic\s+kidney|\bnephrectomy\b|\b(?:renal|kidney)\s+(?:cell\s+)?(?:cancer"
    r"|carcinoma)\b|\bRCC\b"
)
_INFECTION = r"\bpyelonephritis|\brenal\s+abscess|\burosepsis|\bpyonephrosis"
_TOO_SMALL = re.compile(r"\btoo\s+small\s+to\s+(?:\w+\s+)?characteri[sz]e|\bTSTC\b", _R)
_SIMPLE = re.compile(
    r"\bsimple(?:[\s-]*appearing)?\s+(?:\w+\s+){0,2}cysts?\b|\bbenign\s+(?:\w+\s+){0,2}cysts?\b|\bcysts?\b(?:[^.;]|\.\d){0,30}\b(?:water"
    r"|fluid)\s+(?:attenuation|density)|\b(?:water|fluid)\s+(?:attenuation|density)\s+cysts?|\bcysts?\b(?:[^.;]|\.\d){0,60}\bsimple\b",
    _R,
)
_FAT = re.compile(
    r"\bangiomyolipoma|\bAMLs?\b|\b(?:macroscopic|gross|bulk|intralesional|internal)\s+fat|\bfat[\s-]*(?:containing"
    r"|attenuation|density)|\bcontains?\s+(?:\w+\s+)?fat\b",
    _R,
)
_CALCIFIED = re.compile(r"\bcalcif\w+", _R)
_HETEROGENEOUS = re.compile(r"\bheterogen\w+|\binhomogen\w+|\bmixed\s+(?:attenuation|density)|\bcomplex\b", _R)
_HOMOGENEOUS = re.compile(r"\bhomogen(?:e)?ous\w*|\buniform\w*", _R)
_SOLID_ENHANCING = re.compile(
    r"\bsolid\b(?:[^.;]|\.\d){0,40}\benhanc\w+|\benhanc\w+\b(?:[^.;]|\.\d){0,40}\bsolid\b|\b(?:avidly|hyper|hetero\w+|definite\w*"
    r"|homogeneously|intensely)[\s-]*enhancing\s+(?:\w+\s+){0,3}(?:mass|lesion|nodule|tumou?r)|\benhancing\s+(?:\w+\s+){0,3}(?:renal\s+)?(?:mass"
    r"|tumou?r|neoplasm)\b|\bdefinite\s+enhancement|\bsuspicious\s+for\s+(?:RCC|renal\s+cell)",
    _R,
)
_NO_ENHANCEMENT = re.compile(
    r"\bnon-?\s?enhanc\w+|\b(?:no|without|lack\s+of|absent)\s+(?:\w+\s+){0,3}enhancement|\bdoes\s+not\s+enhance"
    r"|\bno\s+(?:\w+\s+)?contrast\s+enhancement",
    _R,
)
_EQUIVOCAL = re.compile(r"\b(?:equivocal|questionable|possible|indeterminate|borderline)\s+(?:\w+\s+)?enhancement", _R)
_RISE = re.compile(
    r"\b(?:enhanc\w+|increas\w+|rise[sn]?|rose|chang\w+)\b(?:[^.;]|\.\d){0,30}?\b(?:by|of)\s+(?:approximately\s+|about\s+)?(\d+(?:\.\d+)?)\s*(?:HU"
    r"|Hounsfield)",
    _R,
)


def advise(patient: Patient) -> Answer | None:
    table = load("renal_mass")
    if patient.modality not in ("CT", None):
        return None
    masses = [lesion for lesion in patient.lesions("kidney") if _is_mass(lesion) and not bosniak.describes(lesion)]
    if not masses or patient.is_child or patient.mentions(_SYNDROME) or patient.mentions(_INFECTION) or patient.cancer:
        return None
    if patient.modality is None and not any(mass.attenuations() or _FAT.search(mass.text) for mass in masses):
        return None
    return driving([answer for mass in masses if (answer := _mass(patient, table, mass)) is not None])


def _is_mass(lesion: Lesion) -> bool:
    return not seen(r"aneurysm|opacit|polyp|ground|(?<!hypo)densit", lesion.head.word) and not seen(
        r"\b(?:stone|calcul\w+|scar\w*)\b", lesion.own_text, _R
    )


def _mass(patient: Patient, table: Table, mass: Lesion) -> Answer | None:
    values = mass.attenuations()
    contrast = _contrast(patient, values)
    hu = _representative(values)
    kind = _kind(mass)
    if kind is None:
        return None
    enhancement = _enhancement(mass, values)
    if kind == "mass" and hu is None and enhancement == "unknown" and not mass.says(_HETEROGENEOUS):
        return table.ask(("attenuation",), mass.span)
    return table.decide(
        {
            "kind": kind,
            "size_mm": mass.longest(),
            "hu": hu,
            "contrast": contrast,
            "homogeneous": _homogeneous(mass, hu, enhancement),
            "enhancement": enhancement,
        },
        mass.span,
    )


def _kind(mass: Lesion) -> str | None:
    fat = mass.says(_FAT)
    if fat:
        return None if mass.says(_CALCIFIED) else "fat"
    if _TOO_SMALL.search(mass.text):
        return None if mass.says(_HETEROGENEOUS) else "too-small"
    if mass.says(_SIMPLE) and not mass.says(_HETEROGENEOUS) and not mass.says(_SOLID_ENHANCING):
        return "simple-cyst"
    return "mass"


def _representative(values: list[Attenuation]) -> float | Between | None:
    """The unenhanced attenuation where there is one, else the one given."""
    plain = [value for value in values if value.phase == "unenhanced"] or values
    if not plain:
        return None
    return plain[0].bounds or plain[0].hu


def _contrast(patient: Patient, values: list[Attenuation]) -> str | None:
    phases = {value.phase for value in values}
    if "unenhanced" in phases:
        return "without"
    if phases & {"enhanced", "delayed"}:
        return "with"
    return "without" if patient.contrast == "without" else "with" if patient.contrast == "with" else None


def _enhancement(mass: Lesion, values: list[Attenuation]) -> str:
    """`definite`, `equivocal`, `none` from the measured rise, else from words; `unknown` when nothing is said."""
    rise: float | None = None
    stated = _RISE.search(mass.text)
    plain = [value.hu for value in values if value.phase == "unenhanced"]
    after = [value.hu for value in values if value.phase in ("enhanced", "delayed")]
    between = seen(
        r"\benhanc\w*\s+(?:\w+\s+){0,2}from\s+(\d+(?:\.\d+)?)\s*(?:hu|hounsfield\s+units?)?\s+to\s+(\d+(?:\.\d+)?)\s*hu",
        mass.text,
    )
    if stated:
        rise = float(stated[1])
    elif between:
        rise = float(between[2]) - float(between[1])
    elif plain and after:
        rise = max(after) - plain[0]
    if rise is not None:
        return "definite" if rise >= 20 else "equivocal" if rise > 10 else "none"
    if mass.says(_EQUIVOCAL):
        return "equivocal"
    if _NO_ENHANCEMENT.search(mass.text):
        return "none"
    return "definite" if mass.says(_SOLID_ENHANCING) else "unknown"


def _homogeneous(mass: Lesion, hu: float | Between | None, enhancement: str) -> bool | None:
    if mass.says(_HETEROGENEOUS):
        return False
    if mass.says(_HOMOGENEOUS):
        return True
    top = hu.high if isinstance(hu, Between) else hu
    fluid = top is not None and top <= 20
    return True if fluid or enhancement == "none" or "cyst" in mass.text.lower() else None
