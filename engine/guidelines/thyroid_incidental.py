"""ACR incidental thyroid nodule 2015: CT, MRI and PET. The table is thyroid_incidental.toml; here stands how its facts are read."""

from __future__ import annotations

import re

from engine.guidelines.answer import Answer, driving
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Table, load

_LIMITED = (
    r"\blimited\s+life\s+expectancy|\bhospice|\bpalliative|\bserious\s+comorbid\w+|\bsignificant\s+comorbid\w+"
    r"|\bcomfort\s+care|\bterminal\b"
)
_INVASION = re.compile(r"\b(?:invad\w+|invasion|infiltrat\w+|extra-?thyroid\w*)\b", re.I)
_NODES = re.compile(
    r"\b(?:suspicious|abnormal|enlarged|pathologic\w*|necrotic|calcified|cystic|hyperenhancing|rounded)\s+(?:\w+\s+){0,3}(?:lymph\s*nodes?"
    r"|nodes?|lymphadenopathy|adenopathy)|\b(?:cervical|neck)\s+(?:lymph)?adenopathy|\blymph\s*nodes?\s+(?:are"
    r"|is|with)\s+(?:\w+\s+){0,2}(?:enlarged|suspicious|calcif\w+|cystic|necrotic|abnormal)",
    re.I,
)
_FOCAL = re.compile(
    r"\bfocal(?:ly)?\b(?:[^.]|\.\d){0,40}\b(?:uptake|avid\w*|hypermetabol\w+|activity)|\b(?:FDG|hypermetabolic|avid)\b(?:[^.]|\.\d){0,20}\bnodul"
    r"|\bnodule(?:[^.]|\.\d){0,60}\b(?:FDG[\s-]*avid|hypermetabol\w+|SUV\w*|FDG\s+uptake|increased\s+uptake)|\bFDG[\s-]*avid",
    re.I,
)
_DIFFUSE = re.compile(r"\bdiffuse(?:ly)?\b", re.I)


def advise(patient: Patient) -> Answer | None:
    table = load("thyroid_incidental")
    if patient.modality not in ("CT", "MR", "PET", None):
        return None
    nodules = patient.lesions("thyroid")
    if not nodules and patient.modality != "PET":
        return None
    if patient.is_child or patient.mentions(
        r"\b(?:thyroid|papillary|medullary|anaplastic)\s+(?:thyroid\s+)?(?:cancer|carcinoma|ca)\b|\b[PM]TC\b"
        r"|\bMEN\s?-?[12]?[ABab]?\b|\bmultiple\s+endocrine\s+neoplasia|\bthyroidectomy"
    ):
        return None
    if not nodules:
        return _uptake_alone(patient, table)
    if patient.modality is None:
        return table.ask(("modality",), nodules[0].span)
    return driving([answer for nodule in nodules if (answer := _nodule(patient, table, nodule)) is not None])


def _nodule(patient: Patient, table: Table, nodule: Lesion) -> Answer | None:
    suspicious = bool(nodule.says(_INVASION) or nodule.says(_NODES) or (patient.document.says(_NODES) and _near_neck(patient)))
    return table.decide(
        {
            "limited_life": patient.mentions(_LIMITED),
            "pet_focal": patient.modality == "PET" and bool(nodule.says(_FOCAL)) and not nodule.says(_DIFFUSE),
            "suspicious": suspicious,
            "age": patient.age,
            "size_mm": nodule.longest(),
        },
        nodule.span,
    )


def _near_neck(patient: Patient) -> bool:
    """The suspicious nodes are of the neck, not of the abdomen."""
    for match in _NODES.finditer(patient.findings):
        start = patient.findings.rfind(".", 0, match.start()) + 1
        end = patient.findings.find(".", match.end())
        sentence = patient.findings[start : end if end > 0 else len(patient.findings)]
        if seen(r"cervical|neck|jugul|level\s+(?:[IV]+|\d)|supraclav|central\s+compartment|adjacent|thyroid", sentence, re.I):
            return True
    return False


def _uptake_alone(patient: Patient, table: Table) -> Answer | None:
    """Focal uptake in the gland without a word for a nodule."""
    for start, end in patient.document.sentences:
        sentence = patient.document.masked[start:end]
        if (
            seen(r"\bthyroid\b", sentence, re.I)
            and _FOCAL.search(sentence)
            and not _DIFFUSE.search(sentence)
            and not seen(r"\bno\b|\bwithout\b", sentence, re.I)
        ):
            return table.decide({"limited_life": patient.mentions(_LIMITED), "pet_focal": True}, (start, end))
    return None
