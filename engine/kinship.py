"""When two facts speak of the same thing: by kind, by place, by side, by level; and when one statement denies another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from engine.facts import Fact
from engine.lexicon import lexicon, rows_of
from engine.measures import vertebrae

#: Too wide to support or to carry anything by itself.
WIDE: Final = frozenset({"abnormality", "lesion", "opacity_any"})
#: Whose children are different things: a mass is no edema, whatever both are on a film.
FAMILIES: Final = frozenset(
    "lung_opacity inflammation degenerative_change device gallbladder_disease extra_axial_collection intracranial_hemorrhage distal_radius_fracture "
    "forearm_fracture hand_fracture lateral_malleolus_fracture ankle_fracture fibular_fracture salter_harris_fracture endoleak aortic_dissection "
    "disc_herniation glioma inflammatory_arthritis rotator_cuff_tear".split()
)
#: Vague places that fit several lobes of the same lung.
VAGUE_LUNG: Final = frozenset(
    {"perihilar", "peripheral_lung", "fissure", "lung", "hilum", "base", "airways", "pulmonary_vasculature"}
)
#: Tissues and systems that every part of the body has: said beside a place they do not contradict it.
SYSTEMS: Final = frozenset({"soft_tissues", "bones", "joints", "vessels", "lymph_nodes", "body", "articular_cartilage"})
#: What one adjective names: a "femoral DVT" lies in the vein, an "iliac occlusion" in either, and no bone is meant.
ALONG: Final = {
    "femur": "femoral_vein femoral_artery",
    "tibia": "tibial_arteries",
    "axilla": "axillary_vein axillary_artery",
    "common_femoral_artery": "common_femoral_vein",
    "superficial_femoral_artery": "femoral_vein",
    "iliac_artery": "iliac_vein",
    "common_iliac_artery": "iliac_vein",
    "external_iliac_artery": "iliac_vein",
    "subclavian_artery": "subclavian_vein",
}
#: Places that are next to each other or that dictation uses for one another.
NEIGHBOURS: Final = frozenset(
    frozenset(pair)
    for pair in (
        ("base", "middle_lobe"),
        ("base", "lingula"),
        ("base", "costophrenic_angle"),
        ("mid_lung", "upper_lobe"),
        ("mid_lung", "lower_lobe"),
        ("mid_lung", "middle_lobe"),
        ("mid_lung", "lingula"),
        ("perihilar", "hilum"),
        ("costophrenic_angle", "lower_lobe"),
        ("peripheral_lung", "pleura"),
        ("thoracic_spine", "thoracolumbar_spine"),
        ("lumbar_spine", "thoracolumbar_spine"),
        ("diaphragm", "base"),
        ("mid_lung", "base"),
        ("ventricles", "brain"),
        ("white_matter", "frontal_lobe"),
        ("white_matter", "parietal_lobe"),
        ("axilla", "breast"),
        ("breast", "lung"),
        ("perihilar", "mid_lung"),
        ("bones", "spine"),
        ("bones", "ribs"),
        ("disc", "lumbar_spine"),
        ("disc", "cervical_spine"),
        ("heart", "thorax"),
        ("pleura", "base"),
        ("pleura", "lung"),
        ("hip", "femur"),
        ("abdomen", "pelvis"),
        ("pleura", "apex"),
        ("pleura", "lower_lobe"),
        ("pleura", "upper_lobe"),
        ("hilum", "lung"),
        ("ribs", "lung"),
        ("bones", "thoracic_spine"),
        ("bones", "lumbar_spine"),
        ("bones", "shoulder"),
        ("thoracic_aorta", "abdominal_aorta"),
        ("lymph_nodes", "hilum"),
        ("lymph_nodes", "mediastinum"),
        ("great_vessels", "vessels"),
        ("superior_vena_cava", "right_atrium"),
        *((bone, vessel) for bone, course in ALONG.items() for vessel in course.split()),
        ("fissure", "upper_lobe"),
        ("coronary_arteries", "heart_walls"),
        ("posterior_cerebral_artery", "occipital_lobe"),
        ("posterior_cerebral_artery", "thalamus"),
        ("posterior_cerebral_artery", "temporal_lobe"),
        ("middle_cerebral_artery", "frontal_lobe"),
        ("middle_cerebral_artery", "parietal_lobe"),
        ("middle_cerebral_artery", "temporal_lobe"),
        ("middle_cerebral_artery", "insula"),
        ("middle_cerebral_artery", "basal_ganglia"),
        ("middle_cerebral_artery", "corona_radiata"),
        ("middle_cerebral_artery", "frontoparietal"),
        ("middle_cerebral_artery", "temporoparietal"),
        ("anterior_cerebral_artery", "frontal_lobe"),
        ("pica", "cerebellum"),
        ("pica", "medulla"),
        ("basilar_artery", "brainstem"),
        ("basilar_artery", "pons"),
        ("basilar_artery", "cerebellum"),
        ("basal_cisterns", "sulci"),
        ("ureter", "bladder"),
        ("pancreatic_duct", "common_bile_duct"),
        ("sinus_tarsi", "ankle"),
        ("superior_mesenteric_vein", "portal_vein"),
        ("splenic_vein", "portal_vein"),
        ("spinal_canal", "lateral_recess"),
        ("femur", "knee"),
        ("tibia", "knee"),
        ("tibia", "ankle"),
        ("fibula", "ankle"),
        ("humerus", "shoulder"),
        ("humerus", "elbow"),
        ("radius", "wrist"),
        ("ulna", "wrist"),
        ("radius", "elbow"),
        ("ulna", "elbow"),
        ("cervix", "vagina"),
        ("scapula", "shoulder"),
        ("spermatic_cord", "testis"),
        ("thorax", "thoracic_spine"),
        ("clavicle", "shoulder"),
        ("renal_artery", "kidney"),
        ("renal_vein", "kidney"),
        ("hepatic_artery", "liver"),
        ("portal_vein", "liver"),
        ("hepatic_veins", "liver"),
        ("splenic_vein", "spleen"),
        ("splenic_artery", "spleen"),
    )
)

#: Parts of the body too wide to be one organ: two findings inside one of these need have nothing to do with each other.
REGIONS: Final = frozenset(
    "body head neck thorax abdomen pelvis upper_extremity lower_extremity bones joints soft_tissues vessels lymph_nodes mediastinum "
    "cardiomediastinum chest_wall great_vessels upper_abdomen lower_abdomen posterior_fossa shoulder_girdle retroperitoneum upper_urinary_tract".split()
)
#: Words that say how something looks, not what it is: each may be given a name.
DESCRIPTIONS: Final = frozenset(
    "lesion mass nodule cyst collection edema inflammation obstruction stenosis dilation enlargement atrophy calcification hypodensity hyperdensity "
    "hyperintensity hypointensity hyperechoic_focus echogenicity hypoechoic_lesion restricted_diffusion hypermetabolism photopenia hyperemia "
    "enhancement thickening fluid necrosis deformity sclerosis displacement asymmetry density opacity lucency extrusion air_fluid_level "
    "mass_effect lung_opacity interstitial_opacity interstitial_markings ground_glass_opacity airspace_opacity marrow_abnormality tear trauma "
    "soft_tissue_swelling filling_defect erosion irregularity".split()
)


#: What a word of praise denies, when it stands alone: a patent vein may belong to portal hypertension, a normal-sized liver hold a mass.
PRAISED: Final = (
    (re.compile(r"\bpatent\b"), frozenset({"stenosis", "thrombosis", "obstruction", "filling_defect", "embolism", "cutoff"})),
    (re.compile(r"\bmidline$"), frozenset({"displacement", "mass_effect"})),
    (re.compile(r"\b(?:congruent|enlocated|(?:well|normally) aligned|in (?:anatomic |normal )?alignment)$|\balignment\b"),
     frozenset({"dislocation", "displacement", "malalignment", "deformity", "spondylolisthesis", "diastasis"})),
    (re.compile(r"\bheights?\b"), frozenset({"fracture", "compression_fracture", "atrophy", "degenerative_change", "deformity"})),
    (re.compile(r"\bfat\b"), frozenset({"edema", "inflammation", "invasion", "collection"})),
    (re.compile(r"\b(?:normal (?:in )?(?:size|caliber|calibre)|not (?:dilated|enlarged)|non-?dilated)$"),
     frozenset({"enlargement", "dilation", "atrophy", "abnormal_heart_size"})),
)  # fmt: skip


@lru_cache(maxsize=4096)
def _denied_by(praise: str) -> frozenset[str] | None:
    """The heads that a normal statement denies; None for any."""
    return next((heads for pattern, heads in PRAISED if pattern.search(praise)), None)


def place_of(fact: Fact) -> str | None:
    """Where it is: the place stated, else where such a thing always is."""
    return fact.place or lexicon().concepts[fact.concept].place


def is_kind_of(one: str, other: str) -> bool:
    return other in lexicon().above[one]


@lru_cache(maxsize=65536)
def same_kind(one: str, other: str) -> bool:
    """The same concept, or one a kind of the other and the wider one not too wide, or one head at neighbouring places."""
    if one == other:
        return True
    words = lexicon()
    if (other in words.above[one] and other not in WIDE) or (one in words.above[other] and one not in WIDE):
        return True
    first, second = words.concepts[one], words.concepts[other]
    heads = {*first.equals, *first.parents} & {*second.equals, *second.parents} - WIDE - FAMILIES
    return bool(heads) and _is_inside(first.place, second.place)


def _is_inside(one: str | None, other: str | None) -> bool:
    return one is None or other is None or other in lexicon().around[one] or one in lexicon().around[other]


@lru_cache(maxsize=4096)
def organs_of(place: str) -> frozenset[str]:
    """The widest places around this one that are still one organ: the lung of a lobe, the knee of a meniscus; none for a region."""
    around = lexicon().around[place] - REGIONS
    return frozenset(one for one in around if not any(other != one and other in lexicon().around[one] for other in around))


@lru_cache(maxsize=65536)
def places_meet(one: str | None, other: str | None) -> bool:
    """Could these two be said of one finding?"""
    if one is None or other is None or one == other or one in SYSTEMS or other in SYSTEMS:
        return True
    around = lexicon().around
    if other in around[one] or one in around[other]:
        return True
    if frozenset((one, other)) in NEIGHBOURS:
        return True
    in_lung = "lung" in around[one] and "lung" in around[other]
    return in_lung and (one in VAGUE_LUNG - {"base"} or other in VAGUE_LUNG - {"base"})


@lru_cache(maxsize=65536)
def same_family(one: str, other: str) -> bool:
    """Shades of one thing: opacity, airspace disease, atelectasis and scar are told for one another, on the same side."""
    return same_kind(one, other) or bool((lexicon().above[one] & lexicon().above[other]) - WIDE)


def sides_meet(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other or "bilateral" in (one, other) or "midline" in (one, other)


def levels_meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if not one or not other:
        return True
    return any(_levels_overlap(a, b) for a in one for b in other)


@lru_cache(maxsize=4096)
def _levels_overlap(one: str, other: str) -> bool:
    """`L4` and `L4-L5` meet, `T7-T9` and `T8-T10` do, `L3-L4` and `L4-L5` share a vertebra and no disc."""
    first, second = vertebrae(one), vertebrae(other)
    shared = first & second
    return len(shared) > 1 or shared in (first, second)


def denies(absent: Fact, present: Fact) -> bool:
    """Does the absence that `absent` states rule out what `present` states?"""
    if absent.change == "new" and present.change != "new":
        return False
    wide = absent.concept == "abnormality"
    if not is_kind_of(present.concept, absent.concept):
        return False
    concept = lexicon().concepts[present.concept]
    if wide and absent.is_normal and absent.place and _is_beyond_praise(absent, present):
        return False
    if wide and (absent.acuity in ("acute", "subacute") or not absent.place) and not concept.is_acute and absent.acuity:
        return False
    if absent.acuity == "acute" and present.acuity == "chronic":
        return False
    if absent.severity == 4 and present.severity is not None and present.severity < 4:
        return False
    if absent.severity == 4 and present.severity is None and not wide:
        return False
    if absent.place and present.near and not place_of(present) and not places_meet(absent.place, present.near):
        return False  # "no mandibular invasion" where the tongue is invaded
    if (absent.near and not places_meet(absent.near, place_of(present))) or not sides_meet(absent.near_side, present.side):
        return False  # "gallbladder sludge without stones" says nothing of the kidney
    if wide and absent.place:
        place = place_of(present)
        if absent.place.endswith("_nodes") and absent.place not in SYSTEMS and is_kind_of(present.concept, "lymphadenopathy"):
            return places_meet(place, absent.place) and sides_meet(absent.side, present.side)
        return place is not None and lexicon().lies_in(place, absent.place) and sides_meet(absent.side, present.side)
    if absent.place and present.place is None and concept.place in SYSTEMS - {"joints"}:
        return False  # "the skull is intact" says nothing of a fracture without a place
    return (
        places_meet(absent.place, place_of(present) if absent.place else None)
        and sides_meet(absent.side, present.side)
        and levels_meet(absent.levels, present.levels)
    )


def _is_beyond_praise(absent: Fact, present: Fact) -> bool:
    heads = _denied_by(absent.words.lower())
    return heads is not None and heads.isdisjoint(lexicon().above[present.concept])


def is_praised_away(absent: Fact, present: Fact) -> bool:
    """Is it just what the words of praise deny: thrombosis of a patent vein, enlargement of an organ of normal size?"""
    heads = _denied_by(absent.words.lower())
    return heads is not None and not heads.isdisjoint(lexicon().above[present.concept])


@cache
def _inferences() -> tuple[tuple[str, frozenset[str], frozenset[str], int], ...]:
    return tuple(
        (name, frozenset(seen.replace(" ", "").split(";")), frozenset(said.replace(" ", "").split(";")), int(sure or 5))
        for name, seen, _, said, sure in rows_of("inferences.tsv", 5)
    )


@cache
def _drawn_from() -> dict[str, list[tuple[str, frozenset[str], int]]]:
    """For every concept that leads to others: the name of each inference, its conclusions, and how sure they are, in the table's order."""
    found: dict[str, list[tuple[str, frozenset[str], int]]] = {}
    for name, causes, conclusions, sure in _inferences():
        for cause in causes:
            found.setdefault(cause, []).append((name, conclusions, sure))
    return found


@cache
def is_conclusion(concept: str) -> bool:
    """Does the table know what this is read from? Then the table decides."""
    return any(concept in conclusions for _, _, conclusions, _ in _inferences())


@lru_cache(maxsize=65536)
def inference(seen: str, said: str) -> tuple[str, int] | None:
    """The interpretation that leads from `seen` to `said`, if a radiologist may draw it: its name, and how sure it may be said."""
    best: tuple[str, int] | None = None
    names = _names(said)
    for name, conclusions, sure in _drawn_from().get(seen, ()):
        if not names.isdisjoint(conclusions) and (best is None or sure > best[1]):
            best = (name, sure)
    return best


@lru_cache(maxsize=65536)
def answers_for(said: str, seen: str) -> bool:
    """Does who names this tell of what it is read from as well: does any row of the table say so (2, 5)?"""
    names = _names(said)
    return any(sure in (2, 5) and not names.isdisjoint(conclusions) for _, conclusions, sure in _drawn_from().get(seen, ()))


@cache
def _names(concept: str) -> frozenset[str]:
    """Itself and the heads it is made of: what lets a fracture be presumed lets one of the humerus be."""
    return frozenset({concept, *lexicon().concepts[concept].equals} - (DESCRIPTIONS - {concept}))


@cache
def _made_of(conclusions: frozenset[str]) -> frozenset[str]:
    """These conclusions, and what each of them is called at one place or another."""
    composed = lexicon().composed
    return conclusions.union(made.name for head in conclusions - DESCRIPTIONS for made in composed.get(head, ()))


@cache
def _below() -> dict[str, frozenset[str]]:
    """For every concept, itself and everything that is a kind of it."""
    kinds: dict[str, set[str]] = {}
    for name, wider in lexicon().above.items():
        for one in wider:
            kinds.setdefault(one, set()).add(name)
    return {name: frozenset(narrower) for name, narrower in kinds.items()}


@cache
def kin(concept: str) -> frozenset[str]:
    """Every concept that may speak for, against or of this one: its family, the wider, the narrower, its readings and its causes."""
    above, below, names = lexicon().above[concept], _below(), _names(concept)
    families = (below[wider] for wider in above - WIDE)
    read_as = (_made_of(conclusions) for _, conclusions, _ in _drawn_from().get(concept, ()))
    read_from = (causes for _, causes, conclusions, _ in _inferences() if not names.isdisjoint(conclusions))
    return above.union(below[concept], *families, *read_as, *read_from)


@cache
def is_description(concept: str) -> bool:
    """`hypodensity`, and `liver lesion`, which is a lesion by another name; nothing with a name of its own."""
    row = lexicon().concepts[concept]
    return concept in DESCRIPTIONS or any(head in DESCRIPTIONS for head in row.equals)


class Gathered:
    """The facts of a section by what they name, so that a statement meets those that may concern it and not all of them."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts = facts
        self._named: dict[str, list[int]] = {}
        self._normal: dict[str | None, list[int]] = {}
        for index, fact in enumerate(facts):
            if fact.concept == "abnormality":
                self._normal.setdefault(fact.place, []).append(index)
                if fact.is_absent:  # one general "normal" agrees with an absence as well as the next
                    self._named.setdefault(fact.concept, [index])
            else:
                self._named.setdefault(fact.concept, []).append(index)
            for name in (*fact.explained_by, *fact.described_by):
                self._named.setdefault(name, []).append(index)

    def about(self, fact: Fact) -> Sequence[Fact]:
        """Every fact that may support, deny, explain or carry this one, in reading order."""
        if fact.concept == "abnormality":
            return self.facts
        near: set[int] = set()
        for concept in (fact.concept, *fact.explained_by):
            for name in kin(concept).intersection(self._named):
                near.update(self._named[name])
        place = place_of(fact)
        for where in (None, *lexicon().around[place]) if place else (None,):
            near.update(self._normal.get(where, ()))
        return [self.facts[index] for index in sorted(near)]
