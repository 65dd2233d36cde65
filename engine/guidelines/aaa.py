"""Abdominal aortic aneurysm, SVS 2018. The table is aaa.toml; here stands how the diameter, its growth and a rupture are read."""

from __future__ import annotations

import re
from functools import lru_cache

from engine.guidelines.answer import Answer
from engine.guidelines.measures import Measure, months
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import parts, seen
from engine.guidelines.table import load

_ANEURYSM = re.compile(
    r"\baneurysm\w*|\baaa\b|\bectasi[ac]|\bectatic|\bdilat\w+|\bcaliber|\bdiameter|\bmeasur\w+|\benlarge\w+", re.I
)
_BY_KIDNEYS = tuple(f"{where}{dash}renal" for where in ("infra", "juxta", "supra", "para") for dash in ("", "-"))
#: One of them stands wherever the abdominal aorta is named; where only a chest was examined, plain "aorta" does not name it.
_NAMED, _NAMED_OF_CHEST = ("aort", "aaa", *_BY_KIDNEYS), ("abdominal", "aaa", *_BY_KIDNEYS)
#: an aneurysm, or any size
_TOLD = re.compile(r"aneurysm|aaa|ectasi|ectatic|mm|cm|met(?:er|re)", re.I)
_GOES_ON = re.compile(
    r"\W*(?:it|this|the\s+(?:\w+\s+)?aneurysm|maxim\w+|measur\w+|aneurysm|previously|the\s+(?:maximal|maximum))\b", re.I
)
_NOT_DIAMETER = re.compile(
    r"\b(?:neck|length|long\b|in\s+length|craniocaudal|lumen|thrombus|wall|distance|angulation|plaque|hematoma"
    r"|stenosis|below\s+the|iliac|ulcer|lymph|node|cyst|mass|nodule)\b",
    re.I,
)
_REPAIRED = (
    r"\bevar\b|\bendo-?\s?(?:vascular|graft|leak)\w*|\bstent[\s-]*graft|\baorto-?\s?(?:bi-?)?(?:iliac|femoral)\s+(?:graft"
    r"|bypass)|\b(?:s/p|status\s+post|post|prior|previous|after)[\s-]*(?:\w+\s+){0,3}(?:aaa|aneurysm|aortic)\s+(?:\w+\s+)?repair"
    r"|\brepaired\b|\bexcluded\s+aneurysm|\bgraft\b"
)
_RUPTURE = re.compile(
    r"\bruptur\w+|\bretroperitoneal\s+h(?:a)?ematoma|\bperi-?aortic\s+h(?:a)?ematoma|\bactive\s+extravasation"
    r"|\bhyperattenuating\s+crescent|\bcrescent\s+sign|\bdraped\s+aorta|\bcontained\s+(?:leak|rupture)|\bimpending\s+rupture",
    re.I,
)
_DISSECTION = r"\bdissection\b|\bintramural\s+hematoma\b|\bpenetrating\b"


def advise(patient: Patient) -> Answer | None:
    table = load("aaa")
    named = _NAMED_OF_CHEST if _is_of_chest(patient.exam) else _NAMED
    if not (any(word in patient.lowered for word in named) and _TOLD.search(patient.findings)):
        return None
    sentences = _about_abdominal_aorta(patient)
    measured = {owned.sentence for owned in patient.document.owned if owned.noun is not None and owned.noun.word == "aorta"}
    spans = [span for span in sentences if span in measured or _ANEURYSM.search(patient.findings[span[0] : span[1]])]
    if not spans or patient.mentions(_REPAIRED) or patient.mentions(_DISSECTION) or patient.is_child:
        return None
    document = patient.document
    if document.says(_RUPTURE) and seen(r"aneurysm|\baaa\b", patient.findings, re.I):
        return table.decide({"rupture": True}, spans[0])
    sizes = _diameters(patient, spans)
    today = [size for size in sizes if not size.prior and size.kind != "delta"]
    text = " . ".join(document.masked[start:end] for start, end in sentences)
    if not today:
        is_aneurysm = seen(r"\baneurysm(?!al\s+bone)|\baaa\b|\bectasi[ac]|\bectatic", text, re.I)
        if not is_aneurysm or _denied(patient, spans):
            return None
        unchanged = [size for size in sizes if size.prior] if seen(r"\bstable\b|\bunchanged\b", text, re.I) else []
        if not unchanged:
            return table.ask(("size",), spans[0])
        today = unchanged
    if _denied(patient, spans) and max(size.longest for size in today) >= 25:
        return None
    top = max(today, key=lambda size: size.longest)
    return table.decide(
        {"rupture": False, "rapid": _rapid(sizes, top, text), "size_mm": top.bounds or top.longest, "sex": patient.sex}, spans[0]
    )


def _about_abdominal_aorta(patient: Patient) -> list[tuple[int, int]]:
    """The sentences about it, and those that go on about it where no other aorta was named between."""
    about, is_abdominal = [], False
    for span in patient.document.sentences:
        sentence = patient.document.masked[span[0] : span[1]]
        named = any(word in sentence for word in _NAMED) and _is_abdominal(patient, span)
        if seen(r"aort|\baaa\b", sentence) or named:
            is_abdominal = named
        if named or (is_abdominal and not patient.document.organs_in(span) and _GOES_ON.match(sentence)):
            about.append(span)
    return about


def _is_abdominal(patient: Patient, span: tuple[int, int]) -> bool:
    """A sentence names the abdominal aorta: so, or as an aorta on an abdominal or aortic examination."""
    sentence = patient.document.masked[span[0] : span[1]]
    organs = [name for name, _, _ in patient.document.organs_in(span)]
    if "thoracic aorta" in organs or seen(r"\bthoracic\b|\bascending\b|\bsinus", sentence, re.I):
        return False
    if seen(r"\baaa\b|\babdominal\s+aort|\b(?:infra|juxta|supra|para)-?renal\b", sentence, re.I):
        return True
    if "aorta" in organs and seen(r"\baort(?:a|ic)\b(?!\s+(?:bifurcation|lymph|node|valve))", sentence, re.I):
        return not _is_of_chest(patient.exam)
    return False


@lru_cache(maxsize=1024)
def _is_of_chest(exam: str) -> bool:
    """A chest and nothing below it."""
    return bool(seen(r"chest|thora|cardiac|coronary|heart", exam, re.I)) and not seen(r"abd|pelvi|aort|AAA", exam, re.I)


def _diameters(patient: Patient, spans: list[tuple[int, int]]) -> list[Measure]:
    """The sizes in these sentences that are diameters of the aorta itself."""
    found = []
    text = patient.document.masked
    for owned in patient.document.owned:
        start, end = owned.sentence
        if (start, end) not in spans:
            continue
        measure = owned.measure
        after = parts(r"[,;.]\s|\band\b", text[measure.end : end])[0][:25]
        before = parts(r"[,;.]\s|\band\b", text[start : measure.start])[-1]
        if _NOT_DIAMETER.search(after) or (_NOT_DIAMETER.search(before[-30:]) and not seen(r"aort\w+[^,]*$", before[-30:], re.I)):
            continue
        found.append(measure)
    return found


def _denied(patient: Patient, spans: list[tuple[int, int]]) -> bool:
    """`No abdominal aortic aneurysm`."""
    verdicts = []
    for start, end in spans:
        sentence = patient.document.masked[start:end]
        for match in re.finditer(r"\baneurysm\w*|\baaa\b|\bectasi\w|\bectatic|\bdilat\w+", sentence, re.I):
            verdicts.append(
                bool(
                    seen(
                        r"\b(?:no|without|negative\s+for|not)\b(?!\s+(?:significant\s+)?change)[^.;]{0,60}$",
                        sentence[: match.start()],
                        re.I,
                    )
                )
            )
    return bool(verdicts) and all(verdicts)


def _rapid(sizes: list[Measure], top: Measure, text: str) -> bool | None:
    """Grown by 5 mm in 6 months or 10 mm in a year; None when it grew and the time is not told."""
    deltas = [size.longest for size in sizes if size.kind == "delta"]
    earlier = [size.longest for size in sizes if size.prior and size is not top]
    grown = max(deltas, default=0.0) if seen(r"increas|grow|grew|enlarg|expan", text, re.I) else 0.0
    if earlier:
        grown = max(grown, top.longest - max(earlier))
    if grown < 5:
        return False
    period = months(text)
    if period is None:
        return None
    return period.high <= 6.5 or (grown >= 10 and period.high <= 12.5)
