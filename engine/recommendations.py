"""What the impression advises, held against what was found: advised there too, called for by a finding, or invented.

A plan is judged gently: whatever the findings advise themselves, or any finding of enough weight in the right region calls for, stands;
so does every conditional ("if clinically indicated"). Which interval a guideline wants is engine/guidelines, not this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from engine.categories import against_itself, against_the_category
from engine.devices import wrong_ways
from engine.exams import parts_of
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass
from engine.kinship import place_of
from engine.lexicon import lexicon, phrases_of, rows_of
from engine.urgency import is_pressing, left_waiting, shortened, waits_in

ADVICE = re.compile(
    r"\b(?:recommend\w*|advise\w*|suggest(?:ed)? (?!of|that)|consider(?! the)|should be|is warranted|warranted|may be helpful|would be helpful|is needed|"
    r"is indicated|follow[- ]?up|urgent|emergency|refer(?:ral)? for|(?:is|are) suggested|further (?:evaluation|imaging|characterization)"
    r"|suggest|needs?|requires?|needed|required|necessary)\b",
    re.IGNORECASE,
)
CONDITION = re.compile(
    r"\b(?:if|once|as clinically|when clinically|correlat\w*|clinical|unless|prior (?:films|studies|images)|comparison with|please|routine|screening)\b",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"\bno (?:further |additional |urgent |immediate |surgical |endoscopic |specific )*"
    r"(?:follow[- ]?up|imaging(?! (?:evidence|signs?|findings?|features?))|evaluation|workup|work-up|action|referral|intervention|treatment|immobili[sz]ation)"
    r"(?: imaging| evaluation| or follow[- ]?up)?(?: is| are)?(?: needed| necessary| required| recommended| indicated)?",
    re.IGNORECASE,
)
HASTE = re.compile(r"\b(?:urgent(?:ly)?|emergency|emergent(?:ly)?|immediate(?:ly)?|today|stat)\b", re.IGNORECASE)
#: A step that is refused although it would not wait.
DECISIVE = re.compile(
    r"\b(?:urgent|immediate|surgical|endoscopic|action|intervention|treatment|immobili[sz]ation)\b", re.IGNORECASE
)
#: How the words of `ADVICE` begin, and those of `REFUSAL`: a sentence without any of these and without a step is not worth a search.
ADVISING = frozenset(
    "refer referr recomm advise sugges consid should warran helpfu needed needs need indica follow urgent emerge furthe requir necess".split()
)
STEMS = ADVISING - {"referr"} | frozenset("imagin evalua workup work".split())
#: A step that was taken.
DONE = re.compile(
    r"\b(?:performed|obtained|successful\w*|technically|complet\w+|adequate|placed|inserted|deployed|treated|done|was|were|pending|awaited"
    r"|proven|underwent|following|after|post|since|status|compar\w+|seen|evidence|shown|demonstrat\w+)\b",
    re.IGNORECASE,
)
#: Where a step is taken, whoever advises it.
AT = {"bronchoscopy": "thorax"}
REPEATS = frozenset({"radiograph", "follow-up", "ct"})
SAMPLED = frozenset({"biopsy", "pet"})
CONTROLS = REPEATS | {"mri", "ultrasound"}
#: An examination that could not show all may be repeated.
LIMITED = re.compile(
    r"\b(?:artifacts?|limited|suboptimal|non-?diagnostic|degraded|incompletely|rotat(?:ed|ion)|poor(?:ly)? \w+|underpenetrat\w*)\b",
    re.IGNORECASE,
)
#: Whoever was treated is seen again.
TREATED = re.compile(
    r"emboli|drain|biops|stent|ablat|angioplast|insertion|placement|retrieval|aspiration|injection|plasty|\bIR\b", re.IGNORECASE
)
INTERVAL = re.compile(r"\b(\d{1,2})(?:\s?(?:-|–|to)\s?(\d{1,2}))?[\s-](day|week|month|year)s?\b", re.IGNORECASE)
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
#: Regions wide enough that a plan for one and a finding in the other cannot belong together.
REGIONS = ("head", "neck", "thorax", "abdomen", "pelvis", "spine", "upper_extremity", "lower_extremity", "breast")
NEXT_DOOR = frozenset(frozenset(pair) for pair in (("abdomen", "pelvis"), ("thorax", "abdomen"), ("neck", "thorax"), ("head", "neck"), ("thorax", "spine"),
    ("abdomen", "spine"), ("pelvis", "spine"), ("breast", "thorax"), ("thorax", "upper_extremity"),
    ("pelvis", "lower_extremity"), ("neck", "spine"), ("head", "spine")))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """One thing advised in one sentence."""

    start: int
    end: int
    words: str = field(repr=False)
    actions: frozenset[str]
    regions: frozenset[str]
    days: tuple[int, ...]
    is_conditional: bool
    is_refusal: bool


def plans_in(reading: Reading) -> list[Plan]:
    """The sentences of a section that advise something."""
    found = []
    by_stem = _actions_by_stem()
    for index, span in enumerate(reading.sentences):
        stems = {token.text[:6] for token in reading.tokens[span.first : span.last]}
        named = by_stem.keys() & stems
        if not named and STEMS.isdisjoint(stems):
            continue
        words = reading.text[span.start : span.end]
        is_advised = not ADVISING.isdisjoint(stems) and ADVICE.search(words) is not None
        refusal = "no" in stems and REFUSAL.search(words) is not None
        if not (is_advised or refusal or (named and reading.section == "impression")):
            continue
        actions = frozenset(action for stem in named for action, pattern in by_stem[stem] if pattern.search(words))
        if not refusal and not (actions and (is_advised or _is_bare(reading, index))):
            continue
        places = [meaning.value for term in reading.terms[index] for meaning in term.meanings if meaning.kind == "place"]
        days = tuple(int(number) * DAYS[unit.lower()] for match in INTERVAL.finditer(words) for number, unit in _numbers(match))
        regions = _regions(places) | frozenset(AT[action] for action in actions if action in AT)
        found.append(Plan(span.start, span.end, words, actions, regions, days, bool(CONDITION.search(words)), refusal))
    return found


def _is_bare(reading: Reading, index: int) -> bool:
    """`PET-CT and biopsy.`, `2 cm renal mass: urology referral.`: a step named alone, in a sentence or behind its last colon.

    What comes first of all is what was done (`Chest radiograph.`).
    """
    span = reading.sentences[index]
    start = max((reading.text.rfind(mark, span.start, span.end) for mark in ":;–"), default=-1) + 1 or span.start
    tail = reading.text[start : span.end]
    if start == 0 or any(start <= fact.start < span.end for fact in reading.facts) or DONE.search(tail):
        return False
    if not any(pattern.search(tail) for _, pattern, *_ in _actions()):
        return False
    return not any(
        meaning.kind in ("normal", "negate-before", "negate-after")
        for term in reading.terms[index] if reading.tokens[term.first].start >= start
        for meaning in term.meanings
    )  # fmt: skip


def objections(seen: Reading, stated: Reading, founded: Sequence[Fact], exam: str = "") -> list[Flag]:
    """Flags against what the impression advises; `founded` is what it states itself without objection, which may call for a step too."""
    advised, plans = plans_in(seen), plans_in(stated)
    waits = waits_in(stated)
    flags = [
        *against_the_category(seen, stated, waits, exam),
        *against_itself(stated),
        *left_waiting(stated, waits),
        *wrong_ways(stated),
    ]
    for plan in plans:
        known = next((other for other in advised if other.actions & plan.actions), None)
        if known is not None and known.days and plan.days and not set(plan.days) & set(known.days):
            flags.append(
                _flag(
                    plan,
                    f"Interval differs: the impression says “{shortened(plan.words)}”, the findings “{shortened(known.words)}”.",
                    known,
                )
            )
        elif reason := _careless(plan, seen, stated):
            flags.append(_flag(plan, f"The impression says “{shortened(plan.words)}”; {reason}."))
        elif known is None and (reason := _unfounded(plan, seen, stated, founded, exam)):
            flags.append(_flag(plan, f"The impression advises “{shortened(plan.words)}”; {reason}."))
    return flags


def _careless(plan: Plan, seen: Reading, stated: Reading) -> str | None:
    """`No surgical referral required` beside what is acute: what the plan's own sentence names decides, else the whole report."""
    if not (plan.is_refusal and DECISIVE.search(plan.words)):
        return None
    told = [fact for fact in stated.facts if fact.is_present and plan.start <= fact.start < plan.end]
    told = told or [fact for fact in (*stated.facts, *seen.facts) if fact.is_present]
    concepts = lexicon().concepts
    grave = next((fact for fact in told if concepts[fact.concept].is_acute and concepts[fact.concept].weight > 1), None)
    return f"it also speaks of “{shortened(grave.words)}”" if grave else None


def _unfounded(plan: Plan, seen: Reading, stated: Reading, founded: Sequence[Fact], exam: str) -> str | None:
    """Why nothing in the findings calls for this plan, or None when something does."""
    present = [fact for fact in seen.facts if fact.is_present]
    own = [fact for fact in stated.facts if fact.is_present and plan.start <= fact.start < plan.end]
    if plan.is_refusal:
        grave = next((fact for fact in present if _is_grave(fact)), None)
        is_of_another = bool(own) and not any(map(_is_grave, own))
        return f"the findings say “{shortened(grave.words)}”" if grave and not is_of_another else None
    if plan.is_conditional or not seen.facts:
        return None
    need = max((weight for action, _, weight, _, _ in _actions() if action in plan.actions), default=1)
    idle = frozenset().union(*(never for action, _, _, never, _ in _actions() if action in plan.actions))
    only = frozenset().union(*(calls for action, _, _, _, calls in _actions() if action in plan.actions))
    concepts, above = lexicon().concepts, lexicon().above
    samples = not SAMPLED.isdisjoint(plan.actions)
    before = [fact for fact in stated.facts if fact.is_present and fact.start < plan.start]
    calling = [
        fact
        for fact in (*present, *(stated.facts if only else founded))
        if fact.is_present and not (fact.section == "impression" and fact.concept == "abnormality") and not (samples and _is_small(fact))
        and (concepts[fact.concept].weight >= need or (need == 1 and fact.has_blank) or fact.concept == "lesion"
            or (fact.concept == "abnormality" and need == 1))
        and idle.isdisjoint(above[fact.concept])
        and (not only or not only.isdisjoint(above[fact.concept]))
    ]  # fmt: skip
    if not calling and plan.actions <= REPEATS and LIMITED.search(seen.text):
        return None
    if not calling and plan.actions <= CONTROLS and TREATED.search(exam):
        return None
    named = own or before
    if not calling or (named and all(idle & above[fact.concept] for fact in named)):
        return "the findings name nothing that calls for it"
    if HASTE.search(plan.words) and not any(is_pressing(fact, "operation" in plan.actions) for fact in (*present, *before)):
        return "the findings name nothing that cannot wait"
    if own:
        return None  # what calls for it stands beside it
    where = _regions([place for fact in calling if (place := place_of(fact))])
    where |= frozenset({"spine"} if any(fact.levels for fact in calling) else ())
    where = where or parts_of(exam)
    if (
        plan.regions
        and where
        and not any(one == other or frozenset((one, other)) in NEXT_DOOR for one in plan.regions for other in where)
    ):
        return "what the findings describe lies elsewhere"
    return None


def _is_small(fact: Fact) -> bool:
    """Nobody samples a lung nodule under 8 mm (Fleischner 2017)."""
    sizes = [number for size in fact.sizes for number in size]
    is_lung = "lung" in lexicon().around.get(place_of(fact) or "", ()) and "nodule" in lexicon().above[fact.concept]
    return is_lung and bool(sizes) and max(sizes) < 8 and fact.change != "larger"


def _is_grave(fact: Fact) -> bool:
    """Nobody is left without a next step with this, nor with a nodule that is larger than before."""
    weight = lexicon().concepts[fact.concept].weight
    grows = fact.change == "larger" and weight > 1 and not {"mass", "nodule"}.isdisjoint(lexicon().above[fact.concept])
    return (weight == 3 or grows) and not fact.explained_by and fact.change != "resolved"


def _numbers(match: re.Match[str]) -> list[tuple[str, str]]:
    return [(number, match.group(3)) for number in match.group(1, 2) if number]


def _regions(places: Sequence[str]) -> frozenset[str]:
    around = lexicon().around
    return frozenset(region for place in places for region in REGIONS if region in around[place])


def _flag(plan: Plan, message: str, known: Plan | None = None) -> Flag:
    return Flag(FlagClass.RECOMMENDATION, "major", message, (plan.start, plan.end), (known.start, known.end) if known else None)


@cache
def _actions_by_stem() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """The actions by how their words begin."""
    found: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for (action, pattern, *_), (_, _, words, *_) in zip(_actions(), rows_of("plans.tsv", 5), strict=True):
        for stem in {re.split(r"\W", phrase)[0][:6] for phrase in phrases_of(words)}:
            found.setdefault(stem, []).append((action, pattern))
    return found


@cache
def _actions() -> tuple[tuple[str, re.Pattern[str], int, frozenset[str], frozenset[str]], ...]:
    return tuple(
        (
            action,
            re.compile(
                r"\b(?:" + "|".join(re.escape(phrase).replace(r"\ ", r"[\s-]+") for phrase in phrases_of(words)) + r")\b",
                re.IGNORECASE,
            ),
            int(weight),
            frozenset(phrases_of(never)),
            frozenset(phrases_of(only)),
        )
        for action, weight, words, never, only in rows_of("plans.tsv", 5)
    )
