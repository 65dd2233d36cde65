"""Findings, indication, comparison and prior held against an impression: what each sentence rests on, and what stands against it.

Two looks. From the impression: every fact it states must be in the findings, follow from them, or be known from before. From the
findings: what matters there must not be missing here. Interpretation is not invention: see engine/lexicon/inferences.tsv.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.absence import match_absent
from engine.compare import Match, match_present, near_enough
from engine.contradictions import contradictions
from engine.devices import breakages, misplacements, of_devices
from engine.differences import flag_of, grade
from engine.emphasis import overstatements
from engine.fact import CONSISTENT, UNLIKELY
from engine.fact_score import score
from engine.facts import Fact, Reading, read
from engine.impression import Check, Evidence, Flag, FlagClass, Sentence, Span, Support
from engine.interpretation import settle
from engine.kinship import (
    DESCRIPTIONS,
    WIDE,
    Gathered,
    denies,
    inference,
    is_praised_away,
    place_of,
    places_meet,
    same_kind,
    sides_meet,
)
from engine.lexicon import lexicon
from engine.messages import quoted
from engine.omissions import omissions, slips
from engine.opposites import far_from_dictated, opposites
from engine.recommendations import objections
from engine.scales import scale_differences
from engine.sentences import BLANK
from engine.signs import hold_to_signs
from engine.sites import is_of_open_organ
from engine.strangers import strangers
from engine.then_and_now import course_conflicts
from engine.tips import tip_differences

#: Words that deny one kind of a thing and leave the others open.
LIMITS = re.compile(
    r"\b(?:no|without|nor|or)\s+(?:\w+\s+){0,2}?(suspicious|drainable|radio-?opaque|opaque|worrisome|concerning|aggressive|measurable|dominant|discrete"
    r"|pathological(?:ly)?|enlarged|malignant|obstructing|displaced|extra-?capsular|loculated|organi[sz]ed|rim[- ]enhancing|complex|central|saddle)\b"
)
#: `No nodule to account for the opacity.`
LIMITS_AFTER = re.compile(r"\s+(?:to|that would|which would) (correspond|account|explain)\b")
#: What a place that differs is flagged as.
PLACED = (FlagClass.LOCATION, FlagClass.DEVICE)
#: Descriptions that name what is wrong: one of them at another place is the same thing misplaced.
NAMES = frozenset({"tear", "stenosis", "obstruction", "filling_defect", "fracture"})
ORDER = {"critical": 0, "major": 1, "minor": 2}


def check(
    findings: str,
    impression: str,
    *,
    indication: str = "",
    comparison: str = "",
    prior: str = "",
    exam: str = "",
    sex: str = "",
) -> Check:
    """Every impression sentence with what it rests on, and the flags against the impression, gravest first.

    `sex` is `male`, `female` (or their first letter) or unknown; unknown is looked for in the indication.
    """
    return _answer(_hold(findings, impression, indication, comparison, prior, exam, sex))


def check_and_score(
    findings: str, impression: str, *, indication: str = "", comparison: str = "", exam: str = "", sex: str = ""
) -> tuple[Check, float]:
    """What `check` and `fact_score` answer, for one reading of the texts."""
    pair = _hold(findings, impression, indication, comparison, "", exam, sex)
    return _answer(pair), score(pair.seen, pair.stated, pair.matches, pair.flags)


def fact_score(
    findings: str, impression: str, *, indication: str = "", comparison: str = "", prior: str = "", exam: str = ""
) -> float:
    """How well `impression` carries what matters in `findings`, 0 … 1: inventions, contradictions, omissions and padding all cost."""
    pair = _hold(findings, impression, indication, comparison, prior, exam, "")
    return score(pair.seen, pair.stated, pair.matches, pair.flags)


def slips_of(findings: str, impression: str, *, exam: str = "") -> list[Span]:
    """Where `findings` hold a slight matter that `impression` leaves out beside an equal it says: nothing to flag, worth completing."""
    return slips(read(findings, section="findings", exam=exam), read(impression, section="impression", exam=exam))


@dataclass(frozen=True, slots=True)
class _Pair:
    """Findings and impression, read once and held against each other."""

    seen: Reading
    stated: Reading
    matches: list[Match]
    flags: list[Flag]


def _answer(pair: _Pair) -> Check:
    return Check(_sentences(pair), tuple(sorted(pair.flags, key=lambda flag: ORDER[flag.severity])))


def _hold(findings: str, impression: str, indication: str, comparison: str, prior: str, exam: str, sex: str) -> _Pair:
    seen = read(findings, section="findings", exam=exam)
    stated = read(impression, section="impression", exam=exam)
    told = [fact for section, text in (("indication", indication), ("comparison", comparison), ("prior", prior)) if text
            for fact in _all(read(text, section=section, exam=exam))]  # fmt: skip
    dictated = Gathered(seen.facts)
    matches = [_match(fact, dictated.about(fact), seen, told) for fact in stated.facts]
    for match in matches if seen.facts else ():
        _object_to_adjectives(match, seen, dictated)
    hold_to_signs(seen, matches)
    _spare_limited(seen, stated, matches)
    _object_to_doubts(seen, matches)
    _spare_siblings(matches)
    _call_moved(seen, matches)
    _spare_repeated_doubts(matches)
    left_out = settle(seen, stated, matches, omissions(seen, stated, matches), exam)
    flags = [flag for match in matches for flag in match.flags]
    flags += strangers(seen, stated, told, flags)
    known = f"{indication}\n{comparison}\n{prior}"
    flags += [*scale_differences(findings, impression, known), *overstatements(findings, impression, known)]
    flags += [*misplacements(seen, stated), *breakages(seen, stated), *tip_differences(seen, stated), *opposites(seen, stated)]
    paired = [(match.fact, match.partner) for match in matches if match.partner]
    flags += [*course_conflicts(seen, paired), *far_from_dictated(seen, paired)]
    flags += contradictions(seen, stated, exam=exam, sex=sex, indication=indication)
    founded = [match.fact for match in matches if match.fact.is_present and {flag.severity for flag in match.flags} <= {"minor"}]
    flags += objections(seen, stated, founded, exam)
    flags += left_out
    return _Pair(seen, stated, matches, of_devices(stated, _once(flags)))


def _all(reading: Reading) -> list[Fact]:
    return [*reading.facts, *reading.plans]


def _match(fact: Fact, near: Sequence[Fact], seen: Reading, told: Sequence[Fact]) -> Match:
    if fact.is_absent:
        match = match_absent(fact, near)
        if match.how == "denied" and match.partner is not None:
            severity = grade(match.partner.concept) if match.partner.certainty > 2 else "minor"
            message = f"The impression excludes {quoted(fact)}; the findings say {quoted(match.partner)}."
            flag_class = FlagClass.CERTAINTY if fact.certainty == UNLIKELY else FlagClass.NEGATION
            match.flags.append(flag_of(flag_class, severity, message, fact, match.partner))
        return match
    match = match_present(fact, near, told)
    _spare_blank_levels(match, seen)
    if match.how in ("denied", "none") and not fact.is_history:
        _object(match, seen)
    return match


def _object_to_adjectives(match: Match, seen: Reading, dictated: Gathered) -> None:
    """`Ruptured aneurysm`, where the findings speak of no rupture: what is said of a finding is a statement too."""
    for name in match.fact.described_by if match.fact.is_present else ():
        one = replace(match.fact, concept=name)
        denial = next((fact for fact in dictated.about(one) if fact.is_absent and not fact.is_normal and denies(fact, one)), None)
        if denial is not None and not any(
            fact.is_present and (name in fact.described_by or same_kind(fact.concept, name)) for fact in seen.facts
        ):
            message = f"The impression says {quoted(match.fact)}; the findings exclude {quoted(denial)}."
            match.flags.append(flag_of(FlagClass.NEGATION, grade(name), message, match.fact, denial))


def _spare_limited(seen: Reading, stated: Reading, matches: Sequence[Match]) -> None:
    """`No suspicious nodule`, `no radiopaque foreign body`: what is denied is a nodule of that kind, and others may be there."""
    for match in matches:
        fact, partner = match.fact, match.partner
        if match.how != "denied" or partner is None or partner.concept == "abnormality":
            continue
        word = _limit(stated, fact) if fact.is_absent else _limit(seen, partner)
        other, text = (partner, seen) if fact.is_absent else (fact, stated)
        span = text.sentences[other.sentence]
        if word is None or word in text.text[span.start : span.end].lower():
            continue
        is_said = any(other.fact.is_present and same_kind(other.fact.concept, partner.concept) for other in matches)
        if fact.is_absent and (is_said or lexicon().concepts[partner.concept].weight < 3):
            match.how, match.flags[:] = "silent", []
        elif fact.is_present:
            match.how, match.partner = "none", None


def _limit(reading: Reading, denied: Fact) -> str | None:
    found = LIMITS.search(reading.text[max(0, denied.start - 30) : denied.end].lower())
    found = found or LIMITS_AFTER.match(reading.text[denied.end : denied.end + 30].lower())
    return found.group(1) if found else None


def _object_to_doubts(seen: Reading, matches: Sequence[Match]) -> None:
    """`Osteomyelitis unlikely` beside a periosteal reaction that the impression takes for nothing else, and that nobody else doubts."""
    said = [match.fact for match in matches if match.fact.is_present]
    for match in matches:
        fact = match.fact
        by_name = match.partner is not None and match.partner.concept != "abnormality"
        if fact.certainty != UNLIKELY or by_name or any(other.concept == fact.concept for other in seen.facts):
            continue
        sign = next(
            (other for other in seen.facts if _speaks_for(other, fact) and not any(_speaks_for(other, one) for one in said)), None
        )
        if sign is not None:
            message = f"The impression thinks {quoted(fact)} unlikely; the findings say {quoted(sign)}."
            match.flags.append(flag_of(FlagClass.CERTAINTY, "major", message, fact, sign))


def _speaks_for(sign: Fact, stated: Fact) -> bool:
    """Is it the same thing, or may this be read from it with some certainty, at one site?"""
    if not sign.is_present or sign.is_history or sign.explained_by or lexicon().concepts[sign.concept].weight == 0:
        return False
    drawn = inference(sign.concept, stated.concept)
    is_read = same_kind(sign.concept, stated.concept) or (drawn is not None and drawn[1] >= CONSISTENT)
    return is_read and sides_meet(sign.side, stated.side) and near_enough(stated, sign)


def _spare_siblings(matches: Sequence[Match]) -> None:
    """One mention at several places is one statement: found at one of them, the others weigh little."""
    found = {(match.fact.start, match.fact.end) for match in matches if match.how in ("same", "inferred")}
    placed = {(match.fact.start, match.fact.end) for match in matches if match.how == "same" and not match.flags}
    for match in matches:
        span = (match.fact.start, match.fact.end)
        if match.how == "none" and span in found:
            match.flags[:] = [replace(flag, severity="minor") for flag in match.flags]
        elif match.how == "same" and span in placed and _is_spread(match.fact):
            match.flags[:] = [replace(flag, severity="minor") if flag.flag_class in PLACED else flag for flag in match.flags]


def _spare_repeated_doubts(matches: Sequence[Match]) -> None:
    """`6 mm nodule … the questionable nodule was not seen before`: what is stated once may be doubted afterwards."""
    for match in matches:
        doubts = [flag for flag in match.flags if flag.flag_class is FlagClass.CERTAINTY] if match.fact.certainty == 2 else []
        if doubts and any(
            other.partner is match.partner and other.fact.certainty > 3 and other.fact.sentence < match.fact.sentence
            for other in matches
        ):
            match.flags[:] = [flag for flag in match.flags if flag.flag_class is not FlagClass.CERTAINTY]


def _is_spread(fact: Fact) -> bool:
    """`tip in the subclavian vein at the level of the clavicle`: a tube lies in no bone; a dissection runs from one vessel to the next."""
    if lexicon().concepts[fact.concept].kind == "device":
        return fact.place is not None and "bones" in lexicon().around[fact.place]
    return is_of_open_organ(fact)


def _spare_blank_levels(match: Match, seen: Reading) -> None:
    """A level that the findings name in a sentence with a word left blank is not wrong: what is there, nobody can tell."""
    levels = {level.lower() for level in match.fact.levels}
    for span in seen.sentences if levels and match.flags else ():
        words = {token.text for token in seen.tokens[span.first : span.last]}
        if BLANK in words and levels <= words:
            match.flags[:] = [flag for flag in match.flags if flag.flag_class is not FlagClass.LOCATION]


def _object(match: Match, seen: Reading) -> None:
    """An assertion with nothing behind it: turned round when the findings exclude it, invented when they are silent."""
    fact, partner = match.fact, match.partner
    weight = lexicon().concepts[fact.concept].weight
    if weight == 0 and lexicon().concepts[fact.concept].kind != "device":
        return
    if fact.concept == "abnormality":
        against = f"; they say {quoted(partner)}" if partner is not None else ""
        message = f"The impression says {quoted(fact)}; the findings name nothing of the kind{against}."
        match.flags.append(flag_of(FlagClass.NEGATION, "major", message, fact, partner))
        return
    severity = "minor" if match.how == "none" and _may_rest_on_something(fact, seen) else "critical" if weight == 3 else "major"
    is_device = lexicon().concepts[fact.concept].kind == "device"
    if match.how == "denied" and partner is not None and not is_device and _turns_round(fact, partner):
        message = f"The impression says {quoted(fact)}; the findings exclude {quoted(partner)}."
        match.flags.append(flag_of(FlagClass.NEGATION, severity, message, fact, partner))
    else:
        against = f"; they say {quoted(partner)}" if partner is not None else ""
        message = f"The impression says {quoted(fact)}; the findings do not{against}."
        match.flags.append(flag_of(FlagClass.DEVICE if is_device else FlagClass.FALSE_FINDING, severity, message, fact, partner))


def _turns_round(fact: Fact, denial: Fact) -> bool:
    """A word turned round comes as it was denied, at most with an extent or a level; an invention with its side, place or size.

    A vein called patent is turned round by its thrombosis, an organ called normal by nothing in particular.
    """
    if denial.concept == "abnormality":
        return is_praised_away(denial, fact)
    if fact.side not in (None, denial.side) or fact.place not in (None, denial.place) or fact.sizes:
        return False
    return (fact.severity is not None) + bool(fact.levels) <= (fact.concept == denial.concept)


def _call_moved(seen: Reading, matches: Sequence[Match]) -> None:
    """`Splenic laceration`, where one of the liver was dictated that the impression does not tell: what is wrong is the place, or the side."""
    paired = {id(match.partner) for match in matches if match.how in ("same", "inferred")}
    for match in matches:
        wrong = [flag for flag in match.flags if flag.flag_class in (FlagClass.FALSE_FINDING, FlagClass.NEGATION)]
        if not (wrong and match.fact.is_present and match.how in ("none", "denied")):
            continue
        moved = next((other for other in seen.facts if id(other) not in paired and _is_moved(match, other)), None)
        if moved is not None:
            is_side = not sides_meet(match.fact.side, moved.side) and places_meet(place_of(match.fact), place_of(moved))
            flag_class, what = (FlagClass.LATERALITY, "Side") if is_side else (FlagClass.LOCATION, "Place")
            message = f"{what} differs: the impression says {quoted(match.fact)}, the findings say {quoted(moved)}."
            match.flags[:] = [flag for flag in match.flags if flag not in wrong]
            match.flags.append(flag_of(flag_class, wrong[0].severity, message, match.fact, moved))
            match.how, match.partner = "same", moved  # it is that one, misplaced


def _is_moved(match: Match, other: Fact) -> bool:
    """As grave, of one head, and elsewhere; what was denied without a place is turned round wherever it is put."""
    fact, denial, concepts = match.fact, match.partner, lexicon().concepts
    heads = {fact.concept, *concepts[fact.concept].equals} - (DESCRIPTIONS - NAMES) - WIDE
    is_elsewhere = not (places_meet(place_of(fact), place_of(other)) and sides_meet(fact.side, other.side))
    return (
        other.is_present
        and is_elsewhere
        and (match.how == "none" or (denial is not None and (denial.place or denial.side) is not None))
        and not heads.isdisjoint({other.concept, *concepts[other.concept].equals})
        and concepts[other.concept].weight >= concepts[fact.concept].weight
    )


def _may_rest_on_something(fact: Fact, seen: Reading) -> bool:
    """Nothing dictated to compare with; a differential beside real findings; or a word left blank just where the finding would be."""
    present = [other for other in seen.facts if other.is_present]
    if not seen.facts or (fact.concept == "lesion" and present):
        return True
    concepts = lexicon().concepts
    if (
        fact.certainty <= 3
        and not fact.is_alternative
        and any(concepts[other.concept].weight >= 1 and places_meet(place_of(fact), place_of(other)) for other in present)
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


def _once(flags: Sequence[Flag]) -> list[Flag]:
    """One difference is told once, however many facts show it."""
    kept: dict[tuple[FlagClass, object], Flag] = {}
    for flag in flags:
        key = (flag.flag_class, flag.impression_span or flag.findings_span)
        kept.setdefault(key, flag)
    return list(kept.values())


def _sentences(pair: _Pair) -> tuple[Sentence, ...]:
    stated, made = pair.stated, []
    by_sentence: dict[int, list[Match]] = {}
    for match in pair.matches:
        by_sentence.setdefault(match.fact.sentence, []).append(match)
    against = [flag.impression_span for flag in pair.flags if flag.impression_span and _contradicts(flag)]
    for index, span in enumerate(stated.sentences):
        own = by_sentence.get(index, [])
        evidence = tuple(dict.fromkeys(
            Evidence(match.partner.section, match.partner.start, match.partner.end)
            for match in own if match.partner is not None and match.how in ("same", "inferred", "prior")
        ))  # fmt: skip
        is_false = any(span.start <= start < span.end for start, _ in against)
        made.append(Sentence(stated.text[span.start : span.end], "unsupported" if is_false else _status(own), evidence))
    return tuple(made)


def _contradicts(flag: Flag) -> bool:
    """A sentence with such a flag is not supported, whatever it rests on; what it advises is no statement about the findings."""
    return flag.severity != "minor" and flag.flag_class is not FlagClass.RECOMMENDATION


def _status(own: Sequence[Match]) -> Support:
    if any(match.how in ("denied", "none") for match in own):
        return "unsupported"
    return "from-prior" if any(match.how == "prior" for match in own) else "supported"


__all__ = ["check", "check_and_score", "fact_score"]
