"""Fleischner 2017: incidental pulmonary nodules on CT. The table is fleischner.toml; here stands how its facts are read."""

from __future__ import annotations

import re

from engine.guidelines import lung
from engine.guidelines.answer import Answer
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Between, Facts, load

#: mm; what is larger is a mass, and its work-up decides about every nodule beside it
LARGEST_NODULE = 30

_ORDER = {"part-solid": 2, "ground-glass": 1, "solid": 0, None: -1}

#: words that say there are others beside this one
_OF_SEVERAL = re.compile(
    r"\b(?:largest|dominant)\b(?!\s+(?:\w+\s+)?(?:dimension|diameter|axis|measurement))|\bother\s+(?:\w+\s+){0,2}nodules|\bothers\b"
    r"|\b(?:second|another|third|additional)\s+(?:\w+\s+){0,4}(?:nodule|in|within)\b"
)
#: nodules of a diffuse process, which the table is not about
_DIFFUSE = re.compile(r"\btree-?\s?in-?\s?bud|\bmiliary|\bcentrilobular|\bperilymphatic|\binnumerable", re.I)


def advise(patient: Patient) -> Answer | None:
    table = load("fleischner")
    if patient.modality not in ("CT", "PET", None):
        return None
    nodules = [lesion for lesion in patient.lesions("lung") if _is_nodule(lesion)]
    if not nodules or not _applies(patient):
        return None
    suspicious = [nodule for nodule in nodules if not lung.is_benign(nodule)]
    if any(_millimetres(nodule) > LARGEST_NODULE for nodule in suspicious):
        return None
    if not suspicious:
        return table.decide({"benign": True}, nodules[0].span)
    several = len(suspicious) > 1 or suspicious[0].plural or any(nodule.says(_OF_SEVERAL) for nodule in suspicious)
    leading = max(suspicious, key=_suspicion)
    if len({lung.composition(nodule) for nodule in suspicious}) > 1 and len(suspicious) > 1 and not leading.current():
        leading = max(suspicious, key=_millimetres)
    return table.decide(_facts(patient, leading, several), leading.span)


def _applies(patient: Patient) -> bool:
    if patient.is_lung_screening or (patient.age is not None and patient.age < 35) or patient.is_child:
        return False
    return patient.cancer is not True and not patient.immunosuppressed


def _is_nodule(lesion: Lesion) -> bool:
    if not lung.NODULE.search(lesion.head.word):
        return False
    if seen(r"opacit|ground|ggo|densit|foc(?:us|i)|cyst", lesion.head.word, re.I):
        rounded = seen(r"nodul|solid", lesion.own_text, re.I)
        return (
            bool(lesion.current() or rounded) and not lung.NOT_A_NODULE.search(lesion.own_text) and "cyst" not in lesion.head.word
        )
    return not seen(r"metasta", lesion.own_text, re.I) and not _DIFFUSE.search(lesion.own_text)


def _millimetres(nodule: Lesion) -> float:
    size = lung.mean_size(nodule, nearest=True)
    return (size.low if isinstance(size, Between) else size) or 0.0


def _suspicion(nodule: Lesion) -> tuple[bool, bool, int, float]:
    """Which of several nodules drives: first those of 6 mm and more, of them the part-solid, then the larger."""
    size = _millimetres(nodule)
    return size >= 6, size > 8, _ORDER[lung.composition(nodule)], size


def _facts(patient: Patient, nodule: Lesion, several: bool) -> Facts:
    change = nodule.change
    grown = nodule.before()
    if (
        change == "growing"
        and grown is not None
        and nodule.current()
        and 0 <= max(size.longest for size in nodule.current()) - grown < 2
    ):
        change = "stable"  # under 2 mm is measurement error, says the publication
    return {
        "benign": False,
        "partial": patient.is_partial_chest,
        "count": "multiple" if several else "single",
        "composition": lung.composition(nodule),
        "size_mm": lung.mean_size(nodule, nearest=True),
        "risk": patient.lung_risk,
        "change": change if change in ("growing", "stable", "smaller") else "baseline",
        "stable_months": nodule.stable_months(),
    }
