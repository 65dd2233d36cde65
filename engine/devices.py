"""Tubes, lines and hardware: called well placed where they lie wrong, or broken where nobody said so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass
from engine.kinship import same_kind, sides_meet
from engine.lexicon import lexicon
from engine.messages import quoted

WELL_PLACED = re.compile(
    r"\b(?:satisfactor(?:y|ily)|appropriate(?:ly)?|good|well|correct(?:ly)?|adequate(?:ly)?|normal(?:ly)?|proper(?:ly)?)"
    r" (?:\w+ )?(?:position(?:ed|s|ing)?|sited|placed|placement)\b",
    re.IGNORECASE,
)
BROKEN = re.compile(
    r"\b(?:dislodged|migrat(?:ed|ion)|kink(?:ed|ing)|disconnected|fractured|broken|slipp(?:ed|age)|perforat\w+|disrupted|backed out|malaligned)\b",
    re.IGNORECASE,
)
#: Every such word has one of these in it: most texts have none, and are not asked further.
PLACES = ("position", "sited", "place")
BREAKS = tuple("dislodged migrat kink disconnected fractured broken slipp perforat disrupted backed malaligned".split())
SOUNDS = ("intact", "well", "complication", "loosening", "lucency")
TURNS = ("advanc", "withdr", "retract", "safe ")
DENIES = re.compile(r"\b(?:no|not|without|nor|never|neither|rather than)\b[^.;]*$", re.IGNORECASE)
SOUND = re.compile(
    r"\b(?:intact|well[- ](?:fixed|seated|positioned)|without (?:complication|loosening|periprosthetic lucency))\b", re.IGNORECASE
)
WAY = re.compile(r"\b(?:advanc\w+|withdr\w+|retract\w*|safe (?:to|for) (?:use|feed\w*))\b", re.IGNORECASE)
#: What is advised of a tube, and how it lies where that is the wrong way.
WAYS = (
    (
        re.compile(r"\badvanc(?:e|ing|ement)\b", re.IGNORECASE),
        re.compile(r"\b(?:low[- ]lying|too (?:low|deep)|low ett|main ?stem|main bronch\w+|endobronchial)\b", re.IGNORECASE),
    ),
    (
        re.compile(r"\b(?:withdraw(?:al|ing)?|retract(?:ion|ing)?|pull(?:ing)? back)\b", re.IGNORECASE),
        re.compile(
            r"\b(?:high[- ]lying|too high|distal o?esophagus|above the (?:ge|gastro-?o?esophageal) junction)\b", re.IGNORECASE
        ),
    ),
    (
        re.compile(r"(?<!not )(?<!un)\bsafe (?:to|for) (?:use|feed\w*)", re.IGNORECASE),
        re.compile(r"\b(?:mal-?position\w*|bronch\w+|o?esophagus|pleura\w*|lower lobe)\b", re.IGNORECASE),
    ),
)
#: What may be called so in a word.
MOVED = re.compile(
    r"\b(?:pulled back|retracted|no longer|now (?:lies|project\w*|located)|rather than)\b",
    re.IGNORECASE,
)
#: Where a tube is in no patient's interest.
WRONG = {"endotracheal_tube": "main_bronchus", "enteric_tube": "airways"}


def misplacements(seen: Reading, stated: Reading) -> Iterator[Flag]:
    """A major flag for every device that is called well placed against the findings."""
    lowered = stated.text.lower()
    spans = stated.sentences if any(part in lowered for part in PLACES) and WELL_PLACED.search(stated.text) else ()
    praised = [span for span in spans if WELL_PLACED.search(stated.text[span.start : span.end])]
    if not praised:
        return
    wrong = [fact for fact in seen.facts if fact.is_present and _lies_wrong(fact)]
    told = {fact.concept for fact in stated.facts if _lies_wrong(fact)}
    for span in praised if wrong and "device_malposition" not in told else ():
        for fact in stated.facts:
            partner = next((one for one in wrong if one.concept == fact.concept and fact.concept not in told), None)
            if partner is not None and span.start <= fact.start < span.end and not fact.place:
                message = f"The impression calls {quoted(fact)} well placed; the findings say {quoted(partner)}."
                yield Flag(FlagClass.DEVICE, "major", message, (fact.start, fact.end), (partner.start, partner.end))


def _lies_wrong(fact: Fact) -> bool:
    place = WRONG.get(fact.concept)
    is_there = place is not None and fact.place is not None and lexicon().lies_in(fact.place, place)
    return is_there or (fact.concept == "device_malposition" and fact.is_present)


def breakages(seen: Reading, stated: Reading) -> Iterator[Flag]:
    """A major flag for every device called broken or gone where the findings say so of nothing, and for every one called sound that is not."""
    lowered = stated.text.lower()
    may_break = any(part in lowered for part in BREAKS) and BROKEN.search(stated.text) is not None
    if may_break and not MOVED.search(seen.text) and not any(_breaks(seen)):
        for index, found in enumerate(_breaks(stated)):
            own = [fact for fact in stated.facts if fact.sentence == index and _is_device(fact)] if found else []
            if found is not None and own:
                message = f"The impression says “{found.group()}” of {quoted(own[0])}; the findings say nothing of the kind."
                yield Flag(FlagClass.DEVICE, "major", message, found.span(), None)
    elif any(part in lowered for part in SOUNDS) and SOUND.search(stated.text) and not any(_breaks(stated)):
        yield from _called_sound(seen, stated)


def _called_sound(seen: Reading, stated: Reading) -> Iterator[Flag]:
    broken = {index for index, found in enumerate(_breaks(seen)) if found}
    unsound = [fact for fact in seen.facts if fact.sentence in broken and _is_device(fact)]
    for fact in stated.facts if unsound else ():
        span = stated.sentences[fact.sentence]
        if not _is_device(fact) or not SOUND.search(stated.text, span.start, span.end):
            continue
        partner = next((one for one in unsound if same_kind(one.concept, fact.concept) and sides_meet(one.side, fact.side)), None)
        if partner is not None:
            message = f"The impression calls {quoted(fact)} sound; the findings say {quoted(partner)}."
            yield Flag(FlagClass.DEVICE, "major", message, (fact.start, fact.end), (partner.start, partner.end))


def _breaks(reading: Reading) -> Iterator[re.Match[str] | None]:
    """For every sentence the word that says that something broke or went astray, if no word before it denies that."""
    lowered = reading.text.lower()
    for span in reading.sentences if any(part in lowered for part in BREAKS) else ():
        yield next(
            (
                found
                for found in BROKEN.finditer(reading.text, span.start, span.end)
                if not DENIES.search(reading.text[span.start : found.start()])
            ),
            None,
        )


def wrong_ways(stated: Reading) -> Iterator[Flag]:
    """`Low-lying tube, advance 2 cm`, `NG tube in the bronchus, safe to use`: what is advised makes worse what is said."""
    lowered = stated.text.lower()
    for span in stated.sentences if any(part in lowered for part in TURNS) and WAY.search(stated.text) else ():
        words = stated.text[span.start : span.end]
        before = stated.text[max(0, span.start - 90) : span.end]
        found = next((way for way, lies in WAYS if way.search(words) and lies.search(before)), None)
        if found is not None:
            message = f"The impression says “{' '.join(words.split())}”, which makes worse what it says of the device."
            yield Flag(FlagClass.RECOMMENDATION, "major", message, (span.start, span.end), None)


def _is_device(fact: Fact) -> bool:
    return fact.is_present and lexicon().concepts[fact.concept].kind == "device"
