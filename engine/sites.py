"""Where two facts are, held against one another: one place, one organ, one part of the body."""

from __future__ import annotations

from engine.facts import Fact
from engine.kinship import SYSTEMS, levels_meet, organs_of, place_of, places_meet, sides_meet
from engine.lexicon import lexicon
from engine.measures import same_size

#: Organs that a report names in passing.
EVERYWHERE = frozenset("lung heart pleura brain spine thoracic_aorta".split())

#: Parts of one organ that nobody takes for one another.
PARTS_OF_ORGANS = tuple(
    frozenset(parts.split())
    for parts in (
        "cecum ascending_colon hepatic_flexure transverse_colon splenic_flexure descending_colon sigmoid_colon rectum",
        "duodenum jejunum ileum",
        "frontal_lobe parietal_lobe temporal_lobe occipital_lobe cerebellum brainstem thalamus",
        "caudate putamen globus_pallidus",
        "pons midbrain medulla",
        "superior_semicircular_canal lateral_semicircular_canal posterior_semicircular_canal",
        "maxillary_sinus ethmoid_sinus frontal_sinus sphenoid_sinus",
        "anterior_communicating_artery posterior_communicating_artery",
        "left_main_coronary left_anterior_descending left_circumflex right_coronary",
        "anterior_mediastinum middle_mediastinum posterior_mediastinum",
        "upper_lobe middle_lobe lower_lobe lingula",
        "pancreatic_head pancreatic_body pancreatic_tail",
        "ureter_proximal ureter_mid ureter_distal",
        "breast_upper_outer breast_upper_inner breast_lower_outer breast_lower_inner",
        "thyroid_upper_pole thyroid_mid thyroid_lower_pole",
        "supraspinatus infraspinatus subscapularis teres_minor",
        "common_extensor common_flexor",
        "scaphoid_waist scaphoid_proximal_pole scaphoid_distal_pole",
        "gluteus_medius gluteus_minimus",
        "femoral_head femoral_neck trochanter subtrochanteric",
        "medial_meniscus lateral_meniscus",
        "medial_tibial_plateau lateral_tibial_plateau",
        "medial_femoral_condyle lateral_femoral_condyle",
        "medial_malleolus lateral_malleolus posterior_malleolus",
    )
)
PARTS: frozenset[str] = frozenset().union(*PARTS_OF_ORGANS)


def same_site(one: Fact, other: Fact) -> bool:
    """One place, no other side, level or size; a finding without a place lies anywhere."""
    return fits(one, other) and places_meet(_usual(one), _usual(other))


def _usual(fact: Fact) -> str | None:
    """Where it is; a place dictated beside a thing that cannot lie there ("retrocardiac bulge, aortic aneurysm") is only a landmark."""
    usual, around = lexicon().concepts[fact.concept].place, lexicon().around
    if fact.place is None or usual is None or usual in around[fact.place] or fact.place in around[usual]:
        return fact.place or usual
    return usual


def same_organ(one: Fact, other: Fact) -> bool:
    """Both known to be at one organ, on no other side or level, of no other size."""
    first, second = place_of(one), place_of(other)
    if first is None or second is None or not fits(one, other):
        return False
    is_anywhere = (other.place is None and second in SYSTEMS) or (one.place is None and first in SYSTEMS)
    return shares_organ(one, other) or (
        is_anywhere and places_meet(one.near, other.near or second) and places_meet(other.near, one.near or first)
    )


def shares_organ(one: Fact, other: Fact) -> bool:
    """Both at parts of one organ, whatever the side."""
    first, second = place_of(one), place_of(other)
    return first is not None and second is not None and (first == second or bool(organs_of(first) & organs_of(second)))


def are_apart(one: str | None, other: str | None) -> bool:
    """Two parts of one organ that nobody takes for one another."""
    return one != other and any(one in parts and other in parts for parts in PARTS_OF_ORGANS)


def is_of_open_organ(fact: Fact) -> bool:
    """At an organ of which no list of findings is complete; lungs, heart and brain are told in words that we know."""
    place = place_of(fact)
    return place is not None and not organs_of(place) & EVERYWHERE


def fits(one: Fact, other: Fact) -> bool:
    return (
        sides_meet(one.side or one.near_side, other.side or other.near_side)
        and levels_meet(one.levels, other.levels)
        and _sizes_meet(one, other)
    )


def _sizes_meet(one: Fact, other: Fact) -> bool:
    numbers = [number for size in one.sizes for number in size]
    others = [number for size in other.sizes for number in size]
    return not numbers or not others or any(same_size(a, b) for a in numbers for b in others)
