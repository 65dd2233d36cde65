"""How a finding went on and how old it is, in the impression and in the findings: larger, new, unchanged, acute, chronic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.fact import Fact
from engine.impression import Flag, FlagClass
from engine.kinship import same_kind
from engine.lexicon import lexicon
from engine.measures import same_size
from engine.messages import quoted

Distance = Callable[[Fact, Fact], float]


def _course(fact: Fact) -> str | None:
    return fact.change or ("unchanged" if fact.acuity == "chronic" else None) or growth_of(fact)


def growth_of(fact: Fact) -> str | None:
    """`4.8 cm, previously 4.3 cm` has grown; two millimetres are the least that a reader measures again."""
    if not fact.earlier_sizes:
        return None
    now, was = max(map(max, filter(None, fact.sizes)), default=0.0), max(map(max, filter(None, fact.earlier_sizes)), default=0.0)
    if not (now and was) or abs(now - was) < 2 or same_size(now, was):
        return None
    return "larger" if now > was else "smaller"


def change_differs(fact: Fact, partner: Fact, pool: Sequence[Fact], distance: Distance) -> Flag | None:
    if fact.change is None:
        return None
    if same_kind(fact.concept, partner.concept):  # of the signs of a disease each has its own course
        nearest = distance(fact, partner) + 0.3
        pool = [other for other in pool if distance(fact, other) <= nearest]
    pool = [partner, *pool]
    if fact.acuity == "chronic":
        pool = [replace(other, acuity=None) for other in pool]  # "interval healing of fractures" of old ones: both call them old
        partner = pool[0]
    courses = {_course(other) for other in pool}
    if fact.change in courses or not courses - {None}:
        return None
    if fact.concept != partner.concept and partner.change is None:
        return None  # "healing fractures, new" of chronic deformities: their age is not the course of this
    told = courses | {fact.change}
    if "again" in told and not told & {"new", "resolved"}:
        return None  # "again seen" says that it was there, not how it went on
    partner = partner if _course(partner) else next(other for other in pool if _course(other))
    severity = "minor" if {fact.change, _course(partner)} in ({"new", "larger"}, {"unchanged", "smaller"}) else "major"
    message = f"Course differs: the impression says {quoted(fact)} ({fact.change}), the findings say {quoted(partner)} ({_course(partner)})."
    return _flag(severity, message, fact, partner)


def age_differs(fact: Fact, partner: Fact, pool: Sequence[Fact]) -> Flag | None:
    """`Acute lacunar infarct` of an old one, `chronic tear` of an acute one, where every finding that may be meant has the other age."""
    if fact.acuity not in ("acute", "chronic") or not pool or fact.change is not None:
        return None
    other = "chronic" if fact.acuity == "acute" else "acute"
    if any(_age_of(one) != other for one in (partner, *pool)):
        return None
    message = f"Course differs: the impression says {quoted(fact)} ({fact.acuity}), the findings say {quoted(partner)} ({other})."
    return _flag("major", message, fact, partner)


def _age_of(fact: Fact) -> str | None:
    return "chronic" if fact.concept in lexicon().aged.values() else fact.acuity


def _flag(severity: str, message: str, fact: Fact, partner: Fact) -> Flag:
    return Flag(FlagClass.TEMPORAL, severity, message, (fact.start, fact.end), (partner.start, partner.end))  # type: ignore[arg-type]
