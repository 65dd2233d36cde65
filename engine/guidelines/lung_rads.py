"""Lung-RADS v2022: nodules on screening CT. The table is lung_rads.toml; here stands how its facts are read."""

from __future__ import annotations

import re
from dataclasses import replace

from engine.guidelines import lung
from engine.guidelines.answer import Answer, driving
from engine.guidelines.fleischner import _is_nodule
from engine.guidelines.measures import VOLUME, months
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import compiled, opens, seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Between, Facts, Table, load

_BASELINE = re.compile(
    r"\bbaseline\b|\b(?:first|initial)\s+(?:\w+\s+){0,3}(?:screen\w*|ldct|low|exam\w*|round)|\bT0\b|\bno\s+(?:prior"
    r"|previous)\s+(?:\w+\s+){0,3}(?:available|comparison|ct|ldct|chest|exam\w*|stud\w+|imaging|screen\w*)"
    r"|comparison\s*:\s*none|prevalence\s+screen",
    re.I,
)
_LATER = re.compile(
    r"\bannual\b|\brepeat\b|\bsubsequent\b|\bT[12]\b|\bfollow-?\s?up\b|\b(?:second|third|incidence)\s+(?:round\s+)?screen"
    r"|comparison\s*:\s*(?!none)|\bcompar\w+\s+(?:to|with)\b|\bprior\s+(?:ldct|screen|ct|low)|\bsurveillance",
    re.I,
)
_PRIOR_AWAITED = re.compile(
    r"\bprior\w*\s+(?:\w+\s+){0,4}(?:is|are|being)?\s*(?:being\s+)?(?:located|requested|obtained|retrieved"
    r"|awaited|pending)|\bawaiting\s+(?:\w+\s+){0,3}prior",
    re.I,
)
_INCOMPLETE = re.compile(
    r"\b(?:part|portion|apices|bases)\w*\s+(?:\w+\s+){0,5}(?:not\s+(?:\w+\s+)?(?:included|imaged|evaluated"
    r"|visuali[sz]ed|seen)|excluded|cut\s+off)|\bcannot\s+be\s+(?:fully\s+|adequately\s+)?evaluated|\bincomplete(?:ly)?\s+(?:imag"
    r"|cover|visuali|evaluat|exam)|\blungs?\s+(?:are|is)\s+(?:not\s+(?:fully|completely)|incompletely)|\bnondiagnostic"
    r"|\bsevere\s+motion",
    re.I,
)
_INFECTION = re.compile(r"\b(?:infect\w+|pneumoni\w*|inflammatory)\b|\bconsolidation\b|tree-?\s?in-?\s?bud", re.I)
_SUSPICIOUS = re.compile(
    r"\bspiculat\w+|\b(?:enlarged|suspicious|pathologic\w*|bulky)\s+(?:\w+\s+){0,2}(?:lymph\s*)?(?:nodes?|lymphadenopathy)"
    r"|\blymphadenopathy|\bmetasta\w+|\bchest\s+wall\s+invasion|\bpleural\s+(?:retraction|invasion|tail)|\bdoubl(?:ed"
    r"|ing)\s+in\s+size",
    re.I,
)
_AIRWAY = re.compile(r"\bendo-?\s?(?:bronch|trache)\w+|\bairway\b|\b(?:within|in)\s+the\s+(?:\w+\s+){0,4}bronch(?:us|i)\b", re.I)
_SUBSEGMENTAL = re.compile(r"\bsub-?\s?segmental", re.I)
_JUXTAPLEURAL = re.compile(
    r"\b(?:juxta-?\s?pleural|peri-?\s?fissural|pleural[\s-]based|costal\s+pleura|perimediastinal|peridiaphragmatic|subpleural)",
    re.I,
)
_SMOOTH_SHAPE = re.compile(r"\b(?:triangular|oval|ovoid|lentiform|tentiform)\b", re.I)
_CYST = re.compile(r"\bcyst", re.I)
_STATED = re.compile(
    r"\blung-?\s?rads\b(?:\s*(?:®|v?\s?20\d\d|v?1\.\d))?[\s:,]*(?:category|score|assessment)?[\s:=]*([0-3]"
    r"|4\s?[ABX]|4)(?:\s?S)?\b",
    re.I,
)
_OUTSIDE = re.compile(
    r"\b(?:aortic\s+aneurysm|aneurysm|(?:renal|adrenal|hepatic|liver|breast|thyroid|mediastinal|pancreatic"
    r"|kidney)\s+(?:mass|nodule|lesion)|(?:severe|extensive|marked|heavy)\s+coronary|pulmonary\s+embol\w+|pneumothorax"
    r"|pericardial\s+effusion|lytic\s+lesion)",
    re.I,
)
_KNOWN = re.compile(r"\bknown\b|\bunchanged\b|\bstable\b|\bpreviously\b|\bchronic\b", re.I)


def advise(patient: Patient) -> Answer | None:
    table = load("lung_rads")
    if patient.modality not in ("CT", None) or not patient.is_lung_screening or patient.is_child:
        return None
    if patient.mentions(
        r"\b(?:known|history\s+of|h/o|hx|treated|s/p|prior)\s+(?:\w+\s+){0,4}(?:lung|bronchogenic|pulmonary)\s+(?:(?:adeno)?(?:cancer"
        r"|carcinoma)|ca\b)|\blung\s+(?:cancer|ca)\s+(?:on|s/p|status|post|under|follow\w*|restaging)\b|\bN?SCLC\b"
    ):
        return None
    answer = _category(patient, table)
    return None if answer is None else _with_s(patient, answer)


def _category(patient: Patient, table: Table) -> Answer | None:
    text = patient.everything
    if _PRIOR_AWAITED.search(text):
        return table.decide({"state": "prior-awaited"})
    document = patient.document
    if document.says(_INCOMPLETE) and not seen(r"nodule\s+cannot", text, re.I):
        return table.decide({"state": "incomplete"})
    nodules = [
        lesion
        for lesion in patient.lesions("lung")
        if _is_nodule(lesion) or _AIRWAY.search(lesion.own_text) or _CYST.search(lesion.own_text)
    ]
    if document.says(_INFECTION) and not any(lesion.current() for lesion in nodules if not lung.is_benign(lesion)):
        return table.decide({"state": "infection"})
    if document.says(
        compiled(
            r"(?:likely|favou?r\w*|suspicious\s+for|suggest\w*|concerning\s+for|consistent\s+with|compatible\s+with"
            r"|probabl\w+|suspected)\s+(?:\w+\s+){0,4}(?:infect\w+|pneumonia|inflammat\w+)",
            re.I,
        )
    ):
        return table.decide({"state": "infection"})
    found = [one for nodule in nodules if (one := _nodule(patient, nodule, table)) is not None]
    benign_only = bool(nodules) and all(lung.is_benign(nodule) and not _kind(nodule) for nodule in nodules)
    if benign_only:
        return table.decide({"state": "benign"}, nodules[0].span)
    leading = driving(found)
    if leading is not None and not leading.missing:
        return leading
    stated = list(_STATED.finditer(patient.findings))
    stated = [
        match
        for match in stated
        if not seen(r"(?:prior|previous\w*)\W+(?:\w+\W+){0,4}$", patient.findings[: match.start()], re.I)
    ]
    if stated:
        category = re.sub(r"\s", "", stated[-1][1]).upper()
        answer = table.decide({"state": "dictated", "stated": category}, stated[-1].span())
        return None if answer is None else replace(answer, category=category) if not answer.missing else answer
    if leading is not None:
        return leading
    denied = document.denied("lung")
    clear = seen(r"\blungs?\s+(?:are|is)\s+clear\b|\bno\s+(?:\w+\s+){0,3}nodul", patient.findings, re.I)
    if not nodules and (clear or any(not lesion.current() for lesion in denied)):
        return table.decide({"state": "clear"})
    return None


def _nodule(patient: Patient, nodule: Lesion, table: Table) -> Answer | None:
    """The category of one nodule; None for a benign one."""
    kind = _kind(nodule)
    if lung.is_benign(nodule) and kind != "juxtapleural" and not kind:
        return None
    if nodule.says(
        compiled(r"(?:proven|biops\w+|shown|confirmed)\s+(?:\w+\s+){0,3}benign|benign\s+(?:on|at|by)\s+(?:biops|patholog)", re.I)
    ):
        return table.decide({"state": "proven-benign"}, nodule.span)
    if kind == "cyst":
        return None  # a thin-walled, unilocular cyst has no category
    facts = _facts(patient, nodule, kind)
    answer = table.decide(facts, nodule.span)
    suspicious = nodule.says(_SUSPICIOUS) or patient.document.says(
        compiled(
            r"\b(?:enlarged|suspicious|pathologic\w*|bulky)\s+(?:\w+\s+){0,2}(?:lymph\s*nodes?|nodes?|lymphadenopathy)"
            r"|\bmetasta(?:s[ie]s|tic)",
            re.I,
        )
    )
    if suspicious and answer is not None and answer.category and answer.category[0] in "34":
        return table.decide({"state": "suspicious"}, nodule.span)
    return answer


def _kind(nodule: Lesion) -> str:
    text = nodule.text
    if _AIRWAY.search(text) and nodule.says(_AIRWAY):
        return "subsegmental-airway" if _SUBSEGMENTAL.search(text) else "airway"
    if _CYST.search(nodule.own_text) and nodule.says(_CYST):
        grows = nodule.change == "growing" or seen(r"\b(?:increas|grow|enlarg|thicker|new)\w*", text, re.I)
        if (
            grows
            and seen(r"(?:wall|nodul|locul|septa)\w*", text, re.I)
            and seen(
                r"(?:increas|grow|enlarg|thicken|new|progress)\w*\s+(?:\w+\s+){0,4}(?:wall|nodul|locul|septa)|(?:wall|nodul"
                r"|locul)\w*\s+(?:\w+\s+){0,4}(?:increas|grow|enlarg|thicken|progress)\w*|(?:increas|grow|enlarg)\w*\s+multilocular"
                r"|multilocular\s+(?:\w+\s+){0,4}(?:increas|grow|enlarg)\w*",
                text,
                re.I,
            )
        ):
            return "cyst-4B"
        if grows and seen(r"thick-?\s?wall", text, re.I):
            return "cyst-3"
        if nodule.says(compiled(r"thick-?\s?wall\w*|multi-?\s?locul\w*", re.I)) or any(
            part.measure.longest >= 2 for part in nodule.parts if part.noun and "wall" in part.noun.word
        ):
            return "cyst-4A"
        return "cyst"
    if _JUXTAPLEURAL.search(text) and _SMOOTH_SHAPE.search(text) and nodule.says(compiled("smooth", re.I)):
        return "juxtapleural"
    return ""


def _facts(patient: Patient, nodule: Lesion, kind: str) -> Facts:
    timing = _timing(patient, nodule)
    composition = lung.composition(nodule)
    facts: dict[str, str | bool | float | Between | None] = {
        "state": "nodule",
        "kind": kind or "nodule",
        "timing": timing,
        "composition": composition,
        "size_mm": lung.mean_size(nodule, nearest=False),
        "solid_mm": lung.solid_part(nodule),
        "stable_months": nodule.stable_months() or _since(patient),
        "stated": "none",
    }
    if facts["size_mm"] is None:
        facts["size_mm"] = _by_volume(nodule)
    return facts


def _timing(patient: Patient, nodule: Lesion) -> str | None:
    """Baseline, new, growing, slow or stable; None when a later screen does not say."""
    if nodule.says(compiled(r"\bslow(?:ly)?[\s-]+(?:grow|enlarg|increas)\w*|\bslow\s+(?:interval\s+)?growth", re.I)):
        return "slow"
    change = nodule.change
    before = nodule.before()
    now = lung.mean_size(nodule, nearest=False)
    if before is not None and isinstance(now, float) and change != "new":
        return "growing" if now - before > 1.5 else "stable"
    if change in ("growing", "new", "stable"):
        return change
    if change == "smaller":
        return "stable"
    around = patient.everything
    if _BASELINE.search(around):
        return "baseline"
    return None


def _since(patient: Patient) -> Between | None:
    """How long ago the comparison was: `6-month follow-up`, `annual`."""
    match = seen(
        r"\b\d+[\s-]*(?:month|year)s?[\s-]*(?:follow|interval|short)|\b\d+\s+(?:months?|years?)\s+(?:ago|earlier)",
        patient.everything,
        re.I,
    )
    if match:
        return months(match[0])
    return Between(12, 12) if seen(r"\bannual\b|\byearly\b", patient.around, re.I) else None


def _by_volume(nodule: Lesion) -> float | None:
    """Volumes as diameters: 34, 113, 268 and 1767 mm3 stand for 4, 6, 8 and 15 mm."""
    volumes = [float(match[1]) for match in VOLUME.finditer(nodule.text) if opens(r"[\d.]", match[1])]
    if not volumes:
        return None
    top = max(volumes)
    return 3.0 if top < 34 else 5.0 if top < 113 else 7.0 if top < 268 else 10.0 if top < 1767 else 20.0 if top < 14137 else 30.0


def _with_s(patient: Patient, answer: Answer) -> Answer:
    """Adds the S modifier for a significant finding outside lung cancer that is not already known."""
    if answer.category is None:
        return answer
    for match in _OUTSIDE.finditer(patient.findings):
        start = max(patient.findings.rfind(".", 0, match.start()), 0)
        end = patient.findings.find(".", match.end())
        sentence = patient.findings[start : end if end > 0 else len(patient.findings)]
        if patient.document.says(compiled(re.escape(match[0]), re.I)) and not _KNOWN.search(sentence):
            note = f"{answer.recommendation} S: a significant finding outside lung cancer needs its own work-up."
            return replace(answer, category=f"{answer.category}S", recommendation=note)
    return answer
