"""When an impression says it in other words: what it states without a partner, held against what the findings describe and nothing else takes up.

Radiologists describe in the findings and name in the impression: "ring-enhancing lesions" become metastases, "an enlarged, enhancing nerve"
becomes neuritis. No list of such pairs is ever complete, so none is needed here: a name without a partner, at the organ and on the side of a
description that nobody has named yet, is its reading. It then stands as a note, and so does the "omission" of that description. What was
never described stays an invention, and what the findings deny by name stays a contradiction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from engine.asides import adding_up, is_a_detail, is_aside, is_left_to_the_procedure
from engine.compare import Match
from engine.echoes import is_echoed
from engine.exams import PARTS, parts_of
from engine.fact import CONSISTENT, POSSIBLE
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass
from engine.kinship import (
    DESCRIPTIONS,
    REGIONS,
    inference,
    is_conclusion,
    is_description,
    levels_meet,
    organs_of,
    place_of,
    places_meet,
    same_kind,
    sides_meet,
)
from engine.left_out import Telling, weighed
from engine.lexicon import Term, lexicon
from engine.measures import same_size, sizes_in
from engine.sites import EVERYWHERE, fits, is_of_open_organ, same_organ, same_site, shares_organ

#: Regions small enough that whatever is said there may be what was named.
NAMED_REGIONS = frozenset({"lymph_nodes", "mediastinum", "great_vessels", "posterior_fossa"})
#: What something critical may have been described as; a fatty liver is no abscess.
GRAVE = frozenset(
    "lesion collection fluid thickening inflammation edema dilation enhancement restricted_diffusion filling_defect stenosis obstruction "
    "hypermetabolism fracture tear displacement torsion hemorrhage air_fluid_level necrosis lucency deformity enlargement trauma".split()
)
#: So wide that a denial of one names nothing: "no mass" beside a described cyst.
LESIONS = frozenset("lesion mass nodule cyst collection fluid enlargement thickening".split())
#: What every findings section names itself when it is there: never the reading of something else.
NAMED_AS_SEEN = frozenset("pneumothorax free_air pleural_effusion nodule cardiomegaly dislocation".split())


def settle(
    seen: Reading, stated: Reading, matches: Sequence[Match], missing: Sequence[tuple[Fact, Flag]], exam: str
) -> list[Flag]:
    """Pair what has no partner on either side; the flags of paired statements become notes. Returns the omissions that are left."""
    claims = _claims(seen, matches)
    unread = _places_unread(seen)
    read: list[Match] = []  # what turned out to be a reading of something else
    paired = {fact.sentence for fact in seen.facts if id(fact) in claims}
    for match in matches:
        if match.partner is not None and match.how in ("same", "inferred"):
            match.flags[:] = [_note(flag) if _is_told_elsewhere(match, flag, seen, paired) else flag for flag in match.flags]
        if not _is_bare(match):
            continue
        described = [fact for fact in seen.facts if not _is_called_normal(match, fact)
                     and claims.get(id(fact), {match.fact.sentence}) == {match.fact.sentence} and _may_be_read_as(fact, match.fact)]  # fmt: skip
        if (
            described
            or _is_a_reading(match, matches, read, seen)
            or _is_said_unreadably(match.fact, unread)
            or _sizes_stand(match.fact, seen)
            or _is_a_slight_remark(match.fact, seen, claims)
        ):
            if described:
                best = max(described, key=lambda fact: _speaks_for(fact, match.fact))
                match.how, match.partner = "inferred", best
                claims.update({id(fact): {match.fact.sentence} for fact in described if fact.sentence == best.sentence})
            read.append(match)
            match.flags[:] = [_note(flag) for flag in match.flags]
    excused, left_out = _excused(seen, stated, matches, missing, claims, exam)
    return [*(weighed(left_out, Telling(seen, matches, exam)) if left_out else ()), *excused]


def _excused(
    seen: Reading,
    stated: Reading,
    matches: Sequence[Match],
    missing: Sequence[tuple[Fact, Flag]],
    claims: Mapping[int, set[int]],
    exam: str,
) -> tuple[list[Flag], list[tuple[Fact, Flag]]]:
    """What is left out rightly, as notes, and the rest; three slight signs of one disease are no slight matter."""
    spoken = [match.fact for match in matches if match.fact.is_present and match.how != "denied"]
    carried = [fact for fact in seen.facts if id(fact) in claims]
    unread, examined = _places_unread(stated), parts_of(exam)
    excused: list[Flag] = []
    left_out: list[tuple[Fact, Flag]] = []
    for fact, flag in missing:
        if (
            id(fact) in claims
            or is_a_detail(fact, carried, spoken)
            or is_aside(fact, examined)
            or is_left_to_the_procedure(fact, exam)
            or _is_said_unreadably(fact, unread)
            or (flag.severity != "minor" and is_echoed(fact, seen, stated, matches, exam))
        ):
            excused.append(_note(flag))
        else:
            left_out.append((fact, flag))
    signs = adding_up([fact for fact, _ in left_out], spoken, unread)
    return excused, [
        (fact, replace(flag, severity="major") if fact in signs and flag.severity == "minor" else flag) for fact, flag in left_out
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


TOWARDS = frozenset({"to", "toward", "towards"})
#: What tells a side or a place in the terms of a sentence.
DENYING = frozenset({"negate-before", "negate-after", "normal", "history", "recommend", "advised", "ask"})


def _is_told_elsewhere(match: Match, flag: Flag, seen: Reading, paired: set[int]) -> bool:
    """The findings speak of this side at this organ, of this place or size, in a sentence we could not pair: then nothing is turned round."""
    fact, place = match.fact, place_of(match.fact)
    assert match.partner is not None
    is_placed = match.partner.place != fact.place
    at_level = {other.sentence for other in seen.facts
                if fact.levels and other.levels and other.is_present and levels_meet(fact.levels, other.levels)
                and _may_be_told_as(other, fact)}  # fmt: skip
    for index, terms in enumerate(seen.terms):
        if index in paired and index != match.partner.sentence:
            continue
        asserted = _asserted(terms)
        meanings = [meaning for term in asserted for meaning in term.meanings]
        if any(meaning.kind in DENYING for meaning in meanings):
            continue
        places = {meaning.value for meaning in meanings if meaning.kind == "place"}
        sides = {
            meaning.value if meaning.kind == "side" else meaning.side
            for term in asserted
            for meaning in term.meanings
            if not _is_a_direction(seen, term)
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
            told = (
                flag.flag_class in (FlagClass.LOCATION, FlagClass.DEVICE) and is_placed and _is_among(fact, match.partner, places)
            )
        if told:
            return True
    return False


def _asserted(terms: Sequence[Term]) -> Sequence[Term]:
    """`Metastases in T4 and L1 without collapse`: what stands before the denial."""
    denial = next((at for at, term in enumerate(terms) if term.meanings[0].kind == "negate-before"), len(terms))
    return terms[:denial]


def _is_a_direction(seen: Reading, term: Term) -> bool:
    """A shift goes rightward, or "to the left", and lies nowhere."""
    before = [token.text for token in seen.tokens[max(0, term.first - 2) : term.first + 1]]
    after = seen.tokens[term.last].text if term.last < len(seen.tokens) else ""
    is_towards = not TOWARDS.isdisjoint(before[-3:]) and "the" in before and after != "of"
    return seen.tokens[term.first].text.endswith("ward") or is_towards


def _may_be_told_as(other: Fact, fact: Fact) -> bool:
    return (
        is_description(other.concept)
        or same_kind(other.concept, fact.concept)
        or inference(other.concept, fact.concept) is not None
    )


def _is_among(fact: Fact, partner: Fact, places: set[str]) -> bool:
    """The very place is spoken of, or, where it is of another organ than the partner's, a part of it."""
    if fact.place in places or fact.place is None or partner.place is None or places_meet(fact.place, partner.place):
        return fact.place in places
    is_elsewhere = not organs_of(fact.place) & organs_of(partner.place)
    return is_elsewhere and any(fact.place in lexicon().around[one] for one in places)


def _gives_sizes(fact: Fact, seen: Reading, index: int) -> bool:
    span = seen.sentences[index]
    known = [number for size in sizes_in(seen.tokens, span.first, span.last) for number in size.mm]
    return all(any(same_size(number, one) for one in known) for size in fact.sizes for number in size)


def _is_bare(match: Match) -> bool:
    """Asserted without a partner, and not denied by name: "the globes are normal" denies no optic neuritis by name."""
    partner = match.partner
    by_name = match.how == "denied" and partner is not None and partner.concept != "abnormality"
    if partner is not None and partner.concept in DESCRIPTIONS and partner.concept not in _heads(match.fact.concept):
        by_name = False
    is_device = lexicon().concepts[match.fact.concept].kind == "device"
    return (
        match.fact.is_present
        and match.how in ("none", "denied")
        and not by_name
        and not is_device
        and match.fact.concept != "abnormality"
    )


def _is_called_normal(match: Match, described: Fact) -> bool:
    """Denied by "the axilla is normal": then only what was described there may be its reading, not what lies beside it."""
    if match.how != "denied" or match.partner is None or match.partner.place is None:
        return False
    place = place_of(described)
    return place is None or not lexicon().lies_in(place, match.partner.place)


def _heads(concept: str) -> tuple[str, ...]:
    """`Esophageal stricture` is a stricture: "no stricture" denies it by name; "no mass" does not name a cyst."""
    return (concept, *(head for head in lexicon().concepts[concept].equals if head not in LESIONS))


def _may_be_read_as(described: Fact, named: Fact) -> bool:
    """Could `named` be the name of what the findings describe: a description, or a shade of the same thing, at one organ and side?"""
    weight = lexicon().concepts[named.concept].weight
    row = lexicon().concepts[described.concept]
    if row.weight > max(weight, 2) and not DESCRIPTIONS.issuperset(row.equals or (row.name,)):
        return False  # a clot has its name: nothing lesser is the reading of it
    if row.weight > weight and described.severity == 4:
        return False  # nor is a complete tear an inflammation
    if described.explained_by and weight == 3 and not any(same_kind(name, named.concept) for name in described.explained_by):
        return False
    weighs = lexicon().concepts[described.concept].weight > 0 or (described.near is not None and weight < 3)
    if named.severity == 4 and described.severity != 4 and weight > 1:
        return False  # how much of it there is, nobody dictated
    if not (described.is_present and weighs) or described.is_history or named.concept in NAMED_AS_SEEN:
        return False
    is_near = _is_at_one_level(described, named) or (is_of_open_organ(named) and _is_told_near(described, named))
    if is_near and weight < 3 and is_description(described.concept) and fits(described, named):
        return True
    if not same_organ(described, named):
        return False
    if is_of_open_organ(named) and shares_organ(described, named):
        is_grave = not GRAVE.isdisjoint(lexicon().above[described.concept]) and described.severity not in (1, 2)
        return (weight < 3 or is_grave) and same_site(described, named)
    if is_conclusion(named.concept):
        drawn = inference(described.concept, named.concept)
        return drawn is not None and (drawn[1] > POSSIBLE or named.certainty <= POSSIBLE)
    return is_description(described.concept) and same_site(described, named)


def _speaks_for(described: Fact, named: Fact) -> tuple[bool, bool, bool]:
    """How well the one may be the name of the other: the table knows it, both are lesions, at the very place."""
    above = lexicon().above
    return (
        inference(described.concept, named.concept) is not None,
        "lesion" in above[described.concept] & above[named.concept],
        place_of(described) == place_of(named),
    )


def _is_at_one_level(one: Fact, other: Fact) -> bool:
    return bool(one.levels and other.levels) and levels_meet(one.levels, other.levels) and sides_meet(one.side, other.side)


def _is_told_near(described: Fact, named: Fact) -> bool:
    """A description without a place, told near the organ; or two lesions in one part of the body, where either has no nearer place."""
    where, place = place_of(named), place_of(described) or described.near
    if where is None or place is None or named.severity == 4:
        return False
    if place_of(described) is None and organs_of(place) & organs_of(where):
        return True
    above, around = lexicon().above, lexicon().around
    is_vague = where in REGIONS or (place_of(described) is None and "lesion" in above[described.concept] & above[named.concept])
    return is_vague and "stenosis" not in above[described.concept] and bool(PARTS & around[place] & around[where])


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
    if fact.is_alternative and not any(other.sentence == fact.sentence and other.is_alternative for other in beside):
        return False  # "Perforation or abscess." doubts which, and asserts that there is one
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
    place = place_of(named)
    return any(named.sizes) and any(
        _gives_sizes(named, seen, index) and (place is None or _speaks_of(seen, index, place))
        for index in range(len(seen.sentences))
    )


def _speaks_of(seen: Reading, index: int, place: str) -> bool:
    """A sentence names this part of the body, or none at all."""
    around = lexicon().around
    places = {meaning.value for term in seen.terms[index] for meaning in term.meanings if meaning.kind == "place"}
    return not places or any(PARTS & around[one] & around[place] or places_meet(one, place) for one in places)


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
        is_unseen = any(seen.tokens[term.first].text == "not" for term in terms)  # "calcaneus not included"
        if not is_unseen and not any(meaning.kind in DENYING for meaning in meanings):
            places.update(*(_within(meaning.value) for meaning in meanings if meaning.kind == "place"))
    return places


@lru_cache(maxsize=4096)
def _within(place: str) -> frozenset[str]:
    """A place and the organ it is a part of: who speaks of the pyloric muscle speaks of the stomach."""
    nodes = {"lymph_nodes"} if place.endswith("_nodes") else set()
    return lexicon().around[place] - REGIONS | {place} | nodes


__all__ = ["settle"]
