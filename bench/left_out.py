"""Claim: what a colleague would have left out of an impression, too, can be learned from impressions that were right.

`python -m bench.left_out` gathers what the rules find left out and do not excuse, in the shipped dictations: in correct impressions it was left
out rightly; in the same with an omission written by hand, planted, or with one statement taken away, what is newly missing was not. A logistic
regression over the signs of engine/left_out.py is fitted without one writer at a time and counted on that writer's reports, beside the rules
alone, which were tuned on them (docs/safety.md). `--write` fits it on all and writes engine/lexicon/left_out.tsv.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from unittest.mock import patch

import numpy as np

from bench.safety import DICTATIONS, SUITE, Row
from bench.safety_injector import drop_finding, statements
from engine import interpretation
from engine.checks import check
from engine.facts import Fact
from engine.impression import Flag
from engine.left_out import Telling, is_missed, signs
from engine.lexicon import HERE

TABLE = HERE / "left_out.tsv"
#: What an example counts in the fit: a statement taken away may have been no loss.
COUNTS = {"correct": 1.0, "by hand": 2.0, "planted": 1.0, "taken away": 0.3}
#: Strength of the ridge, in units of one example.
RIDGE = 20.0
#: How often each impression is offered to the injector.
TURNS = 6
HEAD = """# What is known of a finding that the impression leaves out, and how much each sign says that it should not have been: a positive weight asks.
# Written by `python -m bench.left_out --write` from the shipped dictations (seed {seed}); engine/left_out.py reads it and says what each sign is.
# sign\tweight\tof a finding that was missed, and of one left out rightly: how often, or how much, on average
"""


@dataclass(frozen=True)
class Missing:
    """One finding that an impression leaves out without an excuse."""

    fact: Fact
    flag: Flag
    signs: dict[str, float]
    is_missed: bool | None = None  #: None: the correct impression leaves it out as well


@dataclass(frozen=True)
class Case:
    """An impression of a report, and what it leaves out."""

    writer: str
    kind: str
    missing: list[Missing] = field(repr=False)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seed", type=int, default=7, help="seed of the planted omissions")
    asked.add_argument("--write", action="store_true", help=f"fit on all and write {TABLE.name}")
    options = asked.parse_args()
    paths = {"suite": SUITE} | {name: path for name, path in DICTATIONS.items() if not name.startswith("unseen")}
    cases = [case for name, path in paths.items() for case in cases_of(name, path, options.seed)]
    if not cases:
        raise SystemExit("Nothing was heard: run this in plain Python (`make plain`); a compiled room cannot be listened to.")
    print(
        f"seed {options.seed}: {len(cases)} impressions that leave something out; asked about by the rules alone -> and by what was learned from others"
    )
    print(in_words(cases, out_of_fold(cases)))
    if options.write:
        write(cases, options.seed)


def cases_of(writer: str, path: Path, seed: int) -> Iterator[Case]:
    """Every impression of a set that leaves something out, correct ones first, then what was made of them."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        name = f"{writer} {'even' if number % 2 else 'odd'} rows" if writer == "suite" else writer
        right = {text: missing_from(row, text) for text in row["impressions"]}
        yield from (Case(name, "correct", _labelled(missing, None)) for missing in right.values() if missing)
        for kind, text, origin in _worse(row, f"{seed}/{writer}/{number}"):
            missing = _labelled(missing_from(row, text), right[origin])
            if any(one.is_missed for one in missing):
                yield Case(name, kind, missing)


def _worse(row: Row, seed: str) -> Iterator[tuple[str, str, str]]:
    """Impressions with something left out: how they were made, the text, and the correct one each comes from."""
    for error in row.get("errors", ()):
        if error["class"] == "omission":
            text = error["impression"]
            yield (
                "by hand",
                text,
                max(row["impressions"], key=lambda one: SequenceMatcher(None, one.split(), text.split()).ratio()),
            )
    for origin in row["impressions"]:
        made = [drop_finding(row["findings"], origin, random.Random(f"{seed}/{turn}")) for turn in range(TURNS)]
        planted = {text for text, _ in filter(None, made)}
        parts = statements(origin)
        rest = (
            {f"{origin[:start].rstrip()} {origin[end:].lstrip()}".strip() for start, end, _ in parts} if len(parts) > 1 else set()
        )
        yield from (("planted", text, origin) for text in sorted(planted))
        yield from (("taken away", text, origin) for text in sorted(rest - planted))


def missing_from(row: Row, impression: str) -> list[Missing]:
    with _listening() as heard:
        told = {name: row.get(name) or "" for name in ("indication", "comparison", "exam")}
        check(row["findings"], impression, **told)
    return heard


@contextmanager
def _listening() -> Iterator[list[Missing]]:
    """Hears what the rules ask about before it is weighed."""
    heard: list[Missing] = []

    def listen(found: Sequence[tuple[Fact, Flag]], telling: Telling) -> list[Flag]:
        heard.extend(Missing(fact, flag, signs(fact, telling)) for fact, flag in found)
        return [flag for _, flag in found]

    with patch.object(interpretation, "weighed", listen):
        yield heard


def _labelled(missing: Sequence[Missing], right: Sequence[Missing] | None) -> list[Missing]:
    """Correct impressions leave out rightly; of others, what the correct one does not leave out is missed, and of the rest nothing is known."""
    known = {_key(one) for one in right or ()}
    return [
        Missing(one.fact, one.flag, one.signs, False if right is None else None if _key(one) in known else True)
        for one in missing
    ]


def _key(one: Missing) -> tuple[str, int, int]:
    return one.fact.concept, one.fact.start, one.fact.end


# --- fitting ---------------------------------------------------------------------------------------------------------


def out_of_fold(cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """For every writer the weights learned from all others."""
    return {
        writer: fitted([case for case in cases if case.writer != writer])
        for writer in dict.fromkeys(case.writer for case in cases)
    }


def fitted(cases: Sequence[Case]) -> dict[str, float]:
    """Weights of a logistic regression with a ridge, by Newton's method on standardised signs, given for the signs as they are."""
    examples = [(one, case.kind) for case in cases for one in case.missing if one.is_missed is not None]
    names = list(examples[0][0].signs)
    values = np.array([[one.signs[name] for name in names] for one, _ in examples])
    missed = np.array([float(bool(one.is_missed)) for one, _ in examples])
    counts = np.array([COUNTS[kind] for _, kind in examples])
    mean, spread = values.mean(0), values.std(0)
    mean[0], spread[0] = 0.0, 1.0  # "always"
    spread[spread == 0] = 1.0
    scaled = (values - mean) / spread
    ridge = np.diag([0.0] + [RIDGE] * (len(names) - 1))
    weights = np.zeros(len(names))
    for _ in range(30):
        likely = 1 / (1 + np.exp(-scaled @ weights))
        slope = scaled.T @ (counts * (missed - likely)) - ridge @ weights
        bend = (scaled * (counts * likely * (1 - likely))[:, None]).T @ scaled + ridge
        weights += np.linalg.solve(bend, slope)
    weights /= spread
    weights[0] -= weights[1:] @ mean[1:]
    return dict(zip(names, (float(weight) for weight in weights), strict=True))


# --- counting --------------------------------------------------------------------------------------------------------


def in_words(cases: Sequence[Case], weights: dict[str, dict[str, float]]) -> str:
    """A line per writer and one for all: impressions asked about, before and after."""
    lines = []
    for writer in [*weights, "all"]:
        rows = [case for case in cases if writer in (case.writer, "all")]
        of, before, after = Counter[str](), Counter[str](), Counter[str]()
        for case in rows:
            of[case.kind] += 1
            before[case.kind] += any(_counts(one, case) for one in case.missing)
            after[case.kind] += any(
                _counts(one, case) and is_missed(one.fact, one.flag, one.signs, weights[case.writer]) for one in case.missing
            )
        told = "; ".join(f"{kind} {before[kind]} -> {after[kind]} of {of[kind]}" for kind in COUNTS if of[kind])
        lines.append(f"{writer:20} {told}")
    return "\n".join(lines)


def _counts(one: Missing, case: Case) -> bool:
    return one.flag.severity != "minor" and (case.kind == "correct" or bool(one.is_missed))


def write(cases: Sequence[Case], seed: int) -> None:
    weights = fitted(cases)
    known = [one for case in cases for one in case.missing if one.is_missed is not None]
    means = {
        name: [float(np.mean([one.signs[name] for one in known if one.is_missed is truth])) for truth in (True, False)]
        for name in weights
    }
    rows = [f"{name}\t{weight:+.3f}\t{means[name][0]:.2f}, {means[name][1]:.2f}" for name, weight in weights.items()]
    TABLE.write_text(HEAD.format(seed=seed) + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"{TABLE.name}: {len(rows)} signs")


if __name__ == "__main__":
    main()
