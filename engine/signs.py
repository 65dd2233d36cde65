"""What is said of a disease, held against its sign: restricted diffusion in the left thalamus is an acute infarct there.

An interpretation is asked for less than a finding (engine/compare.py), since most of what it is read from may mean several things at
several places. A sign of engine/lexicon/signs.tsv that the findings do not explain otherwise means one disease: its absence, another
side or place, and another age stand against the sign. Where the impression takes the sign for something else, nothing is said here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from engine.compare import Match
from engine.differences import differences
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass
from engine.kinship import denies, inference, place_of, places_meet, same_kind, sides_meet
from engine.lexicon import lexicon, rows_of
from engine.messages import quoted

SITES = (FlagClass.LATERALITY, FlagClass.LOCATION)


@dataclass(frozen=True, slots=True)
class Sign:
    """One row of the table."""

    disease: str
    within: str | None
    is_acute: bool


def hold_to_signs(seen: Reading, matches: Sequence[Match]) -> None:
    """Add to `matches` what the signs in the findings say against them."""
    names = _signs()
    signs = [fact for fact in seen.facts if fact.concept in names and _is_told_alone(fact, seen)]
    for match in matches if signs else ():
        own = [sign for sign in signs if _disease(match.fact) == _signs()[sign.concept].disease]
        if not own:
            continue
        if match.fact.is_absent:
            _object_to_exclusion(match, own, matches)
        elif _is_aged(match.fact):
            _object_to_age(match, own, matches)
        elif match.how in ("same", "inferred") and not _is_there(match.fact, seen):
            partner = next((sign for sign in own if sides_meet(sign.side, match.fact.side)), own[0])
            match.flags += [flag for flag in differences(match.fact, partner, own) if flag.flag_class in SITES]


def weight_of_sign(fact: Fact, seen: Reading) -> int:
    """A sign that stands for one disease weighs like it when it is left out; 0 for any other finding."""
    sign = _signs().get(fact.concept)
    if sign is None or not _is_told_alone(fact, seen):
        return 0
    return lexicon().concepts[sign.disease].weight


def _object_to_exclusion(match: Match, signs: Sequence[Fact], matches: Sequence[Match]) -> None:
    """`No acute infarct`, where the findings do not say so by name and nothing else is made of the sign."""
    if match.how != "silent" and not (match.partner is not None and match.partner.concept == "abnormality"):
        return
    for sign in signs:
        if denies(match.fact, replace(sign, concept=_signs()[sign.concept].disease)) and not _is_taken(sign, matches):
            message = f"The impression excludes {quoted(match.fact)}; the findings say {quoted(sign)}."
            match.how, match.partner = "denied", sign
            match.flags.append(_flag(FlagClass.NEGATION, message, match.fact, sign))
            return


def _object_to_age(match: Match, signs: Sequence[Fact], matches: Sequence[Match]) -> None:
    """`Chronic infarct` where an acute one shows."""
    if match.how == "same":
        return
    for sign in signs:
        is_here = sides_meet(sign.side, match.fact.side) and places_meet(sign.place, match.fact.place)
        if is_here and _signs()[sign.concept].is_acute and not _is_taken(sign, matches):
            message = f"Course differs: the impression says {quoted(match.fact)} (chronic), the findings say {quoted(sign)}."
            match.how, match.partner = "inferred", sign
            match.flags[:] = [_flag(FlagClass.TEMPORAL, message, match.fact, sign)]
            return


def _is_told_alone(fact: Fact, seen: Reading) -> bool:
    """A sign of a mass or an abscess in the same breath is theirs."""
    sign = _signs()[fact.concept]
    place = place_of(fact)
    if fact.certainty < 3 or fact.is_history or fact.explained_by:
        return False
    if sign.within is not None and (place is None or not lexicon().lies_in(place, sign.within)):
        return False
    beside = [other for other in seen.facts if other.sentence == fact.sentence and other.is_present]
    return all(_speaks_for(other.concept, sign.disease) for other in beside)


def _speaks_for(concept: str, disease: str) -> bool:
    return same_kind(concept, disease) or inference(concept, disease) is not None


def _is_taken(sign: Fact, matches: Sequence[Match]) -> bool:
    """The impression reads something from it already."""
    return any(
        match.fact.is_present
        and match.how in ("same", "inferred")
        and (match.partner is sign or _speaks_for(sign.concept, match.fact.concept))
        and sides_meet(match.fact.side, sign.side)
        for match in matches
    )


def _is_there(fact: Fact, seen: Reading) -> bool:
    """Something else that speaks for it was dictated at the very place."""
    return any(
        other.is_present
        and (other.side or other.place)
        and _speaks_for(other.concept, fact.concept)
        and sides_meet(fact.side, other.side)
        and places_meet(fact.place, other.place)
        for other in seen.facts
    )


def _disease(fact: Fact) -> str:
    """A lacunar infarct is an infarct, and so is an old one."""
    return next((disease for disease in _diseases() if fact.concept in _kinds(disease)), "")


@cache
def _kinds(disease: str) -> frozenset[str]:
    above, aged = lexicon().above, lexicon().aged
    return frozenset(name for name, wider in above.items() if disease in wider or aged.get(disease) in wider)


def _is_aged(fact: Fact) -> bool:
    return fact.concept in lexicon().aged.values()


@cache
def _diseases() -> frozenset[str]:
    return frozenset(sign.disease for sign in _signs().values())


@cache
def _signs() -> dict[str, Sign]:
    return {name: Sign(disease, within or None, age == "acute") for name, disease, within, age in rows_of("signs.tsv", 4)}


def _flag(flag_class: FlagClass, message: str, fact: Fact, sign: Fact) -> Flag:
    grave = "critical" if lexicon().concepts[fact.concept].weight == 3 else "major"
    return Flag(flag_class, grave, message, (fact.start, fact.end), (sign.start, sign.end))  # type: ignore[arg-type]


__all__ = ["hold_to_signs", "weight_of_sign"]
