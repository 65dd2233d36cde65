"""Tubes, lines and hardware: called well placed where they lie wrong, or broken where nobody said so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass, Span
from engine.kinship import same_kind, sides_meet
from engine.lexicon import lexicon
from engine.messages import quoted

WELL_PLACED = re.compile(
    r"\b(?:satisfactor(?:y|ily)|appropriate(?:ly)?|good|well|correct(?:ly)?|adequate(?:ly)?|normal(?:ly)?|proper(?:ly)?)"
    r" (?:\w+ )?(?:position(?:ed|s|ing)?|sited|placed|placement)\b",
    re.IGNORECASE,
)
#: What befalls a device, by what it is: the words of the impression, and the words of the findings that come to the same.
MISHAPS = tuple(
    (re.compile(rf"\b(?:{said})\b", re.IGNORECASE), re.compile(rf"\b(?:{told})", re.IGNORECASE))
    for said, told in (
        (
            r"dislodged|migrat(?:ed|ion)|slipp(?:ed|age)|backed out|malaligned|displaced",
            r"dislodg|migrat|slipp|back(?:ed|ing) out|mal-?align|mal-?position|displac|outside|no longer|pulled back|retract|rather than"
            r"|coiled|looped|now (?:lies|project|located)|not (?:within|in|at)\b|subsid|tilt",
        ),
        (
            r"kink(?:ed|ing)|disconnect(?:ed|ion)|fractured|broken|disrupted|perforat\w+|ruptured?|(?:lead|screw|rod|wire|plate|nail|strut) fracture",
            r"kink|disconnect|fractur|broke|disrupt|perforat|ruptur|discontin|gap|linguine|extracapsular|collapsed|deflat|out of the|separat|leak",
        ),
        (
            r"occluded|occlusion|blocked|thrombosed",
            r"occlu|block|thromb|no flow|without flow|absent|obstruct|filling defect|not patent|opacif|stenos|debris|encrust|clot",
        ),
        (
            r"loose|loosened|loosening",
            r"loose|lucen|subsid|backed|halo|motion|migrat|resorption|osteolys|unscrew",
        ),
    )
)
BROKEN = re.compile("|".join(said.pattern for said, _ in MISHAPS), re.IGNORECASE)
#: What a device is called once its name was said.
PART = re.compile(
    r"\b(?:tips?|grafts?|stents?|leads?|lines?|tubes?|tubing|catheters?|drains?|cannulas?|cannulae|screws?|rods?|cages?|plates?|nails?|wires?|stems?|cups?"
    r"|components?|prosthes[ie]s|implants?|shunts?|ports?|filters?|coils?|clips?|valves?|hardware|metalwork|replacement|arthroplasty|THR|TKR|UKR)\b",
    re.IGNORECASE,
)
#: Every such word has one of these in it: most texts have none, and are not asked further.
PLACES = ("position", "sited", "place")
BREAKS = tuple(
    "dislodged migrat kink disconnect fractur broken slipp perforat disrupted backed malaligned displaced ruptur occlu blocked thrombosed loos".split()
)
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
#: Where a tube is in no patient's interest.
WRONG = {"endotracheal_tube": "main_bronchus", "enteric_tube": "airways"}


#: What parts two statements.
CLAUSE = re.compile(r"[,;:](?!\d)| with | and ")
#: A sentence that goes on about the device before it.
GOES_ON = re.compile(r"(?:the|its|it|this|tips?)\b", re.IGNORECASE)
#: How an error about a device may be called before it is known that it is one.
RENAMED = frozenset({FlagClass.NEGATION, FlagClass.FALSE_FINDING, FlagClass.SEVERITY})
#: What befalls devices, and the widest names of one.
AMISS = frozenset({"device_malposition", "device_fracture", "hardware_loosening", "hardware_complication"})
ANY = frozenset({"device", "tube", "line", "catheter", "drain"})


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
    """A major flag for every device to which something befell that the findings do not tell of it, and for every one called sound that is not."""
    lowered = stated.text.lower()
    if any(part in lowered for part in BREAKS):
        for index, span in enumerate(stated.sentences):
            for found in _mishaps(stated, index) if any(part in lowered[span.start : span.end] for part in BREAKS) else ():
                device = _device_at(seen, stated, index, found)
                if device is not None and not _is_told(seen, device, found):
                    message = f"The impression says “{found.group()}” of “{device.words}”; the findings say nothing of the kind."
                    yield Flag(FlagClass.DEVICE, "major", message, found.span(), None)
    if any(part in lowered for part in SOUNDS) and SOUND.search(stated.text) and not any(_breaks(stated)):
        yield from _called_sound(seen, stated)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a mishap is said of: a device by name, or by the name of a part."""

    words: str
    fact: Fact | None


def _mishaps(reading: Reading, index: int) -> Iterator[re.Match[str]]:
    """What befell something in a sentence, if no word before it denies that; a device in between is there, and begins anew."""
    span = reading.sentences[index]
    for found in BROKEN.finditer(reading.text, span.start, span.end):
        denial = DENIES.search(reading.text[span.start : found.start()])
        since = span.start + denial.start() if denial else found.start()
        if denial is None or any(_is_device(fact) and since < fact.start < found.start() for fact in reading.facts):
            yield found


def _device_at(seen: Reading, stated: Reading, index: int, found: re.Match[str]) -> _Subject | None:
    """The device that the clause of a mishap names, last before it or first behind it."""
    span = stated.sentences[index]
    start = max((mark.end() for mark in CLAUSE.finditer(stated.text, span.start, found.start())), default=span.start)
    end = next((mark.start() for mark in CLAUSE.finditer(stated.text, found.end(), span.end)), span.end)
    named = [fact for fact in stated.facts if fact.sentence == index and _is_device(fact) and start <= fact.start < end]
    if named:
        return _Subject(named[0].words, named[0])
    part = PART.search(stated.text, start, end)
    beside = (
        stated.facts if part and part.group().lower().startswith("tip") else (*stated.facts, *seen.facts)
    )  # an artery has one too
    return _Subject(part.group(), None) if part and any(map(_is_device, beside)) else None


def _is_told(seen: Reading, device: _Subject, found: re.Match[str]) -> bool:
    """Do the findings tell of such a mishap where they speak of this device, or nowhere name it and tell of one anyhow?"""
    kinds = [told for said, told in MISHAPS if said.search(found.group())]
    named: dict[int, bool] = {}
    for fact in seen.facts:
        if _is_device(fact):
            is_meant = device.fact is None or _is_one(fact, device.fact)
            named[fact.sentence] = named.get(fact.sentence, False) or is_meant
    for index, span in enumerate(seen.sentences):
        if named.get(index - 1, False) and GOES_ON.match(seen.text, span.start):
            named[index] = True
        named.setdefault(index, PART.search(seen.text, span.start, span.end) is not None)
    meant = [index for index, is_meant in named.items() if is_meant] or range(len(seen.sentences))
    spans = [seen.sentences[index] for index in meant]
    return any(
        not DENIES.search(seen.text[span.start : word.start()])
        for span in spans
        for kind in kinds
        for word in kind.finditer(seen.text, span.start, span.end)
    )


def _is_one(fact: Fact, other: Fact) -> bool:
    alike = same_kind(fact.concept, other.concept) or not lexicon().above[fact.concept].isdisjoint(AMISS) or fact.concept in ANY
    return (alike or other.concept in ANY) and sides_meet(fact.side, other.side)


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
    """For every sentence the first mishap it tells of."""
    lowered = reading.text.lower()
    for index in range(len(reading.sentences)) if any(part in lowered for part in BREAKS) else ():
        yield next(_mishaps(reading, index), None)


def of_devices(stated: Reading, flags: Sequence[Flag]) -> list[Flag]:
    """What is wrong with a device is the device's, whatever is wrong: there or not, open or closed; and is told once."""
    own = {(fact.start, fact.end) for fact in stated.facts if lexicon().concepts[fact.concept].kind == "device"}
    renamed = [
        replace(flag, flag_class=FlagClass.DEVICE) if flag.impression_span in own and flag.flag_class in RENAMED else flag
        for flag in flags
    ]
    mishaps = [flag.impression_span for flag in renamed if flag.flag_class is FlagClass.DEVICE and flag.severity != "minor"]
    return [flag for flag in renamed if flag.flag_class not in RENAMED or not any(_overlap(flag, span) for span in mishaps)]


def _overlap(flag: Flag, span: Span | None) -> bool:
    own = flag.impression_span
    return own is not None and span is not None and own[0] < span[1] and span[0] < own[1]


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
