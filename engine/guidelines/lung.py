"""What Fleischner and Lung-RADS both ask of a pulmonary nodule: composition, mean size, benign looks."""

from __future__ import annotations

import math
import re

from engine.guidelines.measures import VOLUME, Measure
from engine.guidelines.patterns import opens, seen
from engine.guidelines.reading import Lesion
from engine.guidelines.table import Between

NODULE = re.compile(
    r"nodul|mass|ggn|ggo|ground|opacit|foc(?:us|i)|lesion|granuloma|hamartoma|densit|cyst|carcinoma|malignan"
    r"|neoplasm|tumou?r|micronodul|lipoma",
    re.I,
)
#: shadows that are not nodules: no size, and words of consolidation or scarring
NOT_A_NODULE = re.compile(
    r"atelecta|consolidat|scar(?:ring)?\b|infiltrat|edema|pneumonia|bandlike|band-like|linear|tree-in-bud|mucus|diffuse|patchy",
    re.I,
)
PART_SOLID = re.compile(
    r"\b(?:part(?:ly|ially)?|semi|mixed)[\s-]*solid|\bmixed\s+(?:attenuation|density|ground)|\b(?:ground[\s-]?glass"
    r"|ggn|ggo|subsolid|nonsolid)\b(?:[^.]|\.\d){0,60}\bsolid\s+(?:component|portion|part|core|nodul\w+|element)",
    re.I,
)
SOLID_PART = re.compile(r"\bsolid\s+(?:\w+\s+)?(?:component|portion|part|core|element)", re.I)
GROUND_GLASS = re.compile(r"\bground[\s-]?glass|\bggns?\b|\bggos?\b|\b(?:pure\s+)?non-?\s?solid", re.I)
SOLID = re.compile(
    r"(?<!part-)(?<!part )(?<!semi-)(?<!sub-)(?<!sub)(?<!non-)(?<!non )(?<!non)(?<!partly )(?<!partially )\bsolid\b", re.I
)
BENIGN = re.compile(
    r"\b(?:densely\s+|completely\s+|fully\s+|centrally\s+|benign\w*\s+|coarsely\s+|diffusely\s+)?calcified\b(?!\s+(?:pleural"
    r"|mediastinal|hilar|lymph|node|aort|coronar))|\b(?:central|popcorn|laminated?|concentric|lamellated|complete"
    r"|diffuse|benign|dense)\s+(?:\w+\s+){0,2}calcification|\b(?:fat|fatty)\b(?:[\s-]+(?:containing|attenuation"
    r"|density))?|\bmacroscopic\s+fat|\bhamartoma|\bgranulomas?\b",
    re.I,
)
NOT_CALCIFIED = re.compile(
    r"\bnon-?\s?calcified|\buncalcified|\bpartial(?:ly)?\s+calcif|\beccentric\w*\s+(?:\w+\s+)?calcif|\bpunctate\s+calcif"
    r"|\bstippled\b|\bamorphous",
    re.I,
)
PERIFISSURAL = re.compile(
    r"\bperi-?fissural|\balong\s+the\s+(?:\w+\s+)?(?:fissure)|\bfissur\w+[\s-]*(?:based|attached)|\babutting\s+the\s+(?:\w+\s+)?fissure"
    r"|\bon\s+the\s+(?:\w+\s+)?fissure|\bintra-?pulmonary\s+lymph\s*node",
    re.I,
)
NODE_SHAPE = re.compile(
    r"\btriangular|\blentiform|\boval\b|\bovoid|\bpolygonal|\btypical|\bintra-?pulmonary\s+lymph\s*node|\bflat\b|\btentiform",
    re.I,
)
NODE_LOOK = re.compile(
    r"\bperifissural\s+(?:lymph\s*)?node\b|\bintra-?pulmonary\s+lymph\s*node|\btypical\s+perifissural\s+nodule", re.I
)
SPICULATED = re.compile(r"\bspiculat\w+|\birregular\b|\blobulat\w+|\bdisplac\w+|\bdistort\w+|\bretract\w+", re.I)


def composition(lesion: Lesion) -> str | None:
    """`solid`, `part-solid` or `ground-glass`; None when the words do not say."""
    text = lesion.text
    if PART_SOLID.search(text) or (GROUND_GLASS.search(text) and lesion.says(SOLID_PART)):
        if lesion.says(SOLID_PART) is False and GROUND_GLASS.search(text):
            return "ground-glass"
        return "part-solid"
    if lesion.says(GROUND_GLASS):
        return "ground-glass"
    if lesion.says(SOLID):
        return "solid"
    is_mass = seen(r"\bspiculat", text, re.I) or lesion.head.word in ("mass", "masses")
    return "solid" if is_mass and not seen(r"subsolid", text, re.I) else None


def is_benign(lesion: Lesion) -> bool:
    """Benign calcification or fat, or a smooth triangular or lentiform node on a fissure."""
    calcified = lesion.says(BENIGN)
    if calcified and not NOT_CALCIFIED.search(lesion.text):
        return True
    if lesion.says(SPICULATED):
        return False
    return bool(NODE_LOOK.search(lesion.text) and not SPICULATED.search(lesion.text)) or bool(
        PERIFISSURAL.search(lesion.text) and NODE_SHAPE.search(lesion.text)
    )


def mean_size(lesion: Lesion, *, nearest: bool) -> float | Between | None:
    """Mean of the two in-plane axes of the largest size of today, in mm; `nearest` rounds half up to whole millimetres."""
    sizes = lesion.current()
    if not sizes:
        return by_volume(lesion) if nearest else None
    stated = [size for size in sizes if size.kind == "mean"]
    axes = _labelled_axes(lesion, sizes)
    if stated:
        value = max(size.longest for size in stated)
    elif axes:
        value = sum(axes) / 2
    else:
        several_axes = [size for size in sizes if len(size.mm) > 1]
        pool = sizes if lesion.plural or not several_axes else several_axes
        top = max(pool, key=lambda size: sum(size.mm[:2]) / len(size.mm[:2]))
        if top.bounds and not (lesion.plural and top.bounds.high < 1e9 and not top.bounds.high_open):
            return top.bounds
        value = sum(top.mm[:2]) / len(top.mm[:2])
    return float(math.floor(value + 0.5)) if nearest else round(value + 1e-9, 1)


def _labelled_axes(lesion: Lesion, sizes: list[Measure]) -> tuple[float, float] | None:
    text = lesion.document.masked
    long = short = None
    for size in sizes:
        around = text[max(0, size.start - 22) : size.start] + " # " + text[size.end : size.end + 22]
        if seen(r"\blong(?:est)?\b[\s-]*(?:axis|diameter|dimension)", around, re.I) and long is None:
            long = size.longest
        elif seen(r"\b(?:short(?:est)?|perpendicular)\b[\s-]*(?:axis|diameter|dimension)?", around, re.I):
            short = size.longest
    return (long, short) if long and short else None


def by_volume(lesion: Lesion) -> float | Between | None:
    """Fleischner's volume bands as sizes: 100 and 250 mm3 stand for 6 and 8 mm."""
    volumes = [float(match[1]) for match in VOLUME.finditer(lesion.text) if opens(r"[\d.]", match[1])]
    if not volumes:
        return None
    top = max(volumes)
    return 5.0 if top < 100 else 7.0 if top <= 250 else 9.0


def solid_part(lesion: Lesion) -> float | None:
    """Largest size of the solid part of today, in mm."""
    own = [
        part.measure
        for part in lesion.parts
        if part.noun is not None and seen(r"component|portion|part|core|element|solid", part.noun.word) and not part.measure.prior
    ]
    return max((sum(one.mm[:2]) / len(one.mm[:2]) for one in own), default=None)
