"""One number for how well an impression carries its findings: what the learner is rewarded with, and what chooses among candidates.

No signed text is needed, so nothing can be won by guessing what radiologists usually write: the constant "No acute abnormality.", a
similar report's impression, the findings copied whole and a list of every disease all lose to what was written for this report
(bench/safety_probes.py measures it).
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.compare import Match
from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass
from engine.kinship import Gathered, levels_meet, place_of, places_meet, sides_meet
from engine.measures import same_size
from engine.omissions import carries, importance, is_carried

#: Of a finding carried over, by its importance.
VALUE = {0: 0.03, 1: 0.4, 2: 1.5, 3: 3.0}
#: Of a flag against what is said.
COST = {"critical": 3.0, "major": 1.5, "minor": 0.3}
#: Of a finding that is named and no more; the rest is earned with its side, place, size, extent and course.
NAMED = 0.7


def score(seen: Reading, stated: Reading, matches: Sequence[Match], flags: Sequence[Flag]) -> float:
    """Harmonic mean of precision (statements that stand) and recall (findings carried, by their weight), times brevity: 0 … 1."""
    if not stated.facts:
        return 0.0
    precision, recall = _precision(matches, flags), _recall(seen, stated, matches)
    return brevity(seen, stated) * 2 * precision * recall / (precision + recall)


def _precision(matches: Sequence[Match], flags: Sequence[Flag]) -> float:
    against = [flag for flag in flags if flag.flag_class is not FlagClass.OMISSION]
    wrong = sum(COST[flag.severity] for flag in against)
    spoiled = {flag.impression_span for flag in against if flag.severity != "minor"}
    worth: dict[tuple[int, int], float] = {}
    for match in matches:
        span = (match.fact.start, match.fact.end)
        if span not in spoiled:
            worth[span] = max(worth.get(span, 0.0), _worth(match))
    said = {(match.fact.start, match.fact.end) for match in matches if not match.fact.is_history} - spoiled
    good = sum(worth.values()) + 0.25  # whoever errs beside something true is not worse than who says nothing
    return good / (len(said) + 0.25 + wrong)


#: What a statement is worth that the findings do not say in so many words; of one without a partner that the check lets pass.
WORTH = {"same": 1.0, "inferred": 0.9, "prior": 0.8, "silent": 0.6}
LET_PASS = 0.3
#: The share of its worth that a statement loses when all it says of side, place, size, extent and course was never dictated.
UNBACKED = 0.15


def _worth(match: Match) -> float:
    """1 for what was dictated, less for what was added to it; a general "normal" is worth all it denies."""
    if match.fact.is_history:
        return 0.0
    if match.how == "none":
        return LET_PASS if {flag.severity for flag in match.flags} == {"minor"} else 0.0
    return 1.0 if match.fact.is_normal else WORTH.get(match.how, 0.0) * (1 - UNBACKED * _unbacked(match))


def _unbacked(match: Match) -> float:
    """Of what the statement says of its finding, the share that the findings say nothing of: another patient's side or size."""
    one, other = match.fact, match.partner
    if other is None or one.is_absent:
        return 0.0
    added = [
        theirs in (None, ())
        for ours, theirs in (
            (one.side, other.side), (one.place, other.place), (one.levels, other.levels),
            (one.sizes, other.sizes), (one.severity, other.severity), (one.change, other.change),
        )
        if ours not in (None, ())
    ]  # fmt: skip
    return sum(added) / len(added) if added else 0.0


def _recall(seen: Reading, stated: Reading, matches: Sequence[Match]) -> float:
    named = {id(match.partner) for match in matches if match.how == "inferred"}
    said = Gathered([*stated.facts, *stated.plans])
    matters = [(VALUE[importance(fact)], fact) for fact in seen.facts if fact.is_present and not fact.is_history]
    carried = sum(
        value * max(_carried(fact, said, seen), NAMED * WORTH["inferred"] * (id(fact) in named)) for value, fact in matters
    )
    return (carried + 0.02) / (sum(value for value, _ in matters) + 0.02)


def _carried(fact: Fact, said: Gathered, seen: Reading) -> float:
    """How much of a finding arrives: 0 when it is not there, 1 when it is there with all that was dictated of it."""
    own = [_kept(fact, one) for one in said.about(fact) if carries(one, fact)]
    if own:
        return NAMED + (1 - NAMED) * max(own)
    return NAMED * WORTH["inferred"] if is_carried(fact, said, seen) else 0.0


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
    return (1.0 - 0.95 * length) * (1.0 - 0.95 * copied) * (1.0 - 0.03 * max(0, min(5, denied - 2)))


def _copied(seen: Reading, stated: Reading) -> float:
    """The share of the findings, in words, whose sentences stand in the impression word for word."""
    if len(seen.sentences) < 2:
        return 0.0  # one sentence of findings may well be the impression
    again = set(_sentences(stated))
    whole = _sentences(seen)
    return sum(len(words) for words in whole if words in again) / max(1, sum(len(words) for words in whole))


def _sentences(reading: Reading) -> list[tuple[str, ...]]:
    return [
        tuple(token.text for token in reading.tokens[span.first : span.last] if token.text[0].isalnum())
        for span in reading.sentences
    ]


def _words(reading: Reading) -> int:
    return sum(token.text[0].isalpha() for token in reading.tokens)
