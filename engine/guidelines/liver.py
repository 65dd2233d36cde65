"""ACR incidental liver lesion on CT 2017. The table is liver.toml; here stands how features and risk are read."""

from __future__ import annotations

import re

from engine.guidelines import li_rads
from engine.guidelines.answer import Answer, driving
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Between, Table, load

_R = re.I
_BENIGN = re.compile(
    r"\b(?:simple|simple-appearing|benign)\s+(?:\w+\s+){0,2}cysts?\b|\bh(?:a)?emangioma\w*|\bFNH\b|\bfocal\s+nodular\s+hyperplasia"
    r"|\bfocal\s+fat\w*|\bfatty\s+sparing|\bfocal\s+sparing|\bperfusion\w*\s+(?:anomal|alterat|abnormal)\w*"
    r"|\bbiliary\s+hamartoma|\b(?:water|fluid)[\s-]+(?:attenuation|density)|\bperipheral\s+(?:discontinuous\s+)?nodular\s+(?:discontinuous\s+)?enhancement"
    r"|\bcentripetal|\bbenign\b|\bsimple\s+(?:hepatic\s+)?cysts?",
    _R,
)
#: what a cyst is called that is more than a cyst
_COMPLEX = re.compile(
    r"\bcompl(?:ex|icated)|\bsept\w+|\bmultilocul\w+|\bhydatid|\bechinococc\w+|\bnodul\w+|\bh(?:a)?emorrhag\w+|\bindeterminate|\bwall\b"
    r"|\benhanc\w+|\bcystadeno\w+|\bcystic\b",
    _R,
)
_SUSPICIOUS = re.compile(
    r"\b(?:ill|poorly)[\s-]+(?:defined|marginated|circumscribed)|\bindistinct|\birregular\b|\bheterogen\w+"
    r"|\bthick(?:ened)?\s+(?:\w+\s+)?sept\w+|\bmural\s+(?:nodul\w+|thicken\w+)|\bnodular\s+(?:wall|septa)|\bsolid\b"
    r"|\brim[\s-]*(?:like\s+)?enhanc\w+|\bnecro\w+|\bwash-?\s?out\b|\bsuspicious\b|\bhypo-?\s?enhancing\b|\btargetoid"
    r"|\binfiltrat\w+|\bgrow(?:n|ing|th)\b|\benlarg\w+",
    _R,
)
_FLASH = re.compile(
    r"\bflash[\s-]*(?:fill\w*)?|\b(?:homogeneous(?:ly)?|uniform(?:ly)?|avid(?:ly)?|intense(?:ly)?)\s+(?:\w+\s+){0,2}(?:arterial"
    r"|hyper-?\s?enhanc\w+|early)|\barterial(?:ly)?[\s-]+(?:phase\s+)?hyper-?\s?enhanc\w+|\bhyper-?\s?(?:enhanc\w+"
    r"|vascular)\b",
    _R,
)
_RISK = (
    r"\bcirrho(?:sis|tic)\b|\bhepatitis\b|\bhbv\b|\bhcv\b|\bNASH\b|\bsteatohepatitis|\bsclerosing\s+cholangitis"
    r"|\bh(?:a)?emochromatosis|\bchronic\s+liver\s+disease|\banabolic\s+steroid|\balcoholi\w*\s+liver|\babnormal\s+(?:liver\s+function"
    r"|LFT)|\boral\s+contracept\w+\s+use"
)


def advise(patient: Patient) -> Answer | None:
    table = load("liver")
    if patient.modality not in ("CT", None):
        return None
    lesions = [lesion for lesion in patient.lesions("liver") if not seen(r"opacit|polyp|aneurysm|ground", lesion.head.word)]
    if not lesions or patient.is_child or li_rads.speaks(patient):
        return None
    if patient.modality is None and not seen(r"\bCT\b|attenuat|dens|enhanc|\bHU\b", patient.findings, _R):
        return None
    lesions = [
        lesion
        for lesion in lesions
        if not seen(r"\b(?:ablat|treated|abscess|metasta|h(?:a)?ematoma|laceration|biops\w+[\s-]*proven)", lesion.text, _R)
    ]
    return driving([answer for lesion in lesions if (answer := _lesion(patient, table, lesion)) is not None])


def _lesion(patient: Patient, table: Table, lesion: Lesion) -> Answer | None:
    size = lesion.longest()
    features = _features(lesion)
    if size is None and features != "benign":
        return table.ask(("size",), lesion.span)
    if features is None and (size.high if isinstance(size, Between) else size or 0.0) <= 10 and size != 10.0:
        features = "unspecific"  # under 1 cm only a benign look would matter
    return table.decide({"features": features, "size_mm": size, "risk": _risk(patient)}, lesion.span)


def _features(lesion: Lesion) -> str | None:
    """`benign`, `suspicious` or `flash`; None when the words do not place it."""
    suspicious = lesion.says(_SUSPICIOUS)
    if lesion.says(_BENIGN) and not suspicious:
        return "benign"
    values = [one for one in lesion.attenuations() if one.phase != "delayed"]
    if (
        values
        and max(one.hu for one in values) <= 20
        and not suspicious
        and all(one.bounds is None or one.bounds.high <= 20 for one in values)
    ):
        return "benign"
    if suspicious:
        return "suspicious"
    if not values and seen(r"\bcysts?\Z", lesion.head.word, _R) and not lesion.says(_COMPLEX):
        return "benign"  # who calls it a cyst has judged it
    return "flash" if lesion.says(_FLASH) else None


def _risk(patient: Patient) -> str | None:
    if patient.given_risk in ("low", "high"):
        return patient.given_risk
    if patient.cancer or patient.said(_RISK):
        return "high"
    text = patient.everything
    if seen(
        r"\blow[\s-]+risk\b|\bno\s+(?:known\s+|hepatic\s+|other\s+)?risk\s+factors?\b|\botherwise\s+healthy\b|\bpreviously\s+healthy\b",
        text,
        _R,
    ):
        return "low"
    return (
        "low"
        if patient.cancer is False
        and (
            patient.said(_RISK) is False
            or seen(r"\b(?:or|and|no)\s+(?:known\s+)?(?:chronic\s+)?(?:liver|hepatic)\s+(?:disease|dysfunction)", text, _R)
        )
        else None
    )
