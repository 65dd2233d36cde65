"""How long one check takes: pairs of about 300 words made of the shipped suite, and how the time grows with the length.

Processor time of one thread is counted, so a busy machine changes it less; every pair is another one and read for the first time. Only
the very first, which loads the lexicon, is not counted.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

from engine import facts
from engine.checks import check

Row = dict[str, Any]
WORDS = 300
FACTORS = (1, 2, 4, 8, 16)
EACH = 5  #: pairs of every length


def measure(suite: Sequence[Row], pairs: int, seed: int) -> Row:
    rng = random.Random(seed)
    made = [pair_of(suite, rng, WORDS) for _ in range(pairs)]
    _milliseconds(*made[0])
    times = sorted(_milliseconds(*pair) for pair in made)
    growth = {factor: [pair_of(suite, rng, factor * WORDS) for _ in range(EACH)] for factor in FACTORS}
    taken = {factor: statistics.median(_milliseconds(*pair) for pair in longer) for factor, longer in growth.items()}
    return {
        "how": "plain Python" if facts.__file__.endswith(".py") else "compiled (make fast)",
        "pairs": pairs,
        "seed": seed,
        "words": round(statistics.mean(len(f"{findings} {impression}".split()) for findings, impression in made)),
        "ms_median": round(statistics.median(times), 2),
        "ms_p99.9": round(times[min(len(times) - 1, int(0.999 * len(times)))], 2),
        "ms_worst": round(times[-1], 2),
        "times_as_long": {factor: round(ms / taken[1], 2) for factor, ms in taken.items()},
        "slope": round(slope(taken), 2),
    }


def slope(taken: Mapping[int, float]) -> float:
    """The power of the length that the time grows with, fitted to logarithms: 1 is linear, 2 is every statement against every other."""
    return statistics.linear_regression([math.log(factor) for factor in taken], [math.log(ms) for ms in taken.values()]).slope


def pair_of(suite: Sequence[Row], rng: random.Random, words: int) -> tuple[str, str]:
    """Findings and impressions of several cases one after the other, until both together have so many words."""
    findings: list[str] = []
    impression: list[str] = []
    while sum(len(text.split()) for text in (*findings, *impression)) < words:
        case = rng.choice(suite)
        findings.append(case["findings"])
        impression.append(case["impression"])
    return " ".join(findings), " ".join(impression)


def _milliseconds(findings: str, impression: str) -> float:
    facts.forget()
    started = time.thread_time()
    check(findings, impression)
    return 1000 * (time.thread_time() - started)


def in_words(figures: Row) -> str:
    growth = ", ".join(f"{factor}x: {taken}" for factor, taken in figures["times_as_long"].items())
    return (
        f"{figures['how']}, {figures['pairs']} pairs of {figures['words']} words, seed {figures['seed']}: median {figures['ms_median']} ms, "
        f"99.9th percentile {figures['ms_p99.9']} ms, worst {figures['ms_worst']} ms\n"
        f"time by length: {growth}; grows with its power {figures['slope']}"
    )
