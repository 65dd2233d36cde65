"""Numbers that say a finding by themselves: an RV/LV ratio of 0.8 denies right heart strain, 15 cm are a large spleen."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from engine.fact import EXCLUDED, STATED
from engine.lexicon import rows_of

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
#: Between the words and their number nothing else may stand: what is compared (`less than 1`), was before or is another's is read as nothing.
LEADING_UP = r"(?:\s*(?:is|of|measures|measuring|length|span|size|at|about|approximately|[:=(]))*\s*"
DIGIT = re.compile(r"\d")
BOUND = re.compile(r"([<>]=?)(-?[\d.]+)")


@dataclass(frozen=True, slots=True)
class Value:
    """One row of the table: where the number stands, and the bounds (comparison, number) of presence and absence."""

    pattern: re.Pattern[str]
    concept: str
    present: tuple[str, float] | None
    absent: tuple[str, float] | None


@cache
def told_by_number() -> frozenset[str]:
    """A sentence without any of these words has no such number."""
    return frozenset(row[0] for row in rows_of("values.tsv", 6))


def values_in(words: str) -> Iterator[tuple[str, int, int, int]]:
    """What the numbers of one sentence say: concept, certainty, and the place of the words in the sentence."""
    for value in _values() if DIGIT.search(words) and _any_value().search(words.lower()) else ():
        for match in value.pattern.finditer(words):
            number = float(match.group(1).replace("−", "-"))
            if _holds(value.present, number):
                yield value.concept, STATED, match.start(), match.end()
            elif _holds(value.absent, number):
                yield value.concept, EXCLUDED, match.start(), match.end()


def _holds(bound: tuple[str, float] | None, number: float) -> bool:
    return bound is not None and COMPARISONS[bound[0]](number, bound[1])


def _bound(cell: str) -> tuple[str, float] | None:
    found = BOUND.fullmatch(cell)
    return (found.group(1), float(found.group(2))) if found else None


@cache
def _any_value() -> re.Pattern[str]:
    """The words of every row before some number: asked once, where most sentences would be asked by every row in vain."""
    return re.compile(rf"\b(?:{'|'.join(row[1] for row in rows_of('values.tsv', 6))})\b{LEADING_UP}[-−]?\d")


@cache
def _values() -> tuple[Value, ...]:
    return tuple(
        Value(
            re.compile(rf"\b(?:{words})\b{LEADING_UP}([-−]?\d+(?:\.\d+)?)(?![\d.]*\d)\s?{unit}(?!\w)", re.IGNORECASE),
            concept, _bound(present), _bound(absent),
        )
        for _, words, unit, concept, present, absent in rows_of("values.tsv", 6)
    )  # fmt: skip
