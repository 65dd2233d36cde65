"""ACR incidental adnexal mass on CT and MRI 2020. The table is adnexal.toml; here stands how its facts are read."""

from __future__ import annotations

import re

from engine.guidelines.answer import Answer, driving
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Table, load

_R = re.I
_SIMPLE = re.compile(
    r"\bsimple(?:[\s-]*appearing)?\b|\bunilocular\b|\bthin-?\s?walled|\b(?:water|fluid)[\s-]+(?:attenuation"
    r"|density|signal)|\bhomogeneous\s+(?:fluid|cyst)",
    _R,
)
_NOT_SIMPLE = re.compile(
    r"\b(?:solid|complex|septat\w+|multi-?\s?locul\w+|nodul\w+|papillary|thick(?:ened)?[\s-]*(?:wall|sept)\w*"
    r"|enhancing\s+(?:\w+\s+)?(?:component|nodule|mass|septa)|heterogeneous|mural)\b",
    _R,
)
_CHARACTERISED = re.compile(
    r"\bdermoid|\bteratoma|\bendometrioma|\bfibroma\b|\bfibroids?\b|\bhydrosalpinx|\bperitoneal\s+inclusion"
    r"|\bfat[\s-]*containing|\bh(?:a)?emorrhagic\s+cyst",
    _R,
)
_NORMAL = re.compile(r"\bcorpus\s+lute(?:um|al)|\bphysiologic\b|\bfollicles?\b|\bfollicular\s+cysts?", _R)
_EXCLUDED = (
    r"\bpregnan\w+|\bgravid\w*\b|\bg\d\s?p\d|\bIUP\b|\bh?-?hcg\b|\bbrca-?[12]?\b|\blynch\b|\bhigh[\s-]*risk\s+(?:for|of)\s+ovarian|\bovarian\s+(?:ca\b|cancer"
    r"|carcinoma)|\bpremenarch\w+|\btorsion\b|\bpelvic\s+pain\b|\badnexal\s+pain|\bectopic\b|\bPID\b|\btubo-?ovarian\s+abscess"
)


def menopause(patient: Patient) -> str | None:
    """`pre` or `post`, as told, else by age (under or over 50)."""
    if seen(r"\bpost-?\s?menopaus\w+", patient.everything, _R):
        return "post"
    if seen(r"\b(?:pre|peri)-?\s?menopaus\w+|\breproductive\s+age|\bmenstruating|\bLMP\b", patient.everything, _R):
        return "pre"
    if patient.age is None or patient.age == 50:
        return None
    return "pre" if patient.age < 50 else "post"


def advise(patient: Patient) -> Answer | None:
    table = load("adnexal")
    if patient.modality not in ("CT", "MR", "PET", None):
        return None
    masses = [
        lesion for lesion in patient.lesions("adnexa") if not seen(r"opacit|aneurysm|densit|ground|polyp", lesion.head.word)
    ]
    if not masses or patient.sex == "male" or patient.mentions(_EXCLUDED) or (patient.age is not None and patient.age < 12):
        return None
    if patient.modality is None:
        return table.ask(("modality",), masses[0].span)
    return driving([answer for mass in masses if (answer := _mass(patient, table, mass)) is not None])


def _mass(patient: Patient, table: Table, mass: Lesion) -> Answer | None:
    if mass.says(_NORMAL):
        return table.decide({"kind": "normal"}, mass.span)
    if mass.says(_CHARACTERISED):
        return None
    stable: bool | None = False
    if mass.change == "stable":
        period = mass.stable_months()
        stable = None if period is None else period.low >= 24
    is_cyst = bool(seen(r"\bcyst\w*", mass.text, _R))
    complex_ = mass.says(_NOT_SIMPLE)
    simple = False if complex_ else True if mass.says(_SIMPLE) else None
    return table.decide(
        {
            "kind": "cyst" if is_cyst or simple else "mass",
            "simple": simple,
            "stable": stable,
            "size_mm": mass.longest(),
            "menopause": menopause(patient),
            "assessment": _assessment(patient, mass),
        },
        mass.span,
    )


def _assessment(patient: Patient, mass: Lesion) -> str | None:
    """How well it was seen: `limited`, `adequate` or `full`."""
    text = patient.everything
    if seen(
        r"\b(?:limited|incomplete(?:ly)?|partial(?:ly)?)\s+(?:by|evaluat\w+|assess\w+|characteri\w+|visuali\w+"
        r"|imag\w+|due)|\bstreak\s+artifact|\blow\s+signal[\s-]*to[\s-]*noise|\bmotion\s+(?:artifact|degrad)",
        text,
        _R,
    ):
        return "limited"
    if seen(r"\bnot\s+fully\s+characteri[sz]ed", mass.text, _R):
        return "adequate" if patient.contrast in ("with", "both") else "limited" if patient.contrast == "without" else None
    if seen(r"\bfully\s+characteri[sz]ed", mass.text, _R) and patient.modality == "MR":
        return "full"
    if patient.contrast == "without":
        return "limited"
    if patient.contrast is None:
        return None
    return "full" if patient.modality == "MR" and patient.contrast == "both" else "adequate"
