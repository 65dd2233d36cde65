"""Whose size is it: finds, for a number in a sentence, the noun it measures."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from engine.guidelines import words
from engine.guidelines.denial import negated_at
from engine.guidelines.measures import Measure
from engine.guidelines.patterns import fills, opens

#: words that end the reach of a size over a noun after it
GAP_STOPS = re.compile(
    r"\b(?:in|of|at|on|with|without|no|not|and|is|are|was|were|to|from|which|that|measur\w+|within|involving"
    r"|has|have|(?<!-)contain\w*|or|by|for|adjacent|near|previously|prior|now|but|demonstrat\w+|show\w*|arising|along"
    r"|abutting|this|it|the)\b|[,;:]",
    re.IGNORECASE,
)
_AFTER_PREPOSITION = re.compile(
    r"\b(?:in|of|within|adjacent\s+to|from|near|abutting|along|to|at|involving|on|above|below|behind|against|into|throughout|overlying)\s+"
    r"(?:(?!(?:and|is|are|was|were|with|which|that|but|has|have)\b|measur|contain|demonstrat|show)[\w-]+\s+){0,5}$",
    re.IGNORECASE,
)

_PLACE_OR_VERB = r"[\s(:-]*(?:(?:in|of|the|at|is|measur\w+|right|left|upper|middle|lower|mid|lobe|pole|zone|segment|lingula|[rl][uml]l)[\s(:-]*)*"


@dataclass(frozen=True, slots=True)
class Noun:
    """A thing that can be measured: a lesion, a part of one, or an anatomical structure."""

    kind: str
    word: str = field(repr=False)
    start: int
    end: int


def owner(sentence: str, measure: Measure, nouns: list[Noun]) -> Noun | None:
    """The noun a size belongs to: the one it stands before ("6 mm solid nodule"), else the subject before it."""
    following = [noun for noun in nouns if noun.start >= measure.end]
    named_before = next((noun for noun in reversed(nouns) if noun.end <= measure.start and noun.kind == "lesion"), None)
    if (
        following
        and named_before
        and _is_told_of(sentence[named_before.end : measure.start], sentence[measure.end : following[0].start])
    ):
        return named_before
    if following:
        gap = re.sub(r"\([^)]*\)", " ", sentence[measure.end : following[0].start])
        if len(gap) <= 90 and not GAP_STOPS.search(gap):
            named = _lesion_over_structure(following, sentence)
            before = [noun for noun in nouns if noun.kind == "lesion" and noun.end <= measure.start]
            if named.kind != "structure" or not before or words.JOIN.search(sentence[before[-1].end : measure.start]):
                return named
            return before[-1]  # "nodule measuring 14 mm left lower lobe"
        if fills(r"\s*(?:thick\s+|thickness\s+of\s+(?:the\s+)?)?", gap) and following[0].kind == "part":
            return following[0]
        if fills(r"\s*(?:area|region|focus)?\s*of\s+(?:\w+\s+){0,3}", gap) and following[0].kind == "lesion":
            return following[0]
        if fills(
            r",?\s*(?:(?:solid|smooth|round|oval|well[- ]\w+|noncalcified|non-calcified|spiculated|lobulated|irregular"
            r"|partially|calcified|ground[- ]glass|part[- ]solid|subsolid|hypo\w+|hyper\w+|iso\w+|\w+ing|simple|cystic"
            r"|very|markedly|mildly|slightly|mostly|predominantly|and|right|left|upper|middle|lower|lobe|pulmonary|lung)[\s,-]*)+",
            gap,
            re.I,
        ):
            named = following[0] if following[0].kind != "structure" else _lesion_over_structure(following, sentence)
            before = [noun for noun in nouns if noun.kind == "lesion" and noun.end <= measure.start]
            return before[-1] if named.kind == "structure" and before else named  # "nodule 7 mm, right lower lobe"
    preceding = [noun for noun in nouns if noun.end <= measure.start]
    preceding = [noun for noun in preceding if noun.kind != "part" or not negated_at(sentence, noun.start)]
    subjects = [noun for noun in preceding if not _AFTER_PREPOSITION.search(sentence[: noun.start])]
    if len(subjects) > 1 and subjects[-1].kind == "structure" and subjects[-2].kind == "lesion":
        between = sentence[subjects[-2].end : subjects[-1].start]  # "nodule, right lobe, 11 mm"
        if fills(
            r"[\s,-]*(?:(?:the|right|left|upper|mid|middle|lower|anterior|posterior|medial|lateral|pole)[\s,-]*)*", between, re.I
        ):
            return subjects[-2]
    if subjects:
        return subjects[-1]
    lesions = [noun for noun in preceding if noun.kind == "lesion"]
    return lesions[-1] if lesions else None


def _is_told_of(before: str, after: str) -> bool:
    """Only a place or a verb stands between the lesion and its size, and what follows begins anew: "nodule RUL 12 mm and solid nodule"."""
    return fills(_PLACE_OR_VERB, before, re.I) is not None and opens(r"\s*(?:,|and\b)", after) is not None


def _lesion_over_structure(following: list[Noun], sentence: str) -> Noun:
    """In "6 mm right upper lobe nodule" the lobe is on the way to the nodule."""
    for noun, after in pairwise(following):
        if (
            noun.kind == "structure"
            and after.kind in ("lesion", "part")
            and not GAP_STOPS.search(sentence[noun.end : after.start])
        ):
            return after
        break
    return following[0]
