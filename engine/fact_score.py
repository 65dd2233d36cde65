"""One number for how well an impression carries its findings: what the learner is rewarded with, and what chooses among candidates.

It weighs how much of what was found arrives, each finding by its importance, against how much of what is said stands, where a general
"normal" stands only as far as the rest is complete. No signed text is needed, so nothing can be won by guessing what radiologists usually
write: a constant, a similar report's impression, the findings copied whole and a list of every disease (bench/safety_probes.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.compare import Match
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass
from engine.kinship import REGIONS, Gathered, levels_meet, place_of, places_meet, sides_meet
from engine.lexicon import lexicon
from engine.measures import same_size
from engine.omissions import carries, importance, is_carried
from engine.sites import EVERYWHERE

#: Of a finding carried over, by its importance.
VALUE = {0: 0.03, 1: 0.4, 2: 1.5, 3: 3.0}
#: Of one that would matter if it were not old, slight or unchanged.
SETTLED = 0.1
#: Of a flag against what is said.
COST = {"critical": 3.0, "major": 1.5, "minor": 0.3}
#: Of a finding that is named and no more; the rest is earned with its side, place, size, extent and course.
NAMED = 0.7
#: Of a finding whose very place is spoken of under another name; of a lesser one that "chronic changes" may mean.
PLACED, HINTED = 0.25, 0.05


def score(seen: Reading, stated: Reading, matches: Sequence[Match], flags: Sequence[Flag]) -> float:
    """Harmonic mean of precision (statements that stand) and recall (findings carried, by their weight), times brevity: 0 … 1."""
    normals = _bare_normals(stated)
    if not (stated.facts or normals):
        return 0.0
    recall = _recall(seen, stated, matches)
    precision = _precision(matches, flags, recall, normals)
    return brevity(seen, stated) * 2 * precision * recall / (precision + recall)


def _bare_normals(stated: Reading) -> int:
    """How many sentences call all normal and name no place: `No acute abnormality.` is a statement, though not about a finding."""
    telling = {fact.sentence for fact in (*stated.facts, *stated.plans)}
    return sum(
        index not in telling and any(meaning.kind == "normal" for term in terms for meaning in term.meanings)
        for index, terms in enumerate(stated.terms)
    )


def _precision(matches: Sequence[Match], flags: Sequence[Flag], recall: float, normals: int) -> float:
    against = [flag for flag in flags if flag.flag_class is not FlagClass.OMISSION]
    wrong = sum(COST[flag.severity] for flag in against)
    spoiled = {flag.impression_span for flag in against if flag.severity != "minor"}
    worth: dict[tuple[int, int], float] = {}
    for match in matches:
        span = (match.fact.start, match.fact.end)
        if span not in spoiled:
            worth[span] = max(worth.get(span, 0.0), _worth(match, recall))
    said = {(match.fact.start, match.fact.end) for match in matches if not match.fact.is_history} - spoiled
    good = sum(worth.values()) + recall * normals + 0.25  # whoever errs beside something true is not worse than who says nothing
    return good / (len(said) + normals + 0.25 + wrong)


#: What a statement is worth that the findings do not say in so many words; of one without a partner that the check lets pass.
WORTH = {"same": 1.0, "inferred": 0.9, "prior": 0.8, "silent": 0.6}
LET_PASS = 0.3
#: What a statement loses when all it says of its finding was never dictated, or was dictated otherwise.
UNBACKED, OTHERWISE = 0.3, 0.5


def _worth(match: Match, recall: float) -> float:
    """1 for what was dictated, less for what was added or altered; a general "normal" is worth as much as the rest carries."""
    fact = match.fact
    if fact.is_history or (fact.is_present and match.how == "same" and match.partner is None):
        return 0.0
    if match.how == "none":
        return LET_PASS if {flag.severity for flag in match.flags} == {"minor"} else 0.0
    if fact.is_absent and fact.concept == "abnormality":
        return recall
    return 1.0 if fact.is_normal else WORTH.get(match.how, 0.0) * (1 - _lost(match))


def _lost(match: Match) -> float:
    """The mean loss over what the statement says of its finding: side, place, level, size, extent, course and doubt."""
    one, other = match.fact, match.partner
    if other is None or one.is_absent:
        return 0.0
    lost = [
        UNBACKED if theirs in (None, ()) else OTHERWISE * (not agrees)
        for ours, theirs, agrees in (
            (one.side, other.side, one.side == other.side),
            (one.place, other.place, _is_within(one.place, other.place)),
            (one.levels, other.levels, levels_meet(one.levels, other.levels)),
            (one.sizes, other.sizes, True),  # a wrong size is flagged
            (one.severity, other.severity, one.severity == other.severity),
            (one.change, other.change, one.change == other.change),
            (one.certainty, other.certainty, match.how != "same" or abs(one.certainty - other.certainty) < 2),
        )
        if ours not in (None, ())
    ]
    return sum(lost) / len(lost)


def _is_within(one: str | None, other: str | None) -> bool:
    around = lexicon().around
    return one is None or other is None or one in around[other] or other in around[one]


def _recall(seen: Reading, stated: Reading, matches: Sequence[Match]) -> float:
    named = {id(match.partner) for match in matches if match.how == "inferred"}
    said = Gathered([*(match.fact for match in matches if match.how != "denied"), *stated.plans])  # what is false carries nothing
    matters = [(_value(fact), fact) for fact in seen.facts if fact.is_present and not fact.is_history]
    carried = sum(
        value * max(_carried(fact, said, seen), NAMED * WORTH["inferred"] * (id(fact) in named)) for value, fact in matters
    )
    return (carried + 0.02) / (sum(value for value, _ in matters) + 0.02)


def _value(fact: Fact) -> float:
    grade = importance(fact)
    return SETTLED if grade == 0 and lexicon().concepts[fact.concept].weight > 0 else VALUE[grade]


def _carried(fact: Fact, said: Gathered, seen: Reading) -> float:
    """How much of a finding arrives: 0 when it is not there, 1 when it is there with all that was dictated of it."""
    own = [_kept(fact, one) for one in said.about(fact) if carries(one, fact)]
    if own:
        return NAMED + (1 - NAMED) * max(own)
    if is_carried(fact, said, seen):
        return NAMED * WORTH["inferred"]
    present = [one for one in said.facts if one.is_present and not one.is_history]
    if any(_is_at_the_place_of(fact, one) for one in present):
        return PLACED
    is_hinted = any(one.concept == "abnormality" and one.acuity not in ("acute", "subacute") for one in present)
    return HINTED if is_hinted and importance(fact) < 2 else 0.0


def _is_at_the_place_of(fact: Fact, one: Fact) -> bool:
    """`Old injury at T12-L1` of an old fracture there: whatever it is called, the reader is sent to the right place."""
    if one.concept == "abnormality" or not sides_meet(one.side, fact.side):
        return False
    if one.levels and fact.levels:
        return levels_meet(one.levels, fact.levels)
    return one.place is not None and one.place == fact.place and one.place not in EVERYWHERE | REGIONS


def _kept(fact: Fact, one: Fact) -> float:
    """Of what the findings say of it (side, place, level, size, extent, course), the share that this statement keeps."""
    kept: list[float] = []
    if fact.side:
        kept.append(1.0 if one.side == fact.side else 0.5 * (one.side is not None and sides_meet(one.side, fact.side)))
    if fact.place:
        kept.append(
            1.0 if one.place == fact.place else 0.5 * (place_of(one) is not None and places_meet(place_of(one), fact.place))
        )
    if fact.levels:
        kept.append(bool(one.levels) and levels_meet(one.levels, fact.levels))
    if any(fact.sizes):
        numbers = [number for size in one.sizes for number in size]
        kept.append(any(same_size(number, known) for number in numbers for size in fact.sizes for known in size))
    if fact.severity:
        kept.append(one.severity is not None and abs(one.severity - fact.severity) < 2)
    if fact.change:
        kept.append(one.change == fact.change)
    kept.append(one.concept == fact.concept)
    return sum(kept) / len(kept)


def brevity(seen: Reading, stated: Reading) -> float:
    """1 for an impression, towards 0 for the findings said over again, or for far more words than there were findings."""
    words, allowed = _words(stated), max(60, _words(seen))
    length = min(1.0, max(0, words - allowed) / (2 * allowed))
    denied = sum(fact.is_absent and not fact.is_normal for fact in stated.facts)
    copied = min(1.0, max(0.0, _copied(seen, stated) - 0.6) / 0.35)
    return (1.0 - 0.95 * length) * (1.0 - 0.99 * copied) * (1.0 - 0.03 * max(0, min(5, denied - 2)))


def _copied(seen: Reading, stated: Reading) -> float:
    """The share of the findings, in words, that stands in the impression word for word; of what need not be said, if that is less."""
    if len(seen.sentences) < 2:
        return 0.0  # one sentence of findings may well be the impression
    again = set(_sentences(stated))
    whole = _sentences(seen)
    telling = {fact.sentence for fact in seen.facts if fact.is_present and lexicon().concepts[fact.concept].weight > 0}
    idle = [words for index, words in enumerate(whole) if index not in telling]
    return min(_share_again(part, again) for part in (whole, idle) if part)


def _share_again(part: Sequence[tuple[str, ...]], again: set[tuple[str, ...]]) -> float:
    return sum(len(words) for words in part if words in again) / max(1, sum(len(words) for words in part))


def _sentences(reading: Reading) -> list[tuple[str, ...]]:
    return [
        tuple(token.text for token in reading.tokens[span.first : span.last] if token.text[0].isalnum())
        for span in reading.sentences
    ]


def _words(reading: Reading) -> int:
    return sum(token.text[0].isalpha() for token in reading.tokens)
