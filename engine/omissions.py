"""What the findings hold that matters and the impression leaves out: the look from the other side.

How much a finding matters is its concept's weight, less when it is doubtful, old, slight, or taken for something lesser at once.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from engine.compare import Match
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass, Span
from engine.kinship import Gathered, inference, levels_meet, place_of, places_meet, same_kind, sides_meet
from engine.lexicon import lexicon
from engine.measures import same_size
from engine.messages import name, quoted
from engine.sentences import BLANK, Token
from engine.signs import weight_of_sign

GRADE_BY_WEIGHT = {1: "minor", 2: "major", 3: "critical"}
#: The whole examination is called unchanged.
STABLE = re.compile(
    r"\b(?:stable (?:appearance of the |portable |frontal )?(?:chest|exam|examination|study|appearance)"
    r"|no (?:significant |interval )*change|unchanged (?:exam|chest|appearance))",
    re.IGNORECASE,
)
#: The impression points back at the findings for the rest.
POINTS_UP = re.compile(
    r"\b(?:as (?:described|discussed|detailed|noted|above)|see (?:above|below|findings)|findings above|above findings|described (?:above|below))\b",
    re.IGNORECASE,
)
#: Whoever says how far a tube must go has said that it lies wrong.
MOVED = re.compile(r"\b(?:advanc|withdraw|retract|reposition|pull)\w*", re.IGNORECASE)
#: Diseases so wide that a mere possibility of one is a remark.
GENERIC = frozenset(
    {"infection", "inflammation", "malignancy", "metastasis", "neoplasm", "lymphoma", "edema", "pneumonia", "aspiration"}
)
#: Where a lesion under a centimetre is left to the findings.
HARMLESS_WHEN_SMALL = frozenset({"thyroid_nodule", "liver_lesion", "adrenal_nodule", "splenic_lesion"})
#: Said of what comes with a disease and is none.
REACTIVE = frozenset({"reactive", "secondary", "sympathetic", "dependent"})
AGAIN = frozenset({"the", "this", "that", "these", "those"})
#: What a report describes over several sentences.
LUMPS = frozenset({"mass", "nodule", "lesion", "cyst", "collection", "aneurysm", "hematoma"})
#: Acute kinds that are old news when unchanged.
QUIET = frozenset(
    {
        "lung_opacity",
        "atelectasis",
        "costophrenic_blunting",
        "opacity",
        "interstitial_opacity",
        "vascular_congestion",
        "rib_fracture",
    }
)


def omissions(seen: Reading, stated: Reading, matches: Sequence[Match]) -> list[tuple[Fact, Flag]]:
    """Every finding that matters and is not carried over, with the flag that says so."""
    flags = []
    said = Gathered([*stated.facts, *stated.plans])
    partners = {id(match.partner) for match in matches}
    is_stable = bool(STABLE.search(stated.text))
    points_up = bool(POINTS_UP.search(stated.text))
    unchanged = [fact for fact in seen.facts if fact.is_present and fact.change == "unchanged"]
    for fact in seen.facts:
        if not fact.is_present or fact.is_history or fact.concept in ("abnormality", "lesion") or id(fact) in partners:
            continue
        is_known = not fact.change and any(_is_told_of(one, fact) for one in unchanged)
        weight = importance(replace(fact, change="unchanged") if is_known else fact) - (
            _has_blank_before(fact, seen) or _may_be_a_shadow(fact, seen) or _is_of_something_else(fact, seen)
        )
        weight = max(weight, weight_of_sign(fact, seen))
        if weight <= 0 or (fact.change in ("unchanged", "again") and is_stable):
            continue
        if is_carried(fact, said, seen) or _is_named_again(fact, seen):
            continue
        if fact.concept == "device_malposition" and MOVED.search(stated.text):
            continue
        severity = "minor" if points_up and weight < 3 else GRADE_BY_WEIGHT[weight]
        message = f"The findings say {quoted(fact)}; the impression does not mention {name(fact.concept)}."
        flags.append((fact, Flag(FlagClass.OMISSION, severity, message, None, (fact.start, fact.end))))  # type: ignore[arg-type]
    return flags


def _is_named_again(fact: Fact, seen: Reading) -> bool:
    """`The mass contacts the vein`: of what was described before, and no second mass."""
    first = bisect_left(seen.tokens, fact.start, key=_start)
    if not {token.text for token in seen.tokens[max(0, first - 1) : first + 1]} & AGAIN:
        return False
    earlier = seen.facts[: bisect_left(seen.facts, fact.sentence, key=_sentence)]
    is_lump = bool(lexicon().above[fact.concept] & LUMPS)
    return is_lump and any(
        one.is_present and same_kind(one.concept, fact.concept) and sides_meet(one.side, fact.side) for one in earlier
    )


def _is_told_of(one: Fact, fact: Fact) -> bool:
    """Another sentence speaks of this very finding."""
    return one.concept == fact.concept and sides_meet(one.side, fact.side) and places_meet(place_of(one), place_of(fact))


def _has_blank_before(fact: Fact, seen: Reading) -> bool:
    """`XXXX pleural effusions`: how large or how old they are is the word that is missing."""
    first = bisect_left(seen.tokens, fact.start, key=_start)
    return first > 0 and seen.tokens[first - 1].text == BLANK and _weight(fact) < 3


def _is_of_something_else(fact: Fact, seen: Reading) -> bool:
    """`Reactive ileal wall thickening`, `enlarged nodes, likely reactive`: the cause is the news."""
    span = seen.sentences[fact.sentence]
    said = {token.text for token in seen.tokens[span.first : span.last]}
    return _weight(fact) < 3 and not REACTIVE.isdisjoint(said) and sum(one.sentence == fact.sentence for one in seen.facts) == 1


def _may_be_a_shadow(fact: Fact, seen: Reading) -> bool:
    """`Questionable nodule, may represent artifact`: the reader doubts it in the same breath."""
    terms = seen.terms[fact.sentence]
    hedges = [term.first for term in terms if term.meanings[0].kind == "hedge-before"]
    shadows = [term.first for term in terms if any(meaning.value == "artifact" for meaning in term.meanings)]
    return bool(hedges and shadows) and max(hedges) < max(shadows) and fact.end < seen.tokens[max(shadows)].start


def _start(token: Token) -> int:
    return token.start


def slips(seen: Reading, stated: Reading) -> list[Span]:
    """Where the findings hold a slight matter that the impression leaves out while it says another of just that weight.

    Either alone is a judgement no reader objects to. One of two equals is a slip: `mild emphysema` said, `mild coronary calcification` not.
    """
    said = Gathered([*stated.facts, *stated.plans])
    slight = [fact for fact in seen.facts if fact.is_present and not fact.is_history and _weight(fact) and not importance(fact)]
    is_said = {id(fact): is_carried(fact, said, seen) for fact in slight}
    weights_said = {_weight(fact) for fact in slight if is_said[id(fact)]}
    return [(fact.start, fact.end) for fact in slight if not is_said[id(fact)] and _weight(fact) in weights_said]


def _weight(fact: Fact) -> int:
    return lexicon().concepts[fact.concept].weight


def importance(fact: Fact) -> int:
    """How much it matters when left out, 0 … 3: less when doubtful, unchanged, chronic, said with a word missing, or taken for something lesser at once."""
    concepts = lexicon().concepts
    weight = concepts[fact.concept].weight
    if fact.explained_by:
        weight = min(weight, max(concepts[name].weight for name in fact.explained_by))
    if "calcification" in fact.described_by:
        weight = min(weight, 1)  # a calcified nodule is an old granuloma
    if "degenerative_change" in fact.described_by:
        weight -= 1
    concept = concepts[fact.concept]
    if (
        (fact.certainty < 3 and not (concept.is_acute and weight == 2))
        or (fact.acuity == "chronic" and fact.concept not in lexicon().aged.values())
        or (fact.change in ("unchanged", "again", "smaller") and (not concept.is_acute or fact.concept in QUIET))
    ):
        weight -= 1
    if fact.certainty < 3 and fact.concept in GENERIC:
        weight -= 1
    if weight < 3 and (BLANK in fact.words.lower() or _is_too_small(fact)):
        weight -= 1
    if fact.severity == 1 or (fact.severity == 2 and not concept.is_acute) or _is_an_old_focus(fact):
        weight -= 1
    return max(weight, 0)


def _is_too_small(fact: Fact) -> bool:
    """`subcentimeter`, or under a centimetre where that is harmless: in the thyroid, the liver, the kidneys and the adrenals."""
    numbers = [number for size in fact.sizes for number in size]
    return bool(fact.sizes) and (not numbers or (max(numbers) < 10 and fact.concept in HARMLESS_WHEN_SMALL))


def _is_an_old_focus(fact: Fact) -> bool:
    """`Stable 5 mm focus`: too small for a mass, and known."""
    return fact.change == "unchanged" and any(fact.sizes) and max(map(max, filter(None, fact.sizes))) <= 5


def is_carried(fact: Fact, said: Gathered, seen: Reading) -> bool:
    """Is it in the impression: itself, what it is taken for, or what it was read from, unless that is the lesser news?"""
    near = said.about(fact)
    if any(carries(one, fact) for one in near):
        return True
    if any(one.is_present and same_kind(one.concept, name) for one in near for name in fact.explained_by):
        return True
    if fact.certainty >= 3 and lexicon().concepts[fact.concept].weight == 3:
        return False
    beside = seen.facts[
        bisect_left(seen.facts, fact.sentence, key=_sentence) : bisect_right(seen.facts, fact.sentence, key=_sentence)
    ]
    read_from = [other for other in beside if fact.concept in other.explained_by]
    return any(one.is_present and carries(one, other) for other in read_from for one in said.about(other))


def _sentence(fact: Fact) -> int:
    return fact.sentence


def carries(stated: Fact, fact: Fact) -> bool:
    """Does the impression speak of this finding: the same kind, or what it is taken for, where it is not plainly somewhere else?

    What may only be guessed from it (2: an inflamed gallbladder from stones) tells of it too, when it is said.
    """
    if fact.concept in stated.described_by:
        return True
    if stated.is_absent and stated.severity == 4 and fact.severity != 4 and same_kind(stated.concept, fact.concept):
        return _is_there(stated, fact)  # "no flow-limiting stenosis" answers for the mild one
    if stated.concept == "abnormality" or (stated.is_absent and stated.concept != fact.concept):
        return False
    if same_kind(stated.concept, fact.concept):
        return (stated.concept == fact.concept and not _is_the_larger(fact, stated)) or _is_there(stated, fact)
    drawn = inference(fact.concept, stated.concept)
    if not stated.is_present or stated.is_plan or drawn is None:
        return False
    same_site = stated.side == fact.side and stated.place is not None and fact.place is not None
    return (drawn[1] in (2, 5) or same_site) and (stated.place is None or _is_there(stated, fact))


def _is_the_larger(fact: Fact, stated: Fact) -> bool:
    """Of two nodules on two sides the smaller one does not stand for the larger."""
    if sides_meet(stated.side, fact.side) or not (any(stated.sizes) and any(fact.sizes)):
        return False
    return max(map(max, filter(None, fact.sizes))) > max(map(max, filter(None, stated.sizes)))


def _is_there(stated: Fact, fact: Fact) -> bool:
    if (
        not sides_meet(stated.side, fact.side)
        or not levels_meet(stated.levels, fact.levels)
        or not ((stated.levels and fact.levels) or places_meet(place_of(stated), place_of(fact)))
    ):
        return False
    sizes = {number for size in fact.sizes for number in size}
    return (
        not sizes
        or not any(stated.sizes)
        or any(same_size(number, known) for size in stated.sizes for number in size for known in sizes)
    )
