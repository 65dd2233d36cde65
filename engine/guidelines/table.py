"""Reads a guideline's table (TOML) and finds the row that fits what is known, or the inputs that would decide between rows.

A row lists conditions; the first row whose conditions all hold is the answer. A condition on something unknown is neither true nor
false: then every way of filling the gap is tried, and only if all ways lead to the same action and interval is there an answer.
Otherwise the inputs that made the difference are what is missing. This is the whole of abstention, in one place.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.guidelines.answer import Action, Answer

FOLDER = Path(__file__).parent
_COMPARISON = re.compile(r"(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)")
_MOST_WAYS = 4096


@dataclass(frozen=True, slots=True)
class Between:
    """A number known only to lie in a range: `subcentimetre` is Between(0, 10, high_open=True)."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def within(self, op: str, bound: float) -> bool | None:
        """Whether every (True), no (False) or only some (None) value of the range satisfies `value op bound`."""
        if op in (">", ">="):
            flipped = Between(-self.high, -self.low, self.high_open, self.low_open)
            return flipped.within("<" if op == ">" else "<=", -bound)
        all_below = self.high < bound or (self.high == bound and (self.high_open or op == "<="))
        none_below = self.low > bound or (self.low == bound and (self.low_open or op == "<"))
        return True if all_below else False if none_below else None


Fact = str | bool | float | Between | None
Facts = Mapping[str, Fact]


def holds(condition: Any, fact: Fact) -> bool | None:
    """One condition of a row against one fact; None when the fact does not tell."""
    if fact is None:
        return None
    if isinstance(condition, list):
        return any(holds(one, fact) for one in condition)
    if isinstance(condition, str) and not isinstance(fact, str):
        comparisons = _COMPARISON.findall(condition)
        known = fact if isinstance(fact, Between) else Between(float(fact), float(fact))
        verdicts = [known.within(op, float(bound)) for op, bound in comparisons]
        return False if False in verdicts else None if None in verdicts else True
    return bool(condition == fact)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table. `interval` in months."""

    id: str
    when: Mapping[str, Any]
    category: str | None
    recommendation: str
    action: Action | None
    interval: tuple[float, float] | None
    modality: str | None

    def fits(self, facts: Facts) -> bool | None:
        verdict: bool | None = True
        for name, condition in self.when.items():
            one = holds(condition, facts.get(name))
            if one is False:
                return False
            verdict = None if one is None else verdict
        return verdict


@dataclass(frozen=True, slots=True)
class Table:
    """A guideline as a table, as it stands in its TOML file."""

    key: str
    guideline: str
    version: str
    citation: str
    sources: tuple[str, ...]
    applies: str
    not_for: str
    #: fact of a row -> the plain name under which it is asked for
    inputs: Mapping[str, str]
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    #: the category itself is the answer (every RADS): rows of different categories are never taken for the same
    category_decides: bool = False

    def outcome(self, row: Row) -> tuple[Any, ...]:
        """What matters of a row: between two rows with the same outcome no question is asked."""
        return row.action, row.interval, row.category if self.category_decides else None

    def decide(self, facts: Facts, span: tuple[int, int] | None = None) -> Answer | None:
        """The answer for these facts; None when no row speaks of them."""
        candidates: list[Row] = []
        settled = False
        for row in self.rows:
            verdict = row.fits(facts)
            if verdict is not False:
                candidates.append(row)
            if verdict:
                settled = True
                break
        if not candidates:
            return None
        if settled and len({self.outcome(row) for row in candidates}) == 1:
            return self.answer(candidates, span)
        deciding = self._deciding(candidates, facts)
        return self.ask(deciding, span) if deciding else self.answer(candidates, span)

    def answer(self, rows: list[Row], span: tuple[int, int] | None) -> Answer:
        """An answer from rows that agree on what to do."""
        row = rows[-1]
        categories = list(dict.fromkeys(one.category for one in rows if one.category))
        return Answer(
            guideline=self.guideline,
            version=self.version,
            citation=self.citation,
            category=" or ".join(categories) or None,
            recommendation=row.recommendation,
            action=row.action,
            interval_months=row.interval,
            modality=row.modality,
            findings_span=span,
            rule=f"{self.key}/{row.id}",
        )

    def ask(self, names: tuple[str, ...], span: tuple[int, int] | None) -> Answer:
        """An answer that recommends nothing and says what it would need."""
        return Answer(self.guideline, self.version, self.citation, missing=names, findings_span=span)

    def _deciding(self, candidates: list[Row], facts: Facts) -> tuple[str, ...]:
        """The inputs that, being unknown, change the outcome; empty when every way of filling the gaps leads to the same."""
        open_facts = [
            name
            for name in dict.fromkeys(name for row in candidates for name in row.when)
            if any(holds(row.when[name], facts.get(name)) is None for row in candidates if name in row.when)
        ]
        choices = [self._representatives(name, facts.get(name)) for name in open_facts]
        ways = 1
        for choice in choices:
            ways *= len(choice)
        if ways > _MOST_WAYS:
            return self._named(open_facts)
        outcomes = {
            way: self._first(candidates, {**facts, **dict(zip(open_facts, way, strict=True))})
            for way in itertools.product(*choices)
        }
        if set(outcomes.values()) == {None}:
            return self._named(open_facts)
        return self._named(
            [
                name
                for index, name in enumerate(open_facts)
                if any(
                    outcomes[way] != outcomes[(*way[:index], other, *way[index + 1 :])]
                    for way in outcomes
                    for other in choices[index]
                )
            ]
        )

    def _named(self, facts: list[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.inputs.get(name, name.replace("_", " ")) for name in facts))

    def _first(self, candidates: list[Row], facts: Facts) -> tuple[Any, ...] | None:
        return next((self.outcome(row) for row in candidates if row.fits(facts)), None)

    def _representatives(self, name: str, fact: Fact) -> list[Fact]:
        """Enough values of one fact to reach every row that asks for it, inside what is known of it."""
        values: list[Fact] = []
        for row in self.rows:
            condition = row.when.get(name)
            for one in condition if isinstance(condition, list) else [condition]:
                if isinstance(one, bool):
                    values += [True, False]
                elif isinstance(one, str) and _COMPARISON.search(one):
                    for _, bound in _COMPARISON.findall(one):
                        values += [float(bound) - 0.25, float(bound), float(bound) + 0.25]
                elif one is not None:
                    values.append(one)
        if isinstance(fact, Between):
            values = [v for v in values if isinstance(v, float) and _inside(fact, v)]
        return list(dict.fromkeys(values))


def _inside(known: Between, value: float) -> bool:
    above = value > known.low or (value == known.low and not known.low_open)
    below = value < known.high or (value == known.high and not known.high_open)
    return above and below


@cache
def load(key: str) -> Table:
    """The table `<key>.toml` beside this file."""
    raw = tomllib.loads((FOLDER / f"{key}.toml").read_text(encoding="utf-8"))
    rows = tuple(
        Row(
            id=row["id"],
            when=row.get("when", {}),
            category=row.get("category"),
            recommendation=row["recommendation"],
            action=row.get("action"),
            interval=(row["interval"][0], row["interval"][1]) if "interval" in row else None,
            modality=row.get("modality"),
        )
        for row in raw["rows"]
    )
    return Table(
        key=key,
        guideline=raw["guideline"],
        version=raw["version"],
        citation=raw["citation"],
        sources=tuple(raw["sources"]),
        applies=raw["applies"],
        not_for=raw["not_for"],
        inputs=raw.get("inputs", {}),
        notes=tuple(raw.get("notes", ())),
        rows=rows,
        category_decides=raw.get("category_decides", False),
    )
