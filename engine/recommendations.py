"""What the impression advises, held against what was found: advised there too, called for by a finding, or invented.

A plan is judged gently: whatever the findings advise themselves, or any finding of enough weight in the right region calls for, stands;
so does every conditional ("if clinically indicated"). Which interval a guideline wants is engine/guidelines, not this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from engine.exams import parts_of
from engine.facts import Fact, Reading
from engine.guidelines import recommend
from engine.impression import Flag, FlagClass
from engine.kinship import place_of
from engine.lexicon import lexicon, phrases_of, rows_of

ADVICE = re.compile(
    r"\b(?:recommend\w*|advise\w*|suggest(?:ed)? (?!of|that)|consider(?! the)|should be|is warranted|warranted|may be helpful|would be helpful|is needed|"
    r"is indicated|follow[- ]?up|urgent|(?:is|are) suggested|further (?:evaluation|imaging|characterization)"
    r"|suggest|needs?|requires?|needed|required|necessary)\b",
    re.IGNORECASE,
)
CONDITION = re.compile(
    r"\b(?:if|once|as clinically|when clinically|correlat\w*|clinical|unless|prior (?:films|studies|images)|comparison with|please|routine|screening)\b",
    re.IGNORECASE,
)
REFUSAL = re.compile(
    r"\bno (?:further |additional |urgent |immediate |surgical |endoscopic |specific )*"
    r"(?:follow[- ]?up|imaging|evaluation|workup|work-up|action|referral|intervention|treatment|immobili[sz]ation)"
    r"(?: imaging| evaluation| or follow[- ]?up)?(?: is| are)?(?: needed| necessary| required| recommended| indicated)?",
    re.IGNORECASE,
)
SAMPLING = re.compile(r"\b(?:fna|biops\w+|aspiration|sampling|referr\w+)\b", re.IGNORECASE)
#: A step that is refused although it would not wait.
DECISIVE = re.compile(
    r"\b(?:urgent|immediate|surgical|endoscopic|action|intervention|treatment|immobili[sz]ation)\b", re.IGNORECASE
)
#: No step beyond what everybody is offered.
ROUTINE = re.compile(
    r"\b(?:routine|annual|(?:return|back) to)\b[^.;]{0,20}\b(?:screening|mammogra\w+|follow[- ]?up)", re.IGNORECASE
)
ROUTINES = frozenset({"routine", "annual", "return", "back"})
#: The guidelines that answer to a category by its name without blanks and hyphens, and the answers that leave no patient to routine.
CATEGORIES = {
    "lungrads": "lung_rads", "birads": "bi_rads", "tirads": "ti_rads", "lirads": "li_rads", "pirads": "pi_rads", "orads": "o_rads_us",
}  # fmt: skip
DEMANDS = frozenset({"further-imaging", "biopsy", "referral", "urgent-communication"})
#: How the words of `ADVICE` and `REFUSAL` begin: a sentence without any of these is not worth either search.
STEMS = frozenset(
    "recomm advise sugges consid should warran helpfu needed needs need indica follow urgent furthe requir necess imagin evalua workup "
    "work".split()
)
#: Where a step is taken, whoever advises it.
AT = {"bronchoscopy": "thorax"}
REPEATS = frozenset({"radiograph", "follow-up", "ct"})
#: An examination that could not show all may be repeated.
LIMITED = re.compile(
    r"\b(?:artifacts?|limited|suboptimal|non-?diagnostic|degraded|incompletely|rotat(?:ed|ion)|poor(?:ly)? \w+|underpenetrat\w*)\b",
    re.IGNORECASE,
)
INTERVAL = re.compile(r"\b(\d{1,2})(?:\s?(?:-|–|to)\s?(\d{1,2}))?[\s-](day|week|month|year)s?\b", re.IGNORECASE)
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
#: Regions wide enough that a plan for one and a finding in the other cannot belong together.
REGIONS = ("head", "neck", "thorax", "abdomen", "pelvis", "spine", "upper_extremity", "lower_extremity", "breast")
NEXT_DOOR = frozenset(frozenset(pair) for pair in (("abdomen", "pelvis"), ("thorax", "abdomen"), ("neck", "thorax"), ("head", "neck"), ("thorax", "spine"),
    ("abdomen", "spine"), ("pelvis", "spine"), ("breast", "thorax"), ("thorax", "upper_extremity"),
    ("pelvis", "lower_extremity"), ("neck", "spine")))  # fmt: skip


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
    for index, span in enumerate(reading.sentences):
        if STEMS.isdisjoint([token.text[:6] for token in reading.tokens[span.first : span.last]]):
            continue
        words = reading.text[span.start : span.end]
        if not ADVICE.search(words) and not REFUSAL.search(words):
            continue
        actions = frozenset(action for action, pattern, _, _, _ in _actions() if pattern.search(words))
        refusal = bool(REFUSAL.search(words))
        if not actions and not refusal:
            continue
        places = [meaning.value for term in reading.terms[index] for meaning in term.meanings if meaning.kind == "place"]
        days = tuple(int(number) * DAYS[unit.lower()] for match in INTERVAL.finditer(words) for number, unit in _numbers(match))
        regions = _regions(places) | frozenset(AT[action] for action in actions if action in AT)
        found.append(Plan(span.start, span.end, words, actions, regions, days, bool(CONDITION.search(words)), refusal))
    return found


def objections(seen: Reading, stated: Reading, founded: Sequence[Fact], exam: str = "") -> list[Flag]:
    """Flags against what the impression advises; `founded` is what it states itself without objection, which may call for a step too."""
    advised, plans = plans_in(seen), plans_in(stated)
    flags = _against_the_category(seen, stated, plans, exam)
    for plan in plans:
        known = next((other for other in advised if other.actions & plan.actions), None)
        if known is not None and known.days and plan.days and not set(plan.days) & set(known.days):
            flags.append(
                _flag(
                    plan,
                    f"Interval differs: the impression says “{_short(plan.words)}”, the findings “{_short(known.words)}”.",
                    known,
                )
            )
        elif reason := _careless(plan, seen, stated):
            flags.append(_flag(plan, f"The impression says “{_short(plan.words)}”; {reason}."))
        elif known is None and (reason := _unfounded(plan, seen, founded, exam)):
            flags.append(_flag(plan, f"The impression advises “{_short(plan.words)}”; {reason}."))
    return flags


def _against_the_category(seen: Reading, stated: Reading, plans: Sequence[Plan], exam: str) -> list[Flag]:
    """`BI-RADS 5. Routine screening in 12 months.`: the category asks for more, and the impression for nothing else."""
    idle = [(plan.start, plan.end, plan.words) for plan in plans if plan.is_refusal or _waits(plan) or ROUTINE.search(plan.words)]
    if any(plan.actions and (plan.start, plan.end, plan.words) not in idle for plan in plans):
        return []
    if not idle and not ROUTINES.isdisjoint([token.text for token in stated.tokens]):
        spans = [(span.start, span.end, stated.text[span.start : span.end]) for span in stated.sentences]
        idle = [span for span in spans if ROUTINE.search(span[2])]
    told = f"{seen.text}\n{stated.text}" if idle else ""
    squeezed = re.sub(r"[\s-]", "", told.lower())
    among = [guideline for name, guideline in CATEGORIES.items() if name in squeezed]
    answers = recommend(told, exam=exam, among=among) if among else ()
    asked = next((answer for answer in answers if answer.action in DEMANDS and not answer.missing), None)
    if idle and asked is None:
        return [] if all(_waits(plan) for plan in plans) and plans else _against_the_grave(stated, *idle[0])
    if asked is None or SAMPLING.search(stated.text):
        return []
    start, end, said = idle[0]
    message = f"The impression says “{_short(said)}”; {asked.guideline} asks for more: “{asked.recommendation}”"
    return [Flag(FlagClass.RECOMMENDATION, "major", message, (start, end), None)]


def _waits(plan: Plan) -> bool:
    """`Follow-up ultrasound in 6 months`: what a category that asks for a biopsy leaves no time for."""
    return bool(plan.days) and min(plan.days) >= 90 and not SAMPLING.search(plan.words)


def _against_the_grave(stated: Reading, start: int, end: int, said: str) -> list[Flag]:
    """`Highly suspicious for DCIS. Routine screening in 1 year.`"""
    concepts = lexicon().concepts
    grave = next(
        (
            fact
            for fact in stated.facts
            if fact.certainty > 2 and concepts[fact.concept].weight == 3 and "malignancy" in lexicon().above[fact.concept]
        ),
        None,
    )
    if grave is None or start <= grave.start < end:
        return []
    message = f"The impression says “{_short(said)}”; it also speaks of “{_short(grave.words)}”."
    return [Flag(FlagClass.RECOMMENDATION, "major", message, (start, end), None)]


def _careless(plan: Plan, seen: Reading, stated: Reading) -> str | None:
    """`No surgical referral required` beside what is acute: what the plan's own sentence names decides, else the whole report."""
    if not (plan.is_refusal and DECISIVE.search(plan.words)):
        return None
    told = [fact for fact in stated.facts if fact.is_present and plan.start <= fact.start < plan.end]
    told = told or [fact for fact in (*stated.facts, *seen.facts) if fact.is_present]
    concepts = lexicon().concepts
    grave = next((fact for fact in told if concepts[fact.concept].is_acute and concepts[fact.concept].weight > 1), None)
    return f"it also speaks of “{_short(grave.words)}”" if grave else None


def _unfounded(plan: Plan, seen: Reading, founded: Sequence[Fact], exam: str) -> str | None:
    """Why nothing in the findings calls for this plan, or None when something does."""
    present = [fact for fact in seen.facts if fact.is_present]
    if plan.is_refusal:
        grave = next(
            (
                fact
                for fact in present
                if (lexicon().concepts[fact.concept].weight == 3 or _grows(fact))
                and not fact.explained_by
                and fact.change != "resolved"
            ),
            None,
        )
        return f"the findings say “{_short(grave.words)}”" if grave else None
    if plan.is_conditional or not seen.facts:
        return None
    need = max((weight for action, _, weight, _, _ in _actions() if action in plan.actions), default=1)
    idle = frozenset().union(*(never for action, _, _, never, _ in _actions() if action in plan.actions))
    only = frozenset().union(*(calls for action, _, _, _, calls in _actions() if action in plan.actions))
    concepts = lexicon().concepts
    calling = [
        fact
        for fact in (*present, *founded)
        if (concepts[fact.concept].weight >= need or (need == 1 and fact.has_blank) or fact.concept == "lesion"
            or (fact.concept == "abnormality" and need == 1))
        and not idle & lexicon().above[fact.concept]
        and (not only or only & lexicon().above[fact.concept])
    ]  # fmt: skip
    if not calling and plan.actions <= REPEATS and LIMITED.search(seen.text):
        return None
    if not calling:
        return "the findings name nothing that calls for it"
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


def _grows(fact: Fact) -> bool:
    """A nodule that is larger than before leaves nobody without a next step."""
    is_lump = not {"mass", "nodule"}.isdisjoint(lexicon().above[fact.concept])
    return fact.change == "larger" and is_lump and lexicon().concepts[fact.concept].weight > 1


def _numbers(match: re.Match[str]) -> list[tuple[str, str]]:
    return [(number, match.group(3)) for number in match.group(1, 2) if number]


def _regions(places: Sequence[str]) -> frozenset[str]:
    around = lexicon().around
    return frozenset(region for place in places for region in REGIONS if region in around[place])


def _flag(plan: Plan, message: str, known: Plan | None = None) -> Flag:
    return Flag(FlagClass.RECOMMENDATION, "major", message, (plan.start, plan.end), (known.start, known.end) if known else None)


def _short(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= 110 else f"{words[:80]} … {words[-25:]}"


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
