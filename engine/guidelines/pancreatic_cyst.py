"""ACR incidental pancreatic cyst 2017. The table is pancreatic_cyst.toml; here stands how its facts are read."""

from __future__ import annotations

import re

from engine.guidelines.answer import Answer, driving
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import compiled, seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Between, Fact, Table, load

_R = re.I
_CYSTIC = re.compile(r"\bcyst\w*|\bIPMNs?\b|\bintraductal\s+papillary|\bside[\s-]*branch|\bcystadenoma", _R)
_MURAL = re.compile(
    r"\b(?:mural|enhancing|solid)\s+(?:\w+\s+)?nodul\w*|\bmural\s+nodularity|\b(?:wall|mural)\s+thicken\w*"
    r"|\bthick(?:ened)?[\s-]*(?:\w+\s+)?wall\w*|\bthick-?\s?walled",
    _R,
)
_SOLID = re.compile(
    r"\b(?:enhancing\s+)?solid\s+(?:component|portion|part|element)|\benhancing\s+(?:soft\s+tissue|mural\s+nodule|nodule)", _R
)
_JAUNDICE = r"\bjaundice\w*|\bobstructive\s+jaundice|\bhyperbilirubin\w+"
_SYMPTOMS = (
    r"\bpancreatitis\b|\bsymptomatic\b|\bepigastric\b|\b(?:abdominal|upper\s+quadrant|back)\s+pain\b|\bsteatorrh\w+"
    r"|\bweight\s+loss\b|\bnew[\s-]*onset\s+diabetes"
)
_COMMUNICATION = re.compile(r"\bcommunicat\w+|\bside[\s-]*branch|\bbranch[\s-]*duct\b|\bBD-?IPMN", _R)
_NO_COMMUNICATION = re.compile(
    r"\bcommunicat\w+\s+(?:\w+\s+){0,6}(?:not|uncertain|unclear|indeterminate|cannot)|\b(?:no|without|not)\s+(?:\w+\s+){0,4}communicat\w+"
    r"|\bnon-?\s?communicat\w+",
    _R,
)
_DUCT = re.compile(r"\b(?:main\s+)?(?:pancreatic\s+)?duct\b|\bMPD\b|\bwirsung", _R)
_DUCT_SIZE = re.compile(
    r"(?:\bmain\s+(?:pancreatic\s+)?duct|\bpancreatic\s+duct|\bMPD|\bduct\s+of\s+wirsung|\bdorsal\s+duct"
    r"|(?<!bile )(?<!hepatic )(?<!cystic )(?<!main )\bduct\s+(?:is\s+|of\s+|measur\w+\s+|dilated\s+)*(?=\d))(?:[^.;]|\.\d){0,60}?(\d+(?:\.\d+)?)"
    r"[\s-]*(mm|cm|[cm](?:illi|enti)met(?:er|re)s?)\b|(\d+(?:\.\d+)?)[\s-]*(mm|cm|[cm](?:illi|enti)met(?:er|re)s?)\s+(?:\w+\s+){0,2}(?:main\s+pancreatic\s+duct|pancreatic\s+duct"
    r"|main\s+duct|MPD)",
    _R,
)


def advise(patient: Patient) -> Answer | None:
    table = load("pancreatic_cyst")
    if patient.modality not in ("CT", "MR", None):
        return None
    cysts = [lesion for lesion in patient.lesions("pancreas") if _CYSTIC.search(lesion.own_text) or _CYSTIC.search(lesion.text)]
    if (
        not cysts
        or patient.is_child
        or patient.mentions(
            r"\bpancreatic\s+(?:adeno)?(?:cancer|carcinoma|malignancy)|\bwhipple\b|\bpancreatectomy|\bpseudocyst|\bwalled[\s-]*off"
            r"|\bnecroti[sz]ing"
        )
    ):
        return None
    if seen(r"\bpseudocyst|\bwalled[\s-]*off|\bacute\s+pancreatitis", patient.findings, _R) and patient.mentions(
        r"\bpseudocyst|\bwalled[\s-]*off|\bacute\s+pancreatitis"
    ):
        return None
    if Patient("", patient.indication).mentions(_SYMPTOMS) and not patient.mentions(_JAUNDICE):
        return None
    return driving([answer for cyst in cysts if (answer := _cyst(patient, table, cyst)) is not None])


def _cyst(patient: Patient, table: Table, cyst: Lesion) -> Answer | None:
    size = cyst.longest()
    facts: dict[str, Fact] = {
        "worrisome": _worrisome(patient, cyst),
        "serous": bool(cyst.says(compiled(r"\bserous\s+(?:micro\w+\s+)?cystadenoma", _R), hedges=False))
        and not seen(r"\b(?:possibl|probabl|suspect|versus|vs\b|may\b|likely)", cyst.text, _R),
        "grown": _grown(cyst, size),
        "size_mm": size,
        "age": patient.age,
        "communication": bool(cyst.says(_COMMUNICATION, hedges=False)) and not _NO_COMMUNICATION.search(cyst.text),
    }
    return table.decide(facts, cyst.span)


def _worrisome(patient: Patient, cyst: Lesion) -> str:
    duct = _duct(patient)
    if duct >= 10 or cyst.says(_SOLID) or patient.mentions(_JAUNDICE):
        return "high"
    thick = [part.measure.longest for part in cyst.parts if part.noun is not None and "wall" in part.noun.word]
    if duct >= 7 or cyst.says(_MURAL) or any(wall >= 3 for wall in thick):
        return "yes"
    return "no"


def _duct(patient: Patient) -> float:
    """Calibre of the main pancreatic duct in mm, 0 when none is given."""
    widths = []
    for match in _DUCT_SIZE.finditer(patient.document.masked):
        value, unit = (match[1], match[2]) if match[1] else (match[3], match[4])
        lead = match[0].lower()
        if match[1] and (seen(r"\bcyst|lesion|ipmn|normal|communicat", lead) and not seen(r"measur|dilat|calib|is\s|of\s", lead)):
            continue
        if seen(r"communicat|away|from|previously|was", lead):
            continue
        widths.append(float(value) * (10 if unit.lower().startswith("c") else 1))
    return max(widths, default=0.0)


def _grown(cyst: Lesion, size: float | Between | None) -> bool:
    """Past the growth threshold of its size."""
    before = cyst.before()
    if before is None or not isinstance(size, float) or before <= 0:
        return False
    growth = (size - before) / before
    return growth >= (1.0 if before < 5 else 0.5 if before < 15 else 0.2)
