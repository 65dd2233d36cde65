"""When an impression says it in other words: what it states without a partner, held against what the findings describe and nothing else takes up.

Radiologists describe in the findings and name in the impression: "ring-enhancing lesions" become metastases, "an enlarged, enhancing nerve"
becomes neuritis. No list of such pairs is ever complete, so none is needed here: a name without a partner, at the organ and on the side of a
description that nobody has named yet, is its reading. It then stands as a note, and so does the "omission" of that description. What was
never described stays an invention, and what the findings deny by name stays a contradiction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache

from engine.compare import Match
from engine.facts import Fact, Reading, read
from engine.impression import Flag, FlagClass
from engine.kinship import (
    FAMILIES,
    SYSTEMS,
    WIDE,
    inference,
    is_conclusion,
    levels_meet,
    place_of,
    places_meet,
    same_kind,
    sides_meet,
)
from engine.lexicon import lexicon
from engine.measures import same_size, sizes_in
from engine.scope import CONSISTENT, POSSIBLE

#: Words that say how something looks, not what it is: each may be given a name.
DESCRIPTIONS = frozenset(
    "lesion mass nodule cyst collection edema inflammation obstruction stenosis dilation enlargement atrophy calcification hypodensity hyperdensity "
    "hyperintensity hypointensity hyperechoic_focus echogenicity hypoechoic_lesion restricted_diffusion hypermetabolism photopenia hyperemia "
    "enhancement thickening fluid necrosis deformity sclerosis displacement asymmetry density opacity lucency extrusion air_fluid_level "
    "mass_effect lung_opacity interstitial_opacity interstitial_markings ground_glass_opacity airspace_opacity marrow_abnormality tear trauma "
    "soft_tissue_swelling filling_defect erosion irregularity".split()
)
#: Descriptions of something that is there by itself, and no mere sign of something else.
THINGS = frozenset("lesion opacity fluid collection tear trauma".split())
#: What comes with something else and is seldom the news itself.
COMPANIONS = frozenset(
    "joint_effusion soft_tissue_swelling edema inflammation free_fluid mass_effect sulcal_effacement bowel_dilation "
    "perinephric_stranding hydroureter atelectasis gallbladder_distension gallbladder_wall_thickening biliary_dilation sprain contusion "
    "lymphadenopathy periosteal_reaction bursitis thickening proptosis ventriculomegaly hyperemia displacement".split()
)
#: Parts of the body too wide to be one organ: two findings inside one of these need have nothing to do with each other.
REGIONS = frozenset(
    "body head neck thorax abdomen pelvis upper_extremity lower_extremity bones joints soft_tissues vessels lymph_nodes mediastinum "
    "cardiomediastinum chest_wall great_vessels upper_abdomen lower_abdomen posterior_fossa shoulder_girdle retroperitoneum upper_urinary_tract".split()
)
#: Parts that are examined by themselves, and what lies in the same picture.
PARTS = frozenset("head neck thorax abdomen pelvis spine upper_extremity lower_extremity".split())
SEEN_TOGETHER = {
    "head": ("neck",), "neck": ("head", "spine"), "abdomen": ("pelvis", "spine"), "pelvis": ("abdomen", "lower_extremity", "spine"),
    "lower_extremity": ("pelvis",), "upper_extremity": ("thorax",), "thorax": ("spine",), "spine": ("neck",),
}  # fmt: skip
#: A chance find that nobody may lose, wherever it lies.
NEVER_ASIDE = frozenset({"fracture", "lesion", "aneurysm"})
#: Regions small enough that whatever is said there may be what was named.
NAMED_REGIONS = frozenset({"lymph_nodes", "mediastinum", "great_vessels", "posterior_fossa"})
#: Organs that a report names in passing.
EVERYWHERE = frozenset("lung heart pleura brain spine thoracic_aorta".split())
#: What every findings section names itself when it is there: never the reading of something else.
NAMED_AS_SEEN = frozenset("pneumothorax free_air pleural_effusion nodule cardiomegaly dislocation".split())


def settle(
    seen: Reading, stated: Reading, matches: Sequence[Match], missing: Sequence[tuple[Fact, Flag]], exam: str
) -> list[Flag]:
    """Pair what has no partner on either side; the flags of paired statements become notes. Returns the omissions that are left."""
    claims = _claims(seen, matches)
    unread, unread_here = _places_unread(seen), _places_unread(stated)
    read: list[Match] = []  # what turned out to be a reading of something else
    paired = {fact.sentence for fact in seen.facts if id(fact) in claims}
    for match in matches:
        if match.partner is not None and match.how in ("same", "inferred"):
            match.flags[:] = [_note(flag) if _is_told_elsewhere(match, flag, seen, paired) else flag for flag in match.flags]
        if not _is_bare(match):
            continue
        described = [fact for fact in seen.facts
                     if claims.get(id(fact), {match.fact.sentence}) == {match.fact.sentence} and _may_be_read_as(fact, match.fact)]  # fmt: skip
        if (
            described
            or _is_a_reading(match, matches, read, seen)
            or _is_said_unreadably(match.fact, unread)
            or _sizes_stand(match.fact, seen)
            or _is_a_slight_remark(match.fact, seen, claims)
        ):
            if described:
                match.how, match.partner = "inferred", described[0]
            read.append(match)
            match.flags[:] = [_note(flag) for flag in match.flags]
            claims.update({id(fact): {match.fact.sentence} for fact in described})
    examined = parts_of(exam)
    spoken = [match.fact for match in matches if match.fact.is_present and match.how != "denied"]
    carried = [fact for fact in seen.facts if id(fact) in claims]
    return [
        _note(flag)
        if id(fact) in claims
        or _is_a_detail(fact, carried, spoken)
        or _is_aside(fact, examined)
        or _is_said_unreadably(fact, unread_here)
        else flag
        for fact, flag in missing
    ]


def _note(flag: Flag) -> Flag:
    return replace(flag, severity="minor")


def _claims(seen: Reading, matches: Sequence[Match]) -> dict[int, set[int]]:
    """Which findings have a partner, and in which sentences of the impression."""
    claims: dict[int, set[int]] = {}
    for match in matches:
        if match.partner is not None and match.how in ("same", "inferred"):
            claims.setdefault(id(match.partner), set()).add(match.fact.sentence)
    return claims


#: What tells a side or a place in the terms of a sentence.
DENYING = frozenset({"negate-before", "negate-after", "normal", "history", "recommend", "advised", "ask"})


def _is_told_elsewhere(match: Match, flag: Flag, seen: Reading, paired: set[int]) -> bool:
    """The findings speak of this side at this organ, of this place or size, in a sentence we could not pair: then nothing is turned round."""
    fact, place = match.fact, place_of(match.fact)
    assert match.partner is not None
    is_placed = match.partner.place != fact.place
    at_level = {other.sentence for other in seen.facts
                if fact.levels and other.is_present and levels_meet(fact.levels, other.levels or ("",))}  # fmt: skip
    for index, terms in enumerate(seen.terms):
        if index in paired and index != match.partner.sentence:
            continue
        meanings = [meaning for term in terms for meaning in term.meanings]
        if any(meaning.kind in DENYING for meaning in meanings):
            continue
        places = {meaning.value for meaning in meanings if meaning.kind == "place"}
        sides = {
            meaning.value if meaning.kind == "side" else meaning.side
            for term in terms
            for meaning in term.meanings
            if not seen.tokens[term.first].text.endswith("ward")  # a shift goes rightward and lies nowhere
        }
        if flag.flag_class is FlagClass.LATERALITY:
            told = (
                bool(sides & {fact.side, "bilateral"})
                and place is not None
                and any(organs_of(one) & organs_of(place) for one in places)
            )
            is_other = index != match.partner.sentence and fact.side in sides
            told = told or (is_other and any(fact.sizes) and _gives_sizes(fact, seen, index))
        elif flag.flag_class is FlagClass.SIZE:
            told = (fact.place in places or fact.side in sides) and _gives_sizes(fact, seen, index)
        elif flag.flag_class is FlagClass.LOCATION and fact.levels:
            told = index in at_level
        else:
            told = flag.flag_class in (FlagClass.LOCATION, FlagClass.DEVICE) and is_placed and fact.place in places
        if told:
            return True
    return False


def _gives_sizes(fact: Fact, seen: Reading, index: int) -> bool:
    span = seen.sentences[index]
    known = [number for size in sizes_in(seen.tokens, span.first, span.last) for number in size.mm]
    return all(any(same_size(number, one) for one in known) for size in fact.sizes for number in size)


def _is_bare(match: Match) -> bool:
    """Asserted without a partner, and not denied by name: "the globes are normal" denies no optic neuritis by name."""
    partner = match.partner
    by_name = match.how == "denied" and partner is not None and partner.concept != "abnormality"
    if partner is not None and partner.concept in DESCRIPTIONS and partner.concept != match.fact.concept:
        by_name = False
    is_device = lexicon().concepts[match.fact.concept].kind == "device"
    return (
        match.fact.is_present
        and match.how in ("none", "denied")
        and not by_name
        and not is_device
        and match.fact.concept != "abnormality"
    )


def _may_be_read_as(described: Fact, named: Fact) -> bool:
    """Could `named` be the name of what the findings describe: a description, or a shade of the same thing, at one organ and side?"""
    weighs = described.is_present and not described.is_history and lexicon().concepts[described.concept].weight > 0
    if not weighs or not same_organ(described, named):
        return False
    if is_conclusion(named.concept):
        drawn = inference(described.concept, named.concept)
        return drawn is not None and (drawn[1] > POSSIBLE or named.certainty <= POSSIBLE)
    return named.concept not in NAMED_AS_SEEN and is_description(described.concept) and same_site(described, named)


def same_site(one: Fact, other: Fact) -> bool:
    """One place, no other side, level or size; a finding without a place lies anywhere."""
    return _fits(one, other) and places_meet(_usual(one), _usual(other))


def _usual(fact: Fact) -> str | None:
    """Where it is; a place dictated beside a thing that cannot lie there ("retrocardiac bulge, aortic aneurysm") is only a landmark."""
    usual, around = lexicon().concepts[fact.concept].place, lexicon().around
    if fact.place is None or usual is None or usual in around[fact.place] or fact.place in around[usual]:
        return fact.place or usual
    return usual


def same_organ(one: Fact, other: Fact) -> bool:
    """Both known to be at one organ, on no other side or level, of no other size."""
    first, second = place_of(one), place_of(other)
    if first is None or second is None or not _fits(one, other):
        return False
    if first == second or organs_of(first) & organs_of(second):
        return True
    return (other.place is None and second in SYSTEMS) or (one.place is None and first in SYSTEMS)


def _fits(one: Fact, other: Fact) -> bool:
    return sides_meet(one.side, other.side) and levels_meet(one.levels, other.levels) and _sizes_meet(one, other)


def _sizes_meet(one: Fact, other: Fact) -> bool:
    numbers = [number for size in one.sizes for number in size]
    others = [number for size in other.sizes for number in size]
    return not numbers or not others or any(same_size(a, b) for a in numbers for b in others)


@lru_cache(maxsize=4096)
def organs_of(place: str) -> frozenset[str]:
    """The widest places around this one that are still one organ: the lung of a lobe, the knee of a meniscus; none for a region."""
    around = lexicon().around[place] - REGIONS
    return frozenset(one for one in around if not any(other != one and other in lexicon().around[one] for other in around))


@cache
def is_description(concept: str) -> bool:
    """`hypodensity`, and `liver lesion`, which is a lesion by another name; nothing with a name of its own."""
    row = lexicon().concepts[concept]
    return concept in DESCRIPTIONS or any(head in DESCRIPTIONS for head in row.equals)


def _is_a_reading(match: Match, matches: Sequence[Match], read: Sequence[Match], seen: Reading) -> bool:
    """`Right base opacity, consistent with pneumonia`: read from what stands beside it and has its partner, or the other way round.

    A bare possibility, or one of several readings with a word left blank, is no assertion either, where something was found at all.
    """
    fact = match.fact
    beside = [
        other.fact
        for other in matches
        if (other.how in ("same", "inferred", "prior") or other in read) and other.fact is not fact
    ]
    if fact.certainty <= CONSISTENT and any(fact.concept in other.explained_by for other in beside):
        return True
    if fact.has_blank and any(other.sentence == fact.sentence for other in beside):
        return True
    found = [other for other in seen.facts if other.is_present and not other.is_history]
    if any(same_kind(other.concept, name) and sides_meet(other.side, fact.side) for other in found for name in fact.explained_by):
        return True
    return fact.certainty <= POSSIBLE and any(lexicon().concepts[other.concept].weight > 0 for other in found)


def _is_said_unreadably(named: Fact, unread: set[str]) -> bool:
    """The other section says something of this very place that we cannot read: nothing there is known to be normal."""
    usual = lexicon().concepts[named.concept].place
    return _is_unread_at(place_of(named), named, unread) or (usual not in EVERYWHERE and _is_unread_at(usual, named, unread))


def _is_unread_at(place: str | None, named: Fact, unread: set[str]) -> bool:
    if (
        place is None
        or (place in REGIONS and place not in NAMED_REGIONS)
        or named.concept in NAMED_AS_SEEN
        or (not named.place and place in EVERYWHERE)
    ):
        return False
    return place in unread


def _sizes_stand(named: Fact, seen: Reading) -> bool:
    """The very measurement was dictated: what it was taken of has a name in the impression."""
    return any(named.sizes) and any(_gives_sizes(named, seen, index) for index in range(len(seen.sentences)))


def _is_a_slight_remark(named: Fact, seen: Reading, claims: Mapping[int, set[int]]) -> bool:
    """A minor matter, of no great extent, where the findings hold something that nobody has named: not worth a stop."""
    concepts = lexicon().concepts
    if concepts[named.concept].weight > 1 or named.severity in (3, 4) or named.concept in NAMED_AS_SEEN:
        return False
    return any(
        fact.is_present and not fact.is_history and id(fact) not in claims and concepts[fact.concept].weight > 0
        for fact in seen.facts
    )


def _places_unread(seen: Reading) -> set[str]:
    """The places named in sentences that deny nothing, call nothing normal, and state no fact we know."""
    stating = {fact.sentence for fact in (*seen.facts, *seen.plans)}
    places: set[str] = set()
    for index, terms in enumerate(seen.terms):
        meanings = [meaning for term in terms for meaning in term.meanings] if index not in stating else []
        if not any(meaning.kind in DENYING for meaning in meanings):
            places.update(*(_within(meaning.value) for meaning in meanings if meaning.kind == "place"))
    return places


@lru_cache(maxsize=4096)
def _within(place: str) -> frozenset[str]:
    """A place and the organ it is a part of: who speaks of the pyloric muscle speaks of the stomach."""
    return lexicon().around[place] - REGIONS | {place}


def _is_a_detail(fact: Fact, carried: Sequence[Fact], spoken: Sequence[Fact]) -> bool:
    """A description beside a finding that the impression carries, or at an organ of which it says something as grave."""
    if any((other.start, other.end) == (fact.start, fact.end) for other in carried):
        return True  # one mention at two places
    if any(_shares_a_head(one.concept, fact.concept) and same_site(one, fact) for one in spoken):
        return True
    weight = lexicon().concepts[fact.concept].weight
    if weight > 2 or fact.severity == 4:
        return False
    if _is_a_companion(fact, weight, spoken):
        return True
    if not is_description(fact.concept):
        return False
    if any(other.sentence == fact.sentence and same_site(other, fact) for other in carried):
        return True
    return not lexicon().above[fact.concept] & THINGS and any(
        lexicon().concepts[one.concept].weight >= weight and same_organ(one, fact) for one in spoken
    )


def _is_a_companion(fact: Fact, weight: int, spoken: Sequence[Fact]) -> bool:
    """Swelling, fluid or crowding beside something graver in the same part of the body, or as grave at the same organ."""
    place = place_of(fact)
    if place is None or fact.severity in (3, 4) or not _comes_with_others(fact.concept):
        return False
    part = PARTS & lexicon().around[place]
    for one in spoken:
        graver, where = lexicon().concepts[one.concept].weight - weight, place_of(one)
        if graver < 0 or where is None or _comes_with_others(one.concept):
            continue
        if same_organ(one, fact) or (graver and part & lexicon().around[where]):
            return True
    return False


@cache
def _comes_with_others(concept: str) -> bool:
    return not COMPANIONS.isdisjoint((concept, *lexicon().concepts[concept].parents))


@lru_cache(maxsize=4096)
def _shares_a_head(one: str, other: str) -> bool:
    """Two fractures, two dissections: one kind at neighbouring places."""
    shared = lexicon().above[one] & lexicon().above[other]
    return bool(shared - DESCRIPTIONS - WIDE - FAMILIES - {"infection", "malignancy", "metastasis"})


def _is_aside(fact: Fact, examined: frozenset[str]) -> bool:
    """Outside the part that was examined, neither grave nor a chance find to follow: gallstones on a chest film stay in the findings."""
    place = place_of(fact)
    kinds = lexicon().above[fact.concept]
    if place is None or lexicon().concepts[fact.concept].weight > 2 or kinds & NEVER_ASIDE:
        return False
    found = PARTS & lexicon().around[place]
    return bool(found and examined) and not found & examined


@lru_cache(maxsize=4096)
def parts_of(exam: str) -> frozenset[str]:
    """The parts of the body that an examination's name speaks of, and what is always seen with them; none when it names no place."""
    if not exam:
        return frozenset()
    name = read(exam.replace("_", " ").lower(), section="exam")
    places = [meaning.value for terms in name.terms for term in terms for meaning in term.meanings if meaning.kind == "place"]
    named = frozenset(part for place in places for part in PARTS & lexicon().around[place])
    return named | {other for part in named for other in SEEN_TOGETHER.get(part, ())}


__all__ = ["is_description", "organs_of", "same_site", "settle"]
