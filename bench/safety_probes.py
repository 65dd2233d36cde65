"""Cheap tricks against the fact score: each should score below the impression that a radiologist wrote for the report.

A trick loses when it scores less; a tie is counted apart and is no loss. A report counts as abnormal when it is coded so, and when both its
findings and its impression state a finding: where one of them holds nothing (masked, or left out), "no acute abnormality" is the right
answer and no trick. A neighbour's impression is a trick only where it says something else: often it states the very findings of the human
impression ("COPD. No acute findings." for "COPD with no acute changes"), and then no score that sees only the findings can prefer either. So it
is given three times: for all reports, for neighbours that the human coders coded differently, and for those whose impression does not state the
same findings attribute by attribute (the rule by which own words may replace a draft). What is copied word for word is asked of nobody.

A reward must also fall when something goes wrong: the share of planted errors (bench/safety_injector.py) that score below the untouched text.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.safety_injector import injections
from engine.checks import fact_score
from engine.facts import Fact, read_facts
from engine.lexicon import lexicon
from engine.rewording import keeps_the_facts

Row = dict[str, Any]
CONSTANT = "No acute cardiopulmonary abnormality."
DENIALS = "No pneumothorax, pleural effusion or focal consolidation. Heart size is normal."
WORD = re.compile(r"[a-z]+")


def measure(rows: Sequence[Row], library: Sequence[Row], limit: int) -> Row:
    abnormal = [
        row for row in rows if row["mesh"] != ["normal"] and all(_states(row[part]) for part in ("findings", "impression"))
    ]
    abnormal = abnormal[:limit] if limit else abnormal
    nearest = Neighbours(library)
    everything = ". ".join(concept.label for concept in lexicon().concepts.values() if concept.kind == "finding") + "."
    outcome: dict[str, Counter[str]] = {}
    human = []
    for number, row in enumerate(abnormal):
        told = {name: row[name] for name in ("indication", "comparison")}
        own = fact_score(row["findings"], row["impression"], **told)
        human.append(own)
        neighbour = nearest.of(row)
        tricks = {
            "constant": CONSTANT,
            "denials": DENIALS,
            "findings copied": row["findings"],
            "neighbour": neighbour["impression"],
        }
        if {entry.split("/")[0] for entry in neighbour["mesh"]} != {entry.split("/")[0] for entry in row["mesh"]}:
            tricks["neighbour coded differently"] = neighbour["impression"]
        if not keeps_the_facts(row["impression"], neighbour["impression"], row["findings"]):
            tricks["neighbour of other facts"] = neighbour["impression"]
        if number % 10 == 0:  # a thousand concepts are slow, and always the same
            tricks["every concept"] = everything
        for name, text in tricks.items():
            if _bare(text) != _bare(row["impression"]):
                outcome.setdefault(name, Counter())[_against(own, fact_score(row["findings"], text, **told))] += 1
    return {
        "abnormal_reports": len(abnormal),
        "human_mean": round(sum(human) / max(1, len(human)), 3),
        "tricks": {
            name: {"asked": counts.total(), "loses": round(counts["loses"] / counts.total(), 4), "ties": round(counts["ties"] / counts.total(), 4)}
            for name, counts in outcome.items()
        },
    }  # fmt: skip


def planted(rows: Sequence[Row], seed: int) -> Row:
    """How many impressions with one planted error score below the same impression without it."""
    lower: Counter[bool] = Counter()
    for row in rows:
        told = {name: row.get(name, "") for name in ("indication", "comparison", "exam")}
        own = fact_score(row["findings"], row["impression"], **told)
        for injection in injections(row["findings"], row["impression"], random.Random(f"{seed}/0/{row['id']}")):
            lower[_against(own, fact_score(row["findings"], injection.impression, **told)) == "loses"] += 1
    return {"asked": lower.total(), "lower": round(lower[True] / max(1, lower.total()), 4)}


def _states(text: str) -> list[Fact]:
    above = lexicon().concepts
    return [fact for fact in read_facts(text) if fact.is_present and not fact.is_history and above[fact.concept].weight > 0]


def _against(human: float, trick: float) -> str:
    return "loses" if trick < human - 1e-9 else "ties" if trick <= human + 1e-9 else "wins"


def _bare(text: str) -> str:
    return " ".join(WORD.findall(text.lower()))


class Neighbours:
    """The most alike findings of a library, by the cosine of their word weights (TF-IDF)."""

    def __init__(self, library: Sequence[Row]):
        self.library = library
        counts = [Counter(WORD.findall(row["findings"].lower())) for row in library]
        seen = Counter(word for one in counts for word in one)
        self.weight = {word: math.log(len(library) / (1 + often)) for word, often in seen.items()}
        self.postings: dict[str, list[tuple[int, float]]] = {}
        for index, one in enumerate(counts):
            for word, value in self._unit(one).items():
                self.postings.setdefault(word, []).append((index, value))

    def _unit(self, counts: Counter[str]) -> dict[str, float]:
        values = {word: often * self.weight.get(word, 0.0) for word, often in counts.items()}
        length = math.sqrt(sum(value * value for value in values.values())) or 1.0
        return {word: value / length for word, value in values.items()}

    def of(self, row: Row) -> Row:
        """The nearest other report."""
        alike: Counter[int] = Counter()
        for word, value in self._unit(Counter(WORD.findall(row["findings"].lower()))).items():
            for index, other in self.postings.get(word, ()):
                alike[index] += value * other  # type: ignore[assignment]
        return next(self.library[index] for index, _ in alike.most_common(5) if self.library[index]["id"] != row["id"])


def in_words(figures: Row) -> str:
    lines = [f"{figures['abnormal_reports']} abnormal reports, human impression {figures['human_mean']} on average"]
    for name, one in figures["tricks"].items():
        lines.append(f"  {name:28} loses on {one['loses']:.1%}, ties on {one['ties']:.1%} of {one['asked']}")
    lines.append(
        f"planted errors: {figures['planted']['lower']:.1%} of {figures['planted']['asked']} score below the untouched impression"
    )
    return "\n".join(lines)
