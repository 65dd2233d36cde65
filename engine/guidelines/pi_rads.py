"""PI-RADS v2.1: prostate MRI. The table is pi_rads.toml; here stands how zones and sequence scores are read, lesion by lesion."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from engine.guidelines import words
from engine.guidelines.answer import Answer
from engine.guidelines.elsewhere import outside
from engine.guidelines.measures import measures
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import opens, parts, seen
from engine.guidelines.table import Fact, Table, load

_R = re.I
_SCORE = (
    r"(?:\s*(?:w|wi|weighted|sequence|imaging|images?|/\s*adc|score|scored|assessment|category|component|is"
    r"|was|of|as|a|suspicion|\(adc\)|on)\b)*[\s:=/-]*(?:score\s*)?([1-5])\b(?!\s*(?:mm|cm|[.]\d|x\s|%|/\s*5\s*mm))"
)
_DWI = re.compile(r"\b(?:DWI|diffusion(?:[\s-]*weighted)?(?:\s+imaging)?|ADC)" + _SCORE, _R)
_T2 = re.compile(r"\bT2\s?(?:W|WI)?(?:[\s-]*weighted)?" + _SCORE, _R)
_DCE = re.compile(
    r"\b(?:DCE|dynamic\s+contrast(?:[\s-]*enhanc\w+)?|early\s+(?:focal\s+)?(?:contrast\s+)?enhancement|focal\s+early\s+enhancement"
    r"|perfusion)\b",
    _R,
)
_DCE_POSITIVE = re.compile(
    r"^\s*(?:\w+\s+){0,3}?(?:is\s+|was\s+|[:=]\s*|score\s+)*(?:positive|pos\b|\+|\(\+\)|present|yes)|^\s*\(?\+\)?", _R
)
_DCE_NEGATIVE = re.compile(
    r"^\s*(?:\w+\s+){0,3}?(?:is\s+|was\s+|[:=]\s*|score\s+)*(?:negative|neg\b|absent|none|\(?[-−–]\)?(?!\w)"
    r"|not\s+(?:present|seen))|^\s*\(?[-−–]\)?(?=\s|$|[.,;])",
    _R,
)
_ZONE = re.compile(r"\b(?P<PZ>peripheral\s+zone|PZ(?:pl|pm|a|l|m)?)\b|\b(?P<TZ>transition(?:al)?\s+zone|TZ[ap]?)\b", _R)
_MARKED_DWI = re.compile(
    r"\b(?:focal\s+)?marked(?:ly)?\b[^.;]{0,50}\b(?:ADC|diffusion|restrict\w*|DWI)|\b(?:restrict\w*|ADC|diffusion)\b[^.;]{0,50}\bmarked",
    _R,
)
_MARKED_T2 = re.compile(
    r"\b(?:lenticular|non-?\s?circumscribed|ill[\s-]*defined)\b[^.;]{0,60}\b(?:homogen\w+|hypointens\w+)|\bhomogen\w+[^.;]{0,40}\bhypointens\w+[^.;]{0,40}\b(?:lenticular"
    r"|non-?circumscribed)",
    _R,
)
_EPE = re.compile(
    r"\bextra-?\s?prostatic\s+(?:extension|spread)|\bEPE\b|\bextra-?\s?capsular\s+extension|\bECE\b|\bseminal\s+vesicle\s+invasion"
    r"|\binvasive\s+behaviou?r",
    _R,
)
_STATED = re.compile(
    r"\bPI-?\s?RADS\b(?:\s*(?:®|v?\s?2(?:\.[01])?))?[\s:,]*(?:overall|assessment|category|score)*[\s:=-]*([1-5])\b(?!\s*[.]\d)",
    _R,
)
_LESION_START = re.compile(
    r"(?:^|[.;\n])\s*(?:index\s+)?(?:lesion|target|ROI|observation)\s*(?:#|no\.?)?\s*[1-9A-D]?\b\s*[:.)-]|(?:\b(?:second"
    r"|another|additional)\s+(?:lesion|focus|target))",
    _R,
)
_ZONE_HEADING = re.compile(r"(?:^|[.;\n])\s*((?:peripheral|transition(?:al)?)\s+zone|[PT]Z)\s*:", _R)
_PRIOR = re.compile(r"\b(?:prior|previous(?:ly)?|formerly|was)\W+(?:\w+\W+){0,3}$", _R)


def advise(patient: Patient) -> Answer | None:
    table = load("pi_rads")
    if patient.modality not in ("MR", None) or not seen(r"prostat|PI-?\s?RADS", patient.everything, _R):
        return None
    if (
        patient.sex == "female"
        or patient.is_child
        or patient.mentions(
            r"\b(?:prostatectomy|RALP|RARP|brachytherapy|ablation|radiation|(?:chemo)?radiotherapy|EBRT|SBRT|cryo\w+|HIFU|focal\s+therapy"
            r"|ADT|androgen\s+deprivation)\b"
        )
    ):
        return None
    if patient.modality is None and not seen(r"PI-?\s?RADS|\bDWI\b|\bADC\b", patient.findings, _R):
        return None
    answers = [
        answer
        for start, end in _lesions(patient.findings)
        if (answer := _lesion(patient.findings, start, end, table)) is not None
    ]
    order = ("5", "4", None, "3", "2", "1")
    return min(answers, key=lambda answer: order.index(answer.category), default=None)


def _lesions(text: str) -> list[tuple[int, int]]:
    """The stretches of text that tell of one lesion each."""
    starts = [match.start() for match in _LESION_START.finditer(text)]
    zones = list(_ZONE_HEADING.finditer(text))
    if not starts and len({match[1][0].lower() for match in zones}) == 2:
        starts = [match.start() for match in zones]
    if not starts:
        return [(0, len(text))]
    head = [0] if _SCORED.search(text[: starts[0]]) else []
    edges = [*head, *starts, len(text)]
    return [(start, end) for start, end in itertools.pairwise(edges) if end > start]


_SCORED = re.compile(r"\b(?:DWI|T2W?I?|diffusion)\b[^.;]{0,30}\b[1-5]\b|PI-?\s?RADS", _R)


def _lesion(findings: str, start: int, end: int, table: Table) -> Answer | None:
    text = findings[start:end]
    span = (start + len(text) - len(text.lstrip(" .;\n")), end - (len(text) - len(text.rstrip())))
    zones = _zones(text)
    dwi, t2 = _score(_DWI, text), _score(_T2, text)
    stated = [match[1] for match in _STATED.finditer(text) if not _PRIOR.search(text[: match.start()])]
    longest = max((size.longest for size in measures(_about_lesion(text)) if not size.prior), default=None)
    dwi = _by_size(dwi, text, longest, _MARKED_DWI)
    t2 = _by_size(t2, text, longest, _MARKED_T2)
    if dwi is None and t2 is None:
        if stated:
            answer = table.decide({"zone": "dictated", "category": float(stated[-1])}, span)
            return (
                None
                if answer is None
                else replace(answer, category=stated[-1], recommendation=f"PI-RADS {stated[-1]}: {_after_colon(answer)}")
            )
        if not seen(r"\blesion|\bfocus\b|\bfocal\b|\bnodule|\bmass\b|\bobservation", text, _R) or seen(
            r"\bno\s+(?:suspicious|focal|discrete|significant)?\s*(?:\w+\s+){0,2}(?:lesion|focus|focal|mass|observation)",
            text,
            _R,
        ):
            return None
    zone = zones.pop() if len(zones) == 1 else None
    facts: dict[str, Fact] = {"zone": zone, "dwi": dwi, "t2": t2, "dce": _dce(text), "category": 0.0}
    if zone is None:
        return table.ask(("zone",), span) if not stated else _dictated(table, stated[-1], span)
    answer = table.decide(facts, span)
    if answer is not None and answer.missing and stated:
        return _dictated(table, stated[-1], span)
    return answer


def _zones(text: str) -> set[str | None]:
    """The zones a lesion is said to be in: of the sentences that speak of a lesion or a score, else of all."""
    sentences = [part for part in parts(r"[.;\n](?=\s|$)", text) if _ZONE.search(part)]
    told = [
        part
        for part in sentences
        if seen(r"\blesion|\bfoc(?:us|al)|\bnodule|\bmass\b|\btarget|\bROI\b", part, _R) or _SCORED.search(part)
    ]
    return {match.lastgroup for part in told or sentences for match in _ZONE.finditer(part)}


def _dictated(table: Table, category: str, span: tuple[int, int]) -> Answer | None:
    answer = table.decide({"zone": "dictated", "category": float(category)}, span)
    return (
        None
        if answer is None
        else replace(answer, category=category, recommendation=f"PI-RADS {category}: {_after_colon(answer)}")
    )


def _after_colon(answer: Answer) -> str:
    return (answer.recommendation or "").split(": ", 1)[-1]


def _score(pattern: re.Pattern[str], text: str) -> float | None:
    found = [float(match[1]) for match in pattern.finditer(text) if not _PRIOR.search(text[: match.start()])]
    return max(found) if found else None


def _about_lesion(text: str) -> str:
    """Without the sizes of the gland itself, and without the sentences about another part of the body."""
    own = re.sub(
        r"\b(?:prostate|gland)\b[^.;]{0,30}\b(?:measur\w+|volume|size|dimensions?)[^.;]*?(?:\.\s|$)", " ", text, flags=_R
    )
    return " . ".join(
        one for one in parts(r"[.;\n](?=\s|$)", own) if _ZONE.search(one) or _SCORED.search(one) or not _elsewhere(one)
    )


def _elsewhere(sentence: str) -> bool:
    organs = words.organs(sentence.lower())
    return not any(name == "prostate" for name, _, _ in organs) and bool(organs or outside(sentence, "prostate"))


def _by_size(score: float | None, text: str, longest: float | None, marked: re.Pattern[str]) -> float | None:
    """Applies the one difference between 4 and 5, and scores a focal marked lesion that nobody gave a number."""
    large = (longest is not None and longest >= 15) or _affirmed(_EPE, text)
    if score is None:
        if not marked.search(text):
            return None
        return 5.0 if large else 4.0 if longest is not None else None
    return 5.0 if score == 4 and large else score


def _affirmed(pattern: re.Pattern[str], text: str) -> bool:
    for match in pattern.finditer(text):
        lead = parts(r"[.;]", text[: match.start()])[-1]
        if not seen(r"\b(?:no|without|negative\s+for|absence\s+of|not)\b", lead, _R) and not opens(
            r"\s*[:=]?\s*(?:is\s+)?(?:absent|no\b|none|negative|not)", text[match.end() :], _R
        ):
            return True
    return False


def _dce(text: str) -> bool | None:
    """Whether the dynamic sequence is positive."""
    for match in _DCE.finditer(text):
        after, lead = text[match.end() :], parts(r"[.;]", text[: match.start()])[-1]
        if _DCE_POSITIVE.match(after) or (
            seen(r"\bpositive\s+(?:on\s+)?$|\bwith\s+(?:\w+\s+)?$", lead, _R) and "enhanc" in match[0].lower()
        ):
            return True
        if _DCE_NEGATIVE.match(after) or seen(r"\b(?:no|without|negative|absent)\s+(?:\w+\s+){0,3}$", lead, _R):
            return False
        if seen(r"\b(?:shows?|demonstrat\w+|with|has|positive\s+on)\s+(?:\w+\s+){0,2}$", lead, _R):
            return True
    return None
