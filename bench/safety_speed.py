"""How long one check takes: pairs of about 300 words made of the shipped suite, and how the time grows with the length.

Processor time of one thread is counted, so a busy machine changes little; the first pair, which loads the lexicon, is not counted.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from engine.checks import check

Row = dict[str, Any]
WORDS = 300


def measure(suite: Sequence[Row], pairs: int, seed: int) -> Row:
    rng = random.Random(seed)
    made = [pair_of(suite, rng, WORDS) for _ in range(pairs)]
    _milliseconds(*made[0])
    times = sorted(_milliseconds(*pair) for pair in made)
    growth = {factor: _fastest(pair_of(suite, random.Random(seed), factor * WORDS)) for factor in (1, 2, 4, 8, 16)}
    return {
        "pairs": pairs,
        "seed": seed,
        "words": round(statistics.mean(len(f"{findings} {impression}".split()) for findings, impression in made)),
        "ms_median": round(statistics.median(times), 2),
        "ms_p99.9": round(times[min(len(times) - 1, int(0.999 * len(times)))], 2),
        "ms_worst": round(times[-1], 2),
        "times_as_long": {factor: round(taken / growth[1], 2) for factor, taken in growth.items()},
    }


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
    started = time.thread_time()
    check(findings, impression)
    return 1000 * (time.thread_time() - started)


def _fastest(pair: tuple[str, str]) -> float:
    return min(_milliseconds(*pair) for _ in range(5))


def in_words(figures: Row) -> str:
    growth = ", ".join(f"{factor}x: {taken}" for factor, taken in figures["times_as_long"].items())
    return (
        f"{figures['pairs']} pairs of {figures['words']} words, seed {figures['seed']}: median {figures['ms_median']} ms, "
        f"99.9th percentile {figures['ms_p99.9']} ms, worst {figures['ms_worst']} ms\ntime by length: {growth}"
    )
