"""How soon an impression wants something done, held against what it speaks of: neither left to wait what cannot, nor hurried what can.

An ectopic pregnancy is not seen again in two weeks, a suspected sarcoma not in six months, and a worn disc is no emergency. Asked
only where all that is advised waits; an impression that also refers, samples or calls somebody is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.fact import POSSIBLE
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass, Span
from engine.lexicon import lexicon

#: Days that nobody counts: left alone for good, and until some day.
NEVER, ROUTINE = 10_000, 91
#: How the words of waiting begin: a text without any is not searched.
STEMS = frozenset(
    "no not routin outpat electi conser reassu watchf expect observ sympto gp weight bearin full discha may can annual monthl weekly "
    "yearly after within at repeat follow review interv month months week weeks year years".split()
)
#: Words that leave the patient to nobody.
LEFT_ALONE = re.compile(
    r"\bno (?:(?!after|post|since|following|from|on|of|to|at|for)[\w/-]+ ){0,3}?(?:follow[- ]?up|investigations?|evaluation"
    r"|imaging(?! (?:evidence|findings?|features?|signs?|correlate))"
    r"|work-?up|action|referral|intervention|treatment|immobili[sz]ation|review|assessment|isolation|surveillance"
    r"|(?:fna|biops(?:y|ies)|sampling)(?! target| complication))\b|\breassur\w+|\bfull weight[- ]?bearing\b"
    r"|\bweight[- ]?bear\w* (?:as tolerated|permitted|allowed)|\b(?:may|can) (?:be )?(?:safely )?(?:resum|continu|remov|discharg|return|mobili)\w+"
    r"|(?:^|[.;,:] )discharged?\b(?! from)",
    re.IGNORECASE,
)
LATER = re.compile(
    r"\b(?:routine|out-?patient|elective)\b[^.;]{0,30}\b(?:follow|film|scan|ct|us|ultrasound|mri?|radiograph|review|repeat|imaging|recall"
    r"|colonoscopy|endoscopy|clinic|physio\w*|screening|mammogra\w+)|\b(?:return|back) to\b[^.;]{0,20}\bscreening"
    r"|\b(?:annual|yearly) (?:screening|mammogra\w+|follow|surveillance|review|imaging|ct|mri|ultrasound)|\bconservative(?:ly)? (?:managed?|treat)\w*"
    r"|\bwatchful waiting|\bexpectant(?:ly)?\b|\bobservation only|\bas (?:an )?out-?patient|\bsymptomatic (?:treatment|management)|\bgp (?:review|follow)",
    re.IGNORECASE,
)
INTERVAL = re.compile(
    r"\b(?:in|after|within|at(?=\s+\w+\s+(?:month|year)))\s+(?:about\s+|approximately\s+|another\s+)?"
    r"(\d{1,2}|an?|one|two|three|four|five|six|twelve)(?:\s?(?:-|–|to)\s?\w+)?[\s-](week|month|year)s?\b"
    r"|\b(\d{1,2}|one|two|three|four|six|twelve)[\s-](week|month|year)(?:ly)?[\s-]"
    r"(?:follow|interval|us|ct|mri?|ultrasound|mammogra|review)",
    re.IGNORECASE,
)
DAYS = {"week": 7, "month": 30, "year": 365}
COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "twelve": 12}
#: Whoever also does one of these leaves nobody waiting.
ACTIVE = re.compile(
    r"(?<!\bno )(?<!\bwithout )\b(?:refer\w*|consult\w*|mdt|mdm|tumou?r board|multi-?disciplinary|urgent\w*|emergen\w*|immediate(?:ly)?(?! complic)"
    r"|stat|call(?:ed)?|discuss\w*|notif\w*|inform\w*|telephon\w*|phoned|communicat(?:ed|ion of)|aware|alert\w*|critical result|activation"
    r"|biopsy(?!-| proven)|biopsies|fna|sampling|drainage|surg(?:ery|eons?|ical (?:review|referral|opinion|assessment|evaluation))|anticoagul\w*"
    r"|admi(?:t|ssion)|oncolog\w*|urolog\w*|orthop\w*|neurosurg\w*|thrombolysis|withdraw\w*|reposition\w*)\b",
    re.IGNORECASE,
)
#: Looked at again in weeks, as a rule, once treated or while waiting for a cause to show.
AFTERCARE = frozenset(
    "intracranial_hemorrhage pulmonary_embolism infarct fracture thrombosis infection pneumothorax collection myocarditis".split()
)
BENIGN = re.compile(r"\bbenign\b|\bbi-?\s?rads:?\s?[1-3]\b", re.IGNORECASE)
#: Grave, and watched all the same.
WATCHED = frozenset({"aneurysm", "placenta_previa", "placenta_accreta", "dilation", "device"})
#: What matters to a patient and hurries nobody.
PATIENT = frozenset(
    "cyst fibroadenoma thyroiditis thyroid_goiter uterine_fibroid hemangioma focal_nodular_hyperplasia degenerative_change granuloma "
    "cardiomegaly emphysema".split()
)
ITEM = re.compile(r"^\s*\d+[.)]\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Wait:
    """A sentence that puts off, for how many days, and the part of the impression it belongs to."""

    sentence: int
    start: int
    end: int
    days: int
    item: Span


def left_waiting(stated: Reading, waits: Sequence[Wait]) -> Iterator[Flag]:
    """A major flag for the first wait beside something that cannot."""
    for wait in () if not waits or BENIGN.search(stated.text) else waits:
        fact = next((fact for fact in _meant(stated, wait) if wait.days >= patience(fact, wait.days)), None)
        if fact is not None:
            words = shortened(stated.text[wait.start : wait.end])
            message = f"The impression says “{words}”; it also speaks of “{shortened(fact.words)}”, which should not wait."
            yield Flag(FlagClass.RECOMMENDATION, "major", message, (wait.start, wait.end), None)
            return


def patience(fact: Fact, days: int) -> int:
    """How many days this can be left alone; more than anybody waits where it is slight, old, or going back."""
    concept, above = lexicon().concepts[fact.concept], lexicon().above[fact.concept]
    is_feared = days == NEVER and "malignancy" in above  # "polyp or malignancy": nobody is sent home with that
    if not (fact.certainty > POSSIBLE or (fact.is_present and is_feared)) or fact.is_history or fact.acuity == "chronic":
        return NEVER + 1
    if fact.change in ("unchanged", "smaller", "resolved") or (concept.kind == "device" and "device_malposition" not in above):
        return NEVER + 1
    if concept.weight == 3 and concept.is_acute:
        return 100 if days not in (NEVER, ROUTINE) and not above.isdisjoint(AFTERCARE) else 14
    if concept.weight == 3 or "malignancy" in above:
        return 150 if above.isdisjoint(WATCHED) else NEVER + 1
    if concept.weight < 2 or not is_pressing(fact):
        return NEVER + 1
    return 180 if concept.is_acute or fact.severity == 4 else NEVER


def is_pressing(fact: Fact, to_operate: bool = False) -> bool:
    """What somebody may hurry for: whatever matters and is not known to lie still; to operate, only what is grave, acute or growing."""
    concept, above = lexicon().concepts[fact.concept], lexicon().above[fact.concept]
    if fact.acuity == "chronic" and fact.change not in ("new", "larger"):
        return False
    grows = fact.change in ("new", "larger") or (fact.severity or 0) > 2
    matters = grows or (fact.severity != 1 and above.isdisjoint(PATIENT) and (concept.is_acute or not to_operate))
    is_grave = concept.weight == 3 or "malignancy" in above
    return is_grave or fact.has_blank or (matters and (concept.weight == 2 or fact.concept == "lesion"))


def waits_in(stated: Reading) -> list[Wait]:
    """The sentences that put off, where nothing else of the impression, or of their own item of it, gets the patient seen."""
    found = []
    for index, span in enumerate(stated.sentences):
        if STEMS.isdisjoint([token.text[:6] for token in stated.tokens[span.first : span.last]]):
            continue
        words = stated.text[span.start : span.end]
        days = max(
            (int(COUNTS.get(number.lower(), number)) * DAYS[unit.lower()] for number, unit in _intervals(words)), default=0
        )
        if LEFT_ALONE.search(words):
            days = NEVER
        elif LATER.search(words):
            days = max(days, ROUTINE)
        if days:
            found.append(Wait(index, span.start, span.end, days, _item(stated, span.start)))
    idle = {wait.sentence for wait in found}
    return [wait for wait in found if not _is_seen(stated, wait, idle)]


def _intervals(words: str) -> Iterator[tuple[str, str]]:
    for match in INTERVAL.finditer(words):
        yield match.group(1) or match.group(3), match.group(2) or match.group(4)


def _is_seen(stated: Reading, wait: Wait, idle: set[int]) -> bool:
    """Does anything else around this wait get the patient seen?"""
    first, last = wait.item
    beside = LATER.sub("", LEFT_ALONE.sub("", stated.text[wait.start : wait.end]))
    return bool(ACTIVE.search(beside)) or any(
        ACTIVE.search(stated.text, span.start, span.end)
        for index, span in enumerate(stated.sentences)
        if index not in idle and first <= span.start < last
    )


def _item(stated: Reading, at: int) -> Span:
    """The numbered item around a place, where that names a finding; else the whole impression."""
    items = [match.start() for match in ITEM.finditer(stated.text)]
    first = max((start for start in items if start <= at), default=0)
    last = min((start for start in items if start > at), default=len(stated.text))
    line = stated.text.find("\n", first + 1, last)
    last = line if items and line > 0 else last
    is_whole = at >= last or not any(first <= fact.start < last for fact in stated.facts)
    return (0, len(stated.text)) if is_whole else (first, last)


def _meant(stated: Reading, wait: Wait) -> list[Fact]:
    """What the words of waiting are said of: what their own sentence names, else their item."""
    present = [fact for fact in stated.facts if fact.is_present]
    own = [fact for fact in present if fact.sentence == wait.sentence]
    return own or [fact for fact in present if wait.item[0] <= fact.start < wait.item[1]]


def shortened(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= 110 else f"{words[:80]} … {words[-25:]}"
