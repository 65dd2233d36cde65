"""Bosniak 2019: cystic renal masses. The table is bosniak.toml; here stands how wall, septa and protrusions are read."""

from __future__ import annotations

import re

from engine.guidelines.answer import Answer, driving
from engine.guidelines.patient import Patient
from engine.guidelines.patterns import seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Between, Table, load

_R = re.I
_STATED = re.compile(
    r"\bbosniak\b(?:\s*(?:version|v\.?)?\s*\(?2019\)?)?\s*(?:class(?:ification)?|category|type|grade)?[\s:=-]*(?:is\s+)?(IIF"
    r"|IV|III|II|I|2\s?F|[1-4])\b",
    _R,
)
_ROMAN = {"1": "I", "2": "II", "2F": "IIF", "3": "III", "4": "IV"}
_SEPTA = re.compile(r"\bsept(?:a|um|ations?|ated)\b", _R)
_MANY = re.compile(
    r"\b(?:many|multiple|numerous|several|four|five|six|seven|eight|[4-9]|1\d)\s+(?:or\s+more\s+)?(?:\w+[\s,-]+(?:\([^)]*\)\s*)?){0,4}sept"
    r"|>=?\s*4\s+(?:\w+\s+){0,3}sept|≥\s*4|\bmulti-?\s?septated",
    _R,
)
_FEW = re.compile(
    r"\b(?:an?|one|two|three|few|single|couple\s+of|1|2|3|(?:1|one)\s*(?:-|to)\s*(?:3|three))\s+(?:\w+[\s,-]+(?:\([^)]*\)\s*)?){0,4}sept",
    _R,
)
_ONE = re.compile(r"\bsept(?:ation|um)\b", _R)
_WALL = re.compile(r"\bwalls?\b|\bwalled\b", _R)
_FEATURE = re.compile(
    r"\bbosniak\b|\bsept(?:a|um|ations?|ated)\b|\b(?:thick\w*|thin|irregular|smooth|enhancing|\d\s*mm)[\s-]+(?:\w+[\s-]+){0,3}wall"
    r"|\bwall\w*\b|\b(?:mural|enhancing|wall|soft[\s-]tissue)\s+nodul\w*|\bprotrusion|\bmultilocul\w+|\bcomplex\s+(?:\w+\s+){0,2}cyst"
    r"|\bcalcif\w+(?:[^.;]|\.\d){0,30}\bcyst|\bcyst\w*(?:[^.;]|\.\d){0,60}\bcalcif\w+|\bcystic\s+(?:renal\s+)?(?:mass|lesion)",
    _R,
)
_CYST = re.compile(r"\bcyst\w*|\bbosniak|\blocul\w+", _R)
_IRREGULAR = re.compile(
    r"\birregular\w*(?:[^.;]|\.\d){0,30}\b(?:wall|sept|thick)\w*|\b(?:wall|sept\w+)\b(?:[^.;]|\.\d){0,40}\birregular\w*", _R
)
_NODULE = re.compile(
    r"\b(?:enhancing\s+)?(?:mural|wall|enhancing|soft[\s-]tissue|solid)\s+(?:\w+\s+)?nodul\w*|\bnodul\w+\s+(?:protrusion"
    r"|enhancement|component)|\bnodularity\b|\bprotrusions?\b",
    _R,
)
_THICK_WORD = re.compile(
    r"\bthick(?:ened)?[\s-]*(?:\w+[\s-]+){0,2}(?:wall|sept)\w*|\b(?:wall|septal)\s+thickening|\bthick-?walled", _R
)
_MINIMAL = re.compile(r"\bminimal(?:ly)?\s+(?:smooth\s+)?(?:thick\w*)", _R)
_THIN = re.compile(r"\bthin\b|\bhairline|\bimperceptible|\bsmooth\b", _R)
_THIN_WALLED = re.compile(
    r"\b(?:thin|hairline|imperceptible|smooth)\b[\s,-]+(?:[a-z]+[\s,-]+){0,2}wall|\bwalls?\s+(?:is|are)\s+(?:[a-z]+\s+){0,2}thin",
    _R,
)
_ENHANCES = re.compile(r"\benhanc\w+", _R)
_CALCIFIED = re.compile(r"\bcalcif\w+", _R)
_INFECTED = r"\brenal\s+abscess|\binfected\s+(?:renal\s+)?cyst|\bpyelonephritis|\bpolycystic\s+kidney"


def describes(lesion: Lesion) -> bool:
    """A cystic mass told in the terms Bosniak asks for, so that the attenuation rules need not speak."""
    return bool(_CYST.search(lesion.text) and any(lesion.says(pattern) for pattern in (_FEATURE,))) or bool(
        _STATED.search(lesion.text)
    )


def advise(patient: Patient) -> Answer | None:
    table = load("bosniak")
    cysts = [lesion for lesion in patient.lesions("kidney") if describes(lesion)]
    if not cysts or patient.is_child or patient.mentions(_INFECTED):
        return None
    return driving([answer for cyst in cysts if (answer := _cyst(patient, table, cyst)) is not None])


def _cyst(patient: Patient, table: Table, cyst: Lesion) -> Answer | None:
    stated = _stated(cyst.text)
    if patient.modality == "US":
        return table.ask(("contrast",), cyst.span)
    if stated:
        return table.decide({"stated": stated}, cyst.span)
    if seen(
        r"(?:>|more\s+than|greater\s+than|over|at\s+least)\s*25\s*(?:%|percent)|\bpredominantly\s+solid|\bmostly\s+solid",
        cyst.text,
        _R,
    ):
        return None
    contrast = _contrast(patient, cyst)
    facts = _facts(cyst, contrast)
    if contrast is not True and facts["content"] != "hyperdense":
        return table.ask(("contrast",), cyst.span)
    return table.decide(facts, cyst.span)


def _facts(cyst: Lesion, contrast: bool | None) -> dict[str, str | bool | float | Between | None]:
    protrusion = _protrusion(cyst)
    septa = _septa(cyst)
    thickness = _thickness(cyst)
    content = _content(cyst, contrast)
    said_nothing = septa is None and cyst.says(_SEPTA) is None
    simple_rest = thickness is not None or cyst.says(_CALCIFIED) is not None or content is not None
    septa_fact = "none" if cyst.says(_SEPTA) is False or (said_nothing and simple_rest) else septa
    return {
        "stated": "none",
        "contrast": contrast,
        "protrusion_mm": protrusion,
        "margin": "acute"
        if seen(r"\bacute\s+(?:\w+\s+)?(?:margin|angle)", cyst.text, _R)
        else "obtuse"
        if seen(r"\bobtuse", cyst.text, _R)
        else None,
        "irregular": bool(cyst.says(_IRREGULAR)),
        "thickness_mm": thickness if thickness is not None else (2.0 if septa_fact is not None or content else None),
        "septa": septa_fact,
        "enhancing_septa": None if cyst.says(_ENHANCES) is None else bool(cyst.says(_ENHANCES)),
        "calcified": bool(cyst.says(_CALCIFIED)),
        "content": content
        or (
            "water"
            if septa_fact == "none" and thickness is not None and not cyst.says(_CALCIFIED) and not cyst.attenuations()
            else None
        ),
    }


def _stated(text: str) -> str | None:
    found = [
        re.sub(r"\s", "", match[1]).upper()
        for match in _STATED.finditer(text)
        if not seen(r"(?:prior|previous\w*|formerly|was)\W+(?:\w+\W+){0,3}$", text[: match.start()], _R)
    ]
    return _ROMAN.get(found[-1], found[-1]) if found else None


def _contrast(patient: Patient, cyst: Lesion) -> bool | None:
    """Whether contrast was given: the order, else words about enhancement."""
    if patient.contrast is not None:
        return patient.contrast != "without"
    return True if cyst.says(_ENHANCES) is not None or seen(r"\bnon-?enhanc", cyst.text, _R) else None


def _septa(cyst: Lesion) -> str | None:
    if cyst.says(_SEPTA) is False:
        return "none"
    if cyst.says(_MANY):
        return "many"
    return "few" if cyst.says(_FEW) or cyst.says(_ONE) else None


def _parts(cyst: Lesion, words: str) -> list[float]:
    return [
        part.measure.longest
        for part in cyst.parts
        if part.noun is not None and not part.measure.prior and seen(words, part.noun.word)
    ]


def _protrusion(cyst: Lesion) -> float | Between | None:
    """Height of a convex protrusion in mm; 0 when there is none."""
    sizes = _parts(cyst, r"nodul|protrusion|projection|excrescence")
    if not cyst.says(_NODULE):
        return 0.0
    return max(sizes) if sizes else Between(0, 1e9, low_open=True)


def _thickness(cyst: Lesion) -> float | Between | None:
    """Thickest wall or septum in mm. Behind a wall called thin, a centimetre and more is the cyst's: `thin smooth wall, 3 cm`."""
    thin_walled = _THIN_WALLED.search(cyst.text)
    sizes = [size for size in _parts(cyst, r"wall|sept") if size < 10 or not thin_walled]
    if sizes:
        return max(sizes)
    if cyst.says(_MINIMAL):
        return 3.0
    if cyst.says(_THICK_WORD):
        return Between(2, 1e9, low_open=True)
    return 2.0 if cyst.says(_THIN) else None


def _content(cyst: Lesion, contrast: bool | None) -> str | None:
    values = [value.hu if value.bounds is None else value.bounds.high for value in cyst.attenuations()]
    plain = [value.hu for value in cyst.attenuations() if value.phase == "unenhanced"]
    homogeneous = seen(r"\bhomogen", cyst.text, _R)
    if ((plain and max(plain) >= 70) or (contrast is False and values and max(values) >= 70)) and homogeneous:
        return "hyperdense" if contrast is False else "proteinaceous"
    if values and max(values) <= 20:
        return "water"
    if values and (
        seen(r"\bnon-?\s?enhanc|\b(?:no|without)\s+(?:\w+\s+){0,2}enhanc", cyst.text, _R) or cyst.says(_ENHANCES) is False
    ):
        return "proteinaceous"
    if seen(r"\bsimple\b|\b(?:water|fluid)[\s-]+(?:attenuation|density|signal)", cyst.text, _R):
        return "water"
    return None
