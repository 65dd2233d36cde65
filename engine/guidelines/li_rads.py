"""LI-RADS v2018 for CT and MRI. The table is li_rads.toml; here stands how risk, major features and dictated categories are read."""

from __future__ import annotations

import re
from dataclasses import replace

from engine.guidelines.answer import Answer
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Table, load

_R = re.I
AT_RISK = (
    r"\bcirrho(?:sis|tic)\b|\bchronic\s+(?:hepatitis\s+b|hbv)|\bhep(?:atitis)?[\s-]*b\b|\bhbv\b|\bESLD\b|\bend[\s-]stage\s+liver|\bchild[\s-]*pugh|\bhcc\b|\bhepatocellular\s+carcinoma"
    r"|\bhepatoma"
)
_EXCLUDED = (
    r"\bbudd[\s-]*chiari|\bcongenital\s+hepatic\s+fibrosis|\bvascular\s+(?:liver\s+)?disorder|\bhereditary\s+h(?:a)?emorrhagic\s+telangiectasia"
    r"|\bosler[\s-]*weber|\bnodular\s+regenerative\s+hyperplasia|\bHHT\b|\bfontan\b|\bcardiac\s+cirrhosis|\bcongestive\s+hepatopathy"
    r"|\bchronic\s+portal\s+vein\s+occlusion|\bsinusoidal\s+obstruction"
)
_TREATED = re.compile(
    r"\b(?:LR-?\s?TR|treat(?:ed|ment)|ablat\w+|TACE|chemo-?emboli\w+|radio-?emboli\w+|Y-?90|SBRT|post-?\s?(?:treatment"
    r"|ablation))",
    _R,
)
_LANGUAGE = re.compile(
    r"\bLI-?\s?RADS\b|\bLR-?\s?(?:[1-5M]|TIV|NC)\b|\b(?:APHE|arterial[\s-]+(?:phase\s+)?(?:hyper-?\s?)?enhanc\w+"
    r"|arterially\s+(?:hyper-?\s?)?enhanc\w+|arterial\s+hyper\w+|hyper-?\s?enhanc\w+\s+(?:\w+\s+){0,4}arterial)"
    r"|\bwash-?\s?out\b|\bpseudo-?\s?capsule|\benhancing\s+capsule|\bcapsul\w+",
    _R,
)
_APHE = re.compile(
    r"\bAPHE\b|\barterial[\s-]+(?:phase[\s-]+)?hyper-?\s?enhanc\w+|\barterial[\s-]+(?:phase[\s-]+)?enhanc\w+"
    r"|\barterially\s+(?:hyper-?\s?)?enhanc\w+|\bhyper-?\s?(?:enhanc\w+|vascular|attenuat\w+|intense)\b(?:[^.;,]|\.\d){0,40}\barterial"
    r"|\barterial\s+(?:phase\s+)?hypervascular\w*|\bhypervascular\b",
    _R,
)
_HYPO = re.compile(r"\bhypo-?\s?(?:enhanc|vascular|dense|intense|attenuat)\w*\s+(?:\w+\s+){0,4}arterial", _R)
_RIM = re.compile(
    r"(?<!non)(?<!non-)(?<!non )\brim\b[\s-]*(?:like\s+)?(?:arterial|APHE|hyper|enhanc)|\btargetoid|\bperipheral\s+wash-?\s?out"
    r"|(?<!non)(?<!non-)\bperipheral\s+(?:arterial|ring)\w*|\bring[\s-]*(?:like\s+)?enhanc|\bdelayed\s+central\s+enhancement",
    _R,
)
_WASHOUT = re.compile(r"(?<!\bperipheral )\bwash(?:es|ing)?[\s-]*out\b", _R)
_CAPSULE = re.compile(r"\b(?:pseudo-?\s?)?capsul(?:e|ar|ated)\b", _R)
_GROWTH = re.compile(
    r"\bthreshold\s+growth|\b(?:grown|growth|increase[ds]?)\s+(?:\w+\s+){0,4}(?:by\s+)?(?:5\d|[6-9]\d|\d{3})\s?%"
    r"|(?:5\d|[6-9]\d|\d{3})\s?%\s+(?:\w+\s+){0,3}(?:growth|increase|enlarge)|\bdoubled\s+in\s+(?:size|diameter)",
    _R,
)
#: A vein of the liver by its name.
_VEIN = r"(?:the\s+)?(?:(?:left|right|main|middle|branch\s+of\s+the)\s+){0,2}(?:portal|hepatic)\s+vein"
_TIV = re.compile(
    rf"\btumou?r\s+(?:in[\s-]+vein|in\s+{_VEIN}|thrombus)|\benhancing\s+(?:soft\s+tissue|thrombus)\s+(?:in|within|of|filling|expanding)\s+{_VEIN}"
    r"|\bmalignant\s+(?:portal\s+)?(?:vein\s+)?thromb\w+",
    _R,
)
_BENIGN = re.compile(
    r"\b(?:simple\s+)?(?:hepatic\s+|biliary\s+)?cysts?\b|\bh(?:a)?emangioma|\bfocal\s+fat\w*|\bperfusion\w*\s+(?:alteration"
    r"|anomaly)|\bdefinitely\s+benign",
    _R,
)
_NOT_IMAGED = re.compile(
    r"\b(?:arterial|portal|delayed|venous)\s+phase\w*\s+(?:\w+\s+){0,4}(?:not|nondiagnostic|non-diagnostic"
    r"|degraded|missing|omitted|unavailable|absent)|\b(?:no|without|missing|absent|lacking|omission\s+of)\s+(?:an?\s+"
    r"|the\s+)?(?:late\s+)?(?:arterial|portal\s+venous|delayed)\s+phase\b(?!\s+(?:hyper|enhanc|wash))|\bnot\s+categori[sz]able"
    r"|\b(?:severe|marked)\s+(?:motion|artifact|degradation)\w*|\bimage\s+degradation",
    _R,
)
_STATED = re.compile(
    r"\bLR-?\s?(TIV|NC|[1-5M])\b|\bLI-?\s?RADS\s*(?:v?\s?2018)?[\s:,]*(?:category|score|observation)?[\s:=-]*(?:LR-?\s?)?(TIV"
    r"|NC|[1-5M])\b",
    _R,
)
_PRIOR = re.compile(r"\b(?:prior|previous(?:ly)?|formerly|was|from)\W+(?:\w+\W+){0,3}$", _R)


def speaks(patient: Patient) -> bool:
    """The liver is described in LI-RADS's terms, on CT or MRI, in somebody who is not known to be outside its population."""
    return patient.modality in ("CT", "MR", None) and _in_its_terms(patient) and not patient.is_child


def _in_its_terms(patient: Patient) -> bool:
    observations = patient.lesions("liver")
    if _tumour_in_vein(patient) and at_risk(patient):
        return not patient.mentions(_EXCLUDED)
    if not observations and not seen(r"\bLI-?\s?RADS\b|\bLR-?\s?(?:[1-5M]|TIV|NC)\b", patient.findings):
        return False
    named: object = any(_LANGUAGE.search(lesion.text) for lesion in observations) or seen(
        r"\bLI-?\s?RADS\b|\bLR-?\s?(?:[1-5M]|TIV|NC)\b", patient.everything
    )
    named = named or (at_risk(patient) and _NOT_IMAGED.search(patient.document.masked))
    return bool(named) and at_risk(patient) is not False and not patient.mentions(_EXCLUDED)


def at_risk(patient: Patient) -> bool | None:
    """Cirrhosis, chronic hepatitis B, or HCC now or before; None when nothing is said."""
    said = patient.said(AT_RISK)
    if said:
        return True
    for text in (patient.indication, patient.exam):
        if seen(r"\bHCC\s+(?:screen\w*|surveillance)", text, _R):
            return True
    if said is False or patient.mentions(
        r"\bnon-?\s?cirrhotic|\bno\s+(?:known\s+)?(?:chronic\s+)?liver\s+disease|\bhealthy\b|\bno\s+risk\s+factors?\s+for\s+(?:HCC"
        r"|hepato)"
    ):
        return False
    if seen(
        r"\bno\s+(?:known\s+|history\s+of\s+)?(?:chronic\s+)?liver\s+disease|\bno\s+risk\s+factors?\s+for\s+(?:HCC|hepato)",
        patient.everything,
        _R,
    ):
        return False
    return None


def advise(patient: Patient) -> Answer | None:
    table = load("li_rads")
    if not speaks(patient):
        return None
    observations = patient.lesions("liver")
    untreated = [lesion for lesion in observations if not _TREATED.search(lesion.text)]
    if observations and not untreated:
        return None
    if _TREATED.search(patient.findings) and not observations:
        return None
    if at_risk(patient) is None:
        return table.ask(("risk",), observations[0].span if observations else None)
    answers = [answer for lesion in untreated if (answer := _observation(patient, table, lesion)) is not None]
    if answers:
        order = ("LR-TIV", "LR-5", "LR-M", "LR-4", None, "LR-NC", "LR-3", "LR-2", "LR-1")
        return min(answers, key=lambda answer: order.index(answer.category) if answer.category in order else 0)
    stated = "LR-TIV" if _tumour_in_vein(patient) else _stated(patient.findings)
    return table.decide({"category": stated}, None) if stated else None


def _tumour_in_vein(patient: Patient) -> bool:
    """Tumour in a vein of the liver, with or without an observation beside it; that of a kidney is another matter."""
    in_liver = seen(r"\b(?:portal|hepatic)\s+vein", patient.findings, _R)
    return bool(in_liver and patient.document.says(_TIV, hedges=False))


def _observation(patient: Patient, table: Table, lesion: Lesion) -> Answer | None:
    stated = _stated(lesion.text)
    if stated:
        return table.decide({"category": stated}, lesion.span)
    if patient.document.says(_TIV, hedges=False):
        return table.decide({"category": "LR-TIV"}, lesion.span)
    aphe = _aphe(lesion)
    if _NOT_IMAGED.search(lesion.text) or (_NOT_IMAGED.search(patient.document.masked) and aphe is None):
        return table.decide({"category": "LR-NC"}, lesion.span)
    if lesion.says(_RIM, hedges=False):
        return table.decide({"category": "LR-M"}, lesion.span)
    if lesion.says(_BENIGN) and aphe is not True:
        return table.decide({"category": "LR-1"}, lesion.span)
    features = {
        "washout": bool(lesion.says(_WASHOUT, hedges=False)),
        "capsule": bool(lesion.says(_CAPSULE, hedges=False)),
        "growth": _threshold_growth(lesion),
    }
    if aphe is None and lesion.says(_APHE) is None and not _LANGUAGE.search(lesion.text):
        return None
    answer = table.decide(
        {
            "category": "none",
            "aphe": aphe,
            "size_mm": lesion.longest(),
            "additional": float(sum(features.values())),
            "capsule": features["capsule"],
        },
        lesion.span,
    )
    return replace(answer, category=None) if answer is not None and answer.missing else answer


def _aphe(lesion: Lesion) -> bool | None:
    if _HYPO.search(lesion.text):
        return False
    return lesion.says(_APHE, hedges=False)


def _threshold_growth(lesion: Lesion) -> bool:
    """Half as large again within 6 months, from words or from the two sizes."""
    if lesion.says(_GROWTH, hedges=False):
        return True
    before, now = lesion.before(), lesion.longest()
    if before is None or not isinstance(now, float) or now < before * 1.5 or now - before < 5:
        return False
    period = lesion.stable_months()
    return period is not None and period.high <= 6.5


def _stated(text: str) -> str | None:
    found = [(match[1] or match[2]).upper() for match in _STATED.finditer(text) if not _PRIOR.search(text[: match.start()])]
    return f"LR-{found[-1]}" if found else None
