"""What the findings hold that matters and the impression leaves out: the look from the other side.

How much a finding matters is its concept's weight, less when it is doubtful, old, slight, or taken for something lesser at once.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from engine.compare import Match
from engine.courses import growth_of
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass, Span
from engine.kinship import Gathered, answers_for, inference, levels_meet, place_of, places_meet, same_kind, sides_meet
from engine.lexicon import lexicon
from engine.measures import same_size
from engine.messages import name, quoted
from engine.sentences import BLANK, Token
from engine.signs import weight_of_sign

GRADE_BY_WEIGHT = {1: "minor", 2: "major", 3: "critical"}
#: The whole examination is called unchanged.
STABLE = re.compile(
    r"\b(?:stable (?:appearance of the |portable |frontal )?(?:chest|exam|examination|study|appearance)"
    r"|no (?:significant |interval |other )*change|unchanged (?:exam|chest|appearance)|otherwise (?:stable|unchanged|no change))",
    re.IGNORECASE,
)
#: The impression points back at the findings for the rest.
POINTS_UP = re.compile(
    r"\b(?:as (?:described|discussed|detailed|noted|above)|see (?:above|below|findings)|findings above|above findings|described (?:above|below))\b",
    re.IGNORECASE,
)
#: Every such reference has one of these in it.
POINTERS = ("above", "below", "findings", "as d", "as n")
#: The impression calls what is there the usual sequel of a treatment, and so answers for gas, fluid, blood and swelling.
HEALING = re.compile(
    r"\b(?:expected|usual|normal|satisfactory|routine|typical|uncomplicated)\b[^.;\n]{0,30}\bpost[- ]?(?:op|surg|proced|treat|craniot|implant)\w*"
    r"|\bpost[- ]?(?:op|surg|proced)\w* (?:changes?|appearances?)[^.;\n]{0,20}\bas expected",
    re.IGNORECASE,
)
AFTERMATH = frozenset(
    "pneumocephalus gas_in_soft_tissue loose_gas subcutaneous_emphysema collection fluid effusion edema hematoma soft_tissue_swelling "
    "atelectasis thickening enhancement".split()
)
#: Whoever says how far a tube must go has said that it lies wrong.
MOVED = re.compile(r"\b(?:advanc|withdraw|retract|reposition|pull)\w*", re.IGNORECASE)
#: Diseases so wide that a mere possibility of one is a remark.
GENERIC = frozenset(
    {
        "infection",
        "inflammation",
        "malignancy",
        "metastasis",
        "neoplasm",
        "lymphoma",
        "edema",
        "pneumonia",
        "aspiration",
        "tuberculosis",
    }
)
#: Where a lesion under a centimetre is left to the findings.
HARMLESS_WHEN_SMALL = frozenset({"thyroid_nodule", "liver_lesion", "adrenal_nodule", "splenic_lesion"})
#: Said of what comes with a disease and is none.
REACTIVE = frozenset({"reactive", "secondary", "sympathetic", "dependent"})
#: Said of what belongs to a treatment and is no news.
EXPECTED = frozenset({"expected", "anticipated", "physiologic", "physiological"})
#: Small, and yet to be told from something worse.
UNSETTLED = frozenset({"indeterminate", "suspicious", "concerning", "worrisome"})
LIKEWISE = frozenset({"similar", "similarly", "likewise", "same"})
#: Uptake that the reader has explained.
WORN = frozenset({"degenerative", "arthritic"})
AROUND = frozenset({"surrounding", "adjacent", "associated", "accompanying", "overlying", "perilesional"})
#: Together: what the picture does not show well.
HARD = frozenset({"difficult", "hard", "limited", "poorly", "suboptimally", "incompletely"})
ASSESSED = frozenset(
    {"assess", "assessed", "assessment", "evaluate", "evaluated", "evaluation", "seen", "judge", "visualised", "visualized"}
)
#: The least that a sprain, a bleed or a varicocele can be.
LOWEST_GRADE = re.compile(r"\bgrade (?:1|i)\b", re.IGNORECASE)
#: One is named for several.
MANY = re.compile(
    r"\b(?:multiple|several|numerous|many|bilateral|both|two|three|four|scattered|largest|dominant|multifocal)\b|[a-z]{4}s\b",
    re.IGNORECASE,
)
#: A second lesion of so few mm needs no mention beside the first.
TINY = 5
#: One that needs no mention.
TAME = re.compile(r"\b(?:simple|spongiform|benign|cystic|calcified|colloid)\b", re.IGNORECASE)
AGAIN = frozenset({"the", "this", "that", "these", "those"})
#: `Fracture line reaches the canal`: where the one goes that was told before.
COURSE = frozenset(
    "line lines crosses cross reaches reach extends extend involves enters exits runs passes traverses spares".split()
)
#: What a report describes over several sentences.
LUMPS = frozenset({"mass", "nodule", "lesion", "cyst", "collection", "aneurysm", "hematoma"})
RETOLD = LUMPS | {"fracture", "tear"}
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
    lowered = stated.text.lower()
    is_stable = ("stable" in lowered or "change" in lowered) and STABLE.search(stated.text) is not None
    points_up = any(part in lowered for part in POINTERS) and POINTS_UP.search(stated.text) is not None
    is_healing = "post" in lowered and HEALING.search(stated.text) is not None
    unchanged = [fact for fact in seen.facts if fact.is_present and fact.change == "unchanged"]
    for fact in seen.facts:
        if not fact.is_present or fact.is_history or fact.concept == "abnormality" or id(fact) in partners:
            continue
        if fact.concept == "lesion" and not (fact.place and any(fact.sizes)):
            continue
        is_known = not fact.change and any(_is_told_of(one, fact) for one in unchanged)
        course = fact.change or ("unchanged" if is_known else growth_of(fact))
        weight, of_sign = importance(fact if course == fact.change else replace(fact, change=course)), weight_of_sign(fact, seen)
        if max(weight, of_sign) <= 0 or (fact.change in ("unchanged", "again") and is_stable):
            continue
        if is_carried(fact, said, seen) or _is_named_again(fact, seen) or (is_healing and _comes_of_surgery(fact)):
            continue
        if fact.concept == "device_malposition" and MOVED.search(stated.text):
            continue
        weight = max(weight - discount(fact, seen), of_sign)
        if weight <= 0:
            continue
        severity = "minor" if points_up and weight < 3 else GRADE_BY_WEIGHT[weight]
        message = f"The findings say {quoted(fact)}; the impression does not mention {name(fact.concept)}."
        flags.append((fact, Flag(FlagClass.OMISSION, severity, message, None, (fact.start, fact.end))))  # type: ignore[arg-type]
    return flags


def _comes_of_surgery(fact: Fact) -> bool:
    return fact.severity not in (3, 4) and not AFTERMATH.isdisjoint(lexicon().above[fact.concept])


def discount(fact: Fact, seen: Reading) -> int:
    """How much less it weighs for what its sentence says besides."""
    span = seen.sentences[fact.sentence]
    said = {token.text for token in seen.tokens[span.first : span.last]}
    if not said.isdisjoint(EXPECTED) and "than" not in said:
        return 3  # "gas in the soft tissues, expected": the reader has weighed it
    if _weight(fact) < 3 and (
        (_is_too_small(fact) and not said.isdisjoint(UNSETTLED)) or _is_on_the_other_side_too(fact, seen, said)
    ):
        return -1
    if "hypermetabolism" in lexicon().above[fact.concept] and not said.isdisjoint(WORN):
        return 2
    return (
        _has_blank_before(fact, seen)
        or _may_be_a_shadow(fact, seen)
        or _is_of_something_else(fact, seen, said)
        or _is_hardly_seen(fact, said)
        or _is_around_another(fact, seen)
        or _is_named_as_harmless(fact, seen)
    )


def _is_named_again(fact: Fact, seen: Reading) -> bool:
    """`The mass contacts the vein`, `the artery runs along the margin of the mass`: of what was described before, and no second mass."""
    kinds = lexicon().above[fact.concept] & RETOLD
    if not kinds or fact.change == "new":
        return False
    first, last = (bisect_left(seen.tokens, at, key=_start) for at in (fact.start, fact.end))
    is_subject = any(token.text in AGAIN for token in seen.tokens[max(0, first - 1) : first + 1])
    is_landmark = any(
        first < term.first < last and seen.tokens[term.first - 1].text in AGAIN and term.meanings[0].kind == "concept"
        for term in seen.terms[fact.sentence]
    )
    is_course = first == seen.sentences[fact.sentence].first and any(
        token.text in COURSE for token in seen.tokens[first + 1 : first + 3]
    )
    earlier = seen.facts[: bisect_left(seen.facts, fact.sentence, key=_sentence)]
    return any(
        one.is_present
        and sides_meet(one.side, fact.side)
        and (
            (is_subject and same_kind(one.concept, fact.concept))
            or ((is_landmark or is_course) and bool(kinds & lexicon().above[one.concept]))
        )
        for one in (earlier if is_subject or is_landmark or is_course else ())
    )


def _is_told_of(one: Fact, fact: Fact) -> bool:
    """Another sentence speaks of this very finding."""
    return one.concept == fact.concept and sides_meet(one.side, fact.side) and places_meet(place_of(one), place_of(fact))


def _has_blank_before(fact: Fact, seen: Reading) -> bool:
    """`XXXX pleural effusions`: how large or how old they are is the word that is missing."""
    first = bisect_left(seen.tokens, fact.start, key=_start)
    return first > 0 and seen.tokens[first - 1].text == BLANK and _weight(fact) < 3


def _is_of_something_else(fact: Fact, seen: Reading, said: AbstractSet[str]) -> bool:
    """`Reactive ileal wall thickening`, `enlarged nodes, likely reactive`: the cause is the news."""
    if _weight(fact) > 2 or REACTIVE.isdisjoint(said):
        return False
    return not REACTIVE.isdisjoint(fact.words.lower().split()) or sum(one.sentence == fact.sentence for one in seen.facts) == 1


def _is_hardly_seen(fact: Fact, said: AbstractSet[str]) -> bool:
    """`Heart probably enlarged, difficult to assess`: the reader leaves it open."""
    return fact.certainty < 5 and not said.isdisjoint(HARD) and not said.isdisjoint(ASSESSED)


def _is_around_another(fact: Fact, seen: Reading) -> bool:
    """`Surrounding ground glass`: a part of what was named before."""
    first = bisect_left(seen.tokens, fact.start, key=_start)
    return _weight(fact) == 2 and any(token.text in AROUND for token in seen.tokens[max(0, first - 1) : first + 1])


def _is_on_the_other_side_too(fact: Fact, seen: Reading, said: AbstractSet[str]) -> bool:
    """`The left femoral head has a similar focus`: it weighs more than its words, since it is what the other side has."""
    place = place_of(fact)
    return (
        place is not None
        and fact.side in ("left", "right")
        and not said.isdisjoint(LIKEWISE)
        and fact.change not in ("unchanged", "again")
        and any(
            one.sentence < fact.sentence and one.is_present and one.side not in (None, fact.side) and place_of(one) == place
            for one in seen.facts
        )
    )


def _is_named_as_harmless(fact: Fact, seen: Reading) -> bool:
    """`3 cm lesion in segment 7, haemangioma.`: the name that ends its sentence says what it is."""
    if LUMPS.isdisjoint(lexicon().above[fact.concept]) or _weight(fact) != 2:
        return False
    end = seen.sentences[fact.sentence].end
    return any(
        fact.end < one.start
        and one.sentence == fact.sentence
        and one.is_present
        and _weight(one) < 2
        and not {"lesion", "granuloma"}.isdisjoint(lexicon().above[one.concept])
        and seen.text[fact.end : one.start].rstrip().endswith(",")
        and not seen.text[one.end : end].strip(" .\n")
        for one in seen.facts
    )


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
        or (
            fact.change in ("unchanged", "again", "smaller")
            and (
                not concept.is_acute
                or fact.concept in QUIET
                or (fact.severity in (1, 2) and weight < 3 and fact.change != "smaller")
            )
        )
    ):
        weight -= 1
    if fact.certainty < 3 and fact.concept in GENERIC:
        weight -= 1
    if weight < 3 and (BLANK in fact.words.lower() or _is_too_small(fact)):
        weight -= 1
    if weight < 3 and LOWEST_GRADE.search(fact.words):
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
    return fact.change in ("unchanged", "again") and any(fact.sizes) and max(map(max, filter(None, fact.sizes))) <= 5


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
        return (stated.concept == fact.concept and not _is_the_graver(fact, stated)) or _is_there(stated, fact)
    if not stated.is_present or stated.is_plan or inference(fact.concept, stated.concept) is None:
        return False
    same_site = stated.side == fact.side and stated.place is not None and fact.place is not None
    return (same_site or answers_for(stated.concept, fact.concept)) and (stated.place is None or _is_there(stated, fact))


def _is_the_graver(fact: Fact, stated: Fact) -> bool:
    """Of two at two places the smaller, the slighter or the older one does not stand for the other; nor one for a measured one on the other side."""
    if sides_meet(stated.side, fact.side) and places_meet(stated.place, fact.place):
        return False
    largest = max((number for size in fact.sizes for number in size), default=0)
    if largest > TINY and not (sides_meet(stated.side, fact.side) or MANY.search(stated.words) or TAME.search(fact.words)):
        return True
    if fact.change in ("new", "larger") and stated.change in ("unchanged", "again", "smaller"):
        return True
    if fact.severity and stated.severity and fact.severity >= max(stated.severity + 1, 3):
        return True
    return largest > max((number for size in stated.sizes for number in size), default=0) > 0


def _site(fact: Fact) -> str | None:
    return place_of(fact) or ("spine" if fact.levels else None)


def _is_there(stated: Fact, fact: Fact) -> bool:
    if (
        not sides_meet(stated.side, fact.side)
        or not levels_meet(stated.levels, fact.levels)
        or not ((stated.levels and fact.levels) or places_meet(_site(stated), _site(fact)))
    ):
        return False
    sizes = {number for size in fact.sizes for number in size}
    return (
        not sizes
        or not any(stated.sizes)
        or any(same_size(number, known) for size in stated.sizes for number in size for known in sizes)
    )
