"""What an impression may leave out beside what it says: details, companions, what lies aside of the question, what something graver outweighs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache

from engine.exams import PARTS
from engine.facts import Fact
from engine.kinship import DESCRIPTIONS, FAMILIES, SYSTEMS, WIDE, is_description, levels_meet, organs_of, place_of, sides_meet
from engine.lexicon import lexicon
from engine.omissions import LOWEST_GRADE
from engine.sites import EVERYWHERE, is_of_open_organ, same_organ, same_site, shares_organ

#: Descriptions of something that is there by itself, and no mere sign of something else.
THINGS = frozenset("lesion opacity fluid collection tear trauma".split())
#: What comes with something else and is seldom the news itself.
COMPANIONS = frozenset(
    "joint_effusion soft_tissue_swelling edema inflammation free_fluid mass_effect sulcal_effacement bowel_dilation "
    "perinephric_stranding hydroureter atelectasis gallbladder_distension gallbladder_wall_thickening biliary_dilation sprain contusion "
    "lymphadenopathy hematoma prevertebral_swelling periosteal_reaction bursitis thickening proptosis ventriculomegaly hyperemia displacement "
    "bladder_wall_thickening tree_in_bud".split()
)
#: Chance finds that stay in the findings when there is graver news.
HARMLESS = frozenset("cholelithiasis ovarian_cyst hernia uterine_fibroid diverticulosis hiatal_hernia".split())
#: Blood that comes with what bled: a small hemoperitoneum with a torn spleen, a little around a biopsy.
BLEEDS = frozenset("hemorrhage hematoma hemoperitoneum hemothorax pulmonary_hemorrhage intraventricular_hemorrhage".split())
SHIFTS = frozenset({"midline_shift", "mediastinal_shift"})
#: What widens above an obstruction.
DAMMED = frozenset({"hydronephrosis", "hydroureter", "biliary_dilation", "pancreatic_duct_dilation", "bowel_dilation"})
RUNS = re.compile(r"\bexten(?:d|sion)", re.IGNORECASE)
URINARY = frozenset({"kidney", "ureter", "bladder", "upper_urinary_tract"})
TORN = frozenset({"laceration", "rupture", "fracture"})
#: Examinations that treat.
PROCEDURE = re.compile(
    r"\b(?:ir|biops\w+|placement|drainage|embolization|embolisation|nephrostomy|angioplasty|ablation|injection)\b", re.IGNORECASE
)
#: What is drained or dilated: who reports how that went need not say again that it was there.
TREATED = frozenset({"collection", "stenosis"})
JOINT_FLUID = frozenset({"effusion", "joint_effusion"})
LIMBS = frozenset({"upper_extremity", "lower_extremity"})
#: What makes other levels of the spine a side matter.
CORD = frozenset({"myelopathy", "cord_compression", "cauda_equina_compression"})
#: A chance find that nobody may lose, wherever it lies.
NEVER_ASIDE = frozenset({"fracture", "lesion", "aneurysm"})
#: What is told however plainly it was dictated.
NEVER_PASSED_OVER = frozenset(
    "fracture lesion mass nodule cyst collection aneurysm dislocation tear stenosis thrombosis embolism fistula lymphadenopathy malignancy "
    "low_lying_placenta".split()
)


def is_a_detail(fact: Fact, carried: Sequence[Fact], spoken: Sequence[Fact]) -> bool:
    """A description beside a finding that the impression carries or names, or less than what it says of the organ, the level, the patient."""
    if any((other.start, other.end) == (fact.start, fact.end) for other in carried):
        return True  # one mention at two places
    if any(_shares_a_head(one.concept, fact.concept) and (same_site(one, fact) or _runs_on(fact)) for one in spoken):
        return True
    if any(_names(one, fact) for one in spoken):
        return True
    weight = lexicon().concepts[fact.concept].weight
    if _is_overshadowed(fact, weight, spoken) or _is_blood_of(fact, carried, spoken):
        return True
    if _is_a_small_shift(fact, spoken) or _is_a_second_speck(fact, spoken):
        return True
    if _is_a_lung_infarct(fact, spoken) or _is_a_silent_stone(fact, spoken) or _is_a_lasting_state(fact, weight, spoken):
        return True
    if weight > 2 or (fact.severity == 4 and not fact.levels and fact.concept not in JOINT_FLUID):
        return False
    if _is_dammed_up(fact, spoken) or _is_a_companion(fact, weight, spoken) or _is_of_its_level(fact, weight, spoken):
        return True
    if not is_description(fact.concept) or fact.severity == 4:
        return False
    if any(other.sentence == fact.sentence and same_site(other, fact) for other in carried):
        return True
    return not lexicon().above[fact.concept] & THINGS and any(
        lexicon().concepts[one.concept].weight >= weight and same_organ(one, fact) for one in spoken
    )


def _names(one: Fact, fact: Fact) -> bool:
    """`Ovarian lesions` are the endometriomas, a `cord lesion at C3` the signal there: a lesion that has its name in the impression."""
    above = lexicon().above
    if not is_description(fact.concept):
        return False
    if fact.levels and one.levels and "lesion" in above[fact.concept] & above[one.concept]:
        return levels_meet(fact.levels, one.levels) and sides_meet(fact.side, one.side)
    if not is_of_open_organ(fact):
        return False
    return (
        "lesion" in above[fact.concept] & above[one.concept]
        and same_organ(one, fact)
        and same_site(one, fact)
        and (one.concept != "lesion" or bool(one.side or one.levels))
    )


def _is_of_its_level(fact: Fact, weight: int, spoken: Sequence[Fact]) -> bool:
    """`L4-5: uncovered disc, facet arthropathy, severe stenosis`: a level is told by its gravest, and the spine by a level where the cord suffers."""
    told = [one for one in spoken if one.levels and lexicon().concepts[one.concept].weight >= weight] if fact.levels else []
    return any(
        levels_meet(one.levels, fact.levels) or (fact.severity != 4 and lexicon().above[one.concept] & CORD) for one in told
    )


def _is_overshadowed(fact: Fact, weight: int, spoken: Sequence[Fact]) -> bool:
    """Slight, old or harmless by its kind, beside something clearly graver: a small effusion with a torn aorta."""
    concept = lexicon().concepts[fact.concept]
    is_slight = fact.change not in ("new", "larger") and (
        fact.severity in (1, 2) or _is_tiny(fact) or bool(LOWEST_GRADE.search(fact.words))
    )
    if _is_old(fact):
        weight = min(weight, 2)
    is_bleed = concept.name in BLEEDS or (
        fact.change in ("unchanged", "again", "smaller") and "hemorrhage" in lexicon().above[concept.name]
    )
    if weight > 2 and not (is_slight and is_bleed):
        return False
    if not (is_slight or _is_old(fact) or concept.name in HARMLESS):
        return False
    own = min(weight, 2) * 2 - is_slight
    heavy = [salience(one) for one in spoken if one.concept not in BLEEDS and one.concept not in HARMLESS]
    return any(one >= own + 2 for one in heavy) or (concept.name in HARMLESS and sum(one >= own for one in heavy) > 1)


def _runs_on(fact: Fact) -> bool:
    """`Dissection flap … extends to the iliac artery`: one dissection, through one vessel after the other."""
    return "dissection" in lexicon().above[fact.concept] and bool(RUNS.search(fact.words))


def _is_dammed_up(fact: Fact, spoken: Sequence[Fact]) -> bool:
    """The wide ureter above a tumour that the impression calls obstructing."""
    place = place_of(fact)
    if place is None or DAMMED.isdisjoint(lexicon().above[fact.concept]):
        return False
    is_urinary = bool(URINARY & lexicon().around[place])
    return any(
        "obstruction" in one.described_by and (where := place_of(one)) and bool(URINARY & lexicon().around[where]) == is_urinary
        for one in spoken
    )


def _is_a_lasting_state(fact: Fact, weight: int, spoken: Sequence[Fact]) -> bool:
    """A large spleen, a goitre, gallstones: no acute matter, named without measure, grade or change, beside another as grave."""
    is_plain = not (any(fact.sizes) or fact.levels) and fact.severity not in (3, 4) and fact.change not in ("new", "larger")
    if (
        weight > 2
        or not is_plain
        or lexicon().concepts[fact.concept].is_acute
        or lexicon().above[fact.concept] & NEVER_PASSED_OVER
    ):
        return False
    least = 1 if fact.concept in HARMLESS else weight
    return any(lexicon().concepts[one.concept].weight >= least and one.concept != fact.concept for one in spoken)


def _is_a_small_shift(fact: Fact, spoken: Sequence[Fact]) -> bool:
    """The midline or the mediastinum a little to one side, beside something as grave in the same part of the body."""
    place = place_of(fact)
    is_small = fact.severity in (1, 2) or 0 < _largest(fact) < 5
    return fact.concept in SHIFTS and is_small and place is not None and any(_is_a_disaster_at(one, place) for one in spoken)


def _is_a_second_speck(fact: Fact, spoken: Sequence[Fact]) -> bool:
    """A nodule of five millimetres or less beside a larger one of the same organ that is told."""
    return (
        "nodule" in lexicon().above[fact.concept]
        and 0 < _largest(fact) <= 5
        and any("nodule" in lexicon().above[one.concept] and shares_organ(one, fact) for one in spoken)
    )


def _largest(fact: Fact) -> float:
    return max((number for size in fact.sizes for number in size), default=0)


def _is_a_silent_stone(fact: Fact, spoken: Sequence[Fact]) -> bool:
    """A stone of the kidney of five millimetres or less stays in the findings of whoever speaks of other organs."""
    if fact.concept != "renal_calculus" or not 0 < _largest(fact) <= 5:
        return False
    places = [place for one in spoken if (place := place_of(one)) is not None]
    return bool(spoken) and not any(URINARY & lexicon().around[place] for place in places)


def _is_a_lung_infarct(fact: Fact, spoken: Sequence[Fact]) -> bool:
    """The infarct behind a clot in the lung's arteries, when the clot is told."""
    place = place_of(fact)
    is_there = place is None or "thorax" in lexicon().around[place]
    return (
        "infarct" in lexicon().above[fact.concept]
        and is_there
        and any("pulmonary_embolism" in lexicon().above[one.concept] for one in spoken)
    )


def _is_blood_of(fact: Fact, carried: Sequence[Fact], spoken: Sequence[Fact]) -> bool:
    """The blood around a torn organ whose tear is told: neither much of it nor measured."""
    if BLEEDS.isdisjoint(lexicon().above[fact.concept]) or fact.severity in (3, 4) or any(fact.sizes):
        return False
    beside = [one for one in carried if one.sentence == fact.sentence and same_organ(one, fact)]
    return any(
        not TORN.isdisjoint(lexicon().above[one.concept]) for one in (*beside, *(one for one in spoken if same_organ(one, fact)))
    )


def salience(fact: Fact) -> int:
    """How much a finding stands out: its weight, more when it is severe and less when slight."""
    return 2 * lexicon().concepts[fact.concept].weight - (fact.severity in (1, 2)) + (fact.severity == 4)


def _is_tiny(fact: Fact) -> bool:
    return 0 < _largest(fact) <= 5 and is_of_open_organ(fact) and "stone" not in lexicon().above[fact.concept]


def _is_old(fact: Fact) -> bool:
    return fact.acuity == "chronic" or fact.concept in lexicon().aged.values()


def _is_a_companion(fact: Fact, weight: int, spoken: Sequence[Fact]) -> bool:
    """Swelling, fluid or crowding beside something graver in the same part of the body, or as grave at the same organ."""
    place = place_of(fact)
    if place is None or (place in SYSTEMS and fact.near):
        place = fact.near
    if place is None or not (
        _comes_with_others(fact.concept)
        or LOWEST_GRADE.search(fact.words)
        or (fact.concept in JOINT_FLUID and LIMBS & lexicon().around[place])
    ):
        return False
    is_in_joint = fact.concept in JOINT_FLUID and bool(LIMBS & lexicon().around[place])
    if fact.severity in (3, 4):  # much of it is left out only beside several others
        if is_in_joint:
            return sum(lexicon().concepts[one.concept].weight >= weight for one in spoken) > 1
        if fact.severity == 3 and any(_is_a_disaster_at(one, place) for one in spoken):
            return True
        return sum(lexicon().concepts[one.concept].weight >= weight and same_organ(one, fact) for one in spoken) > 2
    part = PARTS & lexicon().around[place] | {"upper_urinary_tract"} & lexicon().around[place]
    if fact.severity in (1, 2) or 0 < _largest(fact) <= 5 or LOWEST_GRADE.search(fact.words):
        weight = min(weight, 1)
    for one in spoken:
        graver, where = lexicon().concepts[one.concept].weight - weight, place_of(one)
        if graver < 0 or where is None or (_comes_with_others(one.concept) and weight + graver < 3):
            continue
        shared = part & lexicon().around[where]
        if same_organ(one, fact) or ((graver or is_in_joint) and shared) or "upper_urinary_tract" in shared:
            return True
    return False


def _is_a_disaster_at(one: Fact, place: str) -> bool:
    where = place_of(one)
    return (
        where is not None
        and lexicon().concepts[one.concept].weight > 2
        and bool(PARTS & lexicon().around[where] & lexicon().around[place])
    )


@cache
def _comes_with_others(concept: str) -> bool:
    return not COMPANIONS.isdisjoint((concept, *lexicon().concepts[concept].parents))


@lru_cache(maxsize=4096)
def _shares_a_head(one: str, other: str) -> bool:
    """Two fractures, two dissections: one kind at neighbouring places."""
    shared = lexicon().above[one] & lexicon().above[other]
    return bool(shared - DESCRIPTIONS - WIDE - FAMILIES - {"infection", "malignancy", "metastasis"})


def adding_up(missing: Sequence[Fact], spoken: Sequence[Fact], unread: AbstractSet[str]) -> list[Fact]:
    """Three signs or more at one organ of which the impression says nothing: slight each, together a disease that nobody names."""
    organs: dict[str, list[Fact]] = {}
    for fact in missing:
        place = place_of(fact) or fact.near
        for organ in organs_of(place) - EVERYWHERE if place else ():
            organs.setdefault(organ, []).append(fact)
    told = {organ for fact in spoken if (place := place_of(fact) or fact.near) for organ in organs_of(place)} | unread
    return [
        fact
        for organ, signs in organs.items()
        if organ not in told and len({(one.concept, one.sentence) for one in signs}) >= 3
        for fact in signs[:1]
    ]


def is_left_to_the_procedure(fact: Fact, exam: str) -> bool:
    """Who reports a biopsy or a drainage tells what was done: why it was done is known."""
    is_light = lexicon().concepts[fact.concept].weight < 3 or not TREATED.isdisjoint(lexicon().above[fact.concept])
    return is_light and bool(PROCEDURE.search(exam))


def is_aside(fact: Fact, examined: frozenset[str]) -> bool:
    """Outside the part that was examined, neither grave nor a chance find to follow: gallstones on a chest film stay in the findings.

    So does a little fluid in the joint that was examined.
    """
    place = place_of(fact)
    if fact.concept in JOINT_FLUID and fact.severity in (1, 2) and fact.change not in ("new", "larger") and LIMBS & examined:
        return True
    kinds = lexicon().above[fact.concept]
    if place is None or lexicon().concepts[fact.concept].weight > 2 or kinds & NEVER_ASIDE:
        return False
    found = PARTS & lexicon().around[place]
    return bool(found and examined) and not found & examined
