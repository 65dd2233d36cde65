"""Findings, indication, comparison and prior held against an impression: what each sentence rests on, and what stands against it.

Two looks. From the impression: every fact it states must be in the findings, follow from them, or be known from before. From the
findings: what matters there must not be missing here. Interpretation is not invention: see engine/lexicon/inferences.tsv.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from engine.compare import Match, grade, match_absent, match_present
from engine.facts import Fact, Reading, read
from engine.impression import Check, Evidence, Flag, FlagClass, Sentence, Support
from engine.kinship import inference, levels_meet, place_of, places_meet, same_kind, sides_meet
from engine.lexicon import lexicon
from engine.measures import same_size
from engine.messages import name, quoted
from engine.recommendations import objections
from engine.sentences import BLANK
from engine.strangers import strangers

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
#: Diseases so wide that a mere possibility of one is a remark.
GENERIC = frozenset(
    {"infection", "inflammation", "malignancy", "metastasis", "neoplasm", "lymphoma", "edema", "pneumonia", "aspiration"}
)
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
VALUE = {0: 0.1, 1: 0.4, 2: 1.5, 3: 3.0}  #: of a finding carried over, by its importance
COST = {"critical": 3.0, "major": 1.5, "minor": 0.3}  #: of a flag, in the fact score
ORDER = {"critical": 0, "major": 1, "minor": 2}


def check(
    findings: str, impression: str, *, indication: str = "", comparison: str = "", prior: str = "", exam: str = ""
) -> Check:
    """Every impression sentence with what it rests on, and the flags against the impression, gravest first."""
    seen = read(findings, section="findings", exam=exam)
    stated = read(impression, section="impression", exam=exam)
    told = [fact for section, text in (("indication", indication), ("comparison", comparison), ("prior", prior)) if text
            for fact in _all(read(text, section=section, exam=exam))]  # fmt: skip
    matches = [_match(fact, seen, told) for fact in stated.facts]
    _spare_siblings(matches)
    flags = [flag for match in matches for flag in match.flags]
    flags += strangers(seen, stated, told, flags)
    flags += objections(seen, stated)
    flags += _omissions(seen, stated, matches)
    sentences = _sentences(stated, matches)
    return Check(sentences, tuple(sorted(_once(flags), key=lambda flag: ORDER[flag.severity])))


def fact_score(
    findings: str, impression: str, *, indication: str = "", comparison: str = "", prior: str = "", exam: str = ""
) -> float:
    """How well `impression` carries what matters in `findings`: 0 … 1. Inventions, contradictions, omissions and padding all cost.

    The harmonic mean of precision (statements that stand) and recall (findings carried, by their weight), times conciseness.
    """
    seen = read(findings, section="findings", exam=exam)
    stated = read(impression, section="impression", exam=exam)
    if not stated.facts:
        return 0.0
    flags = check(findings, impression, indication=indication, comparison=comparison, prior=prior, exam=exam).flags
    wrong = sum(COST[flag.severity] for flag in flags if flag.flag_class is not FlagClass.OMISSION)
    spoiled = {flag.impression_span for flag in flags if flag.flag_class is not FlagClass.OMISSION and flag.severity != "minor"}
    good = float(len({(fact.start, fact.end) for fact in stated.facts} - spoiled))
    said = [*stated.facts, *stated.plans]
    matters = [
        (VALUE[importance(fact)], _is_carried(fact, said, seen)) for fact in seen.facts if fact.is_present and not fact.is_history
    ]
    precision = good / (good + wrong)
    recall = (sum(value for value, carried in matters if carried) + 0.05) / (sum(value for value, _ in matters) + 0.05)
    return _conciseness(seen, stated) * 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _conciseness(seen: Reading, stated: Reading) -> float:
    """1 for an impression, towards 0.3 for a second copy of the findings or for a list of all that is not there."""
    words, allowed = _words(stated), max(8.0, 0.7 * _words(seen))
    length = min(1.0, max(0.0, words - allowed) / (0.4 * allowed))
    denied = sum(fact.is_absent and not fact.is_normal for fact in stated.facts)
    return 1.0 - 0.65 * length - 0.03 * max(0, min(5, denied - 2))


def _words(reading: Reading) -> int:
    return sum(token.text[0].isalpha() for token in reading.tokens)


def _all(reading: Reading) -> list[Fact]:
    return [*reading.facts, *reading.plans]


def _match(fact: Fact, seen: Reading, told: Sequence[Fact]) -> Match:
    if fact.is_absent:
        match = match_absent(fact, seen.facts)
        if match.how == "denied" and match.partner is not None:
            severity = grade(match.partner.concept) if match.partner.certainty > 2 else "minor"
            message = f"The impression excludes {quoted(fact)}; the findings say {quoted(match.partner)}."
            match.flags.append(_flag(FlagClass.NEGATION, severity, message, fact, match.partner))
        return match
    match = match_present(fact, seen.facts, told)
    if match.how in ("denied", "none") and not fact.is_history:
        _object(match, seen)
    return match


def _spare_siblings(matches: Sequence[Match]) -> None:
    """One mention at several places is one statement: found at one of them, the others weigh little."""
    found = {(match.fact.start, match.fact.end) for match in matches if match.how in ("same", "inferred")}
    for match in matches:
        if match.how == "none" and (match.fact.start, match.fact.end) in found:
            match.flags[:] = [replace(flag, severity="minor") for flag in match.flags]


def _object(match: Match, seen: Reading) -> None:
    """An assertion with nothing behind it: turned round when the findings exclude it, invented when they are silent."""
    fact, partner = match.fact, match.partner
    weight = lexicon().concepts[fact.concept].weight
    if weight == 0 and lexicon().concepts[fact.concept].kind != "device":
        return
    if fact.concept == "abnormality":
        against = f"; they say {quoted(partner)}" if partner is not None else ""
        message = f"The impression says {quoted(fact)}; the findings name nothing of the kind{against}."
        match.flags.append(_flag(FlagClass.NEGATION, "major", message, fact, partner))
        return
    severity = "minor" if match.how == "none" and _may_rest_on_something(fact, seen) else "critical" if weight == 3 else "major"
    bare = not (fact.side or fact.place or fact.severity or fact.sizes or fact.levels)
    if match.how == "denied" and partner is not None and partner.concept != "abnormality" and bare:
        message = f"The impression says {quoted(fact)}; the findings exclude {quoted(partner)}."
        match.flags.append(_flag(FlagClass.NEGATION, severity, message, fact, partner))
    else:
        against = f"; they say {quoted(partner)}" if partner is not None else ""
        message = f"The impression says {quoted(fact)}; the findings do not{against}."
        is_device = lexicon().concepts[fact.concept].kind == "device"
        match.flags.append(_flag(FlagClass.DEVICE if is_device else FlagClass.FALSE_FINDING, severity, message, fact, partner))


def _may_rest_on_something(fact: Fact, seen: Reading) -> bool:
    """Nothing dictated to compare with; a differential beside real findings; or a word left blank just where the finding would be."""
    present = [other for other in seen.facts if other.is_present]
    if not seen.facts or (fact.concept == "lesion" and present):
        return True
    concepts = lexicon().concepts
    if fact.certainty <= 3 and any(
        concepts[other.concept].weight >= 1 and places_meet(place_of(fact), place_of(other)) for other in present
    ):
        return True
    where = place_of(fact)
    return where is not None and any(_is_blank_about(where, seen, index) for index in range(len(seen.sentences)))


def _is_blank_about(place: str, seen: Reading, sentence: int) -> bool:
    """A sentence that asserts something at this place with a word missing."""
    own = [fact for fact in seen.facts if fact.sentence == sentence]
    span = seen.sentences[sentence]
    if own or not any(token.text == BLANK for token in seen.tokens[span.first : span.last]):
        return False
    kinds = {meaning.kind for term in seen.terms[sentence] for meaning in term.meanings}
    places = {meaning.value for term in seen.terms[sentence] for meaning in term.meanings if meaning.kind == "place"}
    return not kinds & {"negate-before", "negate-after", "normal"} and any(
        place in lexicon().around[one] or one in lexicon().around[place] for one in places
    )


def _omissions(seen: Reading, stated: Reading, matches: Sequence[Match]) -> list[Flag]:
    flags = []
    said = [*stated.facts, *stated.plans]
    is_stable = bool(STABLE.search(stated.text))
    points_up = bool(POINTS_UP.search(stated.text))
    for fact in seen.facts:
        weight = importance(fact)
        if (
            not fact.is_present
            or fact.is_history
            or fact.certainty < 2
            or weight == 0
            or fact.concept in ("abnormality", "lesion")
        ):
            continue
        if (fact.change in ("unchanged", "again") and is_stable) or any(match.partner is fact for match in matches):
            continue
        if _is_carried(fact, said, seen):
            continue
        severity = "minor" if points_up and weight < 3 else GRADE_BY_WEIGHT[weight]
        message = f"The findings say {quoted(fact)}; the impression does not mention {name(fact.concept)}."
        flags.append(Flag(FlagClass.OMISSION, severity, message, None, (fact.start, fact.end)))  # type: ignore[arg-type]
    return flags


def importance(fact: Fact) -> int:
    """How much it matters when left out, 0 … 3: less when doubtful, unchanged, chronic, or taken for something lesser at once."""
    concepts = lexicon().concepts
    weight = concepts[fact.concept].weight
    if fact.explained_by:
        weight = min(weight, max(concepts[name].weight for name in fact.explained_by))
    concept = concepts[fact.concept]
    if (
        (fact.certainty < 3 and not (concept.is_acute and weight == 2))
        or fact.acuity == "chronic"
        or (fact.change in ("unchanged", "again") and (not concept.is_acute or fact.concept in QUIET))
    ):
        weight -= 1
    if fact.certainty < 3 and fact.concept in GENERIC:
        weight -= 1
    if fact.severity == 1 or (fact.severity == 2 and not concept.is_acute):
        weight -= 1
    return max(weight, 0)


def _is_carried(fact: Fact, said: Sequence[Fact], seen: Reading) -> bool:
    """Is it in the impression: itself, what it is taken for, or what it was read from?"""
    if any(_carries(one, fact) for one in said):
        return True
    if any(one.is_present and same_kind(one.concept, name) for one in said for name in fact.explained_by):
        return True
    read_from = [other for other in seen.facts if fact.concept in other.explained_by and other.sentence == fact.sentence]
    return any(one.is_present and _carries(one, other) for one in said for other in read_from)


def _carries(stated: Fact, fact: Fact) -> bool:
    """Does the impression speak of this finding: the same kind, or what it is taken for, where it is not plainly somewhere else?"""
    if stated.concept == "abnormality" or (stated.is_absent and stated.concept != fact.concept):
        return False
    if same_kind(stated.concept, fact.concept):
        return stated.concept == fact.concept or _is_there(stated, fact)
    drawn = inference(fact.concept, stated.concept)
    if not stated.is_present or drawn is None or drawn[1] < 5:
        return False
    return stated.place is None or _is_there(stated, fact)


def _is_there(stated: Fact, fact: Fact) -> bool:
    if (
        not sides_meet(stated.side, fact.side)
        or not places_meet(place_of(stated), place_of(fact))
        or not levels_meet(stated.levels, fact.levels)
    ):
        return False
    sizes = {number for size in fact.sizes for number in size}
    return (
        not sizes
        or not any(stated.sizes)
        or any(same_size(number, known) for size in stated.sizes for number in size for known in sizes)
    )


def _flag(flag_class: FlagClass, severity: str, message: str, fact: Fact, partner: Fact | None) -> Flag:
    return Flag(flag_class, severity, message, (fact.start, fact.end), (partner.start, partner.end) if partner else None)  # type: ignore[arg-type]


def _once(flags: Sequence[Flag]) -> list[Flag]:
    """One difference is told once, however many facts show it."""
    kept: dict[tuple[FlagClass, object], Flag] = {}
    for flag in flags:
        key = (flag.flag_class, flag.impression_span or flag.findings_span)
        kept.setdefault(key, flag)
    return list(kept.values())


def _sentences(stated: Reading, matches: Sequence[Match]) -> tuple[Sentence, ...]:
    made = []
    for index, span in enumerate(stated.sentences):
        own = [match for match in matches if match.fact.sentence == index]
        evidence = tuple(dict.fromkeys(
            Evidence(match.partner.section, match.partner.start, match.partner.end)
            for match in own if match.partner is not None and match.how in ("same", "inferred", "prior")
        ))  # fmt: skip
        made.append(Sentence(stated.text[span.start : span.end], _status(own), evidence))
    return tuple(made)


def _status(own: Sequence[Match]) -> Support:
    if any(match.how in ("denied", "none") for match in own):
        return "unsupported"
    return "from-prior" if any(match.how == "prior" for match in own) else "supported"


__all__ = ["check", "fact_score"]
