"""Would a colleague have left this out, too? What no rule excuses (engine/interpretation.py) is weighed before anybody is asked about it.

How grave it is, what the impression says that is graver, how much was dictated of it and where: each sign has a weight, learned from correct
impressions and from the same with a finding missing (bench/left_out.py writes the table). It turns a question into a note and never the
other way round; and what outweighs all that is told is always asked about, what is critical wherever nothing as grave is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from engine.asides import NEVER_PASSED_OVER, salience
from engine.compare import Match
from engine.exams import places_of
from engine.fact import POSSIBLE, STATED
from engine.facts import Fact, Reading
from engine.impression import Flag
from engine.kinship import inference, place_of
from engine.lexicon import lexicon, rows_of
from engine.omissions import discount, importance
from engine.sites import same_organ

#: How likely it must be that a colleague would miss it. At .8 a third of the wrong questions is spared and one omission in eight lost, at .7
#: a fifth and one in eighteen (bench/left_out.py): an omission costs more than a question.
ASKED = 0.7
#: The salience of a critical finding.
GRAVE = 6
#: Findings of fewer words tell nothing that is not worth saying again.
SHORT = 45


class Telling:
    """What an impression tells of its findings, gathered once for all that it leaves out."""

    def __init__(self, seen: Reading, matches: Sequence[Match], exam: str) -> None:
        self.seen = seen
        self.spoken = [match.fact for match in matches if match.fact.is_present and match.how != "denied"]
        self.gravest = max(map(_heft, self.spoken), default=0)
        self.examined = places_of(exam)
        carried = [match.partner for match in matches if match.partner is not None and match.how in ("same", "inferred")]
        self.carried = list({id(fact): fact for fact in carried}.values())


def weighed(left_out: Sequence[tuple[Fact, Flag]], telling: Telling) -> list[Flag]:
    """The flags of what is left out; a note where a colleague would have left it out as well."""
    return [
        flag
        if flag.severity == "minor" or is_missed(fact, flag, signs(fact, telling), _weights())
        else replace(flag, severity="minor")
        for fact, flag in left_out
    ]


def is_missed(fact: Fact, flag: Flag, found: dict[str, float], weights: dict[str, float]) -> bool:
    """Is it graver than all that is told, or likely not to have been left out on purpose?"""
    is_critical = flag.severity == "critical"
    behind = found["graver is told"]
    if behind < 0 or (is_critical and _heft(fact) + behind < GRAVE):
        return True
    likelihood = 1 / (1 + math.exp(-sum(weight * found[name] for name, weight in weights.items())))
    return likelihood >= ASKED


def signs(fact: Fact, telling: Telling) -> dict[str, float]:
    """What is known of a finding and of its report, by the names of lexicon/left_out.tsv."""
    seen, spoken, above = telling.seen, telling.spoken, lexicon().above[fact.concept]
    span, own, place = seen.sentences[fact.sentence], _heft(fact), place_of(fact) or fact.near
    beside = [one for one in telling.carried if one.sentence == fact.sentence and inference(one.concept, fact.concept) is None]
    return {
        "always": 1.0,
        "matters": float(importance(fact) > 1),
        "graver is told": float(telling.gravest - own),
        "as grave is told of its organ": float(
            any(_heft(one) >= own and same_organ(one, fact) and inference(one.concept, fact.concept) is None for one in spoken)
        ),
        "nothing is told": float(not spoken),
        "sentence is told": float(min(2, len(beside))),
        "report is short": float(len(seen.tokens) < SHORT),
        "words of sentence": math.log(span.last - span.first + 1),
        "comes late": float(3 * fact.sentence >= 2 * len(seen.sentences)),
        "organ was examined": float(place is not None and not telling.examined.isdisjoint(lexicon().around[place])),
        "acute kind": float(lexicon().concepts[fact.concept].is_acute),
        "has a name": float(not above.isdisjoint(NEVER_PASSED_OVER)),
        "lesion": float("lesion" in above),
        "new or larger": float(fact.change in ("new", "larger")),
        "unchanged": float(fact.change in ("unchanged", "again")),
        "possible": float(fact.certainty <= POSSIBLE),
        "probable": float(POSSIBLE < fact.certainty < STATED),
        "made light of": float(discount(fact, seen)),
    }


def _heft(fact: Fact) -> int:
    """How much it stands out, more when it is news and less when it is not."""
    return salience(fact) + (fact.change in ("new", "larger")) - (fact.change in ("unchanged", "again"))


@cache
def _weights() -> dict[str, float]:
    return {name: float(weight) for name, weight, _ in rows_of("left_out.tsv", 3)}


__all__ = ["Telling", "is_missed", "signs", "weighed"]
