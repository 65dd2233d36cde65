"""ACR incidental adrenal mass 2017. The table is adrenal.toml; here stands how benign features, washout and change are read."""

from __future__ import annotations

import re

from engine.guidelines.answer import Answer, driving
from engine.guidelines.patient import Patient
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Table, load

_R = re.I
_BENIGN = re.compile(
    r"\bmyelolipoma|\bmacroscopic\s+fat|\b(?:gross|bulk|intralesional)\s+fat|\bfat[\s-]*containing|\blipid[\s-]*rich"
    r"|\b(?:signal\s+(?:loss|drop(?:[\s-]*out)?)|loss\s+of\s+signal|drop\s+in\s+signal|drops?\s+(?:in\s+)?signal)\b[^.;]{0,60}(?:opposed"
    r"|out[\s-]of)[\s-]*phase|(?:opposed|out[\s-]of)[\s-]*phase\b[^.;]{0,60}(?:signal\s+(?:loss|drop)|loss\s+of\s+signal"
    r"|drop)|\bsimple\s+cyst|\badrenal\s+cyst|\bh(?:a)?emorrhag\w+|\bh(?:a)?ematoma|\bold\s+(?:granulomatous"
    r"|calcif)|\bdensely\s+calcified|\bbenign\s+(?:\w+\s+)?adenoma|\b(?:typical|diagnostic|characteristic)\s+(?:of\s+)?(?:an?\s+)?(?:\w+[\s-]+)?adenoma",
    _R,
)
_NO_LOSS = re.compile(
    r"\b(?:no|without|lack\s+of|absent|absence\s+of)\s+(?:\w+\s+){0,3}(?:signal\s+(?:loss|drop)|loss\s+of\s+signal|drop)", _R
)
_FUNCTIONING = (
    r"\bpha?eo(?:chromocytoma)?s?\b|\bcushing\w*|\bconn'?s?\b|\bhyper-?aldosteron\w+|\bhypercortisol\w+"
    r"|\bmetanephrine\w*|\bcatecholamine\w*|\bvirili[sz]\w+|(?<!non-)(?<!non)\bfunctioning\b|\bprimary\s+aldosteronism"
    r"|\b(?:refractory|resistant|secondary)\s+hypertension|\b(?:raised|elevated|high)\s+cortisol|\bMEN\s?-?[12]|\bVHL\b"
)
_WASHOUT = re.compile(
    r"\b(?P<kind>absolute|relative)\b(?:\s+(?:percent(?:age)?|enhancement|contrast))*\s+wash-?\s?out\s*(?:percentage"
    r"|value|rate)?\s*(?:of|is|was|=|:|measur\w+|calculated\s+(?:at|as))?\s*(?:approximately\s+|about\s+)?(?P<value>\d+(?:\.\d+)?)\s*(?:%"
    r"|percent)|(?P<value2>\d+(?:\.\d+)?)\s*(?:%|percent)\s+(?P<kind2>absolute|relative)\s+(?:\w+\s+)?wash-?\s?out",
    _R,
)
_LESION = re.compile(r"nodul|mass|lesion|adenoma|lipoma|cyst|tumou?r|incidentaloma|neoplasm|carcinoma|foc|metasta", _R)


def advise(patient: Patient) -> Answer | None:
    table = load("adrenal")
    masses = [lesion for lesion in patient.lesions("adrenal") if _LESION.search(lesion.head.word)]
    if not masses or patient.is_child or patient.mentions(_FUNCTIONING, even_sought=True) or patient.modality in ("XR", "MG"):
        return None
    return driving([answer for mass in masses if (answer := _mass(patient, table, mass)) is not None])


def _mass(patient: Patient, table: Table, mass: Lesion) -> Answer | None:
    change = mass.change
    stable: bool | None = False
    if change == "stable":
        period = mass.stable_months()
        stable = None if period is None else period.low >= 12
        if stable is False:
            return None  # unchanged for less than a year: the chart has no row between
    washout = _washout(mass)
    return table.decide(
        {
            "benign": _is_benign(mass) or washout is True,
            "size_mm": mass.longest(),
            "cancer": patient.cancer,
            "stable": stable,
            "changed": change in ("growing", "new"),
            "washout_done": washout is not None,
        },
        mass.span,
    )


def _is_benign(mass: Lesion) -> bool:
    if mass.says(_BENIGN) and not _NO_LOSS.search(mass.text):
        return True
    for value in mass.attenuations():
        top = value.hu if value.bounds is None else value.bounds.high
        if top <= 10 and value.phase != "delayed":
            return True
    return False


def _washout(mass: Lesion) -> bool | None:
    """Whether washout is that of an adenoma, stated or computed; None when it was not measured."""
    stated = [
        (match["kind"] or match["kind2"], float(match["value"] or match["value2"])) for match in _WASHOUT.finditer(mass.text)
    ]
    if stated:
        return any(value >= (60 if kind.lower() == "absolute" else 40) for kind, value in stated)
    by_phase = {value.phase: value.hu for value in mass.attenuations() if value.phase}
    enhanced, delayed, plain = by_phase.get("enhanced"), by_phase.get("delayed"), by_phase.get("unenhanced")
    if enhanced is None or delayed is None or enhanced <= 0:
        return None
    if plain is not None and enhanced > plain:
        return (enhanced - delayed) / (enhanced - plain) >= 0.6
    return (enhanced - delayed) / enhanced >= 0.4
